"""Dimensions in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.base import Op, Operand, Params, Real
from mcuq.ops.strided_copy import merge, strided_copy, strides_of
from mcuq.tensor import QTensor, Shape


@dataclass(frozen=True)
class Transpose(Op):
    """``y[i, j, ...] = x`` with dimension d of the output being dimension ``axes[d]`` of the input.

    Quantization: bytes are copied; where none moves (only dimensions of size 1 do) it costs nothing.

    - C1: the axes are a permutation of all dimensions.
    - C2: after merging dimensions that stay together, at most four are left.
    - C3: input and output have the same scale, zero point and type.
    """

    name: ClassVar[str] = "transpose"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True
    takes_uint8: ClassVar[bool] = True

    axes: tuple[int, ...]

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the shape in the new order; C1, C2."""
        x = inputs[0]
        if sorted(self.axes) != list(range(len(x))):
            raise ValueError(f"axes {self.axes} are not an order of {len(x)} dimensions")
        shape = tuple(x[axis] for axis in self.axes)
        merge(shape, self._strides(x))
        return shape

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return inputs[0].transpose(0, *(axis + 1 for axis in self.axes))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C3."""
        return strided_copy(inputs[0], output, 0, self._strides(inputs[0].shape))

    def _strides(self, shape: Shape) -> tuple[int, ...]:
        own = strides_of(shape)
        return tuple(own[axis] for axis in self.axes)
