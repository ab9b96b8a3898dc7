"""Normalizations: what layer, RMS and group norms share, one kernel for all of them.

A row of D integers q becomes ``n = (D q - S) / sqrt(D sum(q q) - S S + E)``, where S is their sum, or 0 where the mean
is not taken off, and E the epsilon in the same unit; then ``factor[c] n + summand[c]``.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, Int64, clamp, shift_right
from mcuq.ops.base import Op, Operand, Params, Real, i32, i32_table, i32x4
from mcuq.tensor import Array, QConstant, QTensor, Shape

FRACTION = 12  # fractional bits of a normalized value
MOST = 1 << 15  # elements of a row: D sum(q q) stays under 2^46
MAX_FACTOR_BITS = 19
MAX_EPSILON_BITS = 51

_isqrt = np.vectorize(math.isqrt, otypes=[np.int64])


@dataclass(frozen=True, eq=False)
class NormalizeParams(Params):
    """The reciprocal of a row's root in 62 bits; the products with it and with the factors are rounded."""

    kernel: ClassVar[str] = "normalize_s8"

    shape: i32x4  # of the input: kept, reduced, kept, reduced
    zero_point: i32
    center: i32  # 1: the mean is taken off
    epsilon: i32  # E = epsilon * 2^epsilon_shift
    epsilon_shift: i32
    channels: i32  # entries of the tables: shape[2] * shape[3], or 1
    shift: i32  # of the sum, to the right
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    factors: i32_table  # (channels)
    summands: i32_table  # (channels)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        q = inputs[0].reshape(-1, *self.shape).astype(np.int64) - self.zero_point
        depth = self.shape[1] * self.shape[3]
        total = q.sum(axis=(2, 4), keepdims=True) * self.center
        square = depth * (q * q).sum(axis=(2, 4), keepdims=True) - total * total + (self.epsilon << self.epsilon_shift)
        reciprocal, right = _reciprocal_root(square)
        product = (depth * q - total) * reciprocal
        normalized = (product + (np.int64(1) << (right - 1))) >> right
        channels = self.shape[2:] if self.channels > 1 else (1, 1)
        factors, summands = (table.astype(np.int64).reshape(channels) for table in (self.factors, self.summands))
        scaled = shift_right(normalized * factors + summands, self.shift) + self.output_zero_point
        return clamp(scaled, self.activation_min, self.activation_max).reshape(len(inputs[0]), -1)


def _reciprocal_root(square: Int64) -> tuple[Int64, Int64]:
    """Return ``2^61 / sqrt(square 4^left)`` for the left that makes the root fill 31 bits, and the shift for Q12."""
    left = (62 - np.frexp(np.maximum(square, 1).astype(np.float64))[1].astype(np.int64)) // 2
    root = _isqrt(square << (2 * left))
    return np.where(square > 0, (np.int64(1) << 61) // np.maximum(root, 1), 0), 61 - FRACTION - left


@dataclass(frozen=True)
class NormalizeOp(Op):
    """An operator that normalizes rows: operands are x, a factor and a summand per channel, both constant.

    Subclasses say what a row is: :meth:`pattern`.
    """

    fine_constants: ClassVar[bool] = True
    center: ClassVar[bool] = True

    epsilon: float = 1e-5

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape; C1."""
        x, *constants = inputs
        pattern = self.pattern(x)
        if any(math.prod(shape) not in (1, pattern[2] * pattern[3]) for shape in constants) or len(constants) not in (
            0,
            2,
        ):
            raise ValueError(f"factors and summands of shapes {constants} for {pattern[2] * pattern[3]} channels")
        return x

    @abstractmethod
    def pattern(self, shape: Shape) -> tuple[int, int, int, int]:
        """Return a tensor's sizes as (kept, reduced, kept, reduced)."""

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x = inputs[0]
        pattern = self.pattern(x.shape[1:])
        rows = x.reshape(-1, *pattern)
        centered = rows - rows.mean(axis=(2, 4), keepdims=True) if self.center else rows
        y = centered / np.sqrt((centered * centered).mean(axis=(2, 4), keepdims=True) + self.epsilon)
        if len(inputs) > 1:
            factor, summand = (np.broadcast_to(part.ravel(), pattern[2] * pattern[3]) for part in inputs[1:])
            y = y * factor.reshape(pattern[2:]) + summand.reshape(pattern[2:])
        return np.asarray(y.reshape(x.shape))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        x = inputs[0]
        pattern = self.pattern(x.shape)
        depth = pattern[1] * pattern[3]
        if not isinstance(x, QTensor) or depth >= MOST:
            raise CannotQuantizeError(f"a norm over {depth} elements; at most {MOST - 1} are supported")
        factor, summand = _reals(inputs[1:], output.scale)
        shift, factors, summands = _fixed(factor, summand, depth)
        mantissa, exponent = math.frexp(depth * depth * self.epsilon / x.scale**2)
        kept = max(min(exponent, 30), 0)  # bits of the mantissa
        low, high = output.limits
        if exponent > MAX_EPSILON_BITS:
            raise CannotQuantizeError(f"epsilon {self.epsilon:g} is far above squares of steps of {x.scale:g}")
        return NormalizeParams(
            shape=pattern,
            zero_point=x.zero_point,
            center=int(self.center),
            epsilon=round(mantissa * 2**kept),
            epsilon_shift=max(exponent - kept, 0),
            channels=factors.size,
            shift=shift,
            output_zero_point=output.zero_point,
            activation_min=low,
            activation_max=high,
            factors=factors,
            summands=summands,
        )


def _reals(constants: Sequence[Operand], scale: float) -> tuple[Array, Array]:
    """Return factors and summands in steps of the output, of one size."""
    real = [c.real().ravel() / scale for c in constants if isinstance(c, QConstant)] or [
        np.full(1, 1 / scale),
        np.zeros(1),
    ]
    size = max(part.size for part in real)
    factor, summand = (np.broadcast_to(part, size) for part in real)
    return factor, summand


def _fixed(factor: Array, summand: Array, depth: int) -> tuple[int, Array, Array]:
    """Return the shift, and the tables with as many fractional bits as keep every sum within int32."""
    largest = (math.sqrt(depth) * 2**FRACTION + 1) * np.abs(factor) + np.abs(summand) * 2**FRACTION
    bits = min(MAX_FACTOR_BITS, math.floor(math.log2(INT32_MAX / 2 / max(float(largest.max()), 1e-300))))
    if bits + FRACTION < 0:
        raise CannotQuantizeError(f"normalized values reach {float(largest.max()) / 2**FRACTION:g} steps of the output")
    factors = np.rint(factor * 2.0**bits).astype(np.int32)
    return bits + FRACTION, factors, np.rint(summand * 2.0 ** (bits + FRACTION)).astype(np.int32)
