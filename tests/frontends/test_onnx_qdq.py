"""Quantized ONNX models: their integers, scales and zero points arrive as they are in the file."""

import logging

import numpy as np
import pytest
from onnx_models import MICROSOFT, TensorProto, agree, kinds, model, node, numpy_helper, onnx, oracle
from requirements import require_module

import mcuq
from mcuq import float_run
from mcuq.errors import CannotQuantizeError, UnsupportedOperatorError
from mcuq.frontends.onnx import graph_of
from mcuq.passes.prepare import prepare
from mcuq.quantization.quantizer import quantize_graph
from mcuq.tensor import QConstant, QTensor

RNG = np.random.default_rng(0)


def weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32) / 3


def network() -> "onnx.ModelProto":
    nodes = [
        node("Conv", "x w1 b1", "c1", pads=[1, 1, 1, 1]),
        node("Relu", "c1", "r1"),
        node("Conv", "r1 w2 b2", "c2", group=4, strides=[2, 2]),
        node("Relu", "c2", "r2"),
        node("Conv", "r2 w3", "c3"),
        node("Add", "c3 r2", "a"),
        node("MaxPool", "a", "m", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "m", "f"),
        node("Gemm", "f w4 b4", "g", transB=1),
        node("MatMul", "g w5", "h"),
        node("Softmax", "h", "y"),
    ]
    constants = {
        "w1": (4, 3, 3, 3),
        "b1": (4,),
        "w2": (4, 1, 3, 3),
        "b2": (4,),
        "w3": (4, 4, 1, 1),
        "w4": (5, 16),
        "b4": (5,),
    }
    return model(nodes, {"x": (1, 3, 10, 10)}, {n: weights(*s) for n, s in (constants | {"w5": (5, 3)}).items()})


def quantized(tmp_path, proto: "onnx.ModelProto", **options) -> "onnx.ModelProto":
    quantization = require_module("onnxruntime.quantization", "pip install onnxruntime (the oracle)")
    logging.getLogger().setLevel(logging.ERROR)

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.samples = iter([{"x": RNG.normal(size=(1, 3, 10, 10)).astype(np.float32)} for _ in range(8)])

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.samples, None)

    paths = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    onnx.save(proto, paths[0])
    quantization.quantize_static(
        paths[0], paths[1], Reader(), quant_format=quantization.QuantFormat.QDQ, calibration_providers=None, **options
    )
    return onnx.load(paths[1])


def file_constants(proto: "onnx.ModelProto") -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


def shifted(zero_point: np.ndarray) -> int:
    return int(zero_point.item()) - (128 if zero_point.dtype == np.uint8 else 0)


def rounded(graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run the graph with every known value rounded as it says, as the file does."""
    values = dict(inputs) | {name: graph.real(name) for name in graph.constants}
    for name in (*graph.inputs, *(n.outputs[0] for n in graph.nodes)):
        maker = next((n for n in graph.nodes if n.outputs[0] == name), None)
        result = values[name] if maker is None else maker.op.forward(*(values[operand] for operand in maker.inputs))
        values[name] = result
        if name in graph.known:
            known = graph.known[name]
            integers = np.clip(np.rint(result / np.float32(known.scale)) + known.zero_point, *known.limits)
            values[name] = known.dequantize(integers).astype(np.float32)
    return values


LAYERS = {"Conv": ("conv2d", "depthwise_conv2d"), "Gemm": ("fully_connected",), "MatMul": ("fully_connected",)}


def assert_lossless(proto: "onnx.ModelProto", graph) -> None:
    """Every layer's weights and bias and every operator's first input are the file's."""
    constants = file_constants(proto)
    made = {n.output[0]: n for n in proto.graph.node if n.op_type == "DequantizeLinear"}
    operators = [
        n for n in proto.graph.node if not n.op_type.endswith("Linear") and n.op_type not in ("Flatten", "Reshape")
    ]
    nodes = [n for n in graph.nodes if n.op.name not in ("transpose", "reshape")]
    assert len(nodes) == len(operators)
    for operator, own in zip(operators, nodes, strict=True):
        _, scale, zero_point = (constants.get(name) for name in made[operator.input[0]].input)
        known = graph.known[own.inputs[0]]
        assert (known.scale, known.zero_point) == (float(scale), shifted(zero_point)), operator.op_type
        if operator.op_type not in LAYERS:
            continue
        assert own.op.name in LAYERS[operator.op_type]
        for index, name in enumerate(operator.input[1:], start=1):
            values, scale, zero_point = (constants[name] for name in made[name].input)
            constant = graph.constants[own.inputs[index]]
            np.testing.assert_array_equal(constant.scale, scale.astype(np.float64).ravel())
            assert np.all(zero_point == zero_point.flat[0])
            centered = values.astype(np.int32) - int(zero_point.flat[0])
            np.testing.assert_array_equal(constant.values, in_layout(operator, own.op.name, centered))
            assert constant.values.dtype == (np.int32 if values.dtype == np.int32 else np.int8)
            axis = {"depthwise_conv2d": 3}.get(own.op.name, 0) if values.ndim > 1 else 0
            assert scale.size == 1 or constant.axis == axis


def in_layout(operator: "onnx.NodeProto", op: str, values: np.ndarray) -> np.ndarray:
    if values.ndim == 4:
        return values.transpose((1, 2, 3, 0) if op == "depthwise_conv2d" else (0, 2, 3, 1))
    return values.T if operator.op_type == "MatMul" else values


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
@pytest.mark.parametrize("opset", [13, 21])
def test_static_quantization_by_onnxruntime(activations, per_channel, opset, tmp_path) -> None:
    quantization = require_module("onnxruntime.quantization", "pip install onnxruntime (the oracle)")
    proto = network()
    proto.opset_import[0].version = opset
    proto = quantized(
        tmp_path,
        proto,
        per_channel=per_channel,
        activation_type=quantization.QuantType[activations],
        weight_type=quantization.QuantType.QInt8,
    )
    graph = graph_of(proto, "test")
    assert_lossless(proto, graph)
    assert all(not isinstance(c, QConstant) or c.zero_point == 0 for c in graph.constants.values())
    assert graph.inputs[0] in graph.known and graph.outputs[0] in graph.known
    x = RNG.normal(size=(2, 1, 3, 10, 10)).astype(np.float32)
    steps = (rounded(graph, {"x": x})["y"] - oracle(proto, [x], optimize=False)[0]) / graph.known["y"].scale
    assert np.abs(steps).max() < 2.5


def test_integers_of_the_simulator_are_those_of_the_file(tmp_path) -> None:
    """Nothing is left to calibrate, and the results are onnxruntime's within one step."""
    proto = quantized(tmp_path, network(), per_channel=True)
    graph = prepare(graph_of(proto, "test"))
    assert graph.known.keys() == graph.shapes.keys()
    integers = quantize_graph(graph, {})
    x = RNG.normal(size=(8, 1, 3, 10, 10)).astype(np.float32)
    nhwc = integers.values["x"].quantize(x[:, 0].transpose(0, *integers.layouts["x"][1:]))
    y = integers.values["y"]
    got = mcuq.simulate(mcuq.compile(integers), nhwc)
    want = np.rint(oracle(proto, [x], optimize=False)[0] / y.scale) + y.zero_point
    assert np.abs(np.asarray(got, np.int32).reshape(want.shape) - want).max() <= 1


def test_uint8_weights_that_fit(tmp_path) -> None:
    quantization = require_module("onnxruntime.quantization", "pip install onnxruntime (the oracle)")
    kind = quantization.QuantType.QUInt8
    options = {"WeightSymmetric": True}
    proto = quantized(tmp_path, network(), activation_type=kind, weight_type=kind, extra_options=options)
    assert_lossless(proto, graph_of(proto, "test"))


def pair(x: str, y: str, scale: str = "s", zero_point: str = "z", domain: str = "", **attributes) -> list:
    q = node("QuantizeLinear", f"{x} {scale} {zero_point}", f"{y}_q", domain, **attributes)
    return [q, node("DequantizeLinear", f"{y}_q {scale} {zero_point}", y, domain, **attributes)]


def parameters(scale: float = 0.5, zero_point: int = 3, dtype: str = "int8", suffix: str = "") -> dict[str, np.ndarray]:
    return {f"s{suffix}": np.array(scale, np.float32), f"z{suffix}": np.array(zero_point, dtype)}


@pytest.mark.parametrize("domain", ["", MICROSOFT])
@pytest.mark.parametrize(("dtype", "zero_point", "expected"), [("int8", -3, -3), ("uint8", 128, 0), ("uint8", 5, -123)])
def test_pair_marks_the_value(dtype, zero_point, expected, domain) -> None:
    nodes = [*pair("x", "q", domain=domain), node("Relu", "q", "y")]
    graph = graph_of(model(nodes, {"x": (1, 4)}, parameters(0.25, zero_point, dtype)), "test")
    assert [n.op.name for n in graph.nodes] == ["relu"]
    assert graph.known == {"x": QTensor((1, 4), 0.25, expected)}


def test_pair_without_zero_point_is_uint8() -> None:
    nodes = [node("QuantizeLinear", "x s", "a"), node("DequantizeLinear", "a s", "b"), node("Relu", "b", "y")]
    graph = graph_of(model(nodes, {"x": (1, 4)}, {"s": np.array(0.25, np.float32)}), "test")
    assert graph.known["x"] == QTensor((1, 4), 0.25, -128)


def test_both_sides_of_a_layout_change_are_marked() -> None:
    nodes = [*pair("x", "q"), node("Conv", "q w", "c"), *pair("c", "d"), node("Relu", "d", "y")]
    graph = graph_of(model(nodes, {"x": (1, 3, 5, 5)}, {"w": weights(2, 3, 3, 3), **parameters()}), "test")
    assert [n.op.name for n in graph.nodes] == ["transpose", "conv2d", "transpose", "relu"]
    assert {n.outputs[0] for n in graph.nodes[:3]} | {"x"} == set(graph.known)


def test_second_quantization_is_a_requantize() -> None:
    nodes = [*pair("x", "a"), *pair("a", "b", "s2", "z2"), node("Add", "a b", "y")]
    constants = parameters() | parameters(0.25, 0, suffix="2")
    graph = graph_of(model(nodes, {"x": (1, 4)}, constants), "test")
    assert [n.op.name for n in graph.nodes] == ["requantize", "add"]
    assert graph.known["x"].scale == 0.5 and graph.known["requantize_2"].scale == 0.25


def test_the_same_quantization_again_is_none() -> None:
    nodes = [*pair("x", "a"), *pair("a", "b"), node("Relu", "b", "y")]
    assert len(graph_of(model(nodes, {"x": (1, 4)}, parameters()), "test").nodes) == 1


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", -3), ("uint8", 130)])
def test_integer_border(dtype, zero_point) -> None:
    """Integers in and out: uint8 ones are requantized from and to int8, by a shift of 128."""
    nodes = [
        node("DequantizeLinear", "x s z", "a"),
        node("Relu", "a", "b"),
        node("QuantizeLinear", "b s z", "y"),
    ]
    kind = TensorProto.INT8 if dtype == "int8" else TensorProto.UINT8
    graph = graph_of(model(nodes, {"x": (1, 4)}, parameters(0.5, zero_point, dtype), dtype=kind), "test")
    border = QTensor((1, 4), 0.5, zero_point, dtype)
    assert graph.known["x"] == graph.known["y"] == border
    assert kinds(graph) == (["relu"] if dtype == "int8" else ["requantize", "relu", "requantize"])
    assert graph.known[graph.nodes[-1].inputs[0]].zero_point == (zero_point if dtype == "int8" else zero_point - 128)


def test_operators_on_integers_that_move_them() -> None:
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("MaxPool", "q", "m", kernel_shape=[2, 2]),
        node("Transpose", "m", "t", perm=[0, 2, 3, 1]),
        node("Reshape", "t shape", "r"),
        node("DequantizeLinear", "r s z", "y"),
    ]
    constants = parameters(0.1, 120, "uint8") | {"shape": np.array([1, -1])}
    proto = model(nodes, {"x": (1, 2, 4, 4)}, constants)
    graph = graph_of(proto, "test")
    assert {(q.scale, q.zero_point) for q in graph.known.values()} == {(np.float32(0.1), -8)}
    assert graph.outputs[0] in graph.known
    x = RNG.uniform(-3, 3, (2, 1, 2, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(float_run.run(graph, {"x": x})["y"], oracle(proto, [x])[0], atol=0.051)


@pytest.mark.parametrize(("axis", "shape"), [(0, (4, 3, 1, 1)), (0, (4, 1, 3, 3))])
def test_weights_transposed_after_dequantizing(axis, shape) -> None:
    """Scales follow their channels through Transpose and Reshape: here of a matrix [outputs, inputs]."""
    constants = {"w": RNG.integers(-127, 128, (4, 6)).astype(np.int8), "ws": np.arange(1, 5, dtype=np.float32) / 100}
    nodes = [
        node("DequantizeLinear", "w ws wz", "d", axis=0),
        node("Transpose", "d", "t"),
        node("MatMul", "x t", "y"),
    ]
    proto = model(nodes, {"x": (1, 6)}, constants | {"wz": np.zeros(4, np.int8)})
    graph = agree(proto, RNG)
    constant = graph.constants[graph.nodes[0].inputs[1]]
    np.testing.assert_array_equal(constant.values, constants["w"])
    assert constant.axis == 0 and constant.scale.size == 4


def test_float_weights_quantized_in_the_file() -> None:
    """PyTorch's TorchScript exporter leaves weights float, with a pair after them."""
    w = weights(4, 6)
    constants = {"w": w, "s": np.full(4, 0.02, np.float32), "z": np.zeros(4, np.int8)}
    nodes = [*pair("w", "d", axis=0), node("Gemm", "x d", "y", transB=1)]
    graph = agree(model(nodes, {"x": (1, 6)}, constants), RNG)
    expected = np.clip(np.rint(w / np.float32(0.02)), -128, 127)
    np.testing.assert_array_equal(graph.constants[graph.nodes[0].inputs[1]].values, expected)


@pytest.mark.parametrize("group", [1, 2])
def test_transposed_convolution_keeps_scales_per_channel(group) -> None:
    w = RNG.integers(-127, 128, (4, 3, 2, 2)).astype(np.int8)
    constants = {"w": w, "s": np.array([0.1, 0.2, 0.3], np.float32), "z": np.zeros(3, np.int8)}
    nodes = [node("DequantizeLinear", "w s z", "d", axis=1), node("ConvTranspose", "x d", "y", group=group)]
    graph = agree(model(nodes, {"x": (1, 4, 3, 3)}, constants), RNG)
    constant = next(c for c in graph.constants.values() if isinstance(c, QConstant))
    assert constant.axis == 0 and constant.values.dtype == np.int8 and constant.scale.size == 3 * group


def test_alpha_goes_into_the_scales() -> None:
    constants = {"w": RNG.integers(-127, 128, (4, 6)).astype(np.int8), "s": np.array(0.02, np.float32)}
    nodes = [node("DequantizeLinear", "w s", "d"), node("Gemm", "x d", "y", transB=1, alpha=0.5)]
    graph = agree(model(nodes, {"x": (1, 6)}, constants), RNG)
    assert graph.constants[graph.nodes[0].inputs[1]].scale == np.float64(np.float32(0.02)) / 2


# Dynamic quantization


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", ["QInt8", "QUInt8"])
def test_dynamic_quantization_by_onnxruntime(kind, per_channel, tmp_path) -> None:
    quantization = require_module("onnxruntime.quantization", "pip install onnxruntime (the oracle)")
    paths = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    onnx.save(network(), paths[0])
    quantization.quantize_dynamic(
        paths[0],
        paths[1],
        weight_type=quantization.QuantType[kind],
        per_channel=per_channel,
        extra_options={"WeightSymmetric": True},
    )
    proto = onnx.load(paths[1])
    assert {"DynamicQuantizeLinear", "MatMulInteger", "ConvInteger"} <= {n.op_type for n in proto.graph.node}
    graph = graph_of(proto, "test")
    assert not graph.known
    integers = {name: values for name, values in file_constants(proto).items() if name.endswith("_quantized")}
    kept = [c for c in graph.constants.values() if isinstance(c, QConstant)]
    assert len(kept) == len(integers) == 5
    constants = file_constants(proto)
    for name, values in integers.items():
        prefix = name.removesuffix("_quantized")
        scale, zero = constants[f"{prefix}_scale"], constants[f"{prefix}_zero_point"]
        centered = np.sort((values.astype(int) - zero.astype(int)).ravel()) if zero.size == 1 else None
        same = [c for c in kept if np.array_equal(np.ravel(scale), c.scale.astype(np.float32))]
        assert any(c.values.size == values.size for c in same)
        assert centered is None or any(np.array_equal(np.sort(c.values.ravel()), centered) for c in same)
    x = RNG.normal(size=(2, 1, 3, 10, 10)).astype(np.float32)
    np.testing.assert_allclose(float_run.run(graph, {"x": x})["y"], oracle(proto, [x], optimize=False)[0], atol=0.1)


# What is refused


def test_weights_whose_zero_point_does_not_go() -> None:
    constants = {"w": np.arange(200, dtype=np.uint8).reshape(4, 50), "s": np.array(0.1, np.float32)}
    nodes = [node("DequantizeLinear", "w s z", "d"), node("Gemm", "x d", "y", transB=1)]
    proto = model(nodes, {"x": (1, 50)}, constants | {"z": np.array(10, np.uint8)})
    with pytest.raises(CannotQuantizeError, match=r"-10\.\.189, outside int8; quantize them symmetrically"):
        graph_of(proto, "test")


@pytest.mark.parametrize("dtype", ["int16", "uint16"])
def test_16_bit_activations(dtype) -> None:
    proto = model([*pair("x", "q"), node("Relu", "q", "y")], {"x": (1, 4)}, parameters(0.1, 0, dtype), opset=21)
    with pytest.raises(UnsupportedOperatorError, match=f"an activation in {dtype}; mcuq takes int8 and uint8"):
        graph_of(proto, "test")


def test_operator_format(tmp_path) -> None:
    quantization = require_module("onnxruntime.quantization", "pip install onnxruntime (the oracle)")
    proto = quantized(tmp_path, network())
    del quantization
    proto.graph.node[0].op_type = "QLinearConv"
    with pytest.raises(UnsupportedOperatorError, match=r"QLinearConv \(1\); .*QOperator format: write it as .*QDQ"):
        graph_of(proto, "test")


def test_integers_read_with_another_scale() -> None:
    nodes = [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s2 z", "a"), node("Relu", "a", "y")]
    proto = model(nodes, {"x": (1, 4)}, parameters() | parameters(0.25, 0, suffix="2"))
    with pytest.raises(UnsupportedOperatorError, match=r"are read with 0\.25 and 3"):
        graph_of(proto, "test")


def test_arithmetic_on_integers() -> None:
    nodes = [node("QuantizeLinear", "x s z", "q"), node("Add", "q q", "a"), node("DequantizeLinear", "a s z", "y")]
    with pytest.raises(UnsupportedOperatorError, match="node 1 Add: works on integers"):
        graph_of(model(nodes, {"x": (1, 4)}, parameters()), "test")


def test_arithmetic_on_quantized_constants() -> None:
    constants = {"w": np.ones((4, 8), np.int8), "s": np.array(0.1, np.float32), "two": np.array(2, np.float32)}
    nodes = [node("DequantizeLinear", "w s", "d"), node("Mul", "d two", "v"), node("Gemm", "x v", "y", transB=1)]
    with pytest.raises(UnsupportedOperatorError, match="node 1 Mul: changes quantized constants"):
        graph_of(model(nodes, {"x": (1, 8)}, constants), "test")


def test_scales_per_block() -> None:
    constants = {"w": np.ones((4, 8), np.int8), "s": np.full((4, 2), 0.1, np.float32)}
    nodes = [node("DequantizeLinear", "w s", "d", axis=1, block_size=4), node("Gemm", "x d", "y", transB=1)]
    with pytest.raises(UnsupportedOperatorError, match="scales per block"):
        graph_of(model(nodes, {"x": (1, 8)}, constants, opset=21), "test")
