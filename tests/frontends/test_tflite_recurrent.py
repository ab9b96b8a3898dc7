"""Recurrent layers of TFLite files, as one operator or unrolled, against TensorFlow Lite Micro."""

import numpy as np
import pytest
from oracle import assert_equals_tflm, read
from tflite_builder import ModelBuilder, tflm

from mcuq import float_run, loading, pipeline
from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.tflite import model_of

UNROLLED = ("lstm_unrolled_int8", "rnn_unrolled_int8", "unpack_pack_int8")


@pytest.mark.parametrize("name", UNROLLED)
def test_n5_unrolled_layers(shared, rng, name):
    path = shared / f"cases/operators/{name}.tflite"
    graph = loading.load(path)
    x = rng.integers(-128, 128, (20, *graph.values[graph.inputs[0]].shape)).astype(np.int8)
    expected = tflm(path.read_bytes(), x)

    np.testing.assert_array_equal(pipeline.simulate(pipeline.compile(graph), x).reshape(expected.shape), expected)


@pytest.mark.parametrize("name", UNROLLED)
def test_unrolled_float_layers_are_quantized(shared, rng, name):
    graph = loading.load(shared / f"cases/operators/{name.replace('int8', 'float')}.tflite")
    x = rng.normal(size=(64, *graph.shapes[graph.inputs[0]])).astype(np.float32)
    real = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    integers = loading.quantize(graph, x)
    got = integers.values[integers.outputs[0]].dequantize(pipeline.simulate(pipeline.compile(integers), x))

    assert np.square(real).sum() > 300 * np.square(real - got.reshape(real.shape)).sum()


def test_n5_a_public_lstm(shared, rng):
    """Handwritten digits row by row, somebody's project: steps within a run, and states between runs."""
    path = shared / "models/wild/tinyml_number_model_quant_dde0.tflite"
    graph = loading.load(path)
    x = rng.integers(-128, 128, (10, 1, 28, 28)).astype(np.int8)
    x[5:] = np.where(x[5:] < 90, -128, x[5:])

    assert [state.read for state in graph.states] == ["lstm_0_hidden", "lstm_0_cell"]
    expected = tflm(path.read_bytes(), x)
    np.testing.assert_array_equal(pipeline.simulate(pipeline.compile(graph), x).reshape(expected.shape), expected)


def float_lstm(rng, steps, inputs=3, units=4, variable=True) -> bytes:
    """A layer as the converter writes it from Keras's, in float."""
    builder = ModelBuilder()

    def real(*shape: int) -> int:
        return builder.tensor(shape, "float32", data=rng.normal(0, 0.7, shape).astype(np.float32))

    x, y = (builder.tensor((1, steps, n), "float32") for n in (inputs, units))
    states = [builder.tensor((1, units), "float32") for _ in range(2)]
    for state in states:
        builder.graph.tensors[state].isVariable = variable
    weights = [real(units, n) for n in (inputs, units) for _ in range(4)]
    operands = [x, *weights, -1, -1, -1, *(real(units) for _ in range(4)), -1, -1, *states, *[-1] * 4]
    options = "UnidirectionalSequenceLSTMOptions"
    builder.op("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [y], options, fusedActivationFunction=4)
    return builder.finish([x], [y])


def test_n5_a_float_lstm_begins_anew_in_every_run(rng):
    model = float_lstm(rng, 6)
    graph = model_of(parse(model), "model")
    x = rng.normal(size=(64, 1, 6, 3)).astype(np.float32)
    real = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    expected = np.concatenate([tflm(model, sample[np.newaxis]) for sample in x[:5]])
    integers = loading.quantize(graph, x)
    got = integers.values[integers.outputs[0]].dequantize(pipeline.simulate(pipeline.compile(integers), x))

    np.testing.assert_allclose(real[:5].reshape(expected.shape), expected, atol=1e-6)
    assert np.square(real).sum() > 300 * np.square(real - got.reshape(real.shape)).sum()


def test_n5_a_public_float_lstm(shared, rng):
    """That of the digits before it was quantized."""
    path = shared / "models/wild/tinyml_mnist_lstm_c78f.tflite"
    graph = loading.load(path)
    x = rng.uniform(0, 1, (3, *graph.shapes[graph.inputs[0]])).astype(np.float32)
    expected = np.concatenate([tflm(path.read_bytes(), sample[np.newaxis]) for sample in x])

    got = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    np.testing.assert_allclose(got.reshape(expected.shape), expected, atol=1e-6)


def test_float_models_that_would_forget_are_refused(rng):
    with pytest.raises(UnsupportedOperatorError, match="a float LSTM of one step, whose states would be lost"):
        model_of(parse(float_lstm(rng, 1)), "model")
    builder = ModelBuilder()
    x, read, y = (builder.tensor((1, 4), "float32") for _ in range(3))
    handle = builder.tensor([], "resource")
    builder.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
    builder.op("VAR_HANDLE", [], [handle], "VarHandleOptions", sharedName=b"total", container=b"")
    builder.op("READ_VARIABLE", [handle], [read], "ReadVariableOptions")
    builder.op("ADD", [x, read], [y], "AddOptions")
    builder.op("ASSIGN_VARIABLE", [handle, y], [], "AssignVariableOptions")
    builder.begin_graph()
    handle, zeros = builder.tensor([], "resource"), builder.tensor((1, 4), "float32", data=np.zeros((1, 4), np.float32))
    builder.op("VAR_HANDLE", [], [handle], "VarHandleOptions", sharedName=b"total", container=b"")
    builder.op("ASSIGN_VARIABLE", [handle, zeros], [], "AssignVariableOptions")
    with pytest.raises(UnsupportedOperatorError, match="variable 'total' of a float model; quantize the model to int8"):
        model_of(parse(builder.finish([x], [y])), "model")


@pytest.mark.parametrize("shape", [(1, 4), (1, 3, 5), (1, 2, 3, 4), (1, 1)])
@pytest.mark.parametrize("axis", [0, 1, -2, -1])
def test_n5_pack(rng, shape, axis):
    builder = ModelBuilder()
    inputs = [builder.tensor(shape, scale=0.1, zero_point=4) for _ in range(3)]
    place = axis % (len(shape) + 1)
    out = builder.tensor((*shape[:place], 3, *shape[place:]), scale=0.1, zero_point=4)
    builder.op("PACK", inputs, [out], "PackOptions", axis=axis, valuesCount=3)
    samples = [rng.integers(-128, 128, (4, *shape)).astype(np.int8) for _ in inputs]

    assert_equals_tflm(builder.finish(inputs, [out]), *samples)


@pytest.mark.parametrize("shape", [(1, 4), (1, 3, 5), (1, 2, 3, 4), (3, 1, 5)])
@pytest.mark.parametrize("axis", [0, 1, -2, -1])
def test_n5_unpack(rng, shape, axis):
    builder = ModelBuilder()
    place = axis % len(shape)
    x = builder.tensor(shape, scale=0.1, zero_point=4)
    part = (*shape[:place], *shape[place + 1 :])
    parts = [builder.tensor(part, scale=0.1, zero_point=4) for _ in range(shape[place])]
    builder.op("UNPACK", [x], parts, "UnpackOptions", axis=axis, num=len(parts))
    out = builder.tensor(part, scale=0.2, zero_point=1)
    builder.op("ADD", [parts[-1], parts[0]], [out], "AddOptions")

    assert_equals_tflm(builder.finish([x], [out]), rng.integers(-128, 128, (4, *shape)).astype(np.int8))


def test_packs_that_do_not_fit_are_refused():
    builder = ModelBuilder()
    x, y, out = (builder.tensor(shape, scale=0.1) for shape in ((1, 4), (1, 4), (1, 3, 4)))
    builder.op("PACK", [x, y], [out], "PackOptions", axis=1, valuesCount=2)
    with pytest.raises(MalformedModelError, match="is not its 2 operands along dimension 1"):
        read(builder.finish([x, y], [out]))

    builder = ModelBuilder()
    x, out = (builder.tensor(shape, scale=0.1) for shape in ((1, 4), (4,)))
    builder.op("UNPACK", [x], [out, out], "UnpackOptions", axis=0, num=2)
    with pytest.raises(MalformedModelError, match="is not one of 2 along dimension 0"):
        read(builder.finish([x], [out]))
