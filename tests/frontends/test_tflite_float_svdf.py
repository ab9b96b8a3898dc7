"""SVDF layers of float TFLite files: the numbers of LiteRT, and integers made of a sequence."""

from dataclasses import replace

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from requirements import require_module
from tflite_builder import ModelBuilder

import mcuq
from mcuq import archive, float_run, loading, pipeline
from mcuq.errors import UnsupportedOperatorError
from mcuq.evaluation import evaluate
from mcuq.float_graph import FloatGraph
from mcuq.quantization.calibrate import calibrate
from mcuq.quantization.samples import Batch
from mcuq.simulator import simulate
from mcuq.verification import verify_project

STEPS = 200
NONE, RELU, TANH = 0, 1, 4


def svdf(
    builder: ModelBuilder, rng, x: int, inputs: int, units: int, rank=1, memory=6, activation=NONE, bias=True
) -> int:
    """Add a layer; return its output."""
    filters = units * rank
    features = (rng.normal(size=(filters, inputs)) / np.sqrt(inputs)).astype(np.float32)
    time = (rng.normal(size=(filters, memory)) / np.sqrt(memory)).astype(np.float32)
    state = builder.tensor((1, filters * memory), "float32")
    builder.graph.tensors[state].isVariable = True
    given = builder.tensor((units,), "float32", data=rng.normal(size=units).astype(np.float32)) if bias else -1
    y = builder.tensor((1, units), "float32")
    operands = [
        x,
        builder.tensor(features.shape, "float32", data=features),
        builder.tensor(time.shape, "float32", data=time),
        given,
        state,
    ]
    builder.op("SVDF", operands, [y], "SVDFOptions", rank=rank, fusedActivationFunction=activation)
    return y


def model(rng, activation=NONE, **sizes) -> bytes:
    builder = ModelBuilder()
    x = builder.tensor((1, sizes.get("inputs", 5)), "float32")
    return builder.finish([x], [svdf(builder, rng, x, **{"inputs": 5, "units": 4, **sizes}, activation=activation)])


def two_layers(rng) -> bytes:
    """One after the other, each with its state."""
    builder = ModelBuilder()
    x = builder.tensor((1, 6), "float32")
    middle = svdf(builder, rng, x, 6, 8, memory=4, activation=RELU)
    return builder.finish([x], [svdf(builder, rng, middle, 8, 3, rank=2)])


MODELS = {
    "plain": model,
    "relu": lambda rng: model(rng, RELU),
    "of rank 3": lambda rng: model(rng, RELU, inputs=7, units=2, rank=3, memory=5),
    "of one step": lambda rng: model(rng, inputs=1, units=1, memory=1),
    "without a bias": lambda rng: model(rng, bias=False, memory=9),
    "two layers": two_layers,
}


@pytest.fixture(params=MODELS)
def content(request, rng) -> bytes:
    return MODELS[request.param](rng)


def opened(content: bytes, tmp_path) -> FloatGraph:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    graph = loading.load(path)
    assert isinstance(graph, FloatGraph)
    return graph


def sequence(rng, graph: FloatGraph, steps=STEPS) -> np.ndarray:
    return rng.normal(size=(steps, *graph.shapes[graph.inputs[0]])).astype(np.float32)


def litert(content: bytes, x: np.ndarray) -> np.ndarray:
    """The outputs of all steps, from a reset on."""
    interpreter = require_module("ai_edge_litert.interpreter").Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (given,), (said,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for step in x:
        interpreter.set_tensor(given["index"], step)
        interpreter.invoke()
        rows.append(interpreter.get_tensor(said["index"]).copy())
    return np.array(rows)


def test_real_numbers_are_those_of_litert(content, rng, tmp_path):
    graph = opened(content, tmp_path)
    x = sequence(rng, graph, 20)
    wanted = litert(content, x)

    got = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def noise_ratio(wanted: np.ndarray, got: np.ndarray) -> float:
    return 10 * np.log10(np.sum(wanted**2) / np.sum((wanted - got) ** 2))


@pytest.mark.parametrize(("bits", "least"), [(8, 30), (4, 14)])
def test_integers_follow_a_sequence(content, rng, tmp_path, bits, least):
    graph = opened(content, tmp_path)
    x = sequence(rng, graph)
    integers = mcuq.quantize(graph, x, bits=bits)
    assert len(integers.states) == len(graph.states) >= 1
    (name,), (output,) = integers.inputs, integers.outputs
    fresh = sequence(rng, graph)
    said = simulate(mcuq.compile(integers), {name: integers.values[name].quantize(fresh)})[output]

    wanted = float_run.run(graph, {name: fresh})[output]
    assert noise_ratio(wanted, integers.values[output].dequantize(said)) > least


def test_n3_the_c_of_them(content, rng, tmp_path):
    """The self-test is the beginning of the sequence that the model was quantized with."""
    graph = opened(content, tmp_path)
    x = sequence(rng, graph)
    quantized = loading.quantize_float(graph, x)
    name = graph.inputs[0]
    count = len(quantized.samples[name])
    assert count > 1
    np.testing.assert_array_equal(quantized.samples[name], quantized.graph.values[name].quantize(x[:count]))

    pipeline.write_project(quantized, "esp32dev", tmp_path / "project")
    (result,) = verify_project(tmp_path / "project", flags=(*STRICT, *SANITIZERS))
    assert result.passed


def test_what_is_remembered_goes_on_from_batch_to_batch(rng, tmp_path):
    graph = opened(model(rng), tmp_path)
    x = sequence(rng, graph)
    whole = calibrate(graph, x).ranges("minmax")
    parts = calibrate(graph, [x[i : i + 7] for i in range(0, STEPS, 7)]).ranges("minmax")
    alone = calibrate(graph, x[:1]).ranges("minmax")

    assert whole == parts != alone


def test_the_archive_keeps_the_float_model_and_its_states(rng, tmp_path, run):
    graph = opened(model(rng), tmp_path)
    x = sequence(rng, graph)
    path, samples = tmp_path / "quantized.mcuq", tmp_path / "x.npy"
    path.write_bytes(archive.dump(loading.quantize_float(replace(graph, name="quantized"), x)))
    np.save(samples, x[:, 0])
    source = archive.read(path).source
    assert source is not None and source.states == graph.states
    status, out, err = run("evaluate", path, "--data", samples)
    assert (status, err) == (0, "") and "svdf" in out


def test_a_sequence_is_judged_as_one_in_any_batches(rng, tmp_path):
    graph = opened(two_layers(rng), tmp_path)
    x = sequence(rng, graph)
    integers, name = mcuq.quantize(graph, x), graph.inputs[0]
    one, many = (
        evaluate(integers, graph, [Batch({name: x[i : i + size]}, None) for i in range(0, STEPS, size)])
        for size in (STEPS, 7)
    )
    for whole, parts in zip(one.layers, many.layers, strict=True):
        assert whole.output.sqnr == pytest.approx(parts.output.sqnr) and whole.output.sqnr > 25


def test_another_activation_is_refused(rng, tmp_path):
    with pytest.raises(UnsupportedOperatorError, match="an SVDF with another activation than ReLU"):
        opened(model(rng, TANH), tmp_path)
