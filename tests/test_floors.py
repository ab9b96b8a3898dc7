"""Requantization as one floor equals TFLite's two roundings at every reachable sum near every step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.fixedpoint import clamp, requantize
from mcuq.floors import LARGEST, LEAST, Sums, floors, steps

REACH = 1 << 19


def of(multipliers, shifts, zero_point=LEAST, low=-REACH, high=REACH - 1):
    count = len(multipliers)
    return Sums(
        np.full(count, low),
        np.full(count, high),
        np.array(multipliers, np.int64),
        np.array(shifts, np.int64),
        zero_point,
    )


def near_steps(sums: Sums) -> np.ndarray:
    """Every sum within reach that is at most 2 from a step, or from the ends."""
    first = np.concatenate([steps(sums), sums.low[:, np.newaxis], sums.high[:, np.newaxis]], axis=1)
    around = first[..., np.newaxis] + np.arange(-2, 3)
    return np.clip(around.reshape(len(first), -1), sums.low[:, np.newaxis], sums.high[:, np.newaxis])


def assert_proven(sums: Sums, exponent: int, *, kinked: bool = False) -> None:
    found = floors(sums, exponent, kinked)
    x = np.concatenate([near_steps(sums), np.clip(np.arange(-3, 4) + 0 * sums.low[:, np.newaxis], *ends(sums))], axis=1)
    kept = found.found == 1
    np.testing.assert_array_equal(found.outputs(x)[kept], sums.outputs(x)[kept])
    if kinked:
        assert not np.any(found.origin)
    else:
        assert np.all((found.addend >= 0) & (found.addend < np.maximum(found.factor, 1)))


def ends(sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    return sums.low[:, np.newaxis], sums.high[:, np.newaxis]


def test_steps_are_where_outputs_rise():
    sums = of([1 << 30, (1 << 31) - 1, 1_234_567_890], [-4, -9, 0], zero_point=3)
    for channel, first in enumerate(steps(sums)):
        k = np.arange(LEAST + 1, LARGEST + 1)
        inside = (first > -REACH) & (first < REACH)

        def output(x, channel=channel):
            scaled = requantize(x, int(sums.multiplier[channel]), int(sums.shift[channel]))
            return clamp(scaled + 3, LEAST, LARGEST)

        assert np.all(output(first[inside]) >= k[inside])
        assert np.all(output(first[inside] - 1) < k[inside])


@pytest.mark.parametrize("exponent", range(0, 12))
def test_where_negative_sums_are_the_lowest_output_a_floor_is_found(rng, exponent):
    sums = of(rng.integers(1 << 30, 1 << 31, 300), [-exponent] * 300)

    assert np.all(floors(sums, exponent).found == 1)
    assert_proven(sums, exponent)


def test_the_kink_of_signs_is_not_taken_for_a_line(rng):
    """Ties away from zero: around a zero point inside int8 no line gives all outputs, and none is said to."""
    sums = of(rng.integers(1 << 30, 1 << 31, 200), [-8] * 200, zero_point=3)

    assert np.mean(floors(sums, 8).found) < 0.5
    assert_proven(sums, 8)


@pytest.mark.parametrize("zero_point", [-100, -5, 3, 60, 120])
def test_with_the_kink_both_signs_are_found(rng, zero_point):
    multipliers, shifts = rng.integers(1 << 30, 1 << 31, 300), rng.integers(-9, -6, 300)
    sums = of(multipliers, shifts, zero_point=zero_point)

    assert np.mean(floors(sums, 3, kinked=True).found) > 0.98
    assert_proven(sums, 3, kinked=True)


def test_every_sum_of_a_narrow_reach(rng):
    sums = of(rng.integers(1 << 30, 1 << 31, 40), rng.integers(-6, -2, 40), low=-3000, high=3000)
    x = np.broadcast_to(np.arange(-3000, 3001), (40, 6001))
    found = floors(sums, 2)

    np.testing.assert_array_equal(found.outputs(x)[found.found == 1], sums.outputs(x)[found.found == 1])


@given(
    multiplier=st.integers(1 << 30, (1 << 31) - 1),
    exponent=st.integers(-3, 20),
    more=st.integers(0, 6),
    zero_point=st.integers(-128, 127),
    reach=st.tuples(st.integers(-REACH, REACH), st.integers(0, REACH)),
    kinked=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_what_is_found_is_exact(multiplier, exponent, more, zero_point, reach, kinked):
    low, length = reach
    assert_proven(of([multiplier], [-exponent - more], zero_point, low, low + length), exponent, kinked=kinked)
