"""The public functions on arrays; their textbook examples are doctests."""

import itertools

import numpy as np
import pytest

from mcuq.errors import UsageError
from mcuq.quantization.arrays import kmeans_quantize, linear_quantize, sqnr


def cost(x: np.ndarray, groups: list[np.ndarray]) -> float:
    return sum(float(((g - g.mean()) ** 2).sum()) for g in groups)


@pytest.mark.parametrize("clusters", [1, 2, 3, 5])
def test_kmeans_is_optimal(clusters):
    """Against every way to cut the sorted numbers."""
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=10).round(1)
        centroids, indices = kmeans_quantize(x, clusters)
        s = np.sort(x)
        cuts = itertools.combinations(range(1, 10), clusters - 1)
        best = min(cost(x, np.split(s, cut)) for cut in cuts)
        assert ((x - centroids[indices]) ** 2).sum() == pytest.approx(best, abs=1e-12)


def test_kmeans_is_optimal_on_many_numbers(rng):
    """Against plain dynamic programming."""
    x = np.sort(np.concatenate([rng.normal(size=150), rng.normal(9, 3, 50)]))
    table = np.array([[cost(x, [x[i : j + 1]]) if i <= j else np.inf for j in range(200)] for i in range(200)])
    best = table[0]
    for _ in range(15):
        best = np.array([min(best[i - 1] + table[i, j] for i in range(1, j + 1)) if j else np.inf for j in range(200)])
    centroids, indices = kmeans_quantize(x, 16)
    assert ((x - centroids[indices]) ** 2).sum() == pytest.approx(best[-1], rel=1e-9)


def test_kmeans_on_a_layer_is_quick(rng):
    """100000 weights into 16 values, within a few seconds."""
    weights = rng.laplace(size=(100, 1000))
    centroids, indices = kmeans_quantize(weights)
    assert indices.shape == weights.shape and len(centroids) == 16
    assert sqnr(weights, centroids[indices]) > 17  # 4 bits, Lloyd-Max for a Laplace source: 18.1 dB
    assert (np.abs(weights - centroids[indices]) <= np.abs(weights[..., None] - centroids).min(-1) + 1e-12).all()


@pytest.mark.parametrize("scheme", ["affine", "scale", "fixed-point"])
@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_linear(rng, scheme, bits, axis):
    x = rng.normal(size=(4, 50)) * np.array([[1], [10], [0.1], [3]]) + 1
    q, scale, zero_point = linear_quantize(x, bits, scheme, axis)
    size = () if axis is None else (x.shape[axis],)
    assert (q.shape, scale.shape, zero_point.shape) == (x.shape, size, size)
    if axis == 0:
        scale, zero_point = scale[:, None], zero_point[:, None]
    real = scale * (q.astype(int) - zero_point)
    assert (np.abs(real - x) <= scale / 2 * (2 if scheme == "affine" else 1.001)).all()
    low = -(2 ** (bits - 1)) + (scheme != "affine")
    assert q.min() >= low and q.max() <= 2 ** (bits - 1) - 1
    if scheme == "affine" and axis is None:
        assert q.min() == low and q.max() == 2 ** (bits - 1) - 1


def test_linear_ties_and_zeros():
    q, scale, _ = linear_quantize([127, 0.5, -0.5, 1.5, -2.5], scheme="scale")
    assert q.tolist() == [127, 1, -1, 2, -3] and scale == 1
    q, scale, zero_point = linear_quantize(np.zeros(3))
    assert (scale * (q.astype(float) - zero_point) == 0).all()


def test_sqnr():
    assert sqnr(np.full(10, 1.0), np.full(10, 1.1)) == pytest.approx(20)
    assert sqnr([0.0], [1.0]) == -np.inf
    assert sqnr(np.zeros(3), np.zeros(3)) == np.inf


@pytest.mark.parametrize(
    "call",
    [
        lambda: linear_quantize([1.0], bits=9),
        lambda: linear_quantize([1.0], scheme="log"),
        lambda: linear_quantize([]),
        lambda: kmeans_quantize([np.nan]),
        lambda: kmeans_quantize([1.0], clusters=0),
    ],
)
def test_errors(call):
    with pytest.raises(UsageError) as error:
        call()
    assert "\n" not in str(error.value)
