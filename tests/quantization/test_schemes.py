"""Schemes: formulas with listed ties, granularities, weight ranges, biases that stay in bounds."""

from dataclasses import replace

import numpy as np
import pytest
from chips import families
from float_nets import Builder, flat_net, integer_outputs, samples, separable_net

from mcuq import float_run
from mcuq.archive import Archive, dump, read
from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.add import Add
from mcuq.ops.fully_connected import FullyConnected
from mcuq.plan.builder import build_plan
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.quantizer import largest_kept, quantize_graph
from mcuq.quantization.scheme import Range, Scheme
from mcuq.tensor import QConstant

WEIGHTED = ("conv2d_0", "depthwise_conv2d_1", "conv2d_2", "fully_connected_4")


def test_affine_activation():
    tensor = Scheme("affine").activation((1,), Range(-1.0, 4.1))
    assert (tensor.scale, tensor.zero_point) == (pytest.approx(5.1 / 255), -78)
    assert tensor.quantize(np.array([0.0, -1.0, 4.1, 9.0, -9.0])).tolist() == [-78, -128, 127, 127, -128]


@pytest.mark.parametrize("range_", [Range(2, 5), Range(-5, -2), Range(0, 0), Range(-1e-12, 1e-12)])
@pytest.mark.parametrize("kind", ["affine", "scale", "fixed-point"])
def test_zero_has_an_integer(kind, range_):
    tensor = Scheme(kind).activation((1,), range_)
    assert tensor.dequantize(tensor.quantize(np.zeros(1))) == [0.0]


def test_scale_activation_with_ties():
    """q = clip(round(x * 127 / alpha)) to ±127; alpha = 127 makes every half a tie, and -128 never occurs."""
    tensor = Scheme("scale").activation((1,), Range(-127.0, 3.0))
    x = np.array([0.5, -0.5, 1.5, -1.5, 2.5, 126.5, -126.5, -127.4, -200.0, 200.0])
    assert tensor.quantize(x).tolist() == [1, -1, 2, -2, 3, 127, -127, -127, -127, 127]
    assert (tensor.scale, tensor.zero_point) == (1.0, 0)


@pytest.mark.parametrize(("alpha", "scale"), [(127, 1), (127.1, 2), (63.5, 0.5), (1, 2**-6), (0.99, 2**-7), (200, 2)])
def test_fixed_point_activation(alpha, scale):
    assert Scheme("fixed-point").activation((1,), Range(-alpha, 0)).scale == scale


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("kind", ["affine", "scale", "fixed-point"])
def test_weights_of_b_bits(bits, kind):
    scheme = Scheme(kind, bits=bits)
    limit = 2 ** (bits - 1) - 1
    graph = Builder((1, 2)).add(FullyConnected(), [[0.3, -0.3], [limit, 0.5], [-limit, -0.5]]).graph()
    q = quantize_graph(graph, dict.fromkeys(graph.shapes, Range(-1, 1)), scheme)
    weights = next(iter(q.constants.values()))
    assert weights.bits == bits and np.abs(weights.values).max() <= limit
    if kind != "fixed-point":
        assert weights.values.tolist() == [[limit, -limit], [limit, 1], [-limit, -1]]  # ties go away from zero


@pytest.mark.parametrize("kind", ["affine", "scale", "fixed-point"])
@pytest.mark.parametrize("weights", ["network", "layer", "channel"])
@pytest.mark.parametrize("activations", ["network", "layer"])
def test_granularity(kind, weights, activations):
    graph = separable_net(softmax=False)
    x = samples(graph, 20)
    options = Options(scheme=kind, weights=weights, activations=activations)
    result = quantize(graph, x, options)
    scales = [result.graph.constants[f"{name}_weights"].scale for name in WEIGHTED]
    count = len({float(s) for scale in scales for s in scale})
    assert [scale.size for scale in scales] == ([8, 8, 6, 4] if weights == "channel" else [1] * 4)
    assert count == 1 if weights == "network" else count > 1
    tensors = {(t.scale, t.zero_point) for t in result.graph.values.values()}
    assert len(tensors) == 1 if activations == "network" else len(tensors) > 1
    wanted, given = float_run.run(graph, {"x": x})[graph.outputs[0]], integer_outputs(graph, result.graph, x)
    assert sqnr(wanted, given) > 10
    if kind == "fixed-point":
        assert all(np.log2(t.scale) % 1 == 0 for t in result.graph.values.values())
        assert all((np.log2(scale) % 1 == 0).all() for scale in scales)


def test_dynamic_fixed_point_is_one_format_per_layer():
    assert Options(scheme="dynamic-fixed-point").kind == Scheme("fixed-point", "layer", "layer")
    assert Options(scheme="fixed-point").kind == Scheme("fixed-point", "channel", "layer")


@pytest.mark.parametrize(
    "wrong",
    [
        {"scheme": "linear"},
        {"weights": "row"},
        {"activations": "channel"},
        {"bits": 9},
        {"bits": 1},
        {"method": "best"},
        {"corrections": ("magic",)},
        {"layer_methods": {"a": "best"}},
    ],
)
def test_choices_that_do_not_exist(wrong):
    with pytest.raises(UsageError) as error:
        Options(**wrong)
    assert "choose" in str(error.value) and "\n" not in str(error.value)


def test_clipped_weights_have_less_error_never_more(rng):
    rows = rng.normal(size=(20, 200))
    rows[3, 5] = 30
    for bits in (2, 4, 8):
        scheme = Scheme(bits=bits, clip=True)
        errors = []
        for chosen in (largest_kept(rows, scheme), largest_kept(rows, replace(scheme, clip=False))):
            scale = (chosen / scheme.limit)[:, np.newaxis]
            errors.append(((np.clip(np.round(rows / scale), -scheme.limit, scheme.limit) * scale - rows) ** 2).sum(1))
        assert (errors[0] <= errors[1] * (1 + 1e-12)).all()
        assert bits == 8 or errors[0].sum() < 0.95 * errors[1].sum()


@pytest.mark.parametrize("weights", ["network", "layer", "channel"])
def test_dead_channels_with_a_large_bias(weights):
    """A filter of zeros whose bias would not fit int32 at the scale that zeros ask for."""
    b = Builder((1, 6, 6, 2)).conv(4, 3).dense(3)
    b.constants["conv2d_0_c0"][1] = 0
    b.constants["conv2d_0_c0"][2] *= 1e-9
    b.constants["conv2d_0_c1"][:] = [0.1, 5.0, 3.0, -0.1]
    graph = b.graph()
    x = samples(graph, 10)
    result = quantize(graph, x, Options(weights=weights))
    assert np.abs(result.graph.constants["conv2d_0_bias"].values.astype(np.int64)).max() <= 2**29
    for chip in ("generic", "esp32c3", "esp32"):
        build_plan(result.graph, families(chip))
    wanted = float_run.run(graph, {"x": x})[graph.outputs[0]]
    assert sqnr(wanted, integer_outputs(graph, result.graph, x)) > 30


def test_known_quantization_is_kept_bit_for_bit():
    """What arrives quantized leaves so: activations, weights and their bias; no correction touches it."""
    graph = separable_net()
    x = samples(graph, 20)
    first = quantize(graph, x).graph
    name = "conv2d_2"
    known = {k: first.values[k] for k in ("depthwise_conv2d_1_y", "conv2d_2_y")}
    weights = first.constants[f"{name}_weights"]
    graph = replace(graph, constants={**graph.constants, f"{name}_c0": weights}, known=known)
    for options in (Options(), Options(corrections=("equalization", "rounding", "bias")), Options(method="minmax")):
        result = quantize(graph, x, options).graph
        kept = result.constants[f"{name}_weights"]
        assert kept.values is weights.values and kept.scale is weights.scale
        assert {k: result.values[k] for k in known} == known


def test_a_fixed_point_model_survives_the_archive(tmp_path):
    graph = quantize(flat_net(), samples(flat_net(), 5), Options(scheme="fixed-point")).graph
    (tmp_path / "m.mcuq").write_bytes(dump(Archive(graph)))
    assert read(tmp_path / "m.mcuq").graph.values == graph.values


def test_bits_are_recorded():
    graph = quantize(flat_net(), samples(flat_net(), 5), Options(bits=4)).graph
    constants = [c for name, c in graph.constants.items() if name.endswith("_weights")]
    assert {c.bits for c in constants} == {4} and all(isinstance(c, QConstant) for c in constants)


def test_an_operand_that_arrives_as_integers_stays():
    """A constant of an Add in a QDQ model: not taken apart and quantized again by its range."""
    constant = QConstant(np.array([-3, 0, 7, 100], np.int8), np.array([0.0371]), 5)
    graph = FloatGraph(
        "net", ("x",), ("y",), (Node("add", Add(), ("x", "c"), ("y",)),), {"x": (1, 4), "y": (1, 4)}, {"c": constant}
    )
    quantized = quantize_graph(graph, {"x": Range(-1, 1), "y": Range(-4, 4)})

    arrived = quantized.constants[quantized.nodes[0].inputs[1]]
    assert np.array_equal(arrived.values, constant.values)
    assert (arrived.scale, arrived.zero_point) == (constant.scale, constant.zero_point)
