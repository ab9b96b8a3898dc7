"""The operators that other people's models need, each a model of its own: ../shared/cases/operators."""

import numpy as np
import pytest
from tflite_builder import tflm

from mcuq import float_run, loading
from mcuq.float_graph import FloatGraph
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

UNRUN = ("exp", "log", "sqrt", "elu_composed")  # in int8, by TensorFlow Lite Micro
WHOLE = (
    "arg_max",
    "batch_matmul",
    "div_two",
    "layer_norm",
    "reduce_max_axis",
    "rsqrt",
    "space_to_batch",
    "unpack_pack",
)
POSITIVE = {"log": "x", "sqrt": "x", "rsqrt": "x", "div_two": "b"}  # inputs of 0.5 to 4: the divisor, and roots
LEAST = 30.0  # dB


def load(shared, name):
    folder = shared / "cases" / "operators"
    if not folder.is_dir():
        pytest.skip(f"no operator cases at {folder}")
    return folder / f"{name}.tflite", loading.load(folder / f"{name}.tflite")


def is_positive(name, value):
    return name in POSITIVE and value.endswith(POSITIVE[name])


@pytest.mark.parametrize("name", WHOLE)
def test_n5_int8_equals_tflm(shared, rng, name):
    path, graph = load(shared, f"{name}_int8")
    inputs = {}
    for value in graph.inputs:
        tensor = graph.values[value]
        low = tensor.zero_point + 1 if is_positive(name, value) else -128  # there is no root, no quotient
        inputs[value] = rng.integers(low, 128, (200, *tensor.shape)).astype(np.int8)
    output = graph.values[graph.outputs[0]]
    got = simulate(build_plan(graph), inputs)[graph.outputs[0]]
    wanted = tflm(path.read_bytes(), *inputs.values())
    meant = got.astype(int) - output.zero_point if wanted.dtype == np.int32 else got  # an index
    np.testing.assert_array_equal(meant.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("name", UNRUN)
def test_int8_is_the_nearest_integer(shared, name):
    """Of every byte that is defined: what the layers' real functions make of it"""
    _, graph = load(shared, f"{name}_int8")
    x, y = graph.values[graph.inputs[0]], graph.values[graph.outputs[0]]
    q = np.resize(np.arange(-128, 128), (26, *x.shape)).astype(np.int8)
    real = (q.astype(np.float64) - x.zero_point) * x.scale
    with np.errstate(all="ignore"):
        functions = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt}
        wanted = functions[name](real) if name in functions else np.where(real > 0, real, 0.5 * np.expm1(real))
    steps = np.clip(wanted / y.scale + y.zero_point, -128, 127)
    got = simulate(build_plan(graph), {graph.inputs[0]: q})[graph.outputs[0]].reshape(steps.shape)
    defined = np.isfinite(wanted)
    error = np.abs(got - steps)[defined]
    assert error.max() < 0.5 + 1e-4


def drawn(name, graph, rng, count):
    """Inputs by name: normal, or of 0.5 to 4."""
    x = {
        value: rng.uniform(0.5, 4, (count, *graph.shapes[value]))
        if is_positive(name, value)
        else rng.normal(size=(count, *graph.shapes[value]))
        for value in graph.inputs
    }
    return {value: samples.astype(np.float32) for value, samples in x.items()}


@pytest.mark.parametrize(
    ("name", "fresh"),
    [
        (name, fresh)
        for name in (*WHOLE, *UNRUN)
        for fresh in (False, True)
        if name != "arg_max" and (name, fresh) != ("exp", True)  # below
    ],
)
def test_float_is_close(shared, rng, name, fresh):
    """30 dB against the real results: on the samples that the ranges are from, and on 2,000 others.

    For these the ranges are from 3,000: as many tell how far the tails of quotients reach.
    """
    _, graph = load(shared, f"{name}_float")
    assert isinstance(graph, FloatGraph)
    x = drawn(name, graph, rng, 3000 if fresh else 300)
    quantized = loading.quantize(graph, x)
    assert decibels(graph, quantized, drawn(name, graph, rng, 2000) if fresh else x) > LEAST


def decibels(graph, quantized, x):
    """The results' power over their errors'."""
    q = {value: quantized.values[value].quantize(samples) for value, samples in x.items()}
    output = quantized.values[quantized.outputs[0]]
    got = output.dequantize(simulate(build_plan(quantized), q)[quantized.outputs[0]])
    real = float_run.run(graph, x)[graph.outputs[0]]
    return 10 * np.log10(np.mean(real**2) / np.mean((got - real) ** 2))


def test_float_exponentials_not_seen(shared):
    """In 9 of 10 sets of 300 samples: in a tenth a number lies so far out that no range of 8 bits serves it and them.

    Of all normal numbers at once the best range has 27.1 dB, see the next test.
    """
    _, graph = load(shared, "exp_float")
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        quantized = loading.quantize(graph, drawn("exp", graph, rng, 1000))
        found += [decibels(graph, quantized, drawn("exp", graph, rng, 300)) for _ in range(10)]
    assert np.mean(np.array(found) > LEAST) >= 0.9


def best_range(real):
    """The decibels of the best of all ranges from 0 on, of 8 bits, if nothing but rounding and clipping goes wrong."""
    found = []
    for top in np.exp(np.arange(3.5, 5.5, 0.05)):
        error = np.clip(np.round(real / top * 255), 0, 255) * top / 255 - real
        found.append(10 * np.log10(np.mean(real**2) / np.mean(error**2)))
    return max(found)


def test_no_range_holds_all_exponentials(shared):
    """Of a million normal numbers none has 30 dB, of all there are 27.1 by the integrals; mcuq's is near the best."""
    _, graph = load(shared, "exp_float")
    rng = np.random.default_rng(0)
    quantized = loading.quantize(graph, drawn("exp", graph, rng, 1000))
    x = drawn("exp", graph, rng, 100_000)
    best = best_range(np.exp(x[graph.inputs[0]].astype(np.float64)))
    assert best < LEAST - 1
    assert decibels(graph, quantized, x) > best - 2


def test_arg_max_float_is_the_index(shared, rng):
    """On samples whose two largest differ by more than a step."""
    _, graph = load(shared, "arg_max_float")
    (name,) = graph.inputs
    x = rng.normal(size=(1000, *graph.shapes[name])).astype(np.float32)
    quantized = loading.quantize(graph, {name: x[:300]})
    tensor = quantized.values[name]
    index = simulate(build_plan(quantized), {name: tensor.quantize(x)})[quantized.outputs[0]].astype(int) + 128
    largest = np.sort(x.reshape(1000, -1), axis=1)
    apart = largest[:, -1] - largest[:, -2] > tensor.scale
    assert np.mean(index[apart].ravel() == x.reshape(1000, -1).argmax(axis=1)[apart]) >= 0.99
