"""Sums in floats become what they become by definition: at every step, in every channel, in either type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.fixedpoint import INT32_MAX, clamp, requantize
from mcuq.ops.products import Products
from mcuq.ops.rescaling import Scaling, rescaling, steps_of

REACH = 1 << 18


def of(multipliers, shifts, zero_point, low=-128, high=127):
    return Scaling(np.array(multipliers, np.int64), np.array(shifts, np.int64), zero_point, low, high)


def ends(scaling, reach=REACH):
    return np.full(scaling.multiplier.shape, -reach), np.full(scaling.multiplier.shape, reach - 1)


def near_steps(scaling, reach=REACH):
    """Sums around every step, and all small ones, [sums, channels]."""
    first = steps_of(scaling, *ends(scaling, reach)).first
    around = (first[:, np.newaxis] + np.arange(-3, 4)[:, np.newaxis]).reshape(-1, first.shape[1])
    small = np.broadcast_to(np.arange(-2000, 2000)[:, np.newaxis], (4000, first.shape[1]))
    return np.clip(np.concatenate([around, small]), -reach, reach - 1)


@given(
    st.lists(st.tuples(st.integers(1 << 30, INT32_MAX), st.integers(-14, 3)), min_size=1, max_size=6),
    st.integers(-128, 127),
    st.integers(-128, 100),
    st.sampled_from([np.float32, np.float64]),
)
@settings(deadline=None, max_examples=60)
def test_floats_give_the_outputs_of_the_definition(scales, zero_point, low, dtype):
    scaling = of(*zip(*scales, strict=True), zero_point, low)
    x = near_steps(scaling)
    found = rescaling(scaling, *ends(scaling), dtype)
    wanted = clamp(requantize(x, scaling.multiplier, scaling.shift) + zero_point, low, 127)
    np.testing.assert_array_equal(found.outputs(x.astype(dtype)), wanted)


def test_most_channels_behind_a_rectifier_need_no_integers():
    rng = np.random.default_rng(0)
    scaling = of(rng.integers(1 << 30, INT32_MAX, 200), rng.integers(-10, -4, 200), -128)
    assert len(rescaling(scaling, *ends(scaling), np.float32).unproven) < 60


def test_a_line_on_the_wrong_side_of_one_step_is_not_proven():
    scaling = of([1 << 30], [-6], -128)
    found, (low, high) = rescaling(scaling, *ends(scaling), np.float64), ends(scaling)
    steps = steps_of(scaling, low, high)
    assert found.proven(steps).all()
    found.addend[:] += 2 * scaling.real
    assert not found.proven(steps).any()


@pytest.mark.parametrize("multiplier", [0, -(1 << 30)])
def test_multipliers_that_are_not_positive(multiplier):
    scaling = of([multiplier], [-6], 3)
    x = np.arange(-5000, 5000)[:, np.newaxis]
    found = rescaling(scaling, *ends(scaling), np.float32)
    np.testing.assert_array_equal(found.outputs(x.astype(np.float32)), scaling.outputs(x))


def test_a_shift_that_wraps_is_left_to_integers():
    scaling = of([1 << 30], [20], 0)
    found = rescaling(scaling, *ends(scaling), np.float32)
    assert found.unproven.tolist() == [0]
    x = np.array([[3000], [-3000], [1]])
    np.testing.assert_array_equal(found.outputs(x.astype(np.float32)), scaling.outputs(x))


@pytest.mark.parametrize(("taps", "dtype"), [(500, np.float32), (600, np.float64)])
def test_products_are_summed_in_the_narrowest_type_that_holds_them(taps, dtype):
    weights, bias = np.full((2, taps), [[127], [-127]], np.int8), np.array([5, -5], np.int32)
    scaling = of([INT32_MAX, 1 << 30], [-15, -16], -3)
    products = Products(weights, bias, -128, scaling)
    assert products.dtype == dtype
    x = np.random.default_rng(0).integers(-128, 128, (40, taps))
    x[0], x[1] = 127, -128
    sums = (x + 128) @ weights.astype(np.int64).T + bias
    np.testing.assert_array_equal(products.of(x.astype(dtype)), scaling.outputs(sums))
