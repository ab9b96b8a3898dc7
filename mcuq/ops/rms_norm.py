"""Root mean square normalization over the last dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.normalization import NormalizeOp
from mcuq.tensor import Shape


@dataclass(frozen=True)
class RmsNorm(NormalizeOp):
    """``y = gamma * x / sqrt(mean(x * x) + epsilon) + beta`` over the last dimension.

    Quantization: as layer norm's, without the mean. TensorFlow Lite Micro has no int8 RMS norm: it has its parts.

    - C1: gamma and beta have one element, or one per element of a row.
    - C2: a row has at most 32767 elements.
    """

    name: ClassVar[str] = "rms_norm"
    center: ClassVar[bool] = False

    def pattern(self, shape: Shape) -> tuple[int, int, int, int]:
        """See :meth:`NormalizeOp.pattern`."""
        return math.prod(shape[:-1]), 1, 1, shape[-1]
