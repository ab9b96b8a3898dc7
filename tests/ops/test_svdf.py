"""SVDF against TensorFlow Lite Micro, its kernel, and real numbers."""

from dataclasses import replace

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from oracle import assert_equals_tflm, read
from requirements import require
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, MalformedModelError, UnsupportedOperatorError
from mcuq.ops.svdf import Svdf, SvdfParams
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

RELU, TANH = 1, 4


class Layer:
    """A random layer; ``wide``: its state and its weights along time are int16, as the converter has them."""

    def __init__(self, rng: np.random.Generator, inputs=5, units=4, rank=1, memory=6, wide=True):
        self.rng, self.inputs, self.units, self.rank, self.memory = rng, inputs, units, rank, memory
        self.dtype, self.filters = "int16" if wide else "int8", units * rank
        self.x_scale, self.x_zero = float(rng.uniform(0.004, 0.06)), int(rng.integers(-128, 128))
        self.w_scale, self.t_scale = (float(rng.uniform(0.5, 2)) / n for n in (127, 32767 if wide else 127))
        # some states saturate; of int8 ones only those whose zero point is 0, where all versions of TFLM agree
        reach = self.x_scale * self.w_scale * 127 * 128 * np.sqrt(inputs)
        self.s_zero = 0 if wide else int(rng.choice([0, 0, 9]))
        self.s_scale = reach * float(rng.uniform(0.5, 2) if self.s_zero == 0 else 8) / (4000 if wide else 127)
        self.y_scale = self.s_scale * self.t_scale * (4000 * 4000 if wide else 90 * 90) * memory / 200
        self.y_zero = int(rng.integers(-128, 20))

    def model(self, activation=RELU, **changes) -> bytes:
        """Return the file; ``changes`` replace operands by their place."""
        rng, builder = self.rng, ModelBuilder()
        x = builder.tensor((1, self.inputs), scale=self.x_scale, zero_point=self.x_zero)
        features = rng.integers(-127, 128, (self.filters, self.inputs)).astype(np.int8)
        reach = 4000 if self.dtype == "int16" else 128
        time = rng.integers(-reach, reach, (self.filters, self.memory)).astype(self.dtype)
        bias = rng.integers(-1000, 1000, self.units).astype(np.int32)
        state = builder.tensor((1, self.filters * self.memory), self.dtype, self.s_scale, self.s_zero)
        builder.graph.tensors[state].isVariable = True
        y = builder.tensor((1, self.units), scale=self.y_scale, zero_point=self.y_zero)
        operands = [
            x,
            builder.tensor(features.shape, scale=self.w_scale, data=features),
            builder.tensor(time.shape, self.dtype, scale=self.t_scale, data=time),
            builder.tensor(bias.shape, "int32", scale=self.s_scale * self.t_scale, data=bias),
            state,
        ]
        for place, what in changes.items():
            operands[int(place.removeprefix("_"))] = what
        builder.op("SVDF", operands, [y], "SVDFOptions", rank=self.rank, fusedActivationFunction=activation)
        return builder.finish([x], [y])

    def samples(self, count=20) -> np.ndarray:
        x = self.rng.integers(-128, 128, (count, 1, self.inputs)).astype(np.int8)
        x[4], x[5] = -128, 127
        return x


LAYERS = [
    {},
    {"inputs": 1, "units": 1, "memory": 1},
    {"inputs": 3, "units": 5, "rank": 2, "memory": 2},
    {"inputs": 17, "units": 9, "memory": 10},
    {"inputs": 40, "units": 3, "rank": 4, "memory": 7},
    {"wide": False},
    {"inputs": 7, "units": 2, "rank": 3, "memory": 5, "wide": False},
]


@pytest.mark.parametrize("sizes", LAYERS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_n5_twenty_runs_equal_tflm(sizes, seed):
    layer = Layer(np.random.default_rng(seed), **sizes)

    assert_equals_tflm(layer.model(), layer.samples())


def test_n5_two_layers_one_after_the_other(rng):
    """Each has its state; the second begins a step as the first ends it."""
    first, builder = Layer(rng, inputs=6, units=8), ModelBuilder()
    layers = [first, Layer(rng, inputs=8, units=3, rank=2)]
    x = y = builder.tensor((1, 6), scale=0.05, zero_point=3)
    scales = (0.05, 0.02, 0.02)
    for layer, x_scale, y_scale in zip(layers, scales, scales[1:], strict=False):
        state = builder.tensor((1, layer.filters * layer.memory), "int16", scale=x_scale / 20)
        builder.graph.tensors[state].isVariable = True
        features = rng.integers(-127, 128, (layer.filters, layer.inputs)).astype(np.int8)
        time = rng.integers(-4000, 4000, (layer.filters, layer.memory)).astype(np.int16)
        operands = [
            y,
            builder.tensor(features.shape, scale=0.01, data=features),
            builder.tensor(time.shape, "int16", scale=1e-4, data=time),
            builder.tensor((layer.units,), "int32", scale=x_scale / 20e4, data=np.zeros(layer.units, np.int32)),
            state,
        ]
        y = builder.tensor((1, layer.units), scale=y_scale, zero_point=-7)
        builder.op("SVDF", operands, [y], "SVDFOptions", rank=layer.rank, fusedActivationFunction=RELU)
    model = builder.finish([x], [y])

    assert len(read(model).states) == 2
    assert_equals_tflm(model, first.samples())


def params_of(model: bytes) -> SvdfParams:
    (step,) = build_plan(read(model)).steps
    assert isinstance(step.params, SvdfParams)
    return step.params


def case_of(layer: Layer, count=6) -> Case:
    info = np.iinfo(layer.dtype)
    state = layer.rng.integers(info.min, int(info.max) + 1, (count, layer.filters * layer.memory))
    return Case(params_of(layer.model()), [layer.samples(count).reshape(count, -1), state.astype(np.int16)])


def test_n2_kernel_equals_run():
    cases = [case_of(Layer(np.random.default_rng(i), **sizes)) for i, sizes in enumerate(LAYERS)]
    extreme = case_of(Layer(np.random.default_rng(9)))
    largest = replace(extreme.params, time=np.full_like(extreme.params.time, -(2**15)), output_shift=-3)
    cases.append(Case(largest, [extreme.inputs[0], np.full_like(extreme.inputs[1], -(2**15))]))

    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_kernel_equals_run_on_an_emulated_chip(isa):
    tools = {"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}
    require(*tools[isa])
    assert_emulated_equals_run(
        [case_of(Layer(np.random.default_rng(i), **sizes), 6) for i, sizes in enumerate(LAYERS[:6])], isa
    )


def test_the_memory_moves_in_its_place(rng):
    """A state that a kernel may write over needs no second buffer and no copy."""
    plan = build_plan(read(Layer(rng).model()))

    assert plan.state_bytes == 2 * 4 * 6
    assert [step.op.name for step in plan.steps] == ["svdf"]


def test_sums_beyond_int32_saturate(rng):
    """TFLM's would wrap to the other sign."""
    layer = Layer(rng, inputs=1, units=1, memory=4)
    params = replace(
        params_of(layer.model()), time=np.full((1, 4), 32767, np.int16), bias=np.zeros(1, np.int32), output_zero_point=0
    )
    state = np.full((1, 4), 32767, np.int16)

    assert params.run(np.zeros((1, 1), np.int8), state).item() == 127
    assert params.run(np.zeros((1, 1), np.int8), -state).item() == -128


def test_integers_follow_real_numbers(rng):
    """Thirty steps, of states that do not saturate."""
    layer = Layer(rng, inputs=6, units=5, rank=2)
    layer.s_scale *= 8
    graph, samples = read(layer.model()), layer.samples(30)
    (node,) = graph.nodes
    constants = [graph.constants[name].real() for name in node.inputs[2:4]]
    bias = graph.constants[node.inputs[4]].values * (layer.s_scale * layer.t_scale)
    got = simulate(build_plan(graph), {graph.inputs[0]: samples})[graph.outputs[0]]
    state = np.zeros((1, 1, layer.filters * layer.memory))
    for sample, said in zip(samples, got, strict=True):
        real, state = node.op.forward_all(
            (sample[np.newaxis] - float(layer.x_zero)) * layer.x_scale, state, *constants, bias
        )
        wanted = np.clip(real / layer.y_scale + layer.y_zero, -128, 127)
        assert np.abs(wanted.ravel() - said.ravel()).max() < 1


def test_c1_shapes():
    good = [(1, 5), (1, 24), (4, 5), (4, 6), (2,)]
    assert Svdf(2).infer_shapes(*good) == ((1, 2), (1, 24))
    wrong = [(0, (2, 5)), (0, (1, 6)), (1, (1, 23)), (2, (3, 5)), (3, (3, 8)), (4, (4,))]
    for place, shape in wrong:
        with pytest.raises(ValueError, match=r"batch 1 and shapes|the bias has"):
            Svdf(2).infer_shapes(*(shape if k == place else s for k, s in enumerate(good)))
    with pytest.raises(ValueError, match="filters that 3 divides"):
        Svdf(3).infer_shapes(*good[:4])


def test_c2_accumulators_that_overflow_are_refused():
    op, wide = Svdf(), 140_000
    with pytest.raises(CannotQuantizeError, match="output channel 0 can sum to"):
        op.lower(*_operands(wide))


def _operands(inputs: int, **changes):
    from mcuq.tensor import QConstant, QTensor

    one = np.ones(1)
    kinds = {
        "x": QTensor((1, inputs), 0.1, -128),
        "state": QTensor((1, 2), 0.1, 0, "int16"),
        "features": QConstant(np.full((1, inputs), 127, np.int8), one),
        "time": QConstant(np.ones((1, 2), np.int16), one),
    } | changes
    return list(kinds.values()), QTensor((1, 1), 0.1, 0)


def test_c3_the_state_has_zero_point_0():
    inputs, output = _operands(3)
    with pytest.raises(UnsupportedOperatorError, match="the state has zero point 2"):
        Svdf().lower([inputs[0], replace(inputs[1], zero_point=2), *inputs[2:]], output)


def test_c4_zero_points_and_scales_of_weights():
    inputs, output = _operands(3)
    with pytest.raises(CannotQuantizeError, match="weights have zero points 0, 1; both must be 0"):
        Svdf().lower([*inputs[:3], replace(inputs[3], zero_point=1)], output)
    with pytest.raises(CannotQuantizeError, match="per tensor, this one is per channel"):
        Svdf().lower([*inputs[:2], replace(inputs[2], scale=np.ones(2)), inputs[3]], output)


def test_what_is_not_plain_is_refused(rng):
    layer = Layer(rng)
    with pytest.raises(UnsupportedOperatorError, match="an SVDF with another activation than ReLU"):
        read(layer.model(TANH))
    layer.s_zero = 5
    with pytest.raises(UnsupportedOperatorError, match="has zero point 5; it must be 0"):
        read(layer.model())


@pytest.mark.parametrize(("place", "what"), [("_4", -1), ("_1", -1), ("_2", 0), ("_4", 0)])
def test_damaged_operands(rng, place, what):
    with pytest.raises((MalformedModelError, UnsupportedOperatorError)):
        read(Layer(rng).model(**{place: what}))
