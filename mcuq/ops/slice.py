"""A rectangular part of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.base import Op, Operand, Params, Real
from mcuq.ops.strided_copy import merge, strided_copy, strides_of
from mcuq.tensor import QTensor, Shape


@dataclass(frozen=True)
class Slice(Op):
    """``y = x[begin], x[begin + stride], ...``: ``size`` elements of every dimension.

    Quantization: bytes are copied, in place where the input is needed no more.

    - C1: one begin, size and stride (default 1) per dimension, within the input.
    - C2: after merging dimensions that stay together, at most four are left.
    - C3: input and output have the same scale, zero point and type.
    """

    name: ClassVar[str] = "slice"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True
    takes_uint8: ClassVar[bool] = True

    begin: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...] = ()  # may be negative; empty: 1 throughout

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the sizes; C1, C2."""
        x = inputs[0]
        if not len(x) == len(self.begin) == len(self.size) == len(self._steps()):
            raise ValueError(f"begin {self.begin}, size {self.size} and stride {self.stride} for {len(x)} dimensions")
        for n, first, count, step in zip(x, self.begin, self.size, self._steps(), strict=True):
            if not (0 <= first < n and count >= 1 and step != 0 and 0 <= first + (count - 1) * step < n):
                raise ValueError(f"{count} elements from {first} with stride {step} are not within {n}")
        merge(self.size, self._strides(x))
        return self.size

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        y = inputs[0]
        for axis, (first, count, step) in enumerate(zip(self.begin, self.size, self._steps(), strict=True), start=1):
            y = y.take(range(first, first + count * step, step), axis)
        return y

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C3."""
        x = inputs[0]
        offset = sum(first * stride for first, stride in zip(self.begin, strides_of(x.shape), strict=True))
        return strided_copy(x, output, offset, self._strides(x.shape))

    def _steps(self) -> tuple[int, ...]:
        return self.stride or (1,) * len(self.begin)

    def _strides(self, shape: Shape) -> tuple[int, ...]:
        return tuple(own * step for own, step in zip(strides_of(shape), self._steps(), strict=True))
