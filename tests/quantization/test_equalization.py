"""Cross-layer equalization keeps the float function, evens out ranges, and knows where it must not work."""

from dataclasses import replace

import numpy as np
import pytest
from float_nets import Builder, flat_net, integer_outputs, samples, separable_net

from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.pad import Pad
from mcuq.ops.relu import Relu
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.equalization import equalize, pairs
from mcuq.tensor import QTensor


def names(graph: FloatGraph) -> list[tuple[str, str]]:
    return [(pair.first.op.name, pair.second.op.name) for pair in pairs(graph)]


def uneven(graph: FloatGraph, factor: float = 100.0) -> FloatGraph:
    """The first convolution's channels scaled apart."""
    constants = dict(graph.constants)
    spread = np.geomspace(1 / factor, factor, len(constants["conv2d_0_c0"])).astype(np.float32)
    constants["conv2d_0_c0"] = constants["conv2d_0_c0"] * spread[:, None, None, None]
    constants["conv2d_0_c1"] = constants["conv2d_0_c1"] * spread
    return replace(graph, constants=constants)


def all_kinds() -> FloatGraph:
    b = Builder((1, 8, 8, 4)).conv(8, 3, groups=2).depthwise(multiplier=2).conv(8, 1, "none", groups=4).add(Relu())
    b.add(MaxPool((2, 2), (2, 2))).conv(6, 3, "none").add(Pad((0, 1, 1, 0), (0, 1, 1, 0))).conv(4, 1)
    return b.add(AveragePool((2, 2), (2, 2))).dense(3).graph()


@pytest.mark.parametrize("graph", [separable_net(), flat_net(), all_kinds(), uneven(separable_net())])
def test_the_function_stays(graph):
    equal, x = equalize(graph), samples(graph, 10)
    wanted, same = (float_run.run(g, {"x": x})[graph.outputs[0]] for g in (graph, equal))
    np.testing.assert_allclose(same, wanted, rtol=1e-4, atol=1e-5)
    assert any(not np.array_equal(equal.real(name), graph.real(name)) for name in graph.constants)


def test_pairs_reach_through_what_keeps_channels_apart():
    assert names(all_kinds()) == [
        ("conv2d", "depthwise_conv2d"),
        ("depthwise_conv2d", "conv2d"),
        ("conv2d", "conv2d"),
        ("conv2d", "conv2d"),
        ("conv2d", "fully_connected"),
    ]


def test_ranges_become_equal_and_fixed_point_better():
    graph = uneven(separable_net(softmax=False))
    equal, x = equalize(graph), samples(graph, 40)
    spread = [np.ptp(np.log(np.abs(g.real("conv2d_0_c0")).reshape(8, -1).max(axis=1))) for g in (graph, equal)]
    assert spread[1] < spread[0] / 2
    wanted = float_run.run(graph, {"x": x})[graph.outputs[0]]
    ratio = [
        sqnr(wanted, integer_outputs(graph, quantize(graph, x, Options("dynamic-fixed-point", corrections=c)).graph, x))
        for c in ((), ("equalization",))
    ]
    assert ratio[1] > ratio[0] + 1.5


@pytest.mark.parametrize("activation", ["relu6", "relu_n1_to_1"])
def test_not_across_bounded_activations(activation):
    assert names(Builder((1, 4, 4, 2)).conv(4, 1, activation).conv(4, 1).graph()) == []


def test_not_across_known_values_outputs_or_branches():
    graph = separable_net()
    everything = names(graph)
    assert len(everything) == 3
    known = replace(graph, known={"conv2d_0_y": QTensor((1, 6, 5, 8), 0.1, -128)})
    assert names(known) == everything[1:]
    assert names(replace(graph, outputs=("conv2d_0_y", graph.outputs[0]))) == everything[1:]
    shared = Builder((1, 4, 4, 2)).conv(2, 1).conv(2, 1)
    shared.nodes[1] = replace(shared.nodes[1], inputs=("conv2d_0_y", "conv2d_0_c0", "conv2d_1_c1"))
    shared.constants.pop("conv2d_1_c0")
    assert names(shared.graph()) == []


def test_dead_channels_stay():
    graph = flat_net()
    graph.constants["conv2d_0_c0"][1] = 0
    graph.constants["conv2d_0_c1"][1] = 0
    graph.constants["conv2d_0_c0"][2] *= 1e-12
    equal = equalize(graph)
    assert all(np.isfinite(equal.real(name)).all() for name in equal.constants)
    x = {"x": samples(graph, 5)}
    np.testing.assert_allclose(*(float_run.run(g, x)[g.outputs[0]] for g in (graph, equal)), rtol=1e-4, atol=1e-5)


def test_activations_stay_in_bounds():
    """A channel that lives by its bias must not be blown up: MobileNet's depthwise layers are full of them."""
    graph = separable_net()
    graph.constants["conv2d_0_c0"][:4] *= 1e-7
    x = {"x": samples(graph, 5)}
    largest = [max(float(y.max()) for _, y, _ in float_run.trace(g, x)) for g in (graph, equalize(graph))]
    assert largest[1] < 10 * largest[0]
