"""The product of two activations as matrices, for every pair of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room
from mcuq.ops.base import Operand, Params, PlacedOp, Real, activate, fused_limits, i32, i32x4, scale_of
from mcuq.ops.broadcast import broadcast, broadcast_shape, expand
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class MatmulParams(Params):
    """Sums of products of centered integers are requantized."""

    kernel: ClassVar[str] = "matmul_s8"

    batch: i32x4  # pairs of matrices, outermost first
    strides_a: i32x4  # between matrices, in matrices; 0 repeats
    strides_b: i32x4
    rows: i32  # of the output
    columns: i32
    depth: i32
    transposed_a: i32  # 1: a is (depth, rows), 0: (rows, depth)
    transposed_b: i32  # 1: b is (columns, depth), 0: (depth, columns)
    zero_point_a: i32
    zero_point_b: i32
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        count = len(inputs[0])
        a = self._matrices(inputs[0], self.strides_a, self.rows * self.depth).astype(np.float64) - self.zero_point_a
        b = self._matrices(inputs[1], self.strides_b, self.columns * self.depth).astype(np.float64) - self.zero_point_b
        shape_a = (self.depth, self.rows) if self.transposed_a else (self.rows, self.depth)
        shape_b = (self.columns, self.depth) if self.transposed_b else (self.depth, self.columns)
        a, b = a.reshape(*a.shape[:-1], *shape_a), b.reshape(*b.shape[:-1], *shape_b)
        product = (a.swapaxes(-1, -2) if self.transposed_a else a) @ (b.swapaxes(-1, -2) if self.transposed_b else b)
        scaled = requantize(np.asarray(product, np.int64), self.output_multiplier, self.output_shift)
        return clamp(scaled + self.output_zero_point, self.activation_min, self.activation_max).reshape(count, -1)

    def _matrices(self, x: Array, strides: tuple[int, ...], elements: int) -> Array:
        """Repeat [samples, elements] to [samples, *batch, elements of a matrix]."""
        matrices = x.reshape(len(x), -1, elements)
        index = expand(np.arange(matrices.shape[1])[np.newaxis], self.batch, strides)[0]
        return matrices[:, index]


@dataclass(frozen=True)
class Matmul(PlacedOp):
    """``y[i, j] = act(factor * sum over k of a[i, k] b[k, j])`` for the last two dimensions; the others are broadcast.

    Quantization: one multiplier ``factor * s_a * s_b / s_out`` in double; with factor 1 TFLite's int8 BATCH_MATMUL.

    - C1: the matrices' sizes fit; after merging, broadcasting the others needs at most four dimensions.
    - C2: the sum of products stays within int32: a row has at most 33025 elements.
    - C3: the factor is a positive number.
    """

    name: ClassVar[str] = "matmul"
    operands: ClassVar[int | None] = 2

    transpose_a: bool = False
    transpose_b: bool = False
    activation: str = "none"
    factor: float = 1.0

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[..., rows, depth], [..., depth, columns] to [..., rows, columns]; C1, C3."""
        if not 0 < self.factor < math.inf:
            raise ValueError(f"a product of matrices times {self.factor}")
        (rows, depth), (other, columns) = self._sizes(*inputs[:2])
        if depth != other:
            raise ValueError(f"a product of matrices of {depth} columns and of {other} rows")
        broadcast(inputs[0][:-2], inputs[1][:-2])
        return (*broadcast_shape(inputs[0][:-2], inputs[1][:-2]), rows, columns)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        a, b = inputs
        product = (a.swapaxes(-1, -2) if self.transpose_a else a) @ (b.swapaxes(-1, -2) if self.transpose_b else b)
        return activate(self.activation, product if self.factor == 1 else self.factor * product)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        a, b = inputs
        (rows, depth), (_, columns) = self._sizes(a.shape, b.shape)
        if depth * 255 * 255 > INT32_MAX:
            raise CannotQuantizeError(f"a sum of {depth} products can leave int32; take it in two steps")
        batch, strides_a, strides_b = broadcast(a.shape[:-2], b.shape[:-2])
        real = self.factor * scale_of(a) * scale_of(b) / output.scale
        multiplier, shift = quantize_multiplier(real, by_shift=output.by_shift)
        check_room(depth * 255 * 255, multiplier, shift)
        low, high = fused_limits(self.activation, output)
        return MatmulParams(
            batch=batch,
            strides_a=strides_a,
            strides_b=strides_b,
            rows=rows,
            columns=columns,
            depth=depth,
            transposed_a=int(self.transpose_a),
            transposed_b=int(self.transpose_b),
            zero_point_a=a.zero_point,
            zero_point_b=b.zero_point,
            output_zero_point=output.zero_point,
            output_multiplier=multiplier,
            output_shift=shift,
            activation_min=low,
            activation_max=high,
        )

    def macs(self, *inputs: Shape) -> int:
        """Output elements times the depth."""
        return math.prod(self.infer_shape(*inputs)) * self._sizes(*inputs[:2])[0][1]

    def _sizes(self, a: Shape, b: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        if len(a) < 2 or len(b) < 2:
            raise ValueError(f"matrices of shapes {a} and {b}")
        (rows, depth), (other, columns) = a[-2:], b[-2:]
        first = (depth, rows) if self.transpose_a else (rows, depth)
        return first, ((columns, other) if self.transpose_b else (other, columns))
