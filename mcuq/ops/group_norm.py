"""Group normalization of an image; instance normalization, with a group per channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.normalization import NormalizeOp
from mcuq.tensor import Shape


@dataclass(frozen=True)
class GroupNorm(NormalizeOp):
    """``y = gamma[c] * (x - mean) / sqrt(variance + epsilon) + beta[c]`` over all pixels of a group of channels, NHWC.

    Quantization: as layer norm's. TensorFlow Lite Micro has no int8 group norm: it has its parts.

    - C1: the batch is 1, groups divide the channels; gamma and beta have one element, or one per channel.
    - C2: a group has at most 32767 elements.
    """

    name: ClassVar[str] = "group_norm"

    groups: int = 1

    def pattern(self, shape: Shape) -> tuple[int, int, int, int]:
        """See :meth:`NormalizeOp.pattern`."""
        if len(shape) < 2 or shape[0] != 1 or self.groups < 1 or shape[-1] % self.groups:
            raise ValueError(f"{self.groups} groups of shape {shape}; it must be [1, ..., channels]")
        return 1, math.prod(shape[1:-1]), self.groups, shape[-1] // self.groups
