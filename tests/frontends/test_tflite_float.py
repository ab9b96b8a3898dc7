"""The float TFLite reader: float32, float16, hybrid and mixed files, against LiteRT."""

import numpy as np
import pytest
from requirements import require_module
from tflite_builder import ModelBuilder

from mcuq import float_run
from mcuq.errors import CannotQuantizeError, MalformedModelError, UnsupportedOperatorError
from mcuq.float_graph import FloatGraph
from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.tflite import model_of, read_tflite
from mcuq.graph import Graph
from mcuq.tensor import QConstant

TOLERANCE = 1e-5  # of the largest output
REAL = [
    ("mlperf/ad01_float", "mlperf/ad01_int8"),
    ("mlperf/ic_resnet8_float", "mlperf/ic_resnet8_int8"),
    ("mlperf/vww_mbv1_025_float", "mlperf/vww_mbv1_025_int8"),
    ("tflm/hello_world_float", "tflm/hello_world_int8"),
]


def litert(model: bytes, *inputs):
    """Run samples ([samples, *shape] per input) through LiteRT; the outputs, each with all samples."""
    module = require_module("ai_edge_litert.interpreter")
    kind = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = module.Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    places = [details["index"] for details in interpreter.get_input_details()]
    results = []
    for sample in zip(*inputs, strict=True):
        for place, x in zip(places, sample, strict=True):
            interpreter.set_tensor(place, x)
        interpreter.invoke()
        results.append([interpreter.get_tensor(y["index"]).copy() for y in interpreter.get_output_details()])
    return [np.stack(output) for output in zip(*results, strict=True)]


def read(model: bytes):
    return model_of(parse(model), "model")


def assert_equals_litert(model, *inputs, tolerance=TOLERANCE):
    graph = read(model)
    assert isinstance(graph, FloatGraph)
    results = float_run.run(graph, dict(zip(graph.inputs, inputs, strict=True)))
    for name, wanted in zip(graph.outputs, litert(model, *inputs), strict=True):
        limit = tolerance * max(np.abs(wanted).max(), 1)
        np.testing.assert_allclose(results[name], wanted, rtol=0, atol=limit, err_msg=name)
    return graph


@pytest.mark.parametrize(("name", "twin"), REAL)
def test_real_models(shared, name, twin):
    """On the real inputs that the int8 twin's golden file holds."""
    path, integers = shared / "models" / f"{name}.tflite", read_tflite(shared / "models" / f"{twin}.tflite")
    assert isinstance(integers, Graph)
    q = np.load(shared / "golden" / f"{twin.replace('/', '__')}.npz")["input"]
    assert_equals_litert(path.read_bytes(), integers.values[integers.inputs[0]].dequantize(q))
    assert read_tflite(path).name == path.stem


class Net(ModelBuilder):
    """Float operators one after the other, each on the output of the one before."""

    def __init__(self, rng, shape):
        super().__init__()
        self.rng = rng
        self.shape = shape
        self.first = self.last = self.tensor(shape, "float32")

    def real(self, *shape):
        return self.tensor(shape, "float32", data=self.rng.normal(0, 1, shape))

    def integers(self, values):
        return self.tensor(np.shape(values), "int32", data=values)

    def then(self, code, shape, *operands, options=None, before=(), **fields):
        y = self.tensor(shape, "float32")
        self.op(code, [*before, self.last, *operands], [y], options, **fields)
        self.last = y
        return self

    def finished(self):
        return self.finish([self.first], [self.last])

    def inputs(self, count=3):
        return self.rng.normal(0, 2, (count, *self.shape)).astype(np.float32)


IMAGE = (1, 6, 5, 4)
SLICE = "StridedSliceOptions"
ONE = [  # operator, output shape, operands, options and their fields
    ("DIV", IMAGE, lambda n: [n.real(4)], "DivOptions", {"fusedActivationFunction": 1}),
    ("NEG", IMAGE, lambda n: [], "NegOptions", {}),
    ("SQUARE", IMAGE, lambda n: [], "SquareOptions", {}),
    ("MINIMUM", IMAGE, lambda n: [n.tensor((), "float32", data=0.7)], "MaximumMinimumOptions", {}),
    ("MAXIMUM", IMAGE, lambda n: [n.tensor((1,), "float32", data=[-0.3])], "MaximumMinimumOptions", {}),
    ("ELU", IMAGE, lambda n: [], None, {}),
    ("GELU", IMAGE, lambda n: [], "GeluOptions", {"approximate": False}),
    ("GELU", IMAGE, lambda n: [], "GeluOptions", {"approximate": True}),
    ("HARD_SWISH", IMAGE, lambda n: [], "HardSwishOptions", {}),
    ("RELU_N1_TO_1", IMAGE, lambda n: [], None, {}),
    ("RELU_0_TO_1", IMAGE, lambda n: [], None, {}),
    ("PRELU", IMAGE, lambda n: [n.real(1, 1, 4)], None, {}),
    ("PRELU", IMAGE, lambda n: [n.tensor((6, 5, 4), "float32", data=np.full((6, 5, 4), 0.3))], None, {}),
    ("TRANSPOSE", (1, 4, 6, 5), lambda n: [n.integers([0, 3, 1, 2])], "TransposeOptions", {}),
    ("TILE", (1, 6, 10, 12), lambda n: [n.integers([1, 1, 2, 3])], "TileOptions", {}),
    ("SLICE", (1, 4, 2, 4), lambda n: [n.integers([0, 2, 1, 0]), n.integers([1, -1, 2, 4])], "SliceOptions", {}),
    *(
        ("STRIDED_SLICE", shape, lambda n, parts=parts: [n.integers(part) for part in parts], SLICE, fields)
        for shape, parts, fields in [
            ((1, 2, 3, 4), ([0, 1, 0, 0], [1, 5, 5, 4], [1, 2, 2, 1]), {}),
            ((1, 5, 4), ([0, -1, 0, 0], [1, 0, 5, 4], [1, 1, 1, 1]), {"shrinkAxisMask": 2}),
            ((1, 6, 3, 4), ([7, 9, -1, 0], [9, 9, 1, 2], [1, 1, -1, 1]), {"beginMask": 3, "endMask": 11}),
            ((1, 6, 5, 4), ([0, 5], [1, -9], [1, -1]), {}),
        ]
    ),
    ("RESIZE_BILINEAR", (1, 9, 7, 4), lambda n: [n.integers([9, 7])], "ResizeBilinearOptions", {}),
    *(
        (code, (1, 4, 11, 4), lambda n: [n.integers([4, 11])], options, {field: True})
        for code, options in [
            ("RESIZE_BILINEAR", "ResizeBilinearOptions"),
            ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
        ]
        for field in ("alignCorners", "halfPixelCenters")
    ),
    ("FLOOR_DIV", IMAGE, lambda n: [n.real(4)], "FloorDivOptions", {}),
    ("FLOOR_MOD", IMAGE, lambda n: [n.real(4)], "FloorModOptions", {}),
    ("REDUCE_PROD", (1, 6, 4), lambda n: [n.integers([2])], "ReducerOptions", {}),
    ("GATHER", (1, 3, 5, 4), lambda n: [n.integers([5, 0, 0])], "GatherOptions", {"axis": 1}),
    *(
        (
            "MIRROR_PAD",
            (1, 8, 10, 4),
            lambda n: [n.integers([[0, 0], [2, 0], [4, 1], [0, 0]])],
            "MirrorPadOptions",
            field,
        )
        for field in ({"mode": 0}, {"mode": 1})
    ),
    ("CUMSUM", IMAGE, lambda n: [n.integers(2)], "CumsumOptions", {}),
    ("CUMSUM", IMAGE, lambda n: [n.integers(-1)], "CumsumOptions", {"exclusive": True, "reverse": True}),
    ("REDUCE_MAX", (1, 4), lambda n: [n.integers([1, 2])], "ReducerOptions", {}),
    ("REDUCE_MAX", (1, 1, 1, 4), lambda n: [n.integers([-3, 2])], "ReducerOptions", {"keepDims": True}),
]


@pytest.mark.parametrize(("code", "shape", "operands", "options", "fields"), ONE)
def test_one_operator(rng, code, shape, operands, options, fields):
    net = Net(rng, IMAGE)
    net.then(code, shape, *operands(net), options=options, **fields)
    assert_equals_litert(net.finished(), net.inputs())


def test_top_k(rng):
    """Its indices are a second output, int32."""
    net = Net(rng, (1, 4, 9))
    values, indices = net.tensor((1, 4, 3), "float32"), net.tensor((1, 4, 3), "int32")
    net.op("TOPK_V2", [net.first, net.tensor((), "int32", data=3)], [values, indices], "TopKV2Options")
    graph = assert_equals_litert(net.finish([net.first], [values, indices]), net.inputs())
    assert [node.op.name for node in graph.nodes] == ["top_k", "arg_top_k"]


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(("stride", "size"), [((1, 1), (3, 2)), ((2, 3), (3, 3)), ((3, 2), (2, 4)), ((2, 2), (1, 1))])
@pytest.mark.parametrize("bias", [False, True])
def test_transposed_convolution(rng, padding, stride, size, bias):
    net = Net(rng, IMAGE)
    same = [n * s for n, s in zip(IMAGE[1:3], stride, strict=True)]
    valid = [(n - 1) * s + k for n, s, k in zip(IMAGE[1:3], stride, size, strict=True)]
    shape = (1, *(valid if padding else same), 3)
    before = [net.integers(shape), net.real(3, *size, 4)]
    options = {"options": "TransposeConvOptions", "strideH": stride[0], "strideW": stride[1], "padding": padding}
    net.then("TRANSPOSE_CONV", shape, *([net.real(3)] if bias else []), before=before, version=3, **options)
    assert_equals_litert(net.finished(), net.inputs())


@pytest.mark.parametrize("sizes", [None, [1, 3], [3, -1]])
def test_splits(rng, sizes):
    net = Net(rng, IMAGE)
    widths = [2, 2] if sizes is None else [sizes[0], 4 - sizes[0]]
    parts = [net.tensor((1, 6, 5, width), "float32") for width in widths]
    if sizes is None:
        net.op("SPLIT", [net.integers(3), net.first], parts, "SplitOptions", numSplits=2)
    else:
        net.op("SPLIT_V", [net.first, net.integers(sizes), net.integers(-1)], parts, "SplitVOptions", numSplits=2)
    outputs = [net.tensor((1, 6, 5, width), "float32") for width in widths]
    for part, y in zip(parts, outputs, strict=True):
        net.op("RELU", [part], [y])
    graph = assert_equals_litert(net.finish([net.first], outputs[::-1]), net.inputs())
    assert [node.op.name for node in graph.nodes] == ["slice", "slice", "relu", "relu"]


def convolution(net, weights, bias):
    net.then("CONV_2D", (1, 4, 3, 5), weights, bias, options="Conv2DOptions", padding=1, strideH=1, strideW=1)
    return net


def test_float16_weights(rng):
    """float16 constants behind DEQUANTIZE are constants; one may be reshaped on the way."""
    net = Net(rng, IMAGE)
    half, weights = (
        net.tensor((5, 3, 3, 4), "float16", data=rng.normal(size=(5, 3, 3, 4))),
        net.tensor((5, 3, 3, 4), "float32"),
    )
    half_bias, flat, bias = net.tensor((5,), "float16", data=rng.normal(size=5)), net.tensor((5,), "float32"), None
    bias = net.tensor((1, 5), "float32")
    net.op("DEQUANTIZE", [half], [weights])
    net.op("DEQUANTIZE", [half_bias], [flat])
    net.op("RESHAPE", [flat], [bias], "ReshapeOptions", newShape=[1, 5])
    convolution(net, weights, flat).then("ADD", (1, 4, 3, 5), bias, options="AddOptions")
    graph = assert_equals_litert(net.finished(), net.inputs())
    assert [node.op.name for node in graph.nodes] == ["conv2d", "add"]
    assert {c.dtype.name for c in graph.constants.values()} == {"float32"}
    assert not graph.known


@pytest.mark.parametrize("explicit", [False, True])
def test_hybrid_weights(rng, explicit):
    """int8 weights of a float layer are their real values; LiteRT would quantize the input, so numpy is the oracle."""
    net = Net(rng, IMAGE)
    q, scale = rng.integers(-127, 128, (5, 3, 3, 4)).astype(np.int8), rng.uniform(0.01, 0.02, 5)
    weights = integers = net.tensor(q.shape, "int8", scale=scale, data=q)
    if explicit:
        weights = net.tensor(q.shape, "float32")
        net.op("DEQUANTIZE", [integers], [weights])
    graph = read(convolution(net, weights, net.real(5)).finished())
    real = graph.constants[graph.nodes[0].inputs[1]]
    assert real.dtype == np.float32
    np.testing.assert_allclose(real, q * scale.astype(np.float32)[:, None, None, None], rtol=1e-6)
    if explicit:
        assert_equals_litert(net.finished(), net.inputs())


def mixed_model(rng):
    """float conv -> QUANTIZE -> int8 conv -> QUANTIZE to another scale -> int8 relu -> DEQUANTIZE -> float tanh."""
    net = Net(rng, IMAGE)
    convolution(net, net.real(5, 3, 3, 4), net.real(5))
    x, y, z = (
        net.tensor((1, 4, 3, n), "int8", scale=s, zero_point=p)
        for n, s, p in [(5, 0.5, 7), (2, 0.05, -9), (2, 0.04, 1)]
    )
    net.op("QUANTIZE", [net.last], [x])
    q, scale = rng.integers(-127, 128, (2, 1, 1, 5)), np.array([0.0005, 0.0003])
    weights = net.tensor(q.shape, "int8", scale=scale, data=q)
    bias = net.tensor((2,), "int32", scale=scale * 0.5, data=[300, -200])
    net.op("CONV_2D", [x, weights, bias], [y], "Conv2DOptions", strideH=1, strideW=1)
    net.op("QUANTIZE", [y], [z])
    net.last = net.tensor((1, 4, 3, 2), "float32")
    net.op("DEQUANTIZE", [z], [net.last])
    return net.then("TANH", (1, 4, 3, 2))


def test_mixed_model(rng):
    """What is int8 keeps its scale and its integers; the rest is to be calibrated."""
    net = mixed_model(rng)
    graph = read(net.finished())
    assert [node.op.name for node in graph.nodes] == ["conv2d", "conv2d", "requantize", "tanh"]
    first, second, third = (node.outputs[0] for node in graph.nodes[:3])
    assert {name: (t.scale, t.zero_point) for name, t in graph.known.items()} == {
        first: (pytest.approx(0.5), 7),
        second: (pytest.approx(0.05), -9),
        third: (pytest.approx(0.04), 1),
    }
    weights, bias = (graph.constants[name] for name in graph.nodes[1].inputs[1:])
    assert isinstance(weights, QConstant)
    assert bias.values.tolist() == [300, -200]
    x = net.inputs()
    wanted = litert(net.finished(), x)[0]
    assert np.abs(float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]] - wanted).max() < 0.15  # a few steps


def test_quantized_borders_of_a_float_model(rng):
    """An int8 input that is dequantized at once, an int8 output that is quantized last: their scales are known."""
    net = Net(rng, IMAGE)
    outer = net.tensor(IMAGE, "int8", scale=0.1, zero_point=3, name="pixels")
    net.op("DEQUANTIZE", [outer], [net.first])
    net.then("ELU", IMAGE)
    y = net.tensor(IMAGE, "int8", scale=0.2, name="result")
    net.op("QUANTIZE", [net.last], [y])
    graph = read(net.finish([outer], [y]))
    assert (graph.inputs, graph.outputs) == (("pixels",), ("result",))
    assert set(graph.known) == {"pixels", "result"}
    assert [node.op.name for node in graph.nodes] == ["elu"]


def refused(net, kind, match):
    with pytest.raises(kind, match=match) as caught:
        read(net.finished())
    assert str(caught.value).isprintable()


def test_unsupported_operators_are_listed_at_once(rng):
    net = (
        Net(rng, IMAGE)
        .then("LSTM", IMAGE)
        .then("DILATE", IMAGE)
        .then("LSTM", IMAGE)
        .then("CUSTOM", IMAGE, custom=b"Own")
    )
    refused(net, UnsupportedOperatorError, r"mcuq has no CUSTOM 'Own' \(1\), DILATE \(1\), LSTM \(2\); `mcuq ops`")


def test_dynamic_input(rng):
    net = Net(rng, IMAGE).then("RELU", IMAGE)
    net.graph.tensors[net.first].shapeSignature = [-1, 6, 5, 4]
    assert read(net.finished()).inputs == ("tensor_0",)
    net.graph.tensors[net.first].shapeSignature = [-1, -1, 5, 4]
    refused(net, UnsupportedOperatorError, r"input tensor_0 has the dynamic shape \[\?, \?, 5, 4\]; only the batch")


def test_slope_per_pixel(rng):
    net = Net(rng, IMAGE)
    refused(net.then("PRELU", IMAGE, net.real(6, 5, 4)), UnsupportedOperatorError, "for every pixel; share it")


def test_masks_of_slices(rng):
    net = Net(rng, IMAGE)
    parts = [net.integers([0]), net.integers([1]), net.integers([1])]
    net.then("STRIDED_SLICE", IMAGE, *parts, options=SLICE, ellipsisMask=1)
    refused(net, UnsupportedOperatorError, "ellipsis")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_constants_that_are_not_finite(rng, value):
    net = Net(rng, IMAGE)
    net.then("ADD", IMAGE, net.tensor((1,), "float32", data=[value]), options="AddOptions")
    refused(net, MalformedModelError, "NaN or infinite")


def test_division_by_zero(rng):
    net = Net(rng, IMAGE)
    net.then("DIV", IMAGE, net.tensor((1,), "float32", data=[0]), options="DivOptions")
    refused(net, MalformedModelError, "NaN or infinite")


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int16"])
def test_other_activations(rng, dtype):
    net = Net(rng, IMAGE)
    y = net.tensor(IMAGE, dtype, scale=0.1)
    net.op("RELU", [net.first], [y])
    net.last = y
    refused(net, CannotQuantizeError, f"tensor 1 'tensor_1' {dtype}.* must be float32 or int8")


def test_float_weights_of_an_int8_layer_and_the_reverse(rng):
    net = Net(rng, IMAGE)
    refused(convolution(net, net.real(5, 3, 3, 4), net.integers([0] * 5)), UnsupportedOperatorError, "must be float32")


def test_int8_into_a_float_layer(rng):
    net = Net(rng, IMAGE)
    x = net.tensor(IMAGE, "int8", scale=0.1)
    net.op("QUANTIZE", [net.first], [x])
    net.last = net.tensor(IMAGE, "float32")
    net.op("RELU", [x], [net.last])
    refused(net, MalformedModelError, "RELU: .* int8.* and .* float32.*; only QUANTIZE and DEQUANTIZE convert these")


def test_rows_of_a_table(rng):
    """Model inputs of int32 are indices: bytes of scale 1, whatever the calibration."""
    net = Net(rng, (1, 1))
    index, table, y = net.tensor((1, 4), "int32"), net.real(9, 3), net.tensor((1, 4, 3), "float32")
    net.op("GATHER", [table, index], [y], "GatherOptions")
    graph = assert_equals_litert(net.finish([index], [y]), rng.integers(0, 9, (5, 1, 4)).astype(np.int32))
    assert [node.op.name for node in graph.nodes] == ["embedding"]
    assert (graph.known[graph.inputs[0]].scale, graph.known[graph.inputs[0]].zero_point) == (1, -128)


@pytest.mark.parametrize("axis", [-1, 1])
def test_one_hot(rng, axis):
    net = Net(rng, (1, 1))
    index, y = net.tensor((1, 4), "int32"), net.tensor((1, 4, 5) if axis == -1 else (1, 5, 4), "float32")
    values = [net.tensor((), "float32", data=value) for value in (2.0, -1.0)]
    net.op("ONE_HOT", [index, net.tensor((), "int32", data=5), *values], [y], "OneHotOptions", axis=axis)
    graph = assert_equals_litert(net.finish([index], [y]), rng.integers(0, 7, (5, 1, 4)).astype(np.int32))
    assert [node.op.name for node in graph.nodes] == ["one_hot"]
