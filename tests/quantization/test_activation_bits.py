"""Activations of 2 to 7 bits: which they are, their ranges, and what they cost."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from float_nets import Builder, samples, separable_net
from harness import SANITIZERS, STRICT

import mcuq
from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.engines.host import build_host
from mcuq.errors import UsageError
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.logistic import Logistic
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.relu import Relu
from mcuq.plan.builder import build_plan
from mcuq.quantization import Options, quantize
from mcuq.quantization.clipping import choose_range
from mcuq.quantization.histogram import Histogram
from mcuq.quantization.scheme import Range, Scheme
from mcuq.simulator import simulate, trace

DIGITS = Path(__file__).parents[2] / "examples/digits"
SCHEMES = ("affine", "scale", "fixed-point")


def few(options: Options, graph=None):
    graph = graph or separable_net()
    return quantize(graph, samples(graph, 30), options).graph


def bits_of(graph):
    return {node.name: graph.values[node.outputs[0]].bits for node in graph.nodes}


def test_the_border_and_what_an_operator_fixes_keep_8_bits():
    graph = few(Options(activation_bits=3))
    assert graph.values["x"].bits == 8
    assert list(bits_of(graph).values()) == [3, 3, 3, 3, 3, 8]  # the last is the softmax, the output
    graph = few(Options(activation_bits=3), Builder((1, 5, 5, 2)).conv(3, 3).add(Logistic()).conv(2, 1).graph())
    assert list(bits_of(graph).values()) == [3, 8, 8]


def test_what_is_tied_to_the_border_keeps_8_bits():
    b = Builder((1, 6, 6, 2)).add(MaxPool((2, 2), (2, 2))).conv(3, 3).add(MaxPool((2, 2)))
    assert list(bits_of(few(Options(activation_bits=4), b.graph())).values()) == [8, 8, 8]


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_scales_spread_over_the_levels(bits, scheme):
    tensor = Scheme(scheme, activation_bits=bits).activation((), Range(-1.0, 3.0))
    low, high = tensor.limits
    width, most = (4, 1) if scheme == "affine" else (3, 2 if scheme == "fixed-point" else 1)
    steps = high - low if scheme == "affine" else high

    assert (low, high) == (-(2 ** (bits - 1)) + (scheme == "scale"), 2 ** (bits - 1) - 1)
    assert width / steps <= tensor.scale * (1 + 1e-9) and tensor.scale < width / steps * most * (1 + 1e-9)
    assert abs(tensor.dequantize(np.array(high)) - 3) <= tensor.scale / 2 or scheme == "fixed-point"


@pytest.mark.parametrize("bits", [2, 3, 4, 6])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_ranges_are_chosen_for_the_number_of_levels(bits, scheme, rng):
    """Fewer levels clip more; the range for them serves them better than that for 8 bits."""
    x = np.abs(rng.normal(size=20_000)).astype(np.float32)
    histogram = Histogram()
    histogram.add(x)
    own = Scheme(scheme, activation_bits=bits)
    chosen, of_8 = (choose_range(histogram, "mse", s) for s in (own, Scheme(scheme)))
    error, other = (
        np.mean((t.dequantize(t.quantize(x)) - x) ** 2) for t in (own.activation((), r) for r in (chosen, of_8))
    )

    assert chosen.high <= of_8.high and error <= other
    assert scheme != "affine" or bits > 4 or error < 0.8 * other


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bits", [2, 5])
def test_n3_every_value_lies_within_its_bits(scheme, bits, tmp_path):
    graph = few(Options(scheme=scheme, activation_bits=bits, bits=4))
    x = graph.values["x"].quantize(samples(separable_net(), 5, seed=3) * 3)
    plan = build_plan(graph)
    for step, found in trace(plan, {"x": x}):
        low, high = plan.graph.values[step.outputs[0]].limits
        assert low <= found.view(np.int8).min() and found.view(np.int8).max() <= high
    expected = simulate(plan, {"x": x})[graph.outputs[0]]
    (tmp_path / "m.mcuq").write_bytes(archive.dump(Archive(graph)))
    again = archive.read(tmp_path / "m.mcuq").graph
    for board in ("esp32-c3-devkitm-1", "esp32dev"):
        pipeline.write_project(again, board, tmp_path / board)
        with build_host(tmp_path / board, [graph.name], (*STRICT, *SANITIZERS)) as program:
            assert "PASS" in program.self_test()
            got = program.run(pipeline.compile(graph, board), {"x": x}).outputs
        np.testing.assert_array_equal(got[graph.outputs[0]], expected)


def test_accuracy_falls_with_the_bits():
    """scikit-learn's digits, 540 held out: every bit less costs nothing or more, but for chance."""
    source, holdout = mcuq.load(DIGITS / "digits_float.tflite"), np.load(DIGITS / "holdout.npz")
    accuracies = []
    for bits in range(8, 1, -1):
        graph = mcuq.quantize(source, DIGITS / "calibration.npz", activation_bits=bits)
        scores = mcuq.simulate(mcuq.compile(graph), holdout["X"]).reshape(540, -1)
        accuracies.append(float((scores.argmax(axis=1) == holdout["Y"]).mean()))

    assert accuracies[0] >= 0.99 and accuracies[4] >= 0.97 > accuracies[6]  # 8, 4 and 2 bits
    assert all(fewer <= more + 3 / 540 for more, fewer in itertools.pairwise(accuracies))


def test_layers_have_bits_of_their_own():
    graph = few(Options(activation_bits=5, layer_activation_bits={"conv2d_2": 2}, layer_bits={"conv2d_2": 4}))
    assert list(bits_of(graph).values()) == [5, 5, 2, 5, 5, 8]
    assert graph.constants["conv2d_2_weights"].bits == 4
    assert list(bits_of(few(Options(layer_activation_bits={"conv2d_0": 6}))).values()) == [6, 8, 8, 8, 8, 8]


def test_tied_layers_have_the_largest_number():
    b = Builder((1, 5, 5, 2)).conv(3, 3).add(Relu())
    b.add(Concatenation(), source="conv2d_0_y")
    b.nodes[-1] = type(b.nodes[-1])("joined", Concatenation(), ("conv2d_0_y", "relu_1_y"), b.nodes[-1].outputs)
    b.shapes[b.last] = (1, 5, 5, 6)
    graph = few(Options(layer_activation_bits={"conv2d_0": 4, "relu_1": 6}), b.conv(2, 1).graph())
    assert list(bits_of(graph).values()) == [6, 6, 6, 8]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation_bits": 1}, "1 is no number of bits of activations; choose one of 2, 3"),
        ({"activation_bits": 9}, "9 is no number of bits of activations"),
        ({"layer_activation_bits": {"conv2d_0": 1}}, "1 is no number of bits of activations"),
        ({"layer_activation_bits": {"conv2d_9": 4}}, "conv2d_9 is no layer whose output can have fewer than 8 bits"),
        ({"layer_activation_bits": {"softmax_5": 4}}, "softmax_5 is no layer .* those are conv2d_0, depthwise"),
    ],
)
def test_wrong_choices_are_one_line(options, message):
    with pytest.raises(UsageError, match=message) as error:
        few(Options(**options))
    assert "\n" not in str(error.value)


def test_on_the_command_line(run, tmp_path):
    files = ("quantize", DIGITS / "digits_float.tflite", "--calibration", DIGITS / "calibration.npz")
    names = [node.name for node in mcuq.load(DIGITS / "digits_float.tflite").nodes]
    options = ("--activation-bits", "4", "--layer-activation-bits", f"{names[0]}=6")
    status, _, err = run(*files, "--out", tmp_path / "m.mcuq", *options)
    graph = archive.read(tmp_path / "m.mcuq").graph
    assert (status, err) == (0, "")
    assert [graph.values[node.outputs[0]].bits for node in graph.nodes][:2] == [6, 4]
    status, _, err = run(*files, "--out", tmp_path / "n.mcuq", "--activation-bits", "1")
    assert status == 2 and "1 is no number of bits of activations" in err and not (tmp_path / "n.mcuq").exists()
