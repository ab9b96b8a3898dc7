"""Simple recurrent layer: its kernel, its formula, real numbers."""

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require
from rnn_layers import Layer

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import requantize
from mcuq.ops import int16
from mcuq.ops.rnn import Rnn
from mcuq.tensor import QConstant, QTensor

LAYERS = [
    {},
    {"steps": 1, "inputs": 1, "units": 1},
    {"steps": 7, "inputs": 3, "units": 9, "per_tensor": True},
    {"steps": 2, "inputs": 33, "units": 17},
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
    assert_emulated_equals_run([Case(layer.params(), layer.samples(3)) for layer in layers()], isa)


def test_table_unit_by_unit(rng):
    """What the docstring says, in Python's integers, one number at a time."""
    p = Layer(rng, steps=1, inputs=3, units=2).params()
    x, h = rng.integers(-128, 128, (5, 3)).astype(np.int8), rng.integers(-128, 128, (5, 2)).astype(np.int8)
    for sample, row in enumerate(p.run(x, h)):
        for u in range(2):
            fed = int(p.bias[u]) + _dot(p.weights[u], x[sample])
            back = int(p.recurrent_bias[u]) + _dot(p.recurrent[u], h[sample])
            summed = _sat(_rq(fed, p.multiplier[u], p.shift[u]))
            summed += _sat(_rq(back, p.recurrent_multiplier[u], p.recurrent_shift[u]))
            said = _rq(int(int16.tanh(np.array(_sat(summed)))), p.output_multiplier, p.output_shift)
            assert row[u] == max(-128, min(127, said + p.output_zero_point))


def _dot(a, b) -> int:
    return sum(int(v) * int(w) for v, w in zip(a, b, strict=True))


def _sat(x: int) -> int:
    return max(-32768, min(32767, x))


def _rq(x: int, multiplier, shift) -> int:
    return int(requantize(x, int(multiplier), int(shift)))


def test_integers_follow_real_numbers(rng):
    """Two hundred steps: rounding does not add up."""
    layer = Layer(rng, steps=200, inputs=6, units=8)
    layer.y, layer.h = QTensor((1, 200, 8), 1 / 127, 0), QTensor((1, 8), 1 / 127, 0)
    layer.recurrent = QConstant(layer.recurrent.values, layer.recurrent.scale / 4)  # no chaos
    x = rng.integers(-128, 128, (4, *layer.x.shape)).astype(np.int8)
    constants = (layer.weights.real(), layer.recurrent.real(), layer.bias.real())
    real = Rnn().forward(layer.x.dequantize(x), np.zeros((1, 8)), *constants)
    got = layer.params().run(x.reshape(4, -1), np.zeros((4, 8), np.int8))
    assert np.abs(layer.y.dequantize(got).reshape(real.shape) - real).max() < 0.05


def test_c1_shapes():
    good = [(1, 3, 5), (1, 4), (4, 5), (4, 4), (4,)]
    assert Rnn().infer_shapes(*good) == ((1, 3, 4),)
    for place, shape in ((0, (2, 3, 5)), (0, (1, 3, 6)), (1, (1, 5)), (2, (3, 5)), (3, (5, 4)), (4, (3,))):
        with pytest.raises(ValueError, match=r"batch 1 and shapes|the bias has"):
            Rnn().infer_shapes(*(shape if k == place else s for k, s in enumerate(good)))


def test_c2_accumulators_that_overflow_are_refused(rng):
    layer = Layer(rng)
    layer.bias.values[3] = 2**31 - 1
    with pytest.raises(CannotQuantizeError, match="output channel 3 can sum to"):
        layer.params()


def test_c3_the_hidden_state_has_the_outputs_quantization(rng):
    layer = Layer(rng)
    layer.h = QTensor(layer.h.shape, layer.h.scale / 2, layer.h.zero_point)
    with pytest.raises(CannotQuantizeError, match="the hidden state has scale"):
        layer.params()


def test_c4_zero_points_of_weights(rng):
    layer = Layer(rng)
    layer.weights = QConstant(layer.weights.values, layer.weights.scale, 3)
    with pytest.raises(CannotQuantizeError, match="weights have zero point 3"):
        layer.params()
