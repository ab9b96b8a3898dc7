"""ONNX's LSTM, GRU and RNN against onnxruntime, and ONNX's own reference where that has no such layout."""

import numpy as np
import pytest
from recurrent_nets import GATES, STEPS, UNITS, onnx_layer
from requirements import require

import mcuq
from mcuq import float_run
from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.onnx import graph_of
from mcuq.passes.prepare import prepare
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

EVERY = [
    (kind, {"direction": direction, "layout": layout, "states": states, **attributes})
    for kind in GATES
    for direction in ("forward", "reverse", "bidirectional")
    for layout in (0, 1)
    for states in ("none", "constant", "input")
    for attributes in ([{"linear_before_reset": 0}, {"linear_before_reset": 1}] if kind == "GRU" else [{}])
]


def oracle(model, feeds, layout):
    if layout:
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(model).run(None, feeds)
    require("onnxruntime")
    import onnxruntime

    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds)


def arranged(graph, feeds):
    """Return inputs as the graph has them, with a sample's dimension."""
    return {n: x.transpose(graph.layouts.get(n, range(x.ndim)))[np.newaxis] for n, x in feeds.items()}


@pytest.mark.parametrize(("kind", "options"), EVERY, ids=str)
def test_real_numbers_equal_onnxruntime(rng, kind, options):
    model, feeds = onnx_layer(rng, kind, **options)
    wanted = oracle(model, feeds, options["layout"])
    for graph in (graph_of(model, "layer"), prepare(graph_of(model, "layer"))):
        got = float_run.run(graph, arranged(graph, feeds))
        for output, want in zip(model.graph.output, wanted, strict=True):
            np.testing.assert_allclose(got[output.name].ravel(), want.ravel(), atol=1e-5)


@pytest.mark.parametrize(("kind", "options"), EVERY[::5], ids=str)
@pytest.mark.parametrize("bits", [8, 4])
def test_integers_are_near(rng, kind, options, bits):
    """Calibrated over whole sequences, initial states included; weights of 8 bits, and of 4."""
    model, feeds = onnx_layer(rng, kind, **options)
    graph = prepare(graph_of(model, "layer"))
    feeds = {name: rng.normal(size=(60, *x.shape)).astype(np.float32) for name, x in feeds.items()}
    given = {n: x.transpose(0, *(1 + a for a in graph.layouts.get(n, range(x.ndim - 1)))) for n, x in feeds.items()}
    integers = mcuq.quantize(graph, feeds, bits=bits)
    real = float_run.run(graph, given)
    got = simulate(build_plan(integers), {n: integers.values[n].quantize(x) for n, x in given.items()})
    for name in graph.outputs:
        error = integers.values[name].dequantize(got[name]) - real[name]
        assert 10 * np.log10(np.square(real[name]).sum() / np.square(error).sum()) > {8: 33, 4: 16}[bits]


REFUSED = [
    ({"clip": 3.0}, "its sums are clipped; export it without clip"),
    ({"input_forget": 1}, "its input and forget gates are coupled"),
    ({"activations": ["Sigmoid", "Relu", "Tanh"]}, "activations Sigmoid, Relu, Tanh; mcuq has Sigmoid, Tanh, Tanh"),
    ({"operands": [(7, "p", np.ones((1, 3 * UNITS), np.float32))]}, "it has peephole weights"),
    ({"operands": [(4, "n", np.array([STEPS - 1], np.int32))]}, r"sequences of different lengths \(padded or masked\)"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_changes_the_formula_is_refused(rng, options, message):
    with pytest.raises(UnsupportedOperatorError, match=message):
        graph_of(onnx_layer(rng, "LSTM", **options)[0], "layer")


def test_lengths_that_are_the_whole_sequence_are_read(rng):
    model, _ = onnx_layer(rng, "GRU", operands=[(4, "n", np.array([STEPS], np.int32))])
    assert graph_of(model, "layer").nodes[-1].op.name in ("gru", "slice", "reshape")


def test_a_batch_is_refused(rng):
    model, _ = onnx_layer(rng, "RNN", layout=1)
    model.graph.node[0].attribute[-1].i = 0
    with pytest.raises(UnsupportedOperatorError, match=f"has a batch of {STEPS}; export with a batch of 1"):
        graph_of(model, "layer")
