"""The fixed-point scheme requantizes by a rounding shift alone, in the kernels there are."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest
from chips import families
from float_nets import Builder, samples
from harness import INCLUDE, Case, assert_kernels_equal_run
from requirements import require

from mcuq.fixedpoint import INT32_MAX, quantize_multiplier, requantize, shift_right
from mcuq.kernels.channels import FAST_EXPONENTS, Channels, Rounding, fast_channels
from mcuq.kernels.lanes.add import AddLanesParams
from mcuq.ops.add import Add
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.mean import Mean, mean_multiplier
from mcuq.ops.mul import Mul
from mcuq.ops.requantize import rescaled
from mcuq.plan.builder import build_plan
from mcuq.quantization import Options, quantize
from mcuq.simulator import simulate
from mcuq.tensor import QTensor

LIMIT = 2**30  # the high multiply by INT32_MAX returns x in (-LIMIT, LIMIT] as it is


def listed() -> np.ndarray:
    """Pairs (x, exponent): the ties of every shift, their neighbours, and the ends of the domain."""
    rows = {(x, e) for e in range(32) for x in (0, 1, -1, LIMIT, LIMIT - 1, 1 - LIMIT)}
    for e in range(1, 31):
        ties = [odd << (e - 1) for odd in (1, 3, 5, 127, 255) if odd << (e - 1) < LIMIT - 2]
        rows |= {(sign * tie + d, e) for tie in ties for sign in (1, -1) for d in (-1, 0, 1)}
    return np.array(sorted(rows), np.int64)


def by_hand(x: int, exponent: int) -> int:
    """Round half away from zero, with Python's integers."""
    magnitude = (abs(x) + (1 << exponent >> 1)) >> exponent
    return magnitude if x >= 0 else -magnitude


def test_requantize_is_a_rounding_shift():
    x, exponent = listed().T
    expected = [by_hand(int(a), int(e)) for a, e in zip(x, exponent, strict=True)]
    np.testing.assert_array_equal(requantize(x, INT32_MAX, -exponent), expected)
    np.testing.assert_array_equal(shift_right(x, exponent), expected)


def test_requantize_is_a_rounding_shift_on_random_values(rng):
    x = rng.integers(1 - LIMIT, LIMIT + 1, 200_000) >> rng.integers(0, 30, 200_000)
    exponent = rng.integers(0, 32, 200_000)
    np.testing.assert_array_equal(requantize(x, INT32_MAX, -exponent), shift_right(x, exponent))


def test_the_usual_multiplier_of_a_power_of_two_rounds_twice():
    """Why the multiplier is INT32_MAX: 2^30 halves first, and 5 / 4 becomes round(round(2.5) / 2) = 2"""
    assert quantize_multiplier(0.25) == (2**30, -1)
    x, exponent = listed()[listed()[:, 1] > 0].T
    twice = requantize(x, 2**30, 1 - exponent)
    assert (twice != shift_right(x, exponent)).sum() > 50


def test_left_shifts_and_saturation():
    assert requantize([3, -3], *quantize_multiplier(16.0, by_shift=True)).tolist() == [48, -48]
    assert quantize_multiplier(2.0**-33, by_shift=True) == (0, 0)
    assert quantize_multiplier(0.3, by_shift=True) == quantize_multiplier(0.3)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_c_is_a_shift(tmp_path, cc):
    """mcuq_requantize in C against ``>>`` on the listed values and a million random ones."""
    require(f"{cc} sanitizers")
    source = """
#include <stdio.h>
#include "mcuq_fixedpoint.h"
static int32_t shifted(int32_t x, int32_t e) {
    const int64_t half = (INT64_C(1) << e) >> 1;
    return (int32_t)(x >= 0 ? (x + half) >> e : -((-(int64_t)x + half) >> e));
}
int main(void) {
    int32_t in[2];
    uint64_t state = 88172645463325252u;
    while (fread(in, 4, 2, stdin) == 2)
        if (mcuq_requantize(in[0], INT32_MAX, -in[1]) != shifted(in[0], in[1])) return 1;
    for (int i = 0; i < 1000000; i++) {
        state ^= state << 13; state ^= state >> 7; state ^= state << 17;
        const int32_t e = (int32_t)(state >> 59), x = (int32_t)(state & 0x3fffffff) * (state >> 40 & 1 ? 1 : -1);
        if (mcuq_requantize(x, INT32_MAX, -e) != shifted(x, e)) return 2;
        if (e && e < 22 && x < 1 << 29 && x > -(1 << 29) &&
            mcuq_requantize_fast(x, INT32_MAX, e, mcuq_fast_offset(5, e)) != shifted(x, e) + 5) return 3;
    }
    return 0;
}
"""
    (tmp_path / "driver.c").write_text(source)
    flags = ["-std=c99", "-O1", "-Wall", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run([cc, *flags, *INCLUDE, str(tmp_path / "driver.c"), "-o", str(tmp_path / "driver")], check=True)
    assert subprocess.run([tmp_path / "driver"], input=listed().astype(np.int32).tobytes(), check=False).returncode == 0


def fixed(exponent: int, shape=(1, 4)) -> QTensor:
    return QTensor(shape, 2.0**exponent, 0, kind="fixed-point")


def test_operators_shift():
    """Requantize, mul, add and the mean of a power of two are exact up to one rounding."""
    q = np.arange(-128, 128)
    np.testing.assert_array_equal(rescaled(q, fixed(-6), fixed(-3)), shift_right(q, 3))
    np.testing.assert_array_equal(rescaled(q, fixed(-3), fixed(-6)), q << 3)
    a, b = (x.ravel() for x in np.meshgrid(q, q))
    x = [a.astype(np.int8).reshape(-1, 1), b.astype(np.int8).reshape(-1, 1)]
    one = (1, 1)
    product = Mul().lower([fixed(-4, one), fixed(-5, one)], fixed(-2, one)).run(*x)
    np.testing.assert_array_equal(product.ravel(), np.clip(shift_right(a * b, 7), -128, 127))
    total = Add().lower([fixed(-4, one), fixed(-6, one)], fixed(-3, one)).run(*x)
    np.testing.assert_array_equal(total.ravel(), np.clip(shift_right(4 * a + b, 3), -128, 127))
    mean = Mean((1,)).lower([fixed(-4)], fixed(-4, (1,)))
    assert (mean.output_multiplier, mean.output_shift) == (INT32_MAX, -2)
    assert mean_multiplier(1.0, 3, by_shift=True) == mean_multiplier(1.0, 3)


def net():
    b = Builder((1, 8, 8, 3)).conv(8, 3)
    shortcut = b.last
    b.depthwise().conv(8, 1)
    b.nodes.append(b.nodes[0].__class__("add_3", Add("relu"), (shortcut, b.last), ("add_3_y",)))
    b.shapes["add_3_y"], b.last = b.shapes[shortcut], "add_3_y"
    return b.add(Mean((1, 2))).dense(5).graph()


@pytest.mark.parametrize("weights", ["network", "layer", "channel"])
@pytest.mark.parametrize("chip", ["generic", "esp32c3", "esp32"])
def test_every_step_of_a_model_shifts(weights, chip):
    graph = net()
    x = samples(graph, 8)
    quantized = quantize(graph, x, Options(scheme="fixed-point", weights=weights)).graph
    plan = build_plan(quantized, families(chip))
    multipliers = [
        value
        for step in plan.steps
        for name, value in vars(step.params).items()
        if "multiplier" in name and name != "channel_multiplier"
    ]
    assert len(multipliers) >= 6
    assert all((np.asarray(value) == INT32_MAX).all() for value in multipliers)
    integers = {"x": quantized.values["x"].quantize(x)}
    expected = simulate(build_plan(quantized), integers)
    np.testing.assert_array_equal(simulate(plan, integers)[graph.outputs[0]], expected[graph.outputs[0]])


def test_lanes_take_shifts():
    """The fast kernels' predicate holds for shifts as for other multipliers."""
    weights, bias = np.full((1, 8), 100, np.int8), np.zeros(1, np.int32)
    for exponent in range(FAST_EXPONENTS[0], FAST_EXPONENTS[1] + 1):
        channels = Channels(weights, bias, np.array([INT32_MAX], np.int32), np.array([-exponent], np.int8))
        assert fast_channels(channels, Rounding(0, 0, -128, 127)) is not None
    graph = net()
    quantized = quantize(graph, samples(graph, 8), Options(scheme="fixed-point")).graph
    kernels = [step.params.kernel for step in build_plan(quantized, families("esp32c3")).steps]
    assert sum("lanes" in kernel for kernel in kernels) >= 4, kernels
    assert AddLanesParams.kernel in kernels


def test_n2_kernels_shift(rng):
    """A convolution's kernel against accumulators shifted in numpy."""
    require("gcc sanitizers")
    graph = Builder((1, 5, 5, 4)).conv(6, 3, "none").graph()
    x = samples(graph, 3)
    quantized = quantize(graph, x, Options(scheme="fixed-point", corrections=())).graph
    node = quantized.nodes[0]
    output = quantized.values[node.outputs[0]]
    params = node.op.lower([quantized.tensor(n) for n in node.inputs], output)
    assert isinstance(params, Conv2dParams)
    integers = quantized.values["x"].quantize(x).reshape(3, -1)
    exact = replace(params, multiplier=np.array([INT32_MAX], np.int32), shift=np.zeros(1, np.int8))
    object.__setattr__(exact, "activation_min", -(2**31))
    weights = quantized.constants[node.inputs[1]]
    real = node.op.forward(
        integers.reshape(3, 1, 5, 5, 4).astype(np.float64),
        weights.values.astype(np.float64),
        quantized.constants[node.inputs[2]].values.astype(np.float64),
    )
    shifted = shift_right(real.astype(np.int64), -params.shift.astype(np.int64))
    np.testing.assert_array_equal(params.run(integers), np.clip(shifted, -128, 127).reshape(3, -1))
    assert_kernels_equal_run([Case(params, [integers])])
