"""Layers of few bits made anew: never worse than what they start from, and much better on samples not seen."""

import itertools

import numpy as np
import pytest
from float_nets import Builder, integer_outputs, samples, separable_net

from mcuq import float_run
from mcuq.ops.mean import Mean
from mcuq.ops.reshape import Reshape
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.calibrate import calibrate
from mcuq.quantization.descent import BLOCK, Quadratic, from_codebooks, uniform
from mcuq.quantization.quantizer import quantize_graph
from mcuq.quantization.reconstruction import MAX_TAPS
from mcuq.quantization.rounding import optimize_rounding
from mcuq.quantization.scheme import Scheme


def problem(rng, *, groups=1, taps=20, outputs=3, rows=80) -> tuple[Quadratic, np.ndarray]:
    """Correlated inputs; the weights that are wanted."""
    x = rng.normal(size=(groups, rows, taps)) @ rng.normal(size=(taps, taps)) + 1
    real = rng.normal(size=(groups, taps, outputs))
    turned = np.swapaxes(x, 1, 2)
    gram = turned @ x + 0.1 * np.eye(taps)
    return Quadratic(gram, gram @ real), real


def rounded_to_nearest(given: Quadratic, real, limits) -> float:
    """The least error of rounding to nearest, whatever the scale of each output."""
    errors = []
    for fraction in np.linspace(0.2, 1.2, 41):
        scale = fraction * np.abs(real).max(axis=1, keepdims=True) / limits[1]
        values = np.clip(np.rint(real / scale), *limits)
        errors.append(given.error(values * given.scales(values, scale[:, 0])[:, np.newaxis]))
    return float(np.min(errors, axis=0).sum())


@pytest.mark.parametrize("limits", [(-2, 1), (-4, 3), (-8, 7)])
@pytest.mark.parametrize(("groups", "taps"), [(1, 20), (5, 9), (1, BLOCK + 9)])
def test_descent_beats_rounding_to_nearest(limits, groups, taps, rng):
    given, real = problem(rng, groups=groups, taps=taps)
    largest = np.maximum(real.max(axis=1) / limits[1], real.min(axis=1) / limits[0])
    values, scale = uniform(given, largest, limits, np.full_like(largest, 1e-9))

    of_real = float(given.error(real).sum())  # the least there is
    assert values.shape == real.shape and limits[0] <= values.min() and values.max() <= limits[1]
    assert np.array_equal(values, np.rint(values))
    missed = float(given.error(values * scale[:, np.newaxis]).sum()) - of_real
    assert 0 <= missed < 0.9 * (rounded_to_nearest(given, real, limits) - of_real)


def test_descent_is_near_the_best_of_a_small_problem(rng):
    """Against all 4^6 choices, each with the scale that is best for it."""
    given, real = problem(rng, taps=6, outputs=1)
    largest = np.maximum(real.max(axis=1), real.min(axis=1) / -2)
    values, scale = uniform(given, largest, (-2, 1), np.full_like(largest, 1e-9))
    choices = np.array(list(itertools.product(range(-2, 2), repeat=6)), np.float64).T[np.newaxis]
    every = Quadratic(given.gram, np.repeat(given.cross, choices.shape[2], axis=2))
    errors = every.error(choices * every.scales(choices, np.ones((1, choices.shape[2])))[:, np.newaxis])

    of_real = float(given.error(real).sum())
    best, found = float(errors.min()), float(given.error(values * scale[:, np.newaxis]).sum())
    assert best - 1e-9 <= found <= of_real + 2 * (best - of_real)


def test_no_scale_falls_below_what_it_must_be(rng):
    given, real = problem(rng)
    least = 2 * np.abs(real).max(axis=1)
    _, scale = uniform(given, np.abs(real).max(axis=1), (-2, 1), least)

    assert (scale >= least).all()


def test_a_scale_that_is_given_stays(rng):
    given, real = problem(rng)
    largest = np.abs(real).max(axis=1) / 7
    values, scale = uniform(given, largest, (-7, 7))

    np.testing.assert_array_equal(scale, largest)
    nearest = np.clip(np.rint(real / largest[:, np.newaxis]), -7, 7)
    error = [float(given.error(v * largest[:, np.newaxis]).sum()) for v in (values, nearest)]
    assert error[0] < error[1]


@pytest.mark.parametrize("size", [6, 2])
def test_codebooks_are_fitted(size, rng):
    given, real = problem(rng, groups=2)
    channels = np.swapaxes(real, 1, 2).reshape(6, -1)
    scale = np.abs(real).max(axis=1) / 127
    levels = np.tile(np.array([-90.0, -30, 30, 90]), (6, 1))
    values, scales, books = from_codebooks(given, scale, levels, size, np.full_like(scale, 1e-9))

    for channel, (g, o) in enumerate(itertools.product(range(2), range(3))):
        assert np.isin(values[g, :, o], books[channel]).all()
        assert (books[channel] == books[channel // size * size]).all() and (np.diff(books[channel]) >= 0).all()
    assert np.array_equal(books, np.rint(books)) and np.abs(books).max() <= 127
    distance = np.abs(channels[..., np.newaxis] / scale.reshape(6, 1, 1) - levels[:, np.newaxis])
    nearest = np.take_along_axis(levels, distance.argmin(axis=2), axis=1).reshape(2, 3, -1)
    errors = [
        float(given.error(v * s[:, np.newaxis]).sum() - given.error(real).sum())
        for v, s in ((values, scales), (np.swapaxes(nearest, 1, 2), scale))
    ]
    assert errors[0] < 0.5 * errors[1]


def strided_net():
    net = Builder((1, 8, 8, 4)).conv(8, 3, groups=2, stride=(2, 2)).depthwise("relu6", multiplier=2)
    return net.conv(6, 1).add(Mean((1, 2))).dense(4).graph()


NETS = {"separable": lambda: separable_net(softmax=False), "strided": strided_net}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(("bits", "gain"), [(2, 2.0), (3, 2.0), (4, 1.0)])
def test_it_helps_on_samples_not_seen(net, bits, gain):
    """Against the best scale for the weights and each weight up or down."""
    graph = NETS[net]()
    x, fresh = samples(graph, 100), samples(graph, 100, seed=9)
    kind = Scheme(bits=bits, clip=True, span="full")
    before = optimize_rounding(graph, quantize_graph(graph, calibrate(graph, x).ranges("mse", kind), kind), {"x": x})
    after = quantize(graph, x, Options(bits=bits, corrections=("rounding",))).graph
    wanted = float_run.run(graph, {"x": fresh})[graph.outputs[0]]
    ratio = [sqnr(wanted, integer_outputs(graph, g, fresh)) for g in (before, after)]
    assert ratio[1] > ratio[0] + gain


def test_few_samples_do_not_spoil_a_layer():
    """256 weights a channel, 100 inputs: shrunk to what they may say."""
    graph = Builder((1, 8, 8, 4)).conv(4, 3).add(Reshape((1, 256))).dense(4).graph()
    x, fresh = samples(graph, 100), samples(graph, 100, seed=9)
    wanted = float_run.run(graph, {"x": fresh})[graph.outputs[0]]
    found = [
        sqnr(wanted, integer_outputs(graph, quantize(graph, x, Options(bits=3, clip=True, corrections=c)).graph, fresh))
        for c in ((), ("rounding",))
    ]
    assert found[1] > found[0] + 1


def test_channels_of_zeros_stay_zeros():
    b = Builder((1, 6, 6, 2)).conv(4, 3).dense(3)
    b.constants["conv2d_0_c0"][1] = 0
    graph = b.graph()
    for options in (Options(bits=2), Options(codebook=4)):
        made = quantize(graph, samples(graph, 30), options).graph
        assert not made.constants["conv2d_0_weights"].values[1].any()
        assert made.constants["conv2d_0_weights"].values.any()


def test_inputs_of_zeros_leave_the_weights_as_they_are():
    """A channel of the input that the samples never use says nothing of its weights."""
    graph = Builder((1, 5, 5, 2)).conv(4, 3).dense(3).graph()
    x = samples(graph, 30)
    x[..., 1] = 0
    made = quantize(graph, x, Options(bits=4, corrections=("rounding", "bias"))).graph
    weights = made.constants["conv2d_0_weights"]
    unseen = (weights.real() - graph.constants["conv2d_0_c0"])[..., 1]
    assert (np.abs(unseen) <= 0.51 * weights.scale.reshape(-1, 1, 1)).mean() > 0.8


@pytest.mark.parametrize("scheme", ["scale", "fixed-point", "dynamic-fixed-point"])
def test_other_schemes_keep_what_they_promise(scheme):
    graph = separable_net(softmax=False)
    made = quantize(graph, samples(graph, 60), Options(bits=3, scheme=scheme)).graph
    for node in made.nodes:
        if node.op.weights_axis is not None:
            weights = made.constants[node.inputs[1]]
            assert np.abs(weights.values).max() <= 3
            assert scheme == "scale" or np.array_equal(np.exp2(np.rint(np.log2(weights.scale))), weights.scale)
            assert weights.scale.size == (1 if scheme == "dynamic-fixed-point" else weights.shape[weights.axis])


def test_layers_of_too_many_weights_are_rounded():
    graph = Builder((1, 1, 1, MAX_TAPS + 1)).dense(2).graph()
    x = samples(graph, 20)
    made = quantize(graph, x, Options(bits=4, corrections=("rounding",))).graph
    plain = quantize(graph, x, Options(bits=4, corrections=())).graph
    (name,) = (n for n in made.constants if n.endswith("_weights"))
    np.testing.assert_array_equal(made.constants[name].scale, plain.constants[name].scale)
    change = made.constants[name].values.astype(int) - plain.constants[name].values
    assert change.any() and np.abs(change).max() <= 1


def test_it_is_the_same_every_time():
    graph = separable_net()
    for options in (Options(bits=2), Options(codebook=4, codebook_channels=3)):
        first, second = (quantize(graph, samples(graph, 50), options).graph for _ in range(2))
        for name, constant in first.constants.items():
            np.testing.assert_array_equal(constant.values, second.constants[name].values)
            np.testing.assert_array_equal(constant.scale, second.constants[name].scale)
