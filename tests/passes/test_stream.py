"""Streaming: call by call the bytes of the whole model, and what cannot be streamed is refused by name."""

import numpy as np
import pytest
from channel_graphs import Builder
from stream_graphs import Causal, random_causal

from mcuq import loading
from mcuq.archive import Archive
from mcuq.errors import UnsupportedOperatorError, UsageError
from mcuq.graph import Graph, Node, State
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.logistic import Logistic
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.ops.running_mean import RunningMean
from mcuq.ops.slide import Slide
from mcuq.ops.softmax import Softmax
from mcuq.passes.stream import Streamed, stream
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QConstant
from mcuq.verbs import forms

SAMPLE = 60


def rows_of(x: np.ndarray, axis: int) -> np.ndarray:
    """Results of calls, or of one whole run, [calls, ...]: rows one after the other."""
    rows = np.moveaxis(x, 1 + axis, 1)
    return rows.reshape(-1, *rows.shape[2:])


def assert_streams(graph: Graph, axis: int, frames: int, rng: np.random.Generator) -> Streamed:
    """Compare a stream from a reset, a little longer than the whole model's frames, with the whole model."""
    found, least = stream(graph, axis, frames), stream(graph, axis).frames
    (name,) = graph.inputs
    full = -(-found.whole // least) * least  # frames after which the stream has all rows
    calls = -(-full // found.frames)
    shape = list(graph.values[name].shape)
    shape[found.axis] = calls * found.frames
    x = rng.integers(-128, 128, shape).astype(np.int8)
    whole = simulate(build_plan(graph), {name: x.take(range(found.whole), found.axis)[np.newaxis]})
    got = simulate(build_plan(found.graph), {name: np.stack(np.split(x, calls, axis=found.axis))})
    for output, rows in found.rows.items():
        if rows is not None:
            streamed, expected = rows_of(got[output], rows.axis), rows_of(whole[output], rows.axis)
            known = streamed[rows.delay :][: len(expected)]
            assert len(known) == len(expected)
            np.testing.assert_array_equal(known, expected, err_msg=output)
        elif full % found.frames == 0:
            np.testing.assert_array_equal(got[output][-1], whole[output][0], err_msg=output)
    return found


@pytest.mark.parametrize("seed", range(SAMPLE))
def test_random_networks_equal_the_whole_model(seed):
    rng = np.random.default_rng(seed)
    graph, axis = random_causal(rng)
    least = stream(graph, axis).frames
    most = graph.values["x"].shape[axis] // least
    assert_streams(graph, axis, least * int(rng.integers(1, min(most, 4) + 1)), rng)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SAMPLE, 1000))
def test_many_random_networks_equal_the_whole_model(seed):
    test_random_networks_equal_the_whole_model(seed)


def dilated(rng: np.random.Generator, frames: int, blocks: int = 4, channels: int = 8) -> Graph:
    """A causal temporal convolutional net: residual blocks of dilation 1, 2, 4, …, and scores for every frame."""
    net = Causal(rng, frames, channels=channels)
    x = net.conv("x")
    for block in range(blocks):
        y = net.conv(x, 0, 3, 1, 1 << block, 2 << block)
        x = net.add(Add("relu"), x, net.conv(y))
    return net.graph(net.conv(x, 3))


def test_a_causal_net_from_the_first_call_on(rng):
    graph = dilated(rng, 1000)
    found = assert_streams(graph, 1, 0, rng)
    assert (found.frames, found.latency) == (1, 0)
    assert assert_streams(graph, 1, 5, rng).frames == 5


def test_only_new_rows_are_computed(rng):
    """Of every layer's multiplications a call does those of its own rows."""
    graph = dilated(rng, 100)
    found = stream(graph, 1, 2)
    macs = [sum(n.op.macs(*(g.tensor(name).shape for name in n.inputs)) for n in g.nodes) for g in (graph, found.graph)]
    assert macs[0] == 50 * macs[1]


def test_strides_make_the_call(rng):
    net = Causal(rng, 24)
    y = net.conv(net.conv("x", 0, 3, 2, 1, 2), 0, 3, 3, 1, 2)
    graph = net.graph(y)
    assert assert_streams(graph, 1, 0, rng).frames == 6
    assert assert_streams(graph, 1, 12, rng).frames == 12
    with pytest.raises(UsageError, match="4 frames per call: the model's strides need a multiple of 6, up to 24"):
        stream(graph, 1, 4)


@pytest.mark.parametrize("flags", [(False, False), (False, True)])
def test_a_smaller_image_makes_the_call(rng, flags):
    net = Causal(rng, 24)
    height, width = 8, net.b.values["x"].shape[2]
    y = net.conv(net.add(ResizeNearest(height, width, *flags), net.conv("x", 0, 3, front=2)), 0, 3, front=2)
    for frames in (0, 6):
        assert_streams(net.graph(y), 1, frames, rng)


def test_without_padding_any_part_of_the_stream_is_the_whole_model(rng):
    """From frame ``latency`` on a call gives what the model says of the frames up to there."""
    net = Causal(rng, 12)
    y = net.conv(net.conv("x", 0, 3, kind="depthwise"), 5, 4)
    y = net.add(Reshape((1, 5)), net.add(Mean((1, 2)), y))
    graph = net.graph(net.b.dense(y, 3))
    found = stream(graph, 1)
    assert (found.frames, found.latency) == (1, 12)
    x = rng.integers(-128, 128, (40, *graph.values["x"].shape[2:])).astype(np.int8)
    whole = simulate(build_plan(graph), {"x": np.stack([x[i : i + 12] for i in range(29)])[:, np.newaxis]})
    got = simulate(build_plan(found.graph), {"x": x[:, np.newaxis, np.newaxis]})
    (name,) = graph.outputs
    np.testing.assert_array_equal(got[name][11:], whole[name])


def test_one_window_serves_all_that_see_the_same_rows(rng):
    net = Causal(rng, 20)
    y = net.add(Concatenation(3), *(net.conv("x", 2, 3, front=2) for _ in range(3)))
    found = assert_streams(net.graph(y), 1, 0, rng)
    assert sum(isinstance(node.op, Slide) for node in found.graph.nodes) == len(found.graph.states) == 1


@pytest.mark.parametrize(
    ("axis", "width", "kind"), [(1, 1, "mean"), (1, 3, "image"), (1, 3, "mean"), (2, 1, "pool"), (1, 3, "pool")]
)
def test_pools_over_all_frames_run_on(rng, axis, width, kind):
    """Their sums do, of one column or of several, whatever a call brings; no window is kept beside them."""
    net = Causal(rng, 40, axis, width)
    y = net.conv("x", 5, 3, 2, front=2)
    whole = AveragePool(net.pair(20, width))
    op = {"mean": Mean((axis,)), "image": Mean((1, 2)), "pool": whole}[kind]
    y = net.add(op, y)
    graph = net.graph(y)
    for frames in (2, 8):
        found = assert_streams(graph, axis, frames, rng)
        assert [
            type(node.op) for node in found.graph.nodes if isinstance(node.op, RunningMean | Mean | AveragePool)
        ] == [RunningMean]


def test_pools_of_few_rows_or_of_another_order_are_computed_anew(rng):
    for op, frames in ((Mean((1,)), 3), (Mean((1, 3)), 20)):
        net = Causal(rng, frames, 1, 3)
        found = assert_streams(net.graph(net.add(op, net.conv("x", 4))), 1, 0, rng)
        assert [type(node.op).__name__ for node in found.graph.nodes] == ["Conv2d", "Slide", "Mean"]


def test_an_axis_is_that_of_the_trained_model(rng):
    """Frames that were trained as the last dimension are rows here."""
    net = Causal(rng, 20)
    graph = net.graph(net.conv("x", 2, 3, front=2))
    nchw = Graph(**{**vars(graph), "layouts": {"x": (0, 2, 3, 1)}})
    assert stream(nchw, 2).axis == 1
    with pytest.raises(UsageError, match=r"stream axis 3 of input x has one frame: its shape is \(1, 4, 20, 1\)"):
        stream(nchw, 3)


def test_samples_become_calls(rng):
    net = Causal(rng, 20)
    graph = net.graph(net.conv("x", 2, 3, 2, front=2))
    x = rng.integers(-128, 128, (2, *graph.values["x"].shape)).astype(np.int8)
    model = forms.streamed(Archive(graph, {"x": x}), 1)
    assert model.samples["x"].shape == (16, 1, 2, 1, 4)
    np.testing.assert_array_equal(model.samples["x"].reshape(32, 4), x.reshape(40, 4)[:32])
    assert model.notes == ("streams 2 frames per call instead of 20; outputs are the whole model's from the first "
                           "call on",)  # fmt: skip


AXES = {
    0: r"stream axis 0 is the batch: input x has shape \(1, 12, 1, 4\), axes 1 to 3",
    4: r"stream axis 4 is not there: input x has shape \(1, 12, 1, 4\), axes 1 to 3",
    -1: "stream axis -1 is not there",
    2: r"stream axis 2 of input x has one frame: its shape is \(1, 12, 1, 4\)",
}


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_that_is_not_there(rng, axis):
    net = Causal(rng, 12)
    with pytest.raises(UsageError, match=AXES[axis]):
        stream(net.graph(net.conv("x")), axis)


def test_a_model_that_remembers_or_has_several_inputs(rng):
    net = Causal(rng, 12)
    net.b.values["other"] = net.b.values["x"]
    y = net.add(Add(), "x", "other")
    b = net.b
    graph = Graph("two", ("x", "other"), (y,), tuple(b.nodes), b.values, b.constants)
    with pytest.raises(UsageError, match="two has 2 inputs; a model with one input and nothing to remember"):
        stream(graph, 1)
    kept = QConstant(np.zeros((1, 12, 1, 4), np.int8), np.ones(1))
    graph = Graph("kept", ("x",), (y,), tuple(b.nodes), b.values, {"c": kept}, states=(State("other", "x", "c"),))
    with pytest.raises(UsageError, match="kept remembers already"):
        stream(graph, 1)


def refused() -> dict[str, tuple]:
    """Nets by what is wrong with their last layer, and the words."""

    def padded_late(net):
        return net.conv(net.conv("x", 0, 3), 0, 3, front=2)

    def every_row_its_own(net):
        net.b.constants["c"] = QConstant(np.ones((1, 12, 1, 1), np.int8), np.ones(1))
        return net.add(Mul(), "x", "c")

    def gated_by_all(net):
        return net.add(Mul(), "x", net.add(Mean((1,), keep_dims=True), "x"))

    def reversed_rows(net):
        return net.add(Reshape((1, 4, 12, 1)), "x")

    def behind(net):
        return net.conv(net.add(Pad((0, 1, 0, 0), (0, 1, 0, 0)), "x"), 0, 3)

    return {
        "padded behind what comes late": (padded_late, "pads in front what comes late"),
        "an operand per row": (every_row_its_own, "has another operand for every row"),
        "a value of all frames": (gated_by_all, "needs a value of all frames for every row"),
        "rows one after the other": (lambda net: net.add(Concatenation(1), "x", "x"), "mixes rows"),
        "rows in another order": (reversed_rows, "mixes rows"),
        "a larger image": (lambda net: net.add(ResizeNearest(24, 1), "x"), "picks rows at changing distances"),
        "a larger image, learned": (
            lambda net: net.b.linear(ConvTranspose2d((2, 1)), "x", (4, 2, 1, 4), 4, 0, zero_point=net.zero_point),
            "picks rows at changing distances",
        ),
        "rows of a transposed convolution behind": (
            lambda net: net.b.linear(ConvTranspose2d(), "x", (4, 2, 1, 4), 4, 0, zero_point=net.zero_point),
            "not causal, its last windows reach 1 rows beyond the last frame",
        ),
        "padding that a pool counts": (
            lambda net: net.add(AveragePool((3, 1), (1, 1), (2, 0, 0, 0)), "x"),
            "counts how many rows of its window lie in the padding",
        ),
        "padding that is computed": (
            lambda net: net.add(HardSwish(), net.add(Pad((0, 2, 0, 0), (0,) * 4), "x")),
            "computes padding",
        ),
        "more padding than a window sees": (
            lambda net: net.conv(net.add(Pad((0, 4, 0, 0), (0,) * 4), "x"), 0, 3),
            "rows of nothing but padding, 2 of them",
        ),
        "padding behind": (behind, "not causal, its last windows reach 1 rows beyond the last frame"),
    }


@pytest.mark.parametrize("what", refused())
def test_what_cannot_be_streamed_is_refused_by_layer(rng, what):
    make, words = refused()[what]
    net = Causal(rng, 12)
    graph = net.graph(make(net))
    with pytest.raises(UnsupportedOperatorError, match=words) as error:
        stream(graph, 1)
    names = [node.name for node in graph.nodes]
    assert str(error.value).split(":")[0] in names
    assert "cannot be streamed along axis 1" in str(error.value)


def test_a_window_that_looks_ahead_is_refused(rng):
    b = Builder(rng, (1, 12, 5, 3))
    y = b.conv("x", 4, 3, padded=True)
    graph = Graph("ahead", ("x",), (y,), tuple(b.nodes), b.values, b.constants).verify()
    with pytest.raises(UnsupportedOperatorError, match=f"{y}: it is not causal, its last windows reach 1 rows beyond"):
        stream(graph, 1)


def test_padding_alone_is_no_output(rng):
    net = Causal(rng, 12)
    y = net.add(Pad((0, 2, 0, 0), (0,) * 4), "x")
    with pytest.raises(UnsupportedOperatorError, match=f"output {y} holds frames of padding"):
        stream(net.graph(y), 1)


def test_rows_go_through_what_computes_them_one_by_one(rng):
    """Softmax and a fully connected layer over the last dimension, a reshape that keeps rows together."""
    net = Causal(rng, 12)
    y = net.b.dense(net.add(Reshape((12, 4)), net.conv("x", 0, 3, front=2)), 4)
    y = net.b.add(Logistic(), y, scale=1 / 256, zero_point=-128)
    name = "softmax"
    net.b.values[name] = type(net.b.values[y])((12, 4), 1 / 256, -128)
    net.b.nodes.append(Node(name, Softmax(), (y,), (name,)))
    assert assert_streams(net.graph(name), 1, 0, rng).latency == 0


def test_the_wake_word_model_equals_itself(shared, rng):
    graph = loading.load(shared / "models/mlperf/sww_int8.tflite")
    found = assert_streams(graph, 1, 0, rng)
    assert (found.frames, found.latency) == (1, 30)
