"""Bias correction and optimized rounding do what their papers promise, layer by layer and end to end."""

from dataclasses import replace

import numpy as np
import pytest
from float_nets import Builder, flat_net, integer_outputs, samples, separable_net

from mcuq import float_run
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.bias_correction import correct_biases
from mcuq.quantization.calibrate import calibrate
from mcuq.quantization.layers import correct_layers
from mcuq.quantization.quantizer import quantize_graph
from mcuq.quantization.rounding import Problem, descend, optimize_rounding
from mcuq.quantization.scheme import Scheme


def quantized(graph, x, **scheme):
    kind = Scheme(**scheme)
    return quantize_graph(graph, calibrate(graph, x).ranges("minmax", kind), kind)


def channel_errors(graph, integers, x) -> list[np.ndarray]:
    """Mean error of every channel before the activation, where it lets through, relative to the mean magnitude."""
    found = []

    def look(layer):
        wanted = layer.op.forward(layer.float_input, layer.float_weights, layer.float_bias)
        given = layer.op.forward(layer.input, layer.weights.real(), layer.bias)
        counted = layer.passes(wanted) | layer.passes(given)
        axes = tuple(range(wanted.ndim - 1))
        error = np.sum((wanted - given) * counted, axis=axes) / np.maximum(counted.sum(axis=axes), 1)
        found.append(error / np.abs(wanted).mean())
        return {}

    correct_layers(graph, integers, {"x": x}, look, "weights")
    return found


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_bias_correction_takes_the_mean_error_out(bits):
    graph = Builder((1, 6, 5, 3)).conv(8, 3, "none").depthwise("relu6").conv(6, 1).dense(4).graph()
    x = np.abs(samples(graph, 60))
    before = quantized(graph, x, bits=bits)
    after = correct_biases(graph, before, {"x": x})
    errors = [channel_errors(graph, g, x) for g in (before, after)]
    worst = [max(float(np.abs(layer).max()) for layer in g[:1] + g[3:]) for g in errors]  # layers without activation
    assert worst[1] < 0.01 * worst[0] or worst[1] < 1e-4
    mean = [float(np.abs(np.concatenate(g)).mean()) for g in errors]
    assert mean[1] < 0.35 * mean[0]  # what an activation lets through changes with the bias
    wanted = float_run.run(graph, {"x": x})[graph.outputs[0]]
    ratio = [sqnr(wanted, integer_outputs(graph, g, x)) for g in (before, after)]
    assert ratio[1] > ratio[0] + (1 if bits < 8 else -0.5)


def test_bias_correction_gives_a_bias_to_layers_without():
    b = Builder((1, 4, 4, 2)).conv(4, 3)
    b.nodes[0] = replace(b.nodes[0], inputs=b.nodes[0].inputs[:2])
    b.constants.pop("conv2d_0_c1")
    graph = b.dense(3).graph()
    x = np.abs(samples(graph, 30))
    after = correct_biases(graph, quantized(graph, x, bits=3), {"x": x})
    assert after.nodes[0].inputs == ("x", "conv2d_0_weights", "conv2d_0_bias")
    assert max(np.abs(e).max() for e in channel_errors(graph, after, x)) < 0.05


@pytest.mark.parametrize("groups", [1, 5])
@pytest.mark.parametrize("rows", [4, 300])  # fewer and more than weights
@pytest.mark.parametrize("limit", [7, 127])  # 7: many weights are clipped, and have no choice
def test_descent_is_never_worse_than_nearest(groups, rows, limit):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows, groups, 20)) @ rng.normal(size=(20, 20)) + 1  # correlated inputs
        real, scale = rng.normal(size=(groups, 3, 20)), rng.uniform(0.1, 0.5, (groups, 3))
        problem = Problem(x, np.einsum("rgt,got->rgo", x, real), real, scale, (-limit, limit))
        chosen, nearest = descend(problem), problem.nearest()
        assert problem.objective(chosen) <= problem.objective(nearest) * (1 if limit == 7 else 0.8)
        exact = real / scale[..., np.newaxis]
        inside = np.abs(exact) <= limit
        assert (np.abs(chosen - exact)[inside] < 1).all() and np.abs(chosen).max() <= limit


def test_descent_finds_the_best_of_a_small_problem(rng):
    """Against all 2^8 choices: between rounding to nearest and the optimum."""
    x = rng.normal(size=(50, 1, 8)) + 1
    real, scale = rng.normal(size=(1, 1, 8)), np.full((1, 1), 0.4)
    problem = Problem(x, np.einsum("rgt,got->rgo", x, real), real, scale, (-127, 127))
    lower = np.floor(real / 0.4)
    choices = [lower + np.array([(i >> t) & 1 for t in range(8)]) for i in range(256)]
    best = min(problem.objective(choice) for choice in choices)
    assert best <= problem.objective(descend(problem)) <= 0.8 * problem.objective(problem.nearest())


def test_descent_in_blocks(rng, monkeypatch):
    monkeypatch.setattr("mcuq.quantization.rounding.MAX_TAPS", 6)
    x = rng.normal(size=(50, 2, 20)) + 1
    real, scale = rng.normal(size=(2, 3, 20)), np.full((2, 3), 0.4)
    problem = Problem(x, np.einsum("rgt,got->rgo", x, real), real, scale, (-127, 127))
    assert problem.objective(descend(problem)) < 0.8 * problem.objective(problem.nearest())


def test_nothing_to_gain_nothing_changes(rng):
    integers = rng.integers(-7, 8, (1, 3, 10)).astype(np.float64)
    x = rng.normal(size=(30, 1, 10))
    problem = Problem(x, np.einsum("rgt,got->rgo", x, integers * 0.5), integers * 0.5, np.full((1, 3), 0.5), (-7, 7))
    np.testing.assert_array_equal(descend(problem), integers)


def nets():
    yield "separable", separable_net(softmax=False)
    yield "flat", flat_net()
    b = Builder((1, 8, 8, 4)).conv(8, 3, groups=2, stride=(2, 2)).depthwise("relu6", multiplier=2).conv(8, 1, groups=4)
    yield "groups", b.dense(4).graph()


@pytest.mark.parametrize(("name", "graph"), nets(), ids=lambda x: x if isinstance(x, str) else "")
def test_rounding_helps_on_samples_it_has_not_seen(name, graph):
    x, fresh = samples(graph, 200), samples(graph, 200, seed=9)
    before = quantized(graph, x, bits=4)
    after = optimize_rounding(graph, before, {"x": x})
    wanted = float_run.run(graph, {"x": fresh})[graph.outputs[0]]
    ratio = [sqnr(wanted, integer_outputs(graph, g, fresh)) for g in (before, after)]
    assert ratio[1] > ratio[0] + 1
    for key, constant in after.constants.items():
        change = constant.values.astype(int) - before.constants[key].values
        assert np.abs(change).max() <= 1 and (key.endswith("_weights") or not change.any())


def test_corrections_are_deterministic():
    graph = separable_net()
    x = samples(graph, 50)
    options = Options(corrections=("equalization", "rounding", "bias"), bits=4)
    first, second = (quantize(graph, x, options).graph for _ in range(2))
    for name, constant in first.constants.items():
        np.testing.assert_array_equal(constant.values, second.constants[name].values)
