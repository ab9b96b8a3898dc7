"""The ONNX reader, operator by operator, against onnxruntime."""

import itertools

import numpy as np
import pytest
from onnx_models import MICROSOFT, TensorProto, agree, helper, kinds, model, node, numpy_helper, onnx

from mcuq.frontends.onnx import graph_of, read_onnx
from mcuq.passes.prepare import prepare

OPSETS = (11, 13, 18, 21)
IMAGE = (1, 3, 6, 5)


def weights(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(
    ("kind", "attributes", "op"),
    [
        ("Relu", {}, "relu"),
        ("LeakyRelu", {"alpha": 0.3}, "leaky_relu"),
        ("LeakyRelu", {}, "leaky_relu"),
        ("Elu", {"alpha": 0.7}, "elu"),
        ("Selu", {}, "elu"),
        ("Sigmoid", {}, "logistic"),
        ("Tanh", {}, "tanh"),
        ("HardSigmoid", {}, "hard_sigmoid"),
        ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.4}, "hard_sigmoid"),
        ("Softplus", {}, "softplus"),
        ("Abs", {}, "abs"),
        ("Neg", {}, "neg"),
    ],
)
def test_element_wise(kind, attributes, op, opset, rng) -> None:
    graph = agree(model([node(kind, "x", "y", **attributes)], {"x": IMAGE}, opset=opset), rng)
    assert kinds(graph) == [op]


@pytest.mark.parametrize(
    ("kind", "attributes", "opset", "op"),
    [
        ("Celu", {}, 12, "elu"),
        ("HardSwish", {}, 14, "hard_swish"),
        ("Mish", {}, 18, "mish"),
        ("Gelu", {}, 20, "gelu"),
        ("Gelu", {"approximate": "tanh"}, 20, "gelu"),
    ],
)
def test_newer_element_wise(kind, attributes, opset, op, rng) -> None:
    assert kinds(agree(model([node(kind, "x", "y", **attributes)], {"x": IMAGE}, opset=opset), rng)) == [op]


def test_swish() -> None:
    """Opset 24, which onnxruntime does not have yet."""
    assert kinds(graph_of(model([node("Swish", "x", "y")], {"x": IMAGE}, opset=24), "test")) == ["silu"]


@pytest.mark.parametrize("kind", ["Gelu", "QuickGelu"])
def test_microsoft_gelu(kind, rng) -> None:
    agree(model([node(kind, "x", "y", domain=MICROSOFT)], {"x": (1, 7)}), rng)


def test_silu_is_left_to_the_passes(rng) -> None:
    graph = agree(model([node("Sigmoid", "x", "s"), node("Mul", "x s", "y")], {"x": IMAGE}), rng)
    assert kinds(graph) == ["logistic", "mul"]


GELU_FORMS = {
    "torch": [
        ("Div", "x r", "a"),
        ("Erf", "a", "b"),
        ("Add", "b one", "c"),
        ("Mul", "x c", "d"),
        ("Mul", "d half", "y"),
    ],
    "dynamo": [
        ("Div", "x r", "a"),
        ("Erf", "a", "b"),
        ("Add", "one b", "c"),
        ("Mul", "half c", "d"),
        ("Mul", "x d", "y"),
    ],
    "keras": [
        ("Mul", "x half", "h"),
        ("Mul", "x q", "a"),
        ("Erf", "a", "b"),
        ("Add", "b one", "c"),
        ("Mul", "h c", "y"),
    ],
}


@pytest.mark.parametrize("form", GELU_FORMS)
def test_gelu_in_parts(form, rng) -> None:
    constants = {"r": np.sqrt(2), "q": np.sqrt(0.5), "one": 1.0, "half": 0.5}
    scalars = {name: np.array(value, np.float32) for name, value in constants.items()}
    graph = agree(model([node(*part) for part in GELU_FORMS[form]], {"x": IMAGE}, scalars), rng)
    assert kinds(prepare(graph)) == ["gelu"]


def test_softplus_of_pytorch_has_a_threshold(rng) -> None:
    nodes = [node("Softplus", "x", "s"), node("Greater", "x t", "g"), node("Where", "g x s", "y")]
    graph = agree(model(nodes, {"x": IMAGE}, {"t": np.array(20, np.float32)}), rng)
    assert kinds(prepare(graph)) == ["softplus"]


def test_signs_of_a_comparison(rng) -> None:
    nodes = [node("GreaterOrEqual", "x zero", "g"), node("Where", "g one minus", "y")]
    constants = {"zero": np.zeros(()), "one": np.ones(()), "minus": -np.ones(())}
    scalars = {name: value.astype(np.float32) for name, value in constants.items()}
    assert kinds(prepare(agree(model(nodes, {"x": IMAGE}, scalars), rng))) == ["binarize"]


def test_a_constant_cast_like_an_activation(rng) -> None:
    nodes = [node("CastLike", "two x", "t"), node("Add", "x t", "y")]
    assert kinds(agree(model(nodes, {"x": IMAGE}, {"two": np.array(2, np.int64)}), rng)) == ["add"]


@pytest.mark.parametrize("opset", [10, *OPSETS])
@pytest.mark.parametrize(
    ("low", "high", "op"),
    [(0, 6, "relu6"), (0, None, "relu"), (-1, 1, "clip"), (None, 1.5, "clip"), (-0.5, None, "clip")],
)
def test_clip(low, high, op, opset, rng) -> None:
    limits = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
    if opset < 11:
        proto = model([node("Clip", "x", "y", **{k: float(v) for k, v in limits.items()})], {"x": IMAGE}, opset=opset)
    else:
        operands = " ".join(name if name in limits else "_" for name in ("min", "max"))
        constants = {name: np.array(value, np.float32) for name, value in limits.items()}
        proto = model([node("Clip", f"x {operands}", "y")], {"x": IMAGE}, constants, opset=opset)
    assert kinds(agree(proto, rng, -8, 8)) == [op]


def test_clip_without_limits_does_nothing(rng) -> None:
    assert kinds(agree(model([node("Clip", "x", "z"), node("Relu", "z", "y")], {"x": IMAGE}), rng)) == ["relu"]


@pytest.mark.parametrize("kind", ["Max", "Min"])
def test_limit_by_a_constant(kind, rng) -> None:
    proto = model([node(kind, "x c", "y")], {"x": IMAGE}, {"c": np.array(0.5, np.float32)})
    assert kinds(agree(proto, rng)) == ["clip"]


SHAPES = [(), (1,), (5,), (3, 1, 1), (1, 3, 1, 1), (1, 1, 6, 5), (1, 3, 6, 5)]


@pytest.mark.parametrize(("opset", "shape"), [*((13, s) for s in SHAPES), (11, ()), (18, (5,)), (21, (3, 1, 1))])
@pytest.mark.parametrize(
    ("kind", "operands"),
    [*((k, "x c") for k in ("Add", "Sub", "Mul", "Div")), *((k, "c x") for k in ("Add", "Sub", "Mul"))],
)
def test_arithmetic_with_a_constant(kind, operands, shape, opset, rng) -> None:
    agree(model([node(kind, operands, "y")], {"x": IMAGE}, {"c": weights(*shape) + 0.1}, opset=opset), rng)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Sum"])
@pytest.mark.parametrize(
    ("a", "b"), [(IMAGE, IMAGE), (IMAGE, (1, 3, 1, 1)), ((1, 3, 1, 1), IMAGE), ((1, 6), (1, 4, 6)), ((1, 4, 6), (6,))]
)
def test_arithmetic_of_activations(kind, a, b, rng) -> None:
    agree(model([node(kind, "a b", "y")], {"a": a, "b": b}), rng)


def test_sum_of_three(rng) -> None:
    agree(model([node("Sum", "a b a", "y")], {"a": IMAGE, "b": IMAGE}), rng)


def test_constant_of_more_dimensions_than_the_activation(rng) -> None:
    agree(model([node("Add", "x c", "y")], {"x": (1, 5)}, {"c": weights(1, 1, 5)}), rng)
    agree(model([node("Mul", "x c", "y")], {"x": (1, 5)}, {"c": weights(1, 4, 5)}), rng)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_power(exponent, rng) -> None:
    nodes = [node("Pow", "x c", "p"), node("Relu", "p", "y")]
    agree(model(nodes, {"x": (1, 9)}, {"c": np.array(exponent, np.float32)}), rng)


@pytest.mark.parametrize("slope", [(), (1,), (3, 1, 1), (1, 3, 1, 1), (5,)])
def test_prelu(slope, rng) -> None:
    assert kinds(agree(model([node("PRelu", "x s", "y")], {"x": IMAGE}, {"s": weights(*slope)}), rng)) == ["prelu"]


def test_prelu_of_a_sequence(rng) -> None:
    agree(model([node("PRelu", "x s", "y")], {"x": (1, 3, 7)}, {"s": weights(3, 1)}), rng)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("axis", [1, 2, 3, -1, -3, None])
def test_softmax(axis, opset, rng) -> None:
    attributes = {} if axis is None else {"axis": axis}
    agree(model([node("Softmax", "x", "y", **attributes)], {"x": IMAGE}, opset=opset), rng)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("shape", [IMAGE, (1, 3, 7), (1, 4)])
def test_batch_normalization(shape, opset, rng) -> None:
    c = shape[1]
    constants = {"s": weights(c), "b": weights(c, seed=2), "m": weights(c, seed=3), "v": weights(c, seed=4) ** 2 + 0.1}
    proto = model([node("BatchNormalization", "x s b m v", "y", epsilon=1e-3)], {"x": shape}, constants, opset=opset)
    assert kinds(agree(proto, rng)) == ["mul", "add"]


BIASES = [None, (4,), (1, 4), (1,), (), (2, 1), (2, 4)]


@pytest.mark.parametrize(("trans_a", "trans_b"), list(itertools.product((0, 1), (0, 1))))
@pytest.mark.parametrize(("opset", "bias"), [*((13, b) for b in BIASES), (11, (4,)), (18, None), (21, (4,))])
def test_gemm(trans_a, trans_b, bias, opset, rng) -> None:
    x, w = ((5, 2) if trans_a else (2, 5)), ((4, 5) if trans_b else (5, 4))
    constants = {"s": np.array(x), "w": weights(*w)} | ({} if bias is None else {"c": weights(*bias)})
    operands = "a w" if bias is None else "a w c"
    attributes = {"transA": trans_a, "transB": trans_b, "alpha": 0.5, "beta": 1.5}
    nodes = [node("Reshape", "x s", "a"), node("Gemm", operands, "y", **attributes)]
    graph = agree(model(nodes, {"x": (1, *x)}, constants, opset=opset), rng)
    assert kinds(graph)[0] == "fully_connected"


def test_gemm_plus_an_activation(rng) -> None:
    proto = model([node("Gemm", "x w z", "y", beta=0.5)], {"x": (1, 5), "z": (1, 4)}, {"w": weights(5, 4)})
    agree(proto, rng)


@pytest.mark.parametrize(
    ("x", "w"),
    [((1, 5), (5, 4)), ((1, 3, 5), (5, 4)), ((1, 2, 3, 5), (5, 4)), ((5,), (5, 4)), ((1, 3, 5), (5,)),
     ((1, 5), (1, 5, 4)), ((1, 3, 5), (1, 5, 4))],
)  # fmt: skip
def test_matmul_by_a_constant(x, w, rng) -> None:
    assert kinds(agree(model([node("MatMul", "x w", "y")], {"x": x}, {"w": weights(*w)}), rng)) == ["fully_connected"]


@pytest.mark.parametrize(("w", "x"), [((4, 1), (1, 3)), ((4, 5), (1, 5, 3)), ((4, 5), (1, 2, 5, 3))])
def test_matmul_of_a_constant(w, x, rng) -> None:
    agree(model([node("MatMul", "w x", "y")], {"x": x}, {"w": weights(*w)}), rng)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("axes", [(2, 3), (-1, -2), (1,), (3,), None])
@pytest.mark.parametrize("keep", [0, 1])
def test_reduce_mean(axes, keep, opset, rng) -> None:
    if opset < 18:
        attributes = {} if axes is None else {"axes": axes}
        proto = model([node("ReduceMean", "x", "y", keepdims=keep, **attributes)], {"x": IMAGE}, opset=opset)
    else:
        constants = {} if axes is None else {"axes": ints(*axes)}
        operands = "x" if axes is None else "x axes"
        proto = model([node("ReduceMean", operands, "y", keepdims=keep)], {"x": IMAGE}, constants, opset=opset)
    assert kinds(agree(proto, rng)) == ["mean"]


def test_reduce_sum_and_max(rng) -> None:
    agree(model([node("ReduceSum", "x a", "y", keepdims=0)], {"x": IMAGE}, {"a": ints(2, 3)}), rng)
    agree(model([node("ReduceMax", "x", "y", keepdims=0, axes=[2, 3])], {"x": IMAGE}), rng)
    agree(model([node("ReduceMax", "x", "y", axes=[2])], {"x": (1, 3, 7)}), rng)


def test_reduce_nothing(rng) -> None:
    nodes = [node("ReduceMean", "x", "z", noop_with_empty_axes=1), node("Relu", "z", "y")]
    assert kinds(agree(model(nodes, {"x": IMAGE}, opset=18), rng)) == ["relu"]


@pytest.mark.parametrize("dim", ["N", "batch", -1, 0, 1])
def test_open_batch_is_one(dim, rng) -> None:
    proto = model([node("Relu", "x", "y")], {"x": (dim, 3)})
    assert graph_of(proto, "test").shapes["x"] == (1, 3)


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16])
def test_other_float_types_are_read_as_float32(dtype, rng) -> None:
    proto = model([node("Mul", "x w", "m"), node("Relu", "m", "y")], {"x": (1, 3)}, dtype=dtype)
    array = helper.tensor_dtype_to_np_dtype(dtype)
    proto.graph.initializer.append(numpy_helper.from_array(np.array([1, 2, 3]).astype(array), "w"))
    graph = graph_of(proto, "test")
    assert graph.real("mul_0_constant_1").tolist() == [1, 2, 3]


def test_casts_between_floats_and_dropout_do_nothing(rng) -> None:
    nodes = [
        node("Identity", "x", "i"),
        node("Dropout", "i", "d mask"),
        node("Cast", "d", "c", to=TensorProto.FLOAT16),
        node("Cast", "c", "e", to=TensorProto.FLOAT),
        node("Relu", "e", "y"),
    ]
    assert [n.op.name for n in graph_of(model(nodes, {"x": IMAGE}), "test").nodes] == ["relu"]


def test_initializers_among_the_inputs_are_constants(rng) -> None:
    proto = model([node("Mul", "x w", "y")], {"x": (1, 3), "w": (3,)}, {"w": weights(3)}, opset=11)
    assert graph_of(proto, "test").inputs == ("x",)


def test_what_no_output_needs_is_dropped(rng) -> None:
    nodes = [node("Relu", "x", "y"), node("NonZero", "x", "n"), node("Sigmoid", "x", "unused")]
    assert kinds(graph_of(model(nodes, {"x": IMAGE}), "test")) == ["relu"]


def test_border_is_named_after_the_file(rng) -> None:
    nodes = [
        node("Relu", "net/Input.1:0", "out::0"),
        node("Tanh", "out::0", "b/value"),
        node("Abs", "out::0", "c/value"),
    ]
    graph = graph_of(model(nodes, {"net/Input.1:0": (1, 2)}, outputs=("out::0", "b/value", "c/value")), "test")
    assert graph.inputs == ("input_1",) and graph.outputs == ("out", "value", "value_1")
    assert [n.name for n in graph.nodes] == ["relu_0", "tanh_1", "abs_2"]


def test_value_named_like_the_border(rng) -> None:
    """An inner value gives way: names are unique."""
    nodes = [node("Relu", "x", "a"), node("Tanh", "a", "b"), node("Add", "b z", "relu_0")]
    agree(model(nodes, {"x": (1, 2), "z": (1, 2)}, outputs=("relu_0",)), rng)


def test_one_value_as_two_outputs(rng) -> None:
    nodes = [node("Relu", "x", "y"), node("Identity", "y", "z")]
    graph = graph_of(model(nodes, {"x": (1, 2)}, outputs=("y", "z")), "test")
    assert graph.outputs == ("y", "z")


def test_functions_of_the_model_are_put_in_place(rng) -> None:
    body = [node("Relu", "a", "r"), node("Neg", "r", "b")]
    function = helper.make_function("own", "Twist", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    proto = model([node("Twist", "x", "y", domain="own")], {"x": (1, 2)})
    proto.functions.append(function)
    proto.opset_import.append(helper.make_opsetid("own", 1))
    assert kinds(agree(proto, rng)) == ["relu", "neg"]


def test_weights_beside_the_model(tmp_path, rng) -> None:
    proto = model([node("MatMul", "x w", "y")], {"x": (1, 64)}, {"w": weights(64, 32)})
    path = tmp_path / "Net-1.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="net.data", size_threshold=0)
    graph = read_onnx(path)
    assert graph.name == "net_1"
    np.testing.assert_array_equal(graph.real("fully_connected_0_constant_1"), weights(64, 32).T)
