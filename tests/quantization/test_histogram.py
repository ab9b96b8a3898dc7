"""The streaming histogram: exact extremes, and the same counts whatever the batches."""

import math

import numpy as np
import pytest

from mcuq.quantization.histogram import MAX_BINS, Histogram


def histogram(*batches) -> Histogram:
    h = Histogram()
    for batch in batches:
        h.add(np.asarray(batch, np.float32))
    return h


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
@pytest.mark.parametrize("cuts", [(1,), (10, 11, 500), tuple(range(100, 1000, 100))])
def test_streaming_equals_the_whole(rng, scale, cuts):
    x = (rng.standard_cauchy(1000) * scale).astype(np.float32)
    x[::7] = 0
    parts, whole = histogram(*np.split(x, cuts)), histogram(x)
    assert (parts.low, parts.high, parts.zeros) == (whole.low, whole.high, whole.zeros) == (x.min(), x.max(), 143)
    assert parts.width == whole.width
    np.testing.assert_array_equal(parts.centers, whole.centers)
    np.testing.assert_array_equal(parts.counts, whole.counts)


def test_counts_are_those_of_numpy(rng):
    x = rng.normal(3, 1, 5000).astype(np.float32)
    h = histogram(x[:2500], x[2500:])
    edges = (h.first + np.arange(h.counts.size + 1)) * h.width
    np.testing.assert_array_equal(h.counts, np.histogram(x, edges)[0])
    assert MAX_BINS / 2 <= h.counts.size <= MAX_BINS


def test_order_of_growth_does_not_matter():
    small_first, large_first = histogram([1e-6, -1e-6], [1e3]), histogram([1e3], [1e-6, -1e-6])
    assert small_first.width == large_first.width
    np.testing.assert_array_equal(small_first.counts, large_first.counts)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_remembered(bad):
    assert not histogram([1.0, bad], [2.0, 3.0]).is_finite
    assert not histogram([1.0, 2.0], [bad], [3.0]).is_finite


def test_constants_and_zeros():
    assert histogram([2.5, 2.5], [2.5]).is_constant
    assert histogram([0.0, 0.0]).is_constant
    assert histogram([0.0, 0.0]).counts.size == 0
    assert not histogram([0.0], [1e-30]).is_constant
