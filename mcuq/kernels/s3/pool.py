"""Pooling and means on the ESP32-S3's vector unit: 16 channels side by side, pixel by pixel of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64, clamp, quantize_multiplier
from mcuq.floors import LARGEST, LEAST, Sums
from mcuq.kernels.channels import ordered_overlap, window_bytes
from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.forms import Part, served
from mcuq.kernels.s3.records import LANES, Group, table, unpacked
from mcuq.ops.average_pool import AveragePoolParams
from mcuq.ops.base import Overlap, Params, i8_table, i32_table
from mcuq.ops.max_pool import MaxPoolParams
from mcuq.ops.mean import MeanParams
from mcuq.ops.pooling import PoolParams, WindowsParams
from mcuq.tensor import Array

SCRATCH_BYTES = 64
MOST = 4095  # pixels of a window, whose sums lanes hold
SLANT = 1 / 256  # of a pixel, by which a step is less than an even number of them: see Averages


class Averages(Sums):
    """Sums that become averages, rounded half away from zero: TFLite's average pool.

    Of an odd number n of elements that is ``floor((x + (n - 1) / 2) / n)``. Of an even number the staircase of sums
    below 0 lies 1 to the right; a step a little shorter than n goes below both, as the solver proves.
    """

    def outputs(self, x: Int64) -> Int64:
        """Return the outputs of sums [channels, ...], whose number of elements is the zero point."""
        count = self.zero_point
        return np.asarray(np.clip(np.sign(x) * ((np.abs(x) + count // 2) // count), LEAST, LARGEST), np.int64)


@dataclass(frozen=True, eq=False)
class PoolS3Params(WindowsParams):
    """A window's part outside the image is not seen; a group of 16 channels is read before it is written."""

    alignment: ClassVar[int] = 16

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return SCRATCH_BYTES

    @property
    def distance(self) -> int:
        """See :meth:`Params.distance`."""
        return self.alignment

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`: pixel by pixel, group by group, forward only."""
        first, end = window_bytes(self.sliding, (self.input_h, self.input_w, self.channels))
        group = np.arange(0, self.channels, LANES)
        written = np.arange(0, len(first) * self.channels, LANES)
        read = (first[:, np.newaxis] + group).ravel(), (end[:, np.newaxis] - self.channels + LANES + group).ravel()
        return Overlap(ordered_overlap(read, (written, written + LANES), buffered=True).before, None)


@dataclass(frozen=True, eq=False)
class AveragePoolS3Params(PoolS3Params):
    """One record for every number of pixels that windows see."""

    kernel: ClassVar[str] = "average_pool_s8_s3"

    counts: i32_table  # of pixels that windows see, each once
    records: i8_table  # (counts), without weights: mcuq_s3_record.h

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = self.image(inputs[0].astype(np.int64))
        total, count = (np.asarray(sum(self.taps(values, 0))) for values in (x, np.ones_like(x[:1])))
        lanes = total.reshape(*total.shape[:3], -1, LANES)
        found = np.zeros(lanes.shape, np.int8)
        for pixels, group in zip(self.counts, unpacked(self.records, 0), strict=True):
            found = np.where(count.reshape(1, *lanes.shape[1:]) == pixels, group.outputs(lanes), found)
        return clamp(found, self.activation_min, self.activation_max).reshape(len(x), -1)


@dataclass(frozen=True, eq=False)
class MaxPoolS3Params(PoolS3Params):
    """The window's largest integer inside the image."""

    kernel: ClassVar[str] = "max_pool_s8_s3"

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        largest = np.max(list(self.taps(self.image(inputs[0]), LEAST)), axis=0)
        return clamp(largest, self.activation_min, self.activation_max).reshape(len(inputs[0]), -1)


def take(layer: Layer[PoolParams]) -> Params | None:
    """Return the kernel for a pool in the arena whose channels are a multiple of 16; None for others."""
    p = layer.params
    if layer.at_border or p.channels % LANES:
        return None
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name != "reverse"}
    if isinstance(p, MaxPoolParams):
        return MaxPoolS3Params(**shared)
    if not isinstance(p, AveragePoolParams):
        return None
    counts = counts_of(p)
    return _averages(shared, counts, [average_of(int(count), p) for count in counts])


def take_mean(layer: Layer[MeanParams]) -> Params | None:
    """Return the same for a mean over what lies in front of such channels."""
    p = layer.params
    kept, pixels, channels, inner = p.shape
    if layer.at_border or channels % LANES or inner != 1:
        return None
    shared = {"input_h": kept, "input_w": pixels, "channels": channels, "output_h": kept, "output_w": 1}
    shared |= {"filter_h": 1, "filter_w": pixels, "stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0}
    shared |= {"activation_min": p.activation_min, "activation_max": p.activation_max}
    return _averages(shared, np.array([pixels], np.int32), [mean_of(p)])


def counts_of(p: AveragePoolParams) -> Array:
    """Return the numbers of pixels that windows see, int32."""
    inside = p.taps(np.ones((1, p.input_h, p.input_w, 1), np.int64), 0)
    return np.unique(np.asarray(sum(inside))).astype(np.int32)


def average_of(count: int, p: AveragePoolParams) -> Group | None:
    """Return 16 channels whose sums of so many bytes become averages; None where that is not proven."""
    multiplier, shift = quantize_multiplier(1 / (count - SLANT * (count % 2 == 0)))
    low, high = np.full(LANES, LEAST * count), np.full(LANES, LARGEST * count)
    sums = Averages(low, high, np.full(LANES, multiplier), np.full(LANES, shift), count)
    return _group(count, np.zeros(LANES, np.int64), sums, p)


def mean_of(p: MeanParams) -> Group | None:
    """Return the same of a mean."""
    count = p.shape[1]
    ends = np.array([LEAST, LARGEST]) - p.input_zero_point
    low, high = (np.full(LANES, count * int(end)) for end in ends)
    multiplier, shift = (np.full(LANES, value) for value in (p.output_multiplier, p.output_shift))
    sums = Sums(low, high, multiplier, shift, p.output_zero_point)
    return _group(count, np.full(LANES, -count * p.input_zero_point), sums, p)


def _group(count: int, start: Array, sums: Sums, p: AveragePoolParams | MeanParams) -> Group | None:
    if count > MOST:
        return None
    limited = (p.activation_min, p.activation_max) != (LEAST, LARGEST)
    found = served([Part(np.ones((LANES, count), np.int8), start, sums)], limited)
    return found.groups[0] if found else None


def _averages(shared: dict[str, int], counts: Array, groups: list[Group | None]) -> Params | None:
    found = [group._replace(weights=np.zeros((LANES, 0), np.int8)) for group in groups if group]
    return AveragePoolS3Params(**shared, counts=counts, records=table(found)) if len(found) == len(groups) else None
