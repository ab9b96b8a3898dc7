"""The mean of the last rows that came in: a global pool of a streaming model, by sums that run on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, clamp, requantize
from mcuq.ops.base import Op, Operand, Params, Real, i32
from mcuq.ops.mean import mean_multiplier
from mcuq.tensor import Array, QTensor, Shape

SUM_BYTES = 4  # int32, little-endian as all chips here are
MAX_PIXELS = INT32_MAX // 255  # whose sum stays within int32


@dataclass(frozen=True, eq=False)
class RunningMeanParams(Params):
    """What is kept: the sums of x - input_zero_point, the slot that the next row takes, and a ring of rows.

    Rows are kept as x ^ input_zero_point, so that zeros are rows of zero points, and sums of 0 theirs.
    """

    kernel: ClassVar[str] = "running_mean_s8"

    rows: i32  # new ones
    window: i32  # rows that are averaged
    columns: i32  # pixels of a row that are averaged
    channels: i32
    input_zero_point: i32
    divides: i32  # 1: round (sum of x / pixels) half away from zero, as a pool does; 0: requantize, as a mean does
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: what is kept changes in its place."""
        return (operand, output) == (1, 1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.run_all(*inputs)[0]

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """See :meth:`Params.run_all`."""
        samples, row = len(inputs[0]), self.columns * self.channels
        new = inputs[0].reshape(samples, self.rows, row)
        sums, slot, ring = self._kept(np.ascontiguousarray(inputs[1]))
        ring = ring.reshape(samples, self.window, row) ^ np.int8(self.input_zero_point)
        for k in range(self.rows):
            for sample in range(samples):
                old = ring[sample, slot[sample]].astype(np.int64)
                change = (new[sample, k] - old).reshape(self.columns, self.channels).sum(axis=0)
                sums[sample] += change
                ring[sample, slot[sample]] = new[sample, k]
            slot = (slot + 1) % self.window
        parts = (sums.astype("<i4").view(np.int8), slot[:, np.newaxis].astype("<i4").view(np.int8))
        kept = np.concatenate([*parts, (ring ^ np.int8(self.input_zero_point)).reshape(samples, -1)], axis=1)
        return self._mean(sums), kept

    def _kept(self, kept: Array) -> tuple[Array, Array, Array]:
        """Return the sums, int64, the slot, and the ring."""
        end = SUM_BYTES * self.channels
        sums = np.ascontiguousarray(kept[:, :end]).view("<i4").astype(np.int64)
        slot = np.ascontiguousarray(kept[:, end : end + SUM_BYTES]).view("<i4")[:, 0].astype(np.int64)
        return sums, slot, kept[:, end + SUM_BYTES :]

    def _mean(self, sums: Array) -> Array:
        if self.divides:
            count = self.window * self.columns
            total = sums + count * self.input_zero_point
            mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
        else:
            mean = requantize(sums, self.output_multiplier, self.output_shift) + self.output_zero_point
        return clamp(mean, self.activation_min, self.activation_max)


@dataclass(frozen=True)
class RunningMean(Op):
    """``y[c] = mean of the last rows of x[c]``: of ``window`` rows, of which x brings the new ones.

    Operands: x, [..., rows, columns, channels], and what is kept: four bytes for the sum of every channel, four for the
    slot of the next row, then the rows of the window. The outputs are the mean and what is kept. A call costs the
    additions of the new rows and of those that they replace, whatever the window. No file brings it, TensorFlow Lite
    Micro has no int8 twin of it.

    Quantization: that of the layer that it stands for: with ``divides`` an average pool's, else a mean's.

    - C1: what is kept has the bytes of the sums, a slot, and the rows of the window.
    - C2: x has no more rows than the window; its elements are rows of columns times channels.
    - C3: with ``divides``, x and y have the same scale and zero point.
    - C4: the sum of the window stays within int32.
    """

    name: ClassVar[str] = "running_mean"
    operands: ClassVar[int | None] = 2

    shape: Shape  # of the mean
    window: int
    columns: int
    divides: bool = False
    low: int = -128
    high: int = 127

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the shape of the mean; C1, C2."""
        return self.infer_shapes(*inputs)[0]

    def infer_shapes(self, *inputs: Shape) -> tuple[Shape, ...]:
        """See :meth:`Op.infer_shapes`: the mean's shape, and that of what is kept; C1, C2."""
        x, kept = inputs
        channels = math.prod(self.shape)
        row = self.columns * channels
        if math.prod(kept) != kept_bytes(self.window, self.columns, channels):
            raise ValueError(f"{math.prod(kept)} bytes kept for {self.window} rows of {row} in {channels} channels")
        if not row or math.prod(x) % row or math.prod(x) // row > self.window:
            raise ValueError(f"{x} is not a number of rows of {row}, at most {self.window}")
        return self.shape, kept

    def forward(self, *inputs: Real) -> Real:
        """What is kept are integers.

        Raises:
            CannotQuantizeError: always.
        """
        raise CannotQuantizeError("running_mean keeps integers")

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C3, C4."""
        x, channels = cast(QTensor, inputs[0]), output.elements
        pixels = self.window * self.columns
        if pixels > MAX_PIXELS:
            raise CannotQuantizeError(f"the sum of {pixels} elements can leave int32")
        if self.divides and (x.scale, x.zero_point) != (output.scale, output.zero_point):
            raise CannotQuantizeError("a pool's input and output must have the same scale and zero point")
        multiplier, shift = mean_multiplier(x.scale / output.scale, pixels, by_shift=output.by_shift)
        return RunningMeanParams(
            rows=x.elements // (self.columns * channels),
            window=self.window,
            columns=self.columns,
            channels=channels,
            input_zero_point=x.zero_point,
            divides=int(self.divides),
            output_zero_point=output.zero_point,
            output_multiplier=multiplier,
            output_shift=shift,
            activation_min=self.low,
            activation_max=self.high,
        )


def kept_bytes(window: int, columns: int, channels: int) -> int:
    """Return the bytes of sums, slot and rows."""
    return SUM_BYTES * (channels + 1) + window * columns * channels
