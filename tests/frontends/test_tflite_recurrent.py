"""Recurrent layers of TFLite files, as one operator or unrolled, against TensorFlow Lite Micro."""

import numpy as np
import pytest
from oracle import assert_equals_tflm, read
from tflite_builder import ModelBuilder, tflm

from mcuq import loading, pipeline
from mcuq.errors import MalformedModelError

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
    from mcuq import float_run

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
