"""One pass over the samples: what is seen, what is kept, and what makes a model impossible to calibrate."""

from dataclasses import replace

import numpy as np
import pytest
from float_nets import Builder, flat_net, integer_outputs, samples, separable_net

from mcuq import float_run
from mcuq.errors import UsageError
from mcuq.graph import Node
from mcuq.ops.add import Add
from mcuq.ops.clip import Clip
from mcuq.ops.fully_connected import FullyConnected
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.calibrate import MAX_KEPT, calibrate
from mcuq.quantization.scheme import Range
from mcuq.tensor import QTensor


def test_extremes_are_exact_and_every_activation_has_them():
    graph = separable_net()
    x = samples(graph, 30)
    ranges = calibrate(graph, x).ranges("minmax")
    values = {"x": x} | {name: y for name, y, _ in float_run.trace(graph, {"x": x})}
    assert set(ranges) == set(graph.shapes)
    for name, y in values.items():
        np.testing.assert_allclose(ranges[name], (y.min(), y.max()), rtol=1e-6)


@pytest.mark.parametrize("method", ["minmax", "percentile:99", "mse", "kl"])
def test_batches_do_not_matter(method):
    graph = separable_net()
    x = samples(graph, 50)
    whole = calibrate(graph, x).ranges(method)
    streamed = calibrate(graph, (x[i : i + 7] for i in range(0, 50, 7))).ranges(method)
    for name, found in streamed.items():  # BLAS sums in another order for other batch sizes
        np.testing.assert_allclose(found, whole[name], rtol=1e-2, atol=1e-3)


def test_an_iterator_is_gone_through_once():
    graph = flat_net()
    result = quantize(graph, iter(samples(graph, 12)), Options(auto=True))
    assert result.calibration is not None and result.calibration.samples == 12


def test_methods_per_layer():
    graph = separable_net()
    seen = calibrate(graph, samples(graph, 50))
    mixed = seen.ranges("minmax", per_layer={"depthwise_conv2d_1": "percentile:90", "x": "mse"})
    minmax, percentile, mse = (seen.ranges(method) for method in ("minmax", "percentile:90", "mse"))
    expected = minmax | {"depthwise_conv2d_1_y": percentile["depthwise_conv2d_1_y"], "x": mse["x"]}
    assert mixed == expected and mixed != minmax
    with pytest.raises(UsageError, match="conv_9 is no layer of the model; its layers are conv2d_0, "):
        seen.ranges(per_layer={"conv_9": "kl"})
    with pytest.raises(UsageError, match="no calibration method"):
        seen.ranges(per_layer={"x": "best"})


def test_known_values_have_no_range_of_their_own():
    graph = replace(separable_net(), known={"conv2d_0_y": QTensor((1, 6, 5, 8), 0.1, -128)})
    seen = calibrate(graph, samples(graph, 5))
    assert "conv2d_0_y" not in seen.ranges()


def test_what_is_kept_is_bounded_random_and_the_same_every_time():
    graph = flat_net()
    x = np.arange(1000, dtype=np.float32)[:, None, None, None] + np.zeros((1, 4, 4, 2), np.float32)
    x[:, 0, 0, 0] = 0.5
    first, second = (calibrate(graph, (x, np.arange(1000))) for _ in range(2))
    kept = first.kept["x"][:, 0, 1, 1, 1].astype(int)
    assert len(set(kept)) == len(kept) == MAX_KEPT
    np.testing.assert_array_equal(first.labels, kept)  # labels go with their samples
    np.testing.assert_array_equal(first.kept["x"], second.kept["x"])
    assert 400 < kept.mean() < 600 and first.samples == 1000
    np.testing.assert_array_equal(calibrate(graph, x[:20]).kept["x"][:, 0], x[:20])


def test_progress():
    calls = []
    graph = flat_net()
    calibrate(graph, samples(graph, 130), lambda *call: calls.append(call))
    assert calls == [("calibrate", 64, 130), ("calibrate", 128, 130), ("calibrate", 130, 130)]


@pytest.mark.parametrize(
    ("value", "message"), [(0.0, "input x is 0 everywhere in 3"), (7.0, "input x is 7 everywhere in 3")]
)
def test_constant_input(value, message):
    with pytest.raises(UsageError, match=message):
        calibrate(flat_net(), np.full((3, 4, 4, 2), value))


def silent(activation="relu") -> Builder:
    """A layer that ReLU silences for every sample."""
    b = Builder((1, 4)).dense(3, activation)
    b.constants["fully_connected_0_c1"] = np.full(3, -100, np.float32)
    return b


@pytest.mark.parametrize("outputs", [1, 2])
def test_constant_activation(outputs):
    b = silent("none").add(Clip(-7.0, 7.0))
    graph = b.dense(outputs).graph()
    with pytest.raises(UsageError, match="the output of clip_1 is -7 everywhere in 4 calibration"):
        calibrate(graph, samples(graph, 4))


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_relu_that_is_silent_is_a_warning(outputs):
    graph = silent().dense(outputs).graph()
    seen = calibrate(graph, samples(graph, 4))
    assert list(seen.warnings) == [
        "warning: the output of fully_connected_0 is 0 on all 4 calibration sample(s); it got a small range: "
        "is the layer dead, or do the samples not reach it?"
    ]
    low, high = seen.ranges()[graph.nodes[0].outputs[0]]
    assert 0 == low < high < 0.1


def test_a_dead_layer_is_quantized_where_others_go_around_it():
    b = silent()
    dead, b.last = b.last, "x"
    alive = b.dense(3).last
    b.last = dead
    b.nodes.append(Node("add_2", Add(), (dead, alive), ("sum",)))
    b.shapes["sum"], b.last = (1, 3), "sum"
    graph = b.graph()
    x = samples(graph, 20)
    assert sqnr(float_run.run(graph, {"x": x})["sum"], integer_outputs(graph, quantize(graph, x).graph, x)) > 30


def test_activations_that_overflow():
    graph = Builder((1, 4)).add(FullyConnected(), np.full((2, 4), 1e38)).add(FullyConnected(), np.ones((2, 2))).graph()
    with pytest.raises(UsageError, match="the output of fully_connected_0 takes NaN or infinite values"):
        calibrate(graph, samples(graph, 3) * 1e3)


def test_a_model_without_calibration():
    graph = separable_net()
    with pytest.raises(UsageError, match="x has no range: this model needs calibration samples"):
        quantize(graph, None)
    known = {name: QTensor(shape, 0.05, 3) for name, shape in graph.shapes.items()}
    known.pop(graph.outputs[0])  # a softmax determines its own
    result = quantize(replace(graph, known=known), None)
    assert result.graph.values["x"] == known["x"]
    assert result.graph.values[graph.outputs[0]].scale == 1 / 256
    assert result.calibration is None and result.ranges == {}


def test_ranges_are_pairs():
    graph = flat_net()
    assert all(isinstance(r, Range) for r in calibrate(graph, samples(graph, 3)).ranges().values())
