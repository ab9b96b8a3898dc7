"""Biases of trained integers: signs that are exact, and units finer than the products."""

from dataclasses import replace

import numpy as np
import pytest
from harness import SANITIZERS, STRICT

from mcuq import archive, float_run, pipeline
from mcuq.archive import Archive
from mcuq.engines.host import build_host
from mcuq.errors import CannotQuantizeError, MalformedModelError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.binarize import Binarize
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.packing import uniform_levels
from mcuq.passes.fold_constant_channels import fold_constant_channels
from mcuq.plan.builder import build_plan
from mcuq.quantization.biases import MAX_BIAS, fraction_bits, quantize_bias, sign_bias
from mcuq.quantization.codebooks import raised
from mcuq.quantization.quantizer import quantize_graph
from mcuq.simulator import simulate, trace
from mcuq.tensor import QConstant, QTensor

OPS = {"conv2d": Conv2d(), "depthwise_conv2d": DepthwiseConv2d(), "fully_connected": FullyConnected()}
SHAPES = {
    "conv2d": ((1, 3, 3, 4), (5, 2, 2, 4), 0),
    "depthwise_conv2d": ((1, 3, 3, 5), (1, 2, 2, 5), 3),
    "fully_connected": ((1, 9), (5, 9), 0),
}


def trained(op="conv2d", bits=2, output_bits=2, codebook=None):
    """Return a layer of trained integers with a real bias, input and output known."""
    rng = np.random.default_rng(bits)
    x, shape, axis = SHAPES[op]
    levels = uniform_levels(bits) if codebook is None else codebook[0]
    values = rng.choice(levels, shape).astype(np.int8)
    weights = QConstant(values, rng.uniform(0.2, 0.4, 5), bits=bits, axis=axis, codebook=codebook)
    constants = {"w": weights, "b": rng.normal(size=5).astype(np.float32)}
    node = Node("layer", OPS[op], ("x", "w", "b"), ("y",))
    shapes = {"x": x, "y": OPS[op].infer_shape(x, shape, (5,))}
    unit = np.sqrt(weights.values.astype(float).std() ** 2 * np.prod(shape) / 5) * 0.3 * 0.3
    known = {"x": QTensor(x, 0.3, 1, bits=2), "y": QTensor(shapes["y"], 3 * unit / 2**output_bits, 0, bits=output_bits)}
    return FloatGraph("net", ("x",), ("y",), (node,), shapes, constants, known).verify()


def inputs(graph, count=40):
    rng = np.random.default_rng(5)
    return graph.known["x"].dequantize(rng.integers(-2, 2, (count, *graph.shapes["x"]))).astype(np.float32)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6])  # with 7, products are fine enough
def test_outputs_are_those_of_the_real_bias(op, bits):
    graph = trained(op, bits, output_bits=4)
    x = inputs(graph)
    wanted = graph.known["y"].quantize(float_run.run(graph, {"x": x})["y"])
    quantized = quantize_graph(graph, {})
    given = simulate(build_plan(quantized), {"x": graph.known["x"].quantize(x)})["y"]
    coarse = replace(quantized, constants={**quantized.constants, "layer_bias": whole(graph, quantized)})
    without = simulate(build_plan(coarse), {"x": graph.known["x"].quantize(x)})["y"]

    assert quantized.constants["layer_bias"].fraction > 0
    np.testing.assert_array_equal(quantized.constants["layer_weights"].values, graph.constants["w"].values)
    np.testing.assert_array_equal(quantized.constants["layer_weights"].scale, graph.constants["w"].scale)
    fine, coarse_errors = (given != wanted).mean(), (without != wanted).mean()
    assert fine <= 0.02 and (3 * fine < coarse_errors or bits >= 5)


def whole(graph, quantized):
    """Return the layer's bias in units of its products."""
    return quantize_bias(graph.real("b").astype(float), graph.known["x"].scale, quantized.constants["layer_weights"])


@pytest.mark.parametrize("bits", [1, 2, 4, 6])
def test_n3_a_fine_bias_in_c(bits, tmp_path):
    codebook = np.array([[-9, -2, 3, 12]], np.int8) if bits == 2 else None
    graph = quantize_graph(trained("conv2d", bits, codebook=codebook), {})
    x = np.random.default_rng(1).integers(-2, 2, (8, *graph.values["x"].shape)).astype(np.int8)
    expected = simulate(build_plan(graph), {"x": x})["y"]
    (tmp_path / "m.mcuq").write_bytes(archive.dump(Archive(graph)))
    again = archive.read(tmp_path / "m.mcuq").graph
    assert again.constants["layer_bias"].fraction == graph.constants["layer_bias"].fraction > 0
    for board in ("esp32-c3-devkitm-1", "esp32dev"):
        pipeline.write_project(again, board, tmp_path / board)
        with build_host(tmp_path / board, [graph.name], (*STRICT, *SANITIZERS)) as program:
            got = program.run(pipeline.compile(graph, board), {"x": x}).outputs
        np.testing.assert_array_equal(got["y"], expected)


def test_folding_constant_channels_keeps_the_unit():
    """A removed channel's contribution goes into the next layer's bias in its own unit."""
    first, second = trained(), trained()
    weights = first.constants["w"].values.copy()
    weights[2] = 0
    second = replace(second.constants["w"], values=np.ones((3, 1, 1, 5), np.int8), scale=np.full(3, 0.3))
    nodes = (*first.nodes, Node("second", Conv2d(), ("y", "v", "c"), ("z",)))
    constants = {**first.constants, "w": replace(first.constants["w"], values=weights), "v": second}
    constants["c"] = np.array([0.1, 0.2, 0.3], np.float32)
    shapes = {**first.shapes, "z": (1, 2, 2, 3)}
    known = {**first.known, "z": QTensor(shapes["z"], 0.5, 0, bits=3)}
    graph = quantize_graph(FloatGraph("net", ("x",), ("z",), nodes, shapes, constants, known), {})
    folded = fold_constant_channels(graph)
    x = {"x": np.random.default_rng(1).integers(-2, 2, (20, 1, 3, 3, 4)).astype(np.int8)}

    assert graph.constants["second_bias"].fraction > 0 and len(folded.constants["layer_weights"].values) < 5
    before, after = (dict_of(build_plan(g), x)["z"] for g in (graph, folded))
    np.testing.assert_array_equal(before, after)


def dict_of(plan, x):
    return {step.outputs[0]: found for step, found in trace(plan, x)}


def test_a_bias_of_whole_products_needs_no_finer_unit():
    """So it is where no batch norm was folded: training rounds the bias to the products."""
    weights, output = (
        QConstant(np.ones((3, 4), np.int8), np.array([0.1, 0.2, 0.3]), bits=2),
        QTensor((), 0.01, 0, bits=2),
    )
    bias = np.array([5, -7, 2]) * 0.5 * weights.scale
    assert fraction_bits(bias, 0.5, weights, output) == 0
    assert fraction_bits(bias + 0.01, 0.5, weights, output) == 6
    assert fraction_bits(bias + 0.01, 0.5, replace(weights, bits=8), output) == 0  # no room
    assert fraction_bits(bias * 1e6 + 0.01, 0.5, weights, output) < 6  # int32


@pytest.mark.parametrize("output_scale", [0.001, 0.02, 0.3, 5.0])
def test_signs_are_those_of_the_real_bias(output_scale, rng):
    products = rng.uniform(0.01, 0.2, 200)
    bias = rng.normal(size=200)
    sums = np.arange(-300, 301)[:, np.newaxis]
    exact = np.abs(products * sums + bias + output_scale / 2) > 1e-9
    wanted = products * sums + bias > -output_scale / 2
    whole_bias = sign_bias(bias, products, output_scale)
    given = products * sums + whole_bias > -output_scale / 2

    np.testing.assert_allclose(whole_bias / products, np.round(whole_bias / products), atol=1e-9)
    assert ((given == wanted) | ~exact).all()
    nearest = products * (sums + np.round(bias / products)) > -output_scale / 2
    assert ((nearest != wanted) & exact).any()


@pytest.mark.parametrize("between", [(), (MaxPool((2, 2)),)])
def test_a_layer_that_makes_signs_has_whole_products(between):
    """Popcount kernels add no fractions."""
    graph, last = trained("conv2d", 1, 8), "y"
    nodes, shapes = list(graph.nodes), dict(graph.shapes)
    for op in (*between, Binarize()):
        shapes[op.name] = op.infer_shape(shapes[last])
        nodes.append(Node(op.name, op, (last,), (op.name,)))
        last = op.name
    known = {**graph.known, **{n: replace(graph.known["y"], shape=shapes[n]) for n in shapes if n == "max_pool"}}
    source = replace(graph, nodes=tuple(nodes), shapes=shapes, outputs=(last,), known=known)
    quantized, x = quantize_graph(source, {}), inputs(graph)
    wanted = float_run.run(source, {"x": x})[last]
    given = simulate(build_plan(quantized), {"x": graph.known["x"].quantize(x)})[last]

    assert quantized.constants["layer_bias"].fraction == 0
    np.testing.assert_array_equal(given, wanted)


def test_channels_that_are_their_bias_keep_it_within_int32():
    weights = QConstant(np.array([[1, -2], [1, 1]], np.int8), np.array([1e-30, 0.1]), bits=2)
    bias = np.array([3.0, 1.01])
    made = raised(weights, np.abs(bias) / (0.5 * MAX_BIAS))

    assert made.values.tolist() == [[0, 0], [1, 1]] and made.scale[1] == 0.1
    output = QTensor((), 0.1, 0, bits=2)
    fraction = fraction_bits(bias, 0.5, made, output)
    assert fraction == 6 and quantize_bias(bias, 0.5, made, fraction).real() == pytest.approx(bias, rel=1e-3)
    signs = raised(replace(weights, values=np.sign(weights.values), bits=1), np.abs(bias) / (0.5 * MAX_BIAS))
    assert set(np.unique(signs.values)) <= {-1, 1}


@pytest.mark.parametrize("fraction", [-1, 8, 0.5])
def test_damaged_units_are_refused(fraction, tmp_path):
    from test_archive import rewritten

    path = tmp_path / "m.mcuq"
    data = archive.dump(Archive(quantize_graph(trained(), {})))
    path.write_bytes(rewritten(data, lambda header: header["constants"]["layer_bias"].update(fraction=fraction)))
    with pytest.raises(MalformedModelError, match=r"fraction|finer"):
        archive.read(path)


def test_a_unit_that_the_weights_have_no_room_for_names_the_layer():
    graph = quantize_graph(trained(bits=4), {})
    bias = replace(graph.constants["layer_bias"], fraction=6)
    with pytest.raises(CannotQuantizeError, match=r"layer.*6 bits finer"):
        build_plan(replace(graph, constants={**graph.constants, "layer_bias": bias}))
