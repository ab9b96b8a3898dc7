"""Keras' LSTM, GRU and SimpleRNN: layers, directions, both forms of the GRU, to real numbers and one step per run."""

import numpy as np
import pytest
from requirements import require_module

require_module("tensorflow")
keras = require_module("keras")

import mcuq  # noqa: E402
from mcuq import float_run  # noqa: E402
from mcuq.errors import UnsupportedOperatorError  # noqa: E402
from mcuq.simulator import simulate  # noqa: E402

STEPS, INPUTS = 6, 5
L = keras.layers
NETS = {
    "gru": (lambda: [L.GRU(4), L.Dense(3)], {"gru": 1}),
    "gru before": (lambda: [L.GRU(4, reset_after=False, return_sequences=True), L.GRU(3)], {"gru": 2}),
    "lstm": (lambda: [L.LSTM(4, return_sequences=True), L.LSTM(5), L.Dense(3)], {"lstm": 2}),
    "rnn": (lambda: [L.SimpleRNN(4, return_sequences=True), L.Dense(3)], {"rnn": 1}),
}


def network(rng, name):
    layers, _ = NETS[name]
    model = keras.Sequential([keras.Input((STEPS, INPUTS)), *layers()])
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    return model


@pytest.mark.parametrize("name", NETS)
def test_real_numbers_equal_keras_and_steps_the_whole(rng, name):
    model, x = network(rng, name), rng.normal(size=(40, STEPS, INPUTS)).astype(np.float32)
    graph = mcuq.load(model)
    for kind, count in NETS[name][1].items():
        assert sum(node.op.name == kind for node in graph.nodes) == count
    got = float_run.run(graph, {graph.inputs[0]: x[:, np.newaxis]})[graph.outputs[0]]
    np.testing.assert_allclose(got.ravel(), np.asarray(model(x)).ravel(), atol=1e-5)
    whole = mcuq.quantize(graph, x)
    steps, (name,), (answer,) = mcuq.stateful(whole), whole.inputs, whole.outputs
    q = whole.values[name].quantize(x[:2])
    at_once = simulate(mcuq.compile(whole), {name: q[:, np.newaxis]})[answer]
    for sequence, want in zip(q, at_once, strict=True):
        one_by_one = simulate(mcuq.compile(steps), {name: sequence.reshape(STEPS, 1, 1, INPUTS)})[answer]
        got = one_by_one if one_by_one.size == want.size else one_by_one[-1]
        np.testing.assert_array_equal(got.ravel(), want.ravel())


@pytest.mark.parametrize("rows", [True, False])
def test_both_directions(rng, rows):
    """Bidirectional: one layer over the sequence, and one over it from its end."""
    model = keras.Sequential(
        [keras.Input((STEPS, INPUTS)), L.Bidirectional(L.GRU(4, return_sequences=rows)), L.Dense(3)]
    )
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    x, graph = rng.normal(size=(1, STEPS, INPUTS)).astype(np.float32), mcuq.load(model)
    got = float_run.run(graph, {graph.inputs[0]: x[:, np.newaxis]})[graph.outputs[0]]
    np.testing.assert_allclose(got.ravel(), np.asarray(model(x)).ravel(), atol=1e-5)


def test_masks_are_refused():
    """A layer that skips padded steps is none that runs over all of them."""
    model = keras.Sequential([keras.Input((STEPS, INPUTS)), L.Masking(), L.LSTM(4)])
    with pytest.raises(UnsupportedOperatorError):
        mcuq.load(model)
