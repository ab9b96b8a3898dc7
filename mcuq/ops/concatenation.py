"""Concatenation of tensors along one dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Op, Operand, Params, Real, i32, i32_table, scale_of
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class ConcatenationParams(Params):
    """Each output row is one chunk of every input, in order."""

    kernel: ClassVar[str] = "concatenation_s8"
    variadic: ClassVar[bool] = True

    inputs: i32
    rows: i32
    row_bytes: i32  # of the output
    chunk_bytes: i32_table  # (inputs)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        chunks = [x.reshape(x.shape[0], self.rows, -1) for x in inputs]
        return np.concatenate(chunks, axis=2).reshape(inputs[0].shape[0], -1)


@dataclass(frozen=True)
class Concatenation(Op):
    """``y = inputs one after the other along axis``.

    Quantization: bytes are copied, as TensorFlow Lite Micro does without comparing scales.

    - C1: the axis exists, and the inputs differ in no other dimension.
    - C2: scale, zero point and type of every input are the output's.
    - C3: no fused activation.
    """

    name: ClassVar[str] = "concatenation"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True
    takes_uint8: ClassVar[bool] = True
    operands: ClassVar[int | None] = None

    axis: int = -1  # a negative one counts from the end

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the first input's shape with the sizes along the axis summed; C1."""
        rank = len(inputs[0])
        if not -rank <= self.axis < rank:
            raise ValueError(f"axis {self.axis} of {rank} dimensions")
        axis = self.axis % rank
        if len({(len(shape), shape[:axis], shape[axis + 1 :]) for shape in inputs}) != 1:
            raise ValueError(f"the inputs differ beside dimension {axis}")
        return (*inputs[0][:axis], sum(shape[axis] for shape in inputs), *inputs[0][axis + 1 :])

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        first = max(inputs, key=np.ndim)  # an activation; constants have no sample axis
        axis = 1 + self.axis % (first.ndim - 1)
        shapes = (x.shape if x.ndim == first.ndim else (len(first), *x.shape) for x in inputs)
        return np.concatenate([np.broadcast_to(x, s) for x, s in zip(inputs, shapes, strict=True)], axis=axis)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        for i, x in enumerate(inputs):
            _check_quantization(i, x, output)
        rows = math.prod(output.shape[: self.axis % len(output.shape)])
        return ConcatenationParams(
            inputs=len(inputs),
            rows=rows,
            row_bytes=output.bytes // rows,
            chunk_bytes=np.array([x.elements // rows for x in inputs], np.int32),
        )


def _check_quantization(index: int, x: Operand, output: QTensor) -> None:
    dtype = x.dtype if isinstance(x, QTensor) else x.values.dtype.name
    own, wanted = (scale_of(x), x.zero_point, dtype), (output.scale, output.zero_point, output.dtype)
    if own != wanted:
        raise CannotQuantizeError(
            f"input {index} of concatenation has (scale, zero point, type) {own}, the output {wanted}; "
            "they must be equal: quantize the model again"
        )
