"""A window of rows that slides over what came in before: what a streaming model keeps of a layer's input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Op, Operand, Params, Real, i32, scale_of
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class SlideParams(Params):
    """Of every block the rows that stay move to its start, and the new ones follow."""

    kernel: ClassVar[str] = "slide_s8"

    blocks: i32
    window_bytes: i32  # of a block
    new_bytes: i32  # of a block, at most window_bytes

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: the window slides in its place."""
        return (operand, output) == (1, 0)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        new = inputs[0].reshape(len(inputs[0]), self.blocks, self.new_bytes)
        window = inputs[1].reshape(len(inputs[1]), self.blocks, self.window_bytes)
        return np.concatenate([window[:, :, self.new_bytes :], new], axis=2).reshape(len(new), -1)


@dataclass(frozen=True)
class Slide(Op):
    """``y = last rows of (window, x) along axis``: as many as the window has.

    Operands: the new rows x, and the window as it was. What a streaming model remembers of a layer's input; no file
    brings it, TensorFlow Lite Micro has no int8 twin of it.

    Quantization: bytes are copied, in place where the old window is needed no more.

    - C1: the axis exists; x and the window differ in no other dimension, and x has no more rows than the window.
    - C2: x, window and output have the same scale, zero point and type.
    """

    name: ClassVar[str] = "slide"
    operands: ClassVar[int | None] = 2
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True
    takes_uint8: ClassVar[bool] = True

    axis: int = 1

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the window's shape; C1."""
        new, window = inputs
        rank = len(window)
        if not 0 <= self.axis < rank:
            raise ValueError(f"axis {self.axis} of {rank} dimensions")
        beside = [(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in inputs]
        if len(new) != rank or beside[0] != beside[1] or new[self.axis] > window[self.axis]:
            raise ValueError(f"a window of {window} cannot take {new} along dimension {self.axis}")
        return window

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        new, window = inputs
        both = np.concatenate([np.broadcast_to(window, (len(new), *window.shape[1:])), new], axis=1 + self.axis)
        return both.take(range(new.shape[1 + self.axis], both.shape[1 + self.axis]), 1 + self.axis)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        for x, what in zip(inputs, ("the new rows have", "the window has"), strict=True):
            dtype = x.dtype if isinstance(x, QTensor) else x.values.dtype.name
            given, wanted = (scale_of(x), x.zero_point, dtype), (output.scale, output.zero_point, output.dtype)
            if given != wanted:
                raise CannotQuantizeError(
                    f"{what} (scale, zero point, type) {given}, the output {wanted}; must be equal"
                )
        blocks = math.prod(output.shape[: self.axis])
        return SlideParams(
            blocks=blocks,
            window_bytes=output.elements // blocks,
            new_bytes=inputs[0].elements // blocks,
        )
