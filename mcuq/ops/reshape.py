"""Another shape for the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Op, Operand, Params, Real, i32, scale_of
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class ReshapeParams(Params):
    """A copy, for the one case where a view is impossible: from the caller's input to the caller's output."""

    kernel: ClassVar[str] = "reshape_s8"
    is_view: ClassVar[bool] = True

    elements: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return inputs[0].copy()


@dataclass(frozen=True)
class Reshape(Op):
    """``y = x`` under another shape; costs nothing, the output lies where the input lies.

    Quantization: the input's.

    - C1: both shapes have the same number of elements.
    - C2: input and output have the same scale, zero point and type.
    """

    name: ClassVar[str] = "reshape"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True
    takes_uint8: ClassVar[bool] = True

    shape: Shape = ()

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the target shape; C1."""
        if math.prod(inputs[0]) != math.prod(self.shape):
            raise ValueError(f"{math.prod(inputs[0])} elements do not fill shape {self.shape}")
        return self.shape

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return inputs[0].reshape(-1, *self.shape)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        x = inputs[0]
        dtype = x.dtype if isinstance(x, QTensor) else str(x.values.dtype)
        given = (scale_of(x), x.zero_point, dtype)
        wanted = (output.scale, output.zero_point, output.dtype)
        if given != wanted:
            raise CannotQuantizeError(
                f"a reshape cannot change the quantization from {_text(*given)} to {_text(*wanted)}; "
                "add a QUANTIZE before it"
            )
        return ReshapeParams(elements=output.elements)


def _text(scale: float, zero_point: int, dtype: str) -> str:
    return f"{dtype} scale {scale:g} zero point {zero_point}"
