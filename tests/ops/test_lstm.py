"""LSTM against TensorFlow Lite Micro, its kernel, and real numbers."""

from dataclasses import replace

import numpy as np
import pytest
from harness import assert_emulated_equals_run, assert_kernels_equal_run
from lstm_layers import LAYERS, NONE, Layer, case_of
from oracle import assert_equals_tflm, read
from requirements import require

from mcuq.errors import CannotQuantizeError, MalformedModelError, UnsupportedOperatorError
from mcuq.ops import int16
from mcuq.ops.lstm import Lstm
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate


@pytest.mark.parametrize("sizes", LAYERS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_n5_twenty_runs_equal_tflm(sizes, seed):
    """What is remembered stays from one run to the next, as it does there."""
    layer = Layer(np.random.default_rng(seed), **sizes)
    assert_equals_tflm(layer.model(), layer.samples())


def test_n5_time_major(rng):
    layer = Layer(rng)
    x = layer.samples().transpose(0, 2, 1, 3)
    assert_equals_tflm(layer.model(time_major=True), x)


def test_n2_kernel_equals_run():
    assert_kernels_equal_run([case_of(Layer(np.random.default_rng(i), **sizes)) for i, sizes in enumerate(LAYERS)])


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_kernel_equals_run_on_an_emulated_chip(isa):
    require(
        *{"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}[isa]
    )
    cases = [case_of(Layer(np.random.default_rng(i), **sizes), 3) for i, sizes in enumerate(LAYERS[:6])]
    assert_emulated_equals_run(cases, isa)


def test_the_cell_changes_in_its_place(rng):
    """A state that a kernel may write over needs no second buffer and no copy."""
    plan = build_plan(read(Layer(rng).model()))

    assert plan.state_bytes == 16  # 4 bytes of hidden state, 4 x 2 of cell
    assert [step.op.name for step in plan.steps] == ["lstm", "slice", "reshape"]


def test_integers_follow_real_numbers(rng):
    """Fifty steps: rounding does not add up."""
    layer = Layer(rng, steps=50, inputs=6, units=8)
    model = layer.model()
    graph, x = read(model), layer.samples(4)
    (node,) = (node for node in graph.nodes if node.op.name == "lstm")
    tensor = graph.values[graph.inputs[0]]
    states = [graph.constants[state.initial].real()[np.newaxis] for state in graph.states]
    weights = [graph.constants[name].real() for name in node.inputs[3:5]]
    bias = graph.constants[node.inputs[5]].values * (tensor.scale * graph.constants[node.inputs[3]].scale)
    for sample in x:
        real = node.op.forward((sample[np.newaxis] - float(layer.x_zero)) * layer.x_scale, *states, *weights, bias)
        got = simulate(build_plan(graph), {graph.inputs[0]: sample[np.newaxis]})[graph.outputs[0]]
        said = (got.astype(np.float64) - layer.h_zero) * layer.h_scale
        assert np.abs(said - np.clip(real, *((q - layer.h_zero) * layer.h_scale for q in (-128, 127)))).max() < 0.05


def test_c1_shapes():
    good = [(1, 3, 5), (1, 4), (1, 4), (16, 5), (16, 4), (16,)]
    assert Lstm().infer_shapes(*good) == ((1, 3, 4), (1, 4))
    for place, shape in (
        (0, (2, 3, 5)),
        (0, (1, 3, 6)),
        (1, (1, 5)),
        (2, (2, 4)),
        (3, (15, 5)),
        (4, (16, 5)),
        (5, (12,)),
    ):
        with pytest.raises(ValueError, match=r"batch 1 and shapes|the bias has"):
            Lstm().infer_shapes(*(shape if k == place else s for k, s in enumerate(good)))


def test_c2_accumulators_that_overflow_are_refused(rng):
    layer = Layer(rng)
    graph = read(layer.model())
    (node,) = (node for node in graph.nodes if node.op.name == "lstm")
    graph.constants[node.inputs[5]].values[3] = 2**31 - 1
    with pytest.raises(CannotQuantizeError, match="output channel 3 can sum to"):
        build_plan(graph)


def test_scales_so_far_apart_that_products_wrap_are_refused(rng):
    """TensorFlow Lite Micro computes something there, and it is no product."""
    graph = read(Layer(rng).model())
    (node,) = (node for node in graph.nodes if node.op.name == "lstm")
    weights = graph.constants[node.inputs[3]]
    constants = {**graph.constants, node.inputs[3]: replace(weights, scale=np.full_like(weights.scale, 1e9))}
    with pytest.raises(CannotQuantizeError, match="its scales are so far apart"):
        build_plan(replace(graph, constants=constants))


@pytest.mark.parametrize("power", [-16, -8])
def test_c3_scales_of_the_cell(rng, power):
    with pytest.raises(UnsupportedOperatorError, match="needed are a power of two from 2"):
        build_plan(read(Layer(rng, power=power).model()))


def test_a_limit_of_the_cell_below_its_step_is_refused(rng):
    """TensorFlow Lite Micro limits such a cell to 0."""
    graph = read(Layer(rng).model())
    nodes = tuple(replace(node, op=Lstm(1e-20)) if node.op.name == "lstm" else node for node in graph.nodes)
    with pytest.raises(UnsupportedOperatorError, match="less than a step of it"):
        build_plan(replace(graph, nodes=nodes))


def test_c3_the_hidden_state_has_the_outputs_quantization(rng):
    layer = Layer(rng)
    builder_model = layer.model()
    graph = read(builder_model)
    values = {n: replace(t, scale=t.scale / 2) if n == "lstm_0" else t for n, t in graph.values.items()}
    with pytest.raises(CannotQuantizeError, match="the hidden state has scale"):
        build_plan(replace(graph, values=values))


def test_c4_zero_points_of_weights(rng):
    layer = Layer(rng)
    graph = read(layer.model())
    (node,) = (node for node in graph.nodes if node.op.name == "lstm")
    constants = {n: replace(c, zero_point=3) if n == node.inputs[4] else c for n, c in graph.constants.items()}
    with pytest.raises(CannotQuantizeError, match="weights have zero point 3"):
        build_plan(replace(graph, constants=constants))


REFUSED = {
    "_9": "an LSTM with peephole weights; export a plain LSTM layer",
    "_16": "an LSTM with a projection; export a plain LSTM layer",
    "_21": "an LSTM with layer normalization; export a plain LSTM layer",
}


@pytest.mark.parametrize("place", REFUSED)
def test_what_is_not_a_plain_lstm_is_refused(rng, place):
    with pytest.raises(UnsupportedOperatorError, match=REFUSED[place]):
        read(Layer(rng).model(**{place: 1}))


def test_coupled_gates_are_refused(rng):
    with pytest.raises(UnsupportedOperatorError, match="an LSTM without one of its input, forget, cell"):
        read(Layer(rng).model(_1=NONE))


def test_damaged_operands(rng):
    with pytest.raises(MalformedModelError):
        read(Layer(rng).model(_5=1))


def test_functions_follow_real_numbers():
    x = np.arange(-(2**15), 2**15)
    np.testing.assert_allclose(int16.logistic(x) / 2**15, 1 / (1 + np.exp(-x / 2**12)), atol=1e-4)
    np.testing.assert_allclose(int16.tanh(x) / 2**15, np.tanh(x / 2**12), atol=2e-4)
    for shift in (-3, -1, 1, 3):
        np.testing.assert_allclose(int16.tanh(x, shift) / 2**15, np.tanh(x * 2.0 ** (shift - 12)), atol=2e-4)
