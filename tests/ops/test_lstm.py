"""LSTM against TensorFlow Lite Micro, its kernel, and real numbers."""

from dataclasses import replace

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from oracle import assert_equals_tflm, read
from requirements import require
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, MalformedModelError, UnsupportedOperatorError
from mcuq.ops import int16
from mcuq.ops.lstm import GATES, Lstm, LstmParams
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

NONE = -1


class Layer:
    """A random layer as the converter writes it: weights per tensor, one scale per gate."""

    def __init__(self, rng: np.random.Generator, steps=3, inputs=5, units=4, power=-12, clip=0.0, sequences=True):
        self.rng, self.steps, self.inputs, self.units = rng, steps, inputs, units
        self.power, self.clip, self.sequences = power, clip, sequences
        self.x_scale, self.x_zero = float(rng.uniform(0.004, 0.06)), int(rng.integers(-128, 128))
        self.h_scale, self.h_zero = float(rng.uniform(0.005, 1 / 128)), int(rng.integers(-20, 20))
        self.gain = float(rng.uniform(0.5, 4))

    def weights(self, builder: ModelBuilder, inputs: int, x_scale: float) -> tuple[int, float]:
        scale = self.gain / (127 * np.sqrt(inputs)) * float(self.rng.uniform(0.5, 1.5))
        data = self.rng.integers(-127, 128, (self.units, inputs)).astype(np.int8)
        return builder.tensor((self.units, inputs), scale=scale, data=data), scale * x_scale

    def model(self, time_major=False, **changes) -> bytes:
        """Return the file; ``changes`` replace operands by their place."""
        builder = ModelBuilder()
        shape = (self.steps, 1) if time_major else (1, self.steps)
        x = builder.tensor((*shape, self.inputs), scale=self.x_scale, zero_point=self.x_zero)
        fed = [self.weights(builder, self.inputs, self.x_scale) for _ in range(GATES)]
        recurring = [self.weights(builder, self.units, self.h_scale)[0] for _ in range(GATES)]
        biases = [
            builder.tensor((self.units,), "int32", scale=s, data=self.rng.integers(-(1 / s), 1 / s, self.units))
            for _, s in fed
        ]
        hidden = builder.tensor((1, self.units), scale=self.h_scale, zero_point=self.h_zero)
        cell = builder.tensor((1, self.units), "int16", scale=2.0**self.power)
        for index in (hidden, cell):
            builder.graph.tensors[index].isVariable = True
        y = builder.tensor((*shape, self.units), scale=self.h_scale, zero_point=self.h_zero)
        operands = [x, *(w for w, _ in fed), *recurring, NONE, NONE, NONE, *biases, NONE, NONE, hidden, cell]
        operands += [NONE] * 4
        for place, what in changes.items():
            operands[int(place.removeprefix("_"))] = what
        options = "UnidirectionalSequenceLSTMOptions"
        builder.op(
            *("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [y], options),
            **{"fusedActivationFunction": 4, "cellClip": self.clip, "timeMajor": time_major},
        )
        intermediates = [builder.tensor((0,), "float32") for _ in range(4)]
        intermediates.append(builder.tensor((0,), scale=self.h_scale, zero_point=self.h_zero))
        builder.graph.operators[0].intermediates = intermediates
        return builder.finish([x], [y])

    def samples(self, count=20) -> np.ndarray:
        x = self.rng.integers(-128, 128, (count, 1, self.steps, self.inputs)).astype(np.int8)
        x[1], x[2] = -128, 127
        return x


LAYERS = [
    {},
    {"steps": 1},
    {"steps": 1, "inputs": 1, "units": 1},
    {"steps": 7, "inputs": 3, "units": 9},
    {"power": -15},
    {"power": -13, "clip": 0.5},
    {"power": -11},
    {"power": -9, "clip": 10.0},
    {"steps": 2, "inputs": 33, "units": 17},
]


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


def params_of(model: bytes) -> LstmParams:
    (step,) = (step for step in build_plan(read(model)).steps if isinstance(step.params, LstmParams))
    return step.params


def case_of(layer: Layer, count=6) -> Case:
    states = (
        layer.rng.integers(-128, 128, (count, layer.units)),
        layer.rng.integers(-(2**15), 2**15, (count, layer.units)),
    )
    x = layer.samples(count).reshape(count, -1)
    return Case(params_of(layer.model()), [x, states[0].astype(np.int8), states[1].astype(np.int16)])


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


@pytest.mark.parametrize("power", [-16, -8])
def test_c3_scales_of_the_cell(rng, power):
    with pytest.raises(UnsupportedOperatorError, match="needed are a power of two from 2"):
        build_plan(read(Layer(rng, power=power).model()))


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
