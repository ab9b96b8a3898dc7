"""Layer normalization over the last dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.normalization import NormalizeOp
from mcuq.tensor import Shape


@dataclass(frozen=True)
class LayerNorm(NormalizeOp):
    """``y = gamma * (x - mean(x)) / sqrt(variance(x) + epsilon) + beta`` over the last dimension.

    Quantization: exact sums of a row, the reciprocal of its root in 31 bits, normalized values with 12 fractional bits,
    one rounding to the output. TensorFlow Lite Micro has no int8 layer norm: it has its parts.

    - C1: gamma and beta have one element, or one per element of a row.
    - C2: a row has at most 32767 elements.
    """

    name: ClassVar[str] = "layer_norm"

    def pattern(self, shape: Shape) -> tuple[int, int, int, int]:
        """See :meth:`NormalizeOp.pattern`."""
        return math.prod(shape[:-1]), 1, 1, shape[-1]
