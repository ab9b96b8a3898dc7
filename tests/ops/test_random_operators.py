"""Contract N5 on models of one operator with random shapes, axes, broadcasts, scales and zero points."""

import numpy as np
import pytest
from oracle import run, samples
from pairs import build as pair
from reductions import build as reduction
from tflite_builder import tflm

SAMPLE, SWEEP = 4, 200  # models per operator
RELATIONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
PAIRS = ("ADD", "SUB", "MUL", "DIV", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM", *RELATIONS)
OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
TIED = ("MAXIMUM", "MINIMUM", "REDUCE_MAX", "REDUCE_MIN")

counts = pytest.mark.parametrize("count", [SAMPLE, pytest.param(SWEEP, marks=pytest.mark.slow)])


def quantizations(rng, count, code):
    """Scales of 0.01 to 0.9 and zero points; of tied operands and result one."""
    drawn = [(float(10 ** rng.uniform(-2, -0.05)), int(rng.integers(-128, 128))) for _ in range(count)]
    return tuple(drawn[:1] * count if code in TIED else drawn)


def broadcast_shapes(rng):
    """Two shapes of one rank, dimensions of either of them 1 now and then."""
    full = [1, *(int(n) for n in rng.integers(1, 6, rng.integers(1, 4)))]
    return tuple(tuple(1 if rng.random() < 0.25 else n for n in full) for _ in range(2))


@pytest.mark.parametrize("code", PAIRS)
@counts
def test_n5_of_two_operands(code, count):
    rng = np.random.default_rng(PAIRS.index(code))
    for _ in range(count):
        shapes, scales = broadcast_shapes(rng), quantizations(rng, 3, code)
        output = "bool" if code in RELATIONS else "int8"
        model = pair(code, shapes, scales, output, OPTIONS.get(code), version=2 if code in OPTIONS else 1)
        a, b = (samples(rng, 4, shape) for shape in shapes)
        zero = scales[1][1]
        b = np.where(b == zero, zero - 1 if zero > 0 else zero + 1, b).astype(np.int8) if code == "DIV" else b[::-1]
        np.testing.assert_array_equal(run(model, a, b), tflm(model, a, b), err_msg=f"{code} {shapes} {scales}")


@pytest.mark.parametrize("code", REDUCTIONS)
@counts
def test_n5_of_reductions(code, count):
    rng = np.random.default_rng(REDUCTIONS.index(code))
    for _ in range(count):
        shape = (1, *(int(n) for n in rng.integers(1, 7, rng.integers(1, 4))))
        first = int(rng.integers(1, len(shape)))
        axes = tuple(range(first, int(rng.integers(first + 1, len(shape) + 1))))
        scales, keep_dims = quantizations(rng, 2, code), bool(rng.integers(2))
        model, x = reduction(code, shape, axes, scales, keep_dims), samples(rng, 4, shape)
        np.testing.assert_array_equal(run(model, x), tflm(model, x), err_msg=f"{code} {shape} {axes} {scales}")
