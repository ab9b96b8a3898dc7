"""What a layer's error comes from, and what would help: each cause planted, and found."""

from dataclasses import replace

import numpy as np
import pytest
from float_nets import Builder, samples

from mcuq import float_run
from mcuq.evaluation.causes import WORTH, find_causes
from mcuq.float_graph import FloatGraph
from mcuq.ops.add import Add
from mcuq.ops.softmax import Softmax
from mcuq.quantization.calibrate import calibrate
from mcuq.quantization.quantizer import quantize_graph
from mcuq.quantization.scheme import Range, Scheme


def found(graph: FloatGraph, x, *, ranges=None, **scheme):
    kind = Scheme(**scheme)
    observed = calibrate(graph, x).ranges("minmax", kind) | (ranges or {})
    real = {"x": x} | {name: y for name, y, _ in float_run.trace(graph, {"x": x})}
    return find_causes(graph, quantize_graph(graph, observed, kind), real)


def net() -> FloatGraph:
    return Builder((1, 6, 6, 3)).conv(8, 3).conv(6, 1, "none").graph()


def test_few_bits_are_the_weights_doing():
    graph = net()
    causes = found(graph, samples(graph, 20), bits=2)[graph.nodes[0].outputs[0]]
    assert causes.shares["weights"] > 0.9 and causes.main.startswith("weights ")
    assert causes.remedies[0].what == f"--layer-bits {graph.nodes[0].name}=8" and causes.remedies[0].gain > 10


def test_a_narrow_range_clips():
    graph = net()
    name = graph.outputs[0]
    causes = found(graph, samples(graph, 20), ranges={name: Range(-0.3, 0.3)})[name]
    assert causes.shares["clipping"] > 0.9
    assert causes.remedies[0].what.startswith("--layer-method") and causes.remedies[0].gain > 10


def test_coarse_activations_are_steps():
    graph = net()
    causes = found(graph, samples(graph, 20), activation_bits=3)[graph.nodes[0].outputs[0]]
    assert causes.shares["steps"] > 0.9 and causes.wider > 10


@pytest.mark.parametrize("bits", [4, 8])
def test_the_parts_are_all_of_the_error(bits):
    graph = net()
    for causes in found(graph, samples(graph, 20), bits=bits).values():
        assert sum(causes.shares.values()) == pytest.approx(1)
        assert [r.gain for r in causes.remedies] == sorted((r.gain for r in causes.remedies), reverse=True)
        assert all(remedy.gain < WORTH for remedy in causes.remedies if remedy.what.endswith("=minmax"))


def two_branches(factor: float) -> FloatGraph:
    b = Builder((1, 4, 4, 4)).conv(4, 1, "none")
    graph = b.graph()
    first = graph.outputs[0]
    constants = {name: c * factor if name in graph.nodes[0].inputs else c for name, c in graph.constants.items()}
    node = replace(graph.nodes[0], name="add_1", op=Add(), inputs=(first, "x"), outputs=("sum",))
    shapes = {**graph.shapes, "sum": graph.shapes[first]}
    return replace(graph, constants=constants, nodes=(*graph.nodes, node), shapes=shapes, outputs=("sum",))


@pytest.mark.parametrize(("factor", "hinted"), [(0.01, True), (1.0, False)])
def test_unlike_summands_are_pointed_out(factor, hinted):
    graph = two_branches(factor)
    assert bool(found(graph, samples(graph, 20))["sum"].hint) is hinted


def test_flat_probabilities_are_pointed_out():
    graph = Builder((1, 4)).dense(300).add(Softmax()).graph()
    hint = found(graph, samples(graph, 20))[graph.outputs[0]].hint
    assert "steps of 0.00391" in hint and "16 bits" in hint
    sure = Builder((1, 4)).dense(3).add(Softmax()).graph()
    assert not found(sure, 5 * np.sign(samples(sure, 20)))[sure.outputs[0]].hint
