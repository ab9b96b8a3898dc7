"""GRU: its kernel, its formula unit by unit, real numbers."""

import math

import numpy as np
import pytest
from gru_layers import Layer
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from mcuq.errors import CannotQuantizeError, UnsupportedOperatorError
from mcuq.fixedpoint import requantize
from mcuq.ops import int16
from mcuq.ops.gru import Gru, GruParams
from mcuq.tensor import QConstant, QTensor

LAYERS = [
    {},
    {"after": False},
    {"steps": 1, "inputs": 1, "units": 1},
    {"steps": 1, "inputs": 1, "units": 1, "after": False},
    {"steps": 7, "inputs": 3, "units": 9, "per_tensor": True},
    {"power": -9, "after": False},
    {"power": -13},
    {"steps": 2, "inputs": 33, "units": 17, "after": False},
]


def layers() -> list[Layer]:
    return [Layer(np.random.default_rng(seed), **sizes) for seed, sizes in enumerate(LAYERS)]


def test_n2_kernel_equals_run():
    assert_kernels_equal_run([Case(layer.params(), layer.samples()) for layer in layers()])


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_kernel_equals_run_on_an_emulated_chip(isa):
    require(
        *{"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}[isa]
    )
    assert_emulated_equals_run([Case(layer.params(), layer.samples(3)) for layer in layers()[:6]], isa)


@pytest.mark.parametrize("after", [True, False])
def test_table_unit_by_unit(rng, after):
    """What the docstring says, in Python's integers, one number at a time."""
    layer = Layer(rng, steps=2, inputs=3, units=2, after=after)
    p, (x, h) = layer.params(), layer.samples(4)
    rows, last = p.run_all(x, h)
    for sample in range(4):
        state, said = [int(v) for v in h[sample]], []
        for step in range(2):
            state = _step(p, [int(v) for v in x[sample, 3 * step : 3 * step + 3]], state)
            said += [_said(p, v, p.output_multiplier, p.output_shift) for v in state]
        assert rows[sample].tolist() == said
        assert last[sample].tolist() == state


def _step(p: GruParams, x: list[int], state: list[int]) -> list[int]:
    hidden = [_said(p, v, p.output_multiplier, p.output_shift) for v in state]
    gate = [int(int16.logistic(np.array(_sat(_fed(p, x, c) + _recurring(p, hidden, c))))) for c in range(4)]
    update, reset = gate[:2], gate[2:]
    if p.reset_after:
        product = [_sat(_rq(r * _recurring(p, hidden, 4 + u), 1 << 30, -14)) for u, r in enumerate(reset)]
    else:
        left = [_said(p, r * v, p.reset_multiplier, p.reset_shift) for r, v in zip(reset, state, strict=True)]
        product = [_recurring(p, left, 4 + u) for u in range(2)]
    fresh = [int(int16.tanh(np.array(_sat(_fed(p, x, 4 + u) + product[u])))) for u in range(2)]
    pairs = zip(update, state, fresh, strict=True)
    return [_sat(_rq(z * v, 1 << 30, -14) + _rq((32768 - z) * n, 1 << 30, p.fresh_shift)) for z, v, n in pairs]


def _sat(x: int) -> int:
    return max(-32768, min(32767, x))


def _rq(x: int, multiplier: int, shift: int) -> int:
    return int(requantize(x, multiplier, shift))


def _said(p: GruParams, x: int, multiplier: int, shift: int) -> int:
    return max(-128, min(127, _rq(x, multiplier, shift) + p.output_zero_point))


def _fed(p: GruParams, x: list[int], c: int) -> int:
    acc = int(p.bias[c]) + sum(int(w) * v for w, v in zip(p.weights[c], x, strict=True))
    return _sat(_rq(acc, int(p.multiplier[c]), int(p.shift[c])))


def _recurring(p: GruParams, hidden: list[int], c: int) -> int:
    acc = int(p.recurrent_bias[c]) + sum(int(w) * v for w, v in zip(p.recurrent[c], hidden, strict=True))
    return _sat(_rq(acc, int(p.recurrent_multiplier[c]), int(p.recurrent_shift[c])))


@pytest.mark.parametrize("after", [True, False])
def test_integers_follow_real_numbers(rng, after):
    """Two hundred steps: rounding does not add up."""
    layer = Layer(rng, steps=200, inputs=6, units=8, after=after)
    layer.y = QTensor(layer.y.shape, 1 / 127, 0)
    layer.constant = layer._bias(layer.y.scale * layer.recurrent.scale, 24)
    x = rng.integers(-128, 128, (4, 1, *layer.x.shape)).astype(np.int8)
    weights, recurrent, bias, constant = (c.real() for c in layer.operands[2:])
    real, last = layer.op.forward_all(layer.x.dequantize(x[:, 0]), np.zeros((1, 8)), weights, recurrent, bias, constant)
    got, kept = layer.params().run_all(x.reshape(4, -1), np.zeros((4, 8), np.int16))
    assert np.abs(layer.y.dequantize(got).reshape(4, 1, 200, 8) - real).max() < 0.05
    assert np.abs(kept / 2**15 - last[:, 0]).max() < 0.05


def test_slow_units_move(rng):
    """A step of 1/2000 is a thirteenth of a step of int8: it counts, because the state has 16 bits."""
    zeros, x = np.zeros((3, 1)), QTensor((1, 400, 1), 1 / 127, 0)
    logit, fresh = math.log(1999), 20.0
    one = np.array([1e-3] * 3)
    bias = QConstant(np.round(np.array([logit, 0, fresh]) / (x.scale * one)).astype(np.int32), x.scale * one)
    weights = QConstant(zeros.astype(np.int8), one)
    state = QTensor((1, 1), 2.0**-15, 0, "int16")
    params = Gru().lower([x, state, weights, weights, bias], QTensor((1, 400, 1), 1 / 127, 0))
    rows, _ = params.run_all(np.zeros((1, 400), np.int8), np.zeros((1, 1), np.int16))
    assert rows[0, -1] == pytest.approx(127 * (1 - (1 - 1 / 2000) ** 400), abs=2)


def test_c1_shapes():
    good = [(1, 3, 5), (1, 4), (12, 5), (12, 4), (12,), (12,)]
    assert Gru().infer_shapes(*good) == ((1, 3, 4), (1, 4))
    assert Gru().macs(*good) == 3 * (12 * 5 + 12 * 4)
    bad = [(0, (2, 3, 5)), (0, (1, 3, 6)), (1, (1, 5)), (2, (11, 5)), (3, (16, 4)), (4, (9,)), (5, (13,))]
    for place, shape in bad:
        with pytest.raises(ValueError, match=r"batch 1 and shapes|the bias has"):
            Gru().infer_shapes(*(shape if k == place else s for k, s in enumerate(good)))
    with pytest.raises(ValueError, match="3 biases, at most 2"):
        Gru().infer_shapes(*good, (12,))


def test_c2_accumulators_that_overflow_are_refused(rng):
    layer = Layer(rng)
    layer.constant.values[3] = 2**31 - 1
    with pytest.raises(CannotQuantizeError, match="output channel 3 can sum to"):
        layer.params()


@pytest.mark.parametrize("power", [-16, -8])
def test_c3_scales_of_the_state(rng, power):
    with pytest.raises(UnsupportedOperatorError, match="needed are a power of two from 2"):
        Layer(rng, power=power).params()


def test_c4_zero_points_of_weights(rng):
    layer = Layer(rng)
    layer.recurrent = QConstant(layer.recurrent.values, layer.recurrent.scale, 3)
    with pytest.raises(CannotQuantizeError, match="weights have zero point 3"):
        layer.params()
