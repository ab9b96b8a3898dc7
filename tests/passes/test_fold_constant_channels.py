"""The pass leaves every output byte as it is: borders, strides, chains, shortcuts and all; and it does fold."""

from dataclasses import replace

import numpy as np
import pytest
from channel_graphs import Builder, inputs, random_graph

from mcuq import archive, emit, pipeline
from mcuq.archive import Archive
from mcuq.graph import Graph
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_bilinear import ResizeBilinear
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.passes.channels import channel_bounds
from mcuq.passes.fold_constant_channels import fold_constant_channels, saved
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate, trace


def assert_same_bytes(rng: np.random.Generator, graph: Graph) -> Graph:
    """Fold; every output of both graphs is the same on every sample. Return the folded graph."""
    folded = fold_constant_channels(graph)
    samples = inputs(rng, graph)
    want, got = (simulate(build_plan(g), samples) for g in (graph, folded))
    for name in graph.outputs:
        np.testing.assert_array_equal(got[name], want[name])
    assert [(n.name, n.outputs) for n in folded.nodes] == [(n.name, n.outputs) for n in graph.nodes]
    return folded


def widths(graph: Graph, *values: str) -> tuple[int, ...]:
    return tuple(graph.values[name].shape[-1] for name in values)


@pytest.mark.parametrize("seed", range(150))
def test_random_graphs(seed):
    rng = np.random.default_rng(seed)
    assert_same_bytes(rng, random_graph(rng))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 4000, 10))
def test_many_random_graphs(seed):
    for s in range(seed, seed + 10):
        rng = np.random.default_rng(s)
        assert_same_bytes(rng, random_graph(rng))


def test_random_graphs_do_fold():
    """Otherwise the test above shows nothing."""
    graphs = [random_graph(np.random.default_rng(seed)) for seed in range(150)]
    counts = [saved(graph, fold_constant_channels(graph)) for graph in graphs]

    assert sum(count.channels > 0 for count in counts) > 50
    assert sum(count.channels for count in counts) < sum(count.of for count in counts)


@pytest.mark.parametrize("seed", range(60))
def test_bounds_hold(seed):
    """No channel of any layer ever leaves its bounds; the graphs are not folded first."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng)
    bounds = channel_bounds(graph)
    for step, got in trace(build_plan(graph), inputs(rng, graph)):
        q = got.view(np.int8).reshape(-1, graph.values[step.outputs[0]].shape[-1])
        low, high = bounds[step.outputs[0]]
        assert (q >= low).all() and (q <= high).all(), step.name


@pytest.mark.parametrize(
    ("consumer", "constant", "left"),
    [
        ({"size": 1}, 9, 3),
        ({"size": 3}, 9, 3),
        ({"size": 3, "stride": 2}, 9, 3),
        ({"size": 3, "padded": True}, 9, 4),  # its contribution is another one at each border
        ({"size": 3, "padded": True}, -5, 3),
        ({"size": 3, "padded": True, "stride": 2}, -5, 3),
        ({"size": 2, "padded": True}, -5, 3),
    ],
)
def test_constant_channel_of_a_convolution(rng, consumer, constant, left):
    b = Builder(rng)
    a = b.conv("x", 4, 3, padded=True)
    b.kill(a, 2, constant)
    folded = assert_same_bytes(rng, b.graph(b.conv(a, 5, **consumer)))

    assert widths(folded, a) == (left,)


@pytest.mark.parametrize(("padded", "constant", "left"), [(False, 9, 3), (True, 9, 4), (True, -5, 3)])
def test_chain_through_depthwise(rng, padded, constant, left):
    """conv -> depthwise -> conv: the channel goes from both, if it is a constant up to the last."""
    b = Builder(rng)
    a = b.conv("x", 4)
    b.kill(a, 1, constant)
    d = b.depthwise(a, padded=padded)
    folded = assert_same_bytes(rng, b.graph(b.conv(d, 5)))

    assert widths(folded, a, d) == (left, left)


def test_border_that_saturates_is_no_border(rng):
    """A constant off the zero point through a padded depthwise layer whose output is below the activation anyway."""
    b = Builder(rng)
    a = b.conv("x", 4)
    b.kill(a, 1, 9)
    d = b.depthwise(a, padded=True)
    b.constants[b.nodes[-1].inputs[2]].values[1] = -(10**6)
    folded = assert_same_bytes(rng, b.graph(b.conv(d, 5, 3)))

    assert widths(folded, a, d) == (3, 3)


def test_channel_nobody_reads_goes_without_being_constant(rng):
    """As in the VWW model: off the zero point, through padded depthwise layers, to weights that are zero."""
    b = Builder(rng)
    a = b.conv("x", 4)
    d = b.depthwise(b.depthwise(a, padded=True), padded=True)
    y = b.conv(d, 5)
    b.ignore(y, 3)
    folded = assert_same_bytes(rng, b.graph(y))

    assert widths(folded, a, d) == (3, 3)


def test_removal_repeats_until_nothing_changes(rng):
    """A dead filter was the only reader of a channel, which was the only reader of another."""
    b = Builder(rng)
    a = b.conv("x", 3)
    c = b.conv(a, 3)
    d = b.conv(c, 3)
    b.kill(d, 0, 9)
    for layer in (d, c):
        for output in (1, 2):
            b.constants[next(n for n in b.nodes if n.outputs == (layer,)).inputs[1]].values[output, ..., 0] = 0
    folded = assert_same_bytes(rng, b.graph(b.conv(d, 2)))

    assert widths(folded, a, c, d) == (2, 2, 2)


def test_multiplied_depthwise_channels_go_together(rng):
    b = Builder(rng)
    a = b.conv("x", 3)
    d = b.depthwise(a, times=2)
    y = b.conv(d, 4)
    for channel in (0, 1, 2):  # both outputs of input channel 0, one of the two of channel 1
        b.ignore(y, channel)
    folded = assert_same_bytes(rng, b.graph(y))

    assert widths(folded, a, d) == (2, 4)


@pytest.mark.parametrize(("dead_on_both_sides", "left"), [(True, 3), (False, 4)])
def test_shortcut(rng, dead_on_both_sides, left):
    b = Builder(rng)
    a = b.conv("x", 4)
    b.kill(a, 2, 9)
    side = b.conv(a, 4, 1)
    if dead_on_both_sides:
        b.kill(side, 2, 30)
    total = b.add(Add(), a, side, scale=0.1)
    folded = assert_same_bytes(rng, b.graph(b.conv(total, 3)))

    assert widths(folded, a, side, total) == (left, left, left)


APART = [AveragePool((3, 2)), MaxPool((2, 2)), Mean((1, 2), True), HardSwish(), Reshape((1, 21, 2, 4))]
APART += [ResizeNearest(9, 4), ResizeBilinear(9, 4, half_pixel_centers=True)]


@pytest.mark.parametrize("op", APART)
def test_layers_that_keep_channels_apart(rng, op):
    b = Builder(rng)
    a = b.conv("x", 4)
    b.kill(a, 0, 9)
    kept = b.add(op, a)
    folded = assert_same_bytes(rng, b.graph(b.conv(kept, 3)))

    assert widths(folded, a, kept) == (3, 3)


@pytest.mark.parametrize(("constant", "left"), [(-5, 3), (9, 4)])
def test_padding_as_a_layer(rng, constant, left):
    b = Builder(rng)
    a = b.conv("x", 4)
    b.kill(a, 0, constant)
    padded = b.add(Pad((0, 1, 1, 0), (0, 1, 0, 0)), a)
    folded = assert_same_bytes(rng, b.graph(b.conv(padded, 3, 3)))

    assert widths(folded, a, padded) == (left, left)


@pytest.mark.parametrize("flattened", [True, False])
def test_image_into_fully_connected(rng, flattened):
    """Channel c of the image is every fourth element of the vector; FULLY_CONNECTED may also flatten by itself."""
    b = Builder(rng)
    a = b.conv("x", 4, 3, padded=True)
    b.kill(a, 1, 20)
    elements = b.values[a].elements
    source = b.add(Reshape((1, elements)), a) if flattened else a
    y = b.linear(FullyConnected(), source, (3, elements), 3, 0)
    folded = assert_same_bytes(rng, b.graph(y))

    assert widths(folded, a) == (3,)
    assert folded.constants[folded.nodes[-1].inputs[1]].shape == (3, elements * 3 // 4)


def test_bias_appears_where_there_was_none(rng):
    b = Builder(rng, (1, 1, 1, 6))
    a = b.dense("x", 4)
    b.kill(a, 3, 50)
    folded = assert_same_bytes(rng, b.graph(b.dense(a, 3, bias=False)))

    assert widths(folded, a) == (3,)
    assert folded.constants[folded.nodes[-1].inputs[2]].values.any()


def test_saturating_channel_is_constant(rng):
    """Weights that are not zero, a bias so large that the activation clamps whatever the input is."""
    b = Builder(rng)
    a = b.conv("x", 4, activation="relu")
    b.constants[b.nodes[-1].inputs[2]].values[:2] = (-(10**6), 10**6)
    folded = assert_same_bytes(rng, b.graph(b.conv(a, 3)))

    assert widths(folded, a) == (2,)


def test_bounds_know_that_a_left_shift_wraps(rng):
    """A multiplier of 2^19: both ends of the accumulator's range may give one byte, and what lies between another."""
    b = Builder(rng)
    a = b.conv("x", 9, scale=1e-9, zero_point=0)
    b.constants[b.nodes[-1].inputs[2]].values[1] = 1 << 30
    b.constants[b.nodes[-1].inputs[1]].values[1] = 0
    graph = b.graph(b.conv(a, 3))

    assert channel_bounds(graph)[a].constant.tolist() == [c == 1 for c in range(9)]
    assert widths(assert_same_bytes(rng, graph), a) == (8,)


def test_new_bias_fits_where_the_old_accumulator_did(rng):
    """The bias is as large as the overflow proof allows, and the constant adds all that is left."""
    b = Builder(rng)
    a = b.conv("x", 2)
    b.kill(a, 0, 127)
    y = b.conv(a, 1)
    w, bias = (b.constants[name].values for name in b.nodes[-1].inputs[1:])
    w[:] = 127
    bias[:] = 2**31 - 1 - 2 * 127 * (127 + 5)
    folded = assert_same_bytes(rng, b.graph(y))

    assert folded.constants[folded.nodes[-1].inputs[2]].values[0] == 2**31 - 1 - 127 * (127 + 5)


def test_one_channel_is_kept(rng):
    b = Builder(rng)
    a = b.conv("x", 3)
    for channel in range(3):
        b.kill(a, channel, 9)
    folded = assert_same_bytes(rng, b.graph(b.conv(a, 3)))

    assert widths(folded, a) == (1,)


def test_output_stays(rng):
    b = Builder(rng)
    a = b.conv("x", 3)
    b.kill(a, 0, 9)
    graph = b.graph(a, b.conv(a, 3))

    assert fold_constant_channels(graph) is graph


def test_concatenation_stays(rng):
    b = Builder(rng)
    a = b.conv("x", 3)
    b.kill(a, 0, 9)
    joined = b.add(Concatenation(-1), a, a)
    graph = b.graph(b.conv(joined, 3))

    assert fold_constant_channels(graph) is graph


def test_mean_over_channels_stays(rng):
    b = Builder(rng)
    a = b.conv("x", 6)
    b.kill(a, 0, 9)
    mean = b.add(Mean((3,)), a)  # [1, 7, 6]: its last dimension is the columns
    graph = b.graph(b.dense(mean, 3))

    assert fold_constant_channels(graph) is graph


def test_grouped_convolution_stays(rng):
    b = Builder(rng)
    a = b.conv("x", 4)
    b.kill(a, 0, 9)
    grouped = b.linear(Conv2d(groups=2), a, (4, 1, 1, 2), 4, 0)
    b.kill(grouped, 0, 9)
    graph = b.graph(b.conv(grouped, 3))

    assert fold_constant_channels(graph) is graph


def test_weights_that_two_layers_share(rng):
    b = Builder(rng)
    a, c = b.conv("x", 4), b.conv("x", 4)
    b.kill(a, 0, 9)
    b.kill(c, 1, 9)
    first, second = b.conv(a, 2), b.conv(c, 2)
    b.nodes[3] = replace(b.nodes[3], inputs=(c, *b.nodes[2].inputs[1:]))
    folded = assert_same_bytes(rng, b.graph(first, second))

    assert widths(folded, a, c) == (3, 3)
    assert {name for node in folded.nodes for name in node.inputs[1:]} == set(folded.constants)


def test_layer_that_cannot_be_lowered_is_left_to_the_plan(rng):
    b = Builder(rng)
    a = b.conv("x", 3)
    b.kill(a, 0, 9)
    y = b.conv(a, 3)
    b.constants[b.nodes[-1].inputs[1]] = replace(b.constants[b.nodes[-1].inputs[1]], zero_point=1)
    graph = b.graph(y)

    assert fold_constant_channels(graph) is graph


def test_project_carries_the_model_as_given(rng, tmp_path):
    """The archive and the hash are of the given model, the code is of the folded one."""
    b = Builder(rng)
    a = b.conv("x", 4)
    b.kill(a, 2, 9)
    graph = b.graph(b.conv(a, 3))
    plan = pipeline.compile(graph)
    samples = emit.self_test_inputs(plan)
    files = emit.emit_library(plan, Archive(graph, samples))
    (tmp_path / "model.mcuq").write_bytes(files["model.mcuq"])

    assert widths(plan.graph, a) == (3,)
    assert archive.digest(archive.read(tmp_path / "model.mcuq").graph) == archive.digest(graph)
    assert archive.digest(graph).encode() in files["lib/model/src/model.h"]
