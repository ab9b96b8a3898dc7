"""Calibration methods on distributions whose best range is known."""

import itertools

import numpy as np
import pytest

from mcuq.errors import UsageError
from mcuq.quantization.clipping import _Seen, choose_range
from mcuq.quantization.histogram import Histogram
from mcuq.quantization.scheme import Range, Scheme

AFFINE = Scheme()


def histogram(x: np.ndarray) -> Histogram:
    h = Histogram()
    h.add(x)
    return h


def error(x: np.ndarray, low: float, high: float, scheme: Scheme = AFFINE) -> float:
    """Mean squared error of values that went through int8."""
    tensor = scheme.activation((), Range(low, high))
    return float(np.mean((tensor.dequantize(tensor.quantize(x)) - x) ** 2))


@pytest.fixture
def outliers(rng):
    """A bell of width 1 and two outliers, at -30 and 100, among 100000 values."""
    return np.concatenate([rng.normal(size=100_000), [-30.0, 100.0]]).astype(np.float32)


def test_minmax_keeps_outliers(outliers):
    assert choose_range(histogram(outliers), "minmax") == (-30.0, 100.0)


@pytest.mark.parametrize("method", ["percentile:99.99", "mse", "kl"])
def test_others_clip_them(outliers, method):
    low, high = choose_range(histogram(outliers), method)
    limit = 90 if method == "mse" else 15  # the squared error of one outlier weighs much, its likelihood little
    assert -min(limit, 25) < low < -3
    assert 3 < high < limit


@pytest.mark.parametrize("kind", ["affine", "scale", "fixed-point"])
@pytest.mark.parametrize("shape", ["bell", "laplace", "relu", "uniform", "outliers"])
def test_mse_is_not_beaten_by_any_other_range(rng, kind, shape, outliers):
    x = {
        "bell": rng.normal(2, 1, 20_000),
        "laplace": rng.laplace(size=20_000),
        "relu": np.maximum(rng.laplace(size=20_000), 0),
        "uniform": rng.uniform(-1, 3, 20_000),
        "outliers": outliers,
    }[shape].astype(np.float32)
    scheme = Scheme(kind)
    least = error(x, *choose_range(histogram(x), "mse", scheme), scheme)
    fractions = np.linspace(0.02, 1, 25)
    ranges = itertools.product(min(x.min(), 0) * fractions, x.max() * fractions)
    assert least <= 1.03 * min(error(x, low, high, scheme) for low, high in ranges)


def test_percentile_is_numpys_within_a_bin(rng):
    x = rng.uniform(-0.3, 0.7, 50_000).astype(np.float32)
    h = histogram(x)
    for p in (99.99, 99.9, 99, 90, 51):
        low, high = choose_range(h, f"percentile:{p}")
        np.testing.assert_allclose([low, high], np.percentile(x, [100 - p, p]), atol=2 * h.width + 2 / 50_000)


def test_percentile_counts_zeros():
    x = np.concatenate([np.zeros(990), np.arange(1, 11)]).astype(np.float32)
    h = histogram(x)
    low, high = choose_range(h, "percentile:99.5")
    assert low == 0 and high == pytest.approx(5, abs=2 * h.width)
    assert choose_range(h, "percentile:98").high == pytest.approx(0, abs=2 * h.width)
    assert choose_range(h, "percentile:100") == (0, 10)


def test_kl_keeps_a_uniform_distribution_whole(rng):
    low, high = choose_range(histogram(rng.uniform(-1, 1, 100_000).astype(np.float32)), "kl")
    assert low < -0.9 and high > 0.9


def test_kl_by_hand():
    """Two levels' worth of bins: what is left out is what the divergence is made of."""
    h = histogram(np.linspace(1, 4096, 4096, dtype=np.float32) - 0.5)
    seen = _Seen(h)
    assert seen.divergence(0, 4096, 4096 / 255) == pytest.approx(0, abs=1e-9)
    half = seen.divergence(0, 2048, 2048 / 255)  # p = 1/4096 each, the last 2049/4096; q = 1/2048 each
    p = np.full(2048, 1 / 4096)
    p[-1] = 2049 / 4096
    assert half == pytest.approx(np.sum(p * np.log(p * 2048)), rel=1e-6)


@pytest.mark.parametrize("method", ["minmax", "percentile", "mse", "kl"])
def test_all_zeros_have_a_range(method):
    assert choose_range(histogram(np.zeros(5, np.float32)), method) == (0, 0)


def test_fixed_point_ranges_are_powers_of_two(rng):
    x = rng.normal(size=10_000).astype(np.float32)
    for method in ("mse", "kl"):
        _, high = choose_range(histogram(x), method, Scheme("fixed-point"))
        assert np.log2(high / 127) % 1 == 0


@pytest.mark.parametrize(
    "method", ["", "median", "mse:3", "percentile:x", "percentile:50", "percentile:100.1", "percentile:nan"]
)
def test_unknown_methods_are_refused(method):
    with pytest.raises(UsageError) as error:
        choose_range(histogram(np.ones(3)), method)
    assert "\n" not in str(error.value)
