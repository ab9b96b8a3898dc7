"""WHILE loops of TFLite files that are recurrent layers, against TensorFlow Lite and TensorFlow; and other loops."""

import contextlib

import numpy as np
import pytest
from requirements import require_module
from tflite_builder import ModelBuilder, tflm

from mcuq import float_run, loading, pipeline
from mcuq.errors import McuqError, UnsupportedOperatorError
from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.tflite import model_of

STEPS, INPUTS, UNITS = 5, 3, 4


class RnnLoop:
    """A simple RNN as the converter writes it: two counters, the last result, the state, the input."""

    def __init__(self, rng: np.random.Generator):
        self.weights = rng.normal(size=(UNITS, INPUTS)).astype(np.float32)
        self.recurrent = rng.normal(size=(UNITS, UNITS)).astype(np.float32)
        self.bias = rng.normal(size=UNITS).astype(np.float32)
        self.function, self.first, self.stride, self.limit, self.rows = "TANH", 0, 1, STEPS, 1
        self.used = "results"

    def model(self) -> bytes:
        builder = ModelBuilder()
        self.builder = builder
        x = self.real((STEPS, 1, INPUTS))
        first = self.integer(self.first)
        zeros = [self.real((self.rows, 1, UNITS), np.zeros), self.real((1, UNITS), np.zeros)]
        before = [first, first, *zeros, x]
        after = [*(builder.tensor((), "int32") for _ in range(2)), self.real((self.rows, 1, UNITS))]
        after += [self.real((1, UNITS)), self.real((STEPS, 1, INPUTS))]
        builder.op("WHILE", before, after, "WhileOptions", condSubgraphIndex=1, bodySubgraphIndex=2)
        y = {"results": after[2], "state": after[3], "input": after[4]}[self.used]
        out = self.real((self.rows, 1, UNITS) if self.used == "results" else (1, UNITS))
        builder.op("LOGISTIC", [y], [out])
        self.condition()
        self.body()
        return builder.finish([x], [out])

    def real(self, shape, data=None) -> int:
        values = None if data is None else (data(shape) if callable(data) else data)
        return self.builder.tensor(shape, "float32", data=values)

    def integer(self, value) -> int:
        value = np.asarray(value, np.int32)
        return self.builder.tensor(value.shape, "int32", data=value)

    def made(self, code: str, inputs, shape=(1, UNITS), dtype="float32", options=None, **fields) -> int:
        out = self.builder.tensor(shape, dtype)
        self.builder.op(code, inputs, [out], options, **fields)
        return out

    def arguments(self) -> list[int]:
        self.builder.begin_graph()
        counters = [self.builder.tensor((), "int32") for _ in range(2)]
        return [*counters, self.real((self.rows, 1, UNITS)), self.real((1, UNITS)), self.real((STEPS, 1, INPUTS))]

    def condition(self) -> None:
        inputs = self.arguments()
        limit = self.integer(self.limit)
        less = [self.made("LESS", [i, limit], (), "bool", "LessOptions") for i in inputs[:2]]
        both = self.made("LOGICAL_AND", less, (), "bool", "LogicalAndOptions")
        self.builder.graph.inputs, self.builder.graph.outputs = inputs, [both]

    def body(self) -> None:
        count, time, _, state, x = inputs = self.arguments()
        one = self.integer(self.stride)
        counted = [self.made("ADD", [i, one], (), "int32", "AddOptions") for i in (count, time)]
        step = self.made("GATHER", [x, time], (1, INPUTS), options="GatherOptions", axis=0)
        products = [
            self.made("FULLY_CONNECTED", [a, self.real(w.shape, w), -1], options="FullyConnectedOptions")
            for a, w in ((step, self.weights), (state, self.recurrent))
        ]
        total = self.made("ADD", products, options="AddOptions")
        total = self.made("ADD", [total, self.real((UNITS,), self.bias)], options="AddOptions")
        new = self.made(self.function, [total])
        shape = self.integer([self.rows, 1, UNITS])
        result = self.made("RESHAPE", [new, shape], (self.rows, 1, UNITS), options="ReshapeOptions")
        self.builder.graph.inputs = inputs
        self.builder.graph.outputs = [*counted, result, new, x]


def read(content: bytes):
    return model_of(parse(content), "model")


@pytest.mark.parametrize("used", ["results", "state"])
def test_n5_a_loop_is_a_layer(rng, used):
    loop = RnnLoop(rng)
    loop.used = used
    graph, x = read(loop.model()), rng.normal(size=(20, STEPS, 1, INPUTS)).astype(np.float32)

    assert [node.op.name for node in graph.nodes if node.op.name == "rnn"] == ["rnn"]
    got = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    np.testing.assert_allclose(got, tflm(loop.model(), x), atol=1e-6)


MISTAKES = {
    "another function": {"function": "LOGISTIC"},
    "not from the first step on": {"first": 1},
    "every other step": {"stride": 2},
    "too few steps": {"limit": STEPS - 1},
    "endless": {"stride": 0},
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_other_loops_are_refused_with_what_to_do(rng, mistake, run, tmp_path):
    loop = RnnLoop(rng)
    vars(loop).update(MISTAKES[mistake])
    path = tmp_path / "loop.tflite"
    path.write_bytes(loop.model())
    with pytest.raises(UnsupportedOperatorError, match="operator 0 WHILE: a loop that is no LSTM, GRU or simple RNN"):
        read(path.read_bytes())
    status, _, err = run("inspect", path)

    assert status == 2
    assert len(err.splitlines()) == 1
    assert "build the layer with unroll=True" in err


def test_what_else_a_loop_makes_cannot_be_used(rng):
    loop = RnnLoop(rng)
    loop.used = "input"
    with pytest.raises(McuqError, match="more than its hidden states is used after it"):
        read(loop.model())


def test_damaged_loops_are_refused(rng):
    """Whatever a byte becomes: the model is read, or a line says what is wrong."""
    content = RnnLoop(rng).model()
    for place in range(200, len(content), 97):
        with contextlib.suppress(McuqError):
            read(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])


def test_layers_of_keras(rng):
    """All kinds one after the other, with biases, as TensorFlow's converter writes them."""
    tf = require_module("tensorflow")
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            tf.keras.Input(batch_shape=(1, STEPS, INPUTS)),
            layers.LSTM(6, return_sequences=True),
            layers.GRU(5, return_sequences=True),
            layers.GRU(7, return_sequences=True, reset_after=False),
            layers.SimpleRNN(4),
        ]
    )
    model.set_weights([rng.normal(0, 0.6, w.shape).astype(np.float32) for w in model.get_weights()])
    graph = read(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    x = rng.normal(size=(8, 1, STEPS, INPUTS)).astype(np.float32)
    expected = np.stack([model(sample).numpy() for sample in x])

    kinds = ("lstm", "gru", "rnn")
    assert [node.op.name for node in graph.nodes if node.op.name in kinds] == ["lstm", "gru", "gru", "rnn"]
    got = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    np.testing.assert_allclose(got.reshape(expected.shape), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["lstm_float", "lstm_sequences_float"])
def test_files(shared, rng, name):
    """TFLM computes the loop, but not the list of all results: its shapes are dynamic there."""
    module = require_module("ai_edge_litert.interpreter")
    path = shared / f"cases/operators/{name}.tflite"
    graph = read(path.read_bytes())
    x = rng.normal(size=(200, *graph.shapes[graph.inputs[0]])).astype(np.float32)
    real = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    interpreter = module.Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,), (said,) = interpreter.get_input_details(), interpreter.get_output_details()
    for sample, expected in zip(x[:20], real, strict=False):
        interpreter.set_tensor(given["index"], sample)
        interpreter.invoke()
        np.testing.assert_allclose(interpreter.get_tensor(said["index"]).ravel(), expected.ravel(), atol=1e-6)
    integers = loading.quantize(graph, x)
    got = integers.values[integers.outputs[0]].dequantize(pipeline.simulate(pipeline.compile(integers), x))

    assert np.square(real).sum() > 300 * np.square(real - got.reshape(real.shape)).sum()
