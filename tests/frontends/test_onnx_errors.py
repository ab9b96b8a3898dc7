"""What the ONNX reader refuses: one line that says what, where and what to do; never a traceback."""

import re
import sys

import numpy as np
import pytest
from onnx_models import TensorProto, helper, model, node, numpy_helper, onnx
from requirements import all_required

from mcuq.errors import MalformedModelError, McuqError, ToolMissingError, UnsupportedOperatorError, UsageError
from mcuq.frontends.onnx import graph_of, read_onnx

IMAGE = (1, 3, 6, 5)


def refused(proto: "onnx.ModelProto | bytes", kind: type[McuqError], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        graph_of(proto, "test")
    assert "\n" not in str(caught.value)


def convolution(w: np.ndarray | None = None, *, x: tuple = IMAGE, **attributes) -> "onnx.ModelProto":
    w = np.ones((4, 3, 3, 3), np.float32) if w is None else w
    return model([node("Conv", "x w", "y", **attributes)], {"x": x}, {"w": w})


@pytest.mark.parametrize(
    ("shape", "where"),
    [(("N", 3, "height", 5), r"dimension 2 'height'"), ((1, 3, -1), "dimension 2;"), ((1, 0), "dimension 1")],
)
def test_dynamic_shapes(shape, where) -> None:
    expected = rf"input 'x' has the dynamic {where}.*export with static shapes"
    refused(model([node("Relu", "x", "y")], {"x": shape}), UnsupportedOperatorError, expected)


def test_input_without_shape() -> None:
    proto = model([node("Relu", "x", "y")], {"x": (1,)})
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    refused(proto, UnsupportedOperatorError, "input 'x' is not a tensor of known shape; export with static shapes")


def test_batch_above_one() -> None:
    refused(
        convolution(x=(8, 3, 6, 5)),
        UnsupportedOperatorError,
        "input 'x' has a batch of 8, .*; export with a batch of 1",
    )


def test_shape_that_only_fits_a_larger_batch() -> None:
    proto = model([node("Reshape", "x s", "y")], {"x": ("N", 3, 4)}, {"s": np.array([8, 12])})
    refused(proto, MalformedModelError, r"shape \(1, 3, 4\) does not fill \(8, 12\); export with a batch of 1")


def test_shape_that_depends_on_values() -> None:
    nodes = [node("Cast", "x", "s", to=TensorProto.INT64), node("Reshape", "x s", "y")]
    refused(model(nodes, {"x": (2,)}), UnsupportedOperatorError, "node 1 Reshape: the shape must be constant")
    proto = model([node("Reshape", "x s", "y")], {"x": (2,), "s": (1,)})
    proto.graph.input[1].type.tensor_type.elem_type = TensorProto.INT64
    refused(proto, UnsupportedOperatorError, "node 0 Reshape: the shape must be constant")


def test_unknown_operators_are_listed_at_once() -> None:
    nodes = [
        node("DFT", "x", "a"),
        node("Det", "a", "b"),
        node("Det", "b", "c"),
        node("Attention", "c", "d", domain="com.microsoft"),
        node("Relu", "d", "y"),
    ]
    refused(
        model(nodes, {"x": (1, 1, 2)}),
        UnsupportedOperatorError,
        r"^mcuq has no DFT \(1\), Det \(2\), com\.microsoft\.Attention \(1\); `mcuq ops` lists what it has$",
    )


def test_unknown_operators_that_no_output_needs_do_not_matter() -> None:
    assert graph_of(model([node("Relu", "x", "y"), node("LSTM", "x x x", "z")], {"x": (1, 2)}), "test")


FORMS = {
    "computed weights": ([node("Conv", "x x", "y")], (1, 1, 3, 3), {}, "the filters must be constant"),
    "3-D convolution": ([node("Conv", "x w", "y")], (1, 1, 3, 3, 3), {"w": (1, 1, 1, 1, 1)}, r"takes \[1, C, H, W\]"),
    "symmetric": ([node("Pad", "x", "y", mode="symmetric", pads=[0, 1, 0, 1])], (1, 3), {}, "padding mode 'symmetric'"),
    "pool dilation": (
        [node("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[2, 2])],
        IMAGE,
        {},
        "dilations .* of a pool",
    ),
    "cubic": ([node("Resize", "x _ w", "y", mode="cubic")], IMAGE, {"w": (4,)}, "mode 'cubic'"),
    "large window": ([node("Conv", "x w", "y")], (1, 1, 2, 2), {"w": (1, 1, 3, 3)}, "larger than the padded image"),
    "broadcast": ([node("Add", "x w", "y")], (1, 3), {"w": (4,)}, "Add: .*broadcast"),
}


@pytest.mark.parametrize("case", FORMS)
def test_unsupported_forms(case) -> None:
    nodes, shape, constants, message = FORMS[case]
    opset = 10 if nodes[0].op_type == "Pad" else 17
    arrays = {name: np.full(s, 0.5, np.float32) for name, s in constants.items()}
    refused(model(nodes, {"x": shape}, arrays, opset=opset), UnsupportedOperatorError, f"^node 0 .*{message}")


MALFORMED = {
    "groups": ([node("Conv", "x w", "y", group=2)], {"w": (4, 3, 3, 3)}, "2 groups of 3 channels"),
    "channels": ([node("Conv", "x w", "y")], {"w": (4, 2, 3, 3)}, "groups of 2 channels"),
    "padding": ([node("Conv", "x w", "y", pads=[1])], {"w": (4, 3, 3, 3)}, "pads"),
    "negative stride": ([node("Conv", "x w", "y", strides=[-1, 1])], {"w": (4, 3, 3, 3)}, "strides"),
    "attribute": ([node("Conv", "x w", "y", strides="no")], {"w": (4, 3, 3, 3)}, "attribute strides"),
    "axis": ([node("Concat", "x x", "y", axis=7)], {}, "axis 7 of 4 dimensions"),
    "order": ([node("Transpose", "x", "y", perm=[0, 1, 1, 2])], {}, "not an order of 4 dimensions"),
    "no operands": ([node("Add", "", "y")], {}, "no inputs"),
    "one operand": ([node("Conv", "x", "y")], {}, "malformed"),
    "cycle": ([node("Add", "x y", "z"), node("Relu", "z", "y")], {}, "'y' is not computed before it"),
    "nowhere": ([node("Relu", "q", "y")], {}, "'q' is not computed before it"),
    "no scale": ([node("QuantizeLinear", "x w", "y")], {"w": (2,)}, "scale"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_operators(case) -> None:
    nodes, constants, message = MALFORMED[case]
    arrays = {name: np.zeros(s, np.float32) for name, s in constants.items()}
    refused(model(nodes, {"x": IMAGE}, arrays), MalformedModelError, f"^node 0 .*{message}")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite(bad) -> None:
    w = np.ones((4, 3, 3, 3), np.float32)
    w[1, 2, 0, 0] = bad
    refused(convolution(w), MalformedModelError, "conv2d_0_constant_1: this constant holds NaN or infinite values")


def test_output_that_is_an_input_or_a_constant() -> None:
    refused(model([node("Identity", "x", "y")], {"x": (1, 2)}), MalformedModelError, "nothing to compute")
    proto = model([node("Constant", "", "y", value_floats=[1.0])], {"x": (1, 2)})
    refused(proto, MalformedModelError, "output 'y' does not depend on an input")


def test_old_opset() -> None:
    proto = model([node("Relu", "x", "y")], {"x": (1, 2)}, opset=6)
    refused(proto, UnsupportedOperatorError, "opset 6; export it with opset 13 or later")


def test_sparse_weights() -> None:
    proto = model([node("Relu", "x", "y")], {"x": (1, 2)})
    proto.graph.sparse_initializer.add()
    refused(proto, UnsupportedOperatorError, "sparse weights")


def test_weights_with_too_few_bytes() -> None:
    proto = convolution()
    proto.graph.initializer[0].raw_data = proto.graph.initializer[0].raw_data[:-4]
    refused(proto, MalformedModelError, r"tensor 'w' of shape \[4, 3, 3, 3\] is damaged")


def test_impossible_tensors() -> None:
    proto = convolution()
    proto.graph.initializer[0].dims[0] = 1 << 40
    refused(proto, MalformedModelError, "tensor 'w' has the impossible shape")
    constants = {"s": np.array([1 << 40])}
    nodes = [node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")]
    refused(
        model(nodes, {"x": (1,)}, constants),
        MalformedModelError,
        "ConstantOfShape: a constant of shape .* is impossible",
    )
    refused(
        model([node("Relu", "x", "y")], {"x": (1, 1 << 30)}), MalformedModelError, "input 'x' has the impossible shape"
    )


def test_results_too_large_for_memory() -> None:
    nothing = np.empty(0, np.float32)
    sizes = {"n": np.array([1, 1, 1 << 20, 1 << 20]), "nothing": nothing}
    proto = model([node("Resize", "x nothing nothing n", "y")], {"x": (1, 1, 2, 2)}, sizes)
    refused(proto, MalformedModelError, r"node 0 Resize: shape \(1, 1, 2, 2\) to ")
    wide = {"w": np.ones((4096, 1, 4, 4), np.float32)}
    proto = model([node("ConvTranspose", "x w", "y", group=4096)], {"x": (1, 4096, 2, 2)}, wide)
    refused(proto, UnsupportedOperatorError, r"become \(4096, 4096, 4, 4\) without groups")
    one = numpy_helper.from_array(np.ones(1, np.int8))
    ones = [node("ConstantOfShape", "s", f"c{i}", value=one) for i in range(5)]
    joined = node("Concat", " ".join(["x", *(f"c{i}" for i in range(5))]), "y", axis=0)
    proto = model([*ones, joined], {"x": (1,)}, {"s": np.array([1 << 24])})
    refused(proto, MalformedModelError, "node 4 .*folding constants up to here makes more")


def test_not_onnx_at_all() -> None:
    refused(b"", MalformedModelError, "holds no graph")
    refused(b"PK\3\4 something else", MalformedModelError, "not an ONNX model")
    refused(b"\x1c\0\0\0TFL3" + bytes(64), MalformedModelError, "not an ONNX model|holds no graph")


# Files


def test_missing_file(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"none\.onnx: cannot read"):
        read_onnx(tmp_path / "none.onnx")


def saved_apart(tmp_path) -> "onnx.ModelProto":
    onnx.save(convolution(), tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    return onnx.load(tmp_path / "m.onnx", load_external_data=False)


def test_missing_weights_file(tmp_path) -> None:
    saved_apart(tmp_path)
    (tmp_path / "m.data").unlink()
    with pytest.raises(
        MalformedModelError, match=r"m\.onnx: the bytes of tensor 'w' are in 'm\.data' beside the model: No such"
    ):
        read_onnx(tmp_path / "m.onnx")


def test_short_weights_file(tmp_path) -> None:
    saved_apart(tmp_path)
    (tmp_path / "m.data").write_bytes(bytes(100))
    with pytest.raises(MalformedModelError, match=r"'m\.data' ends before tensor 'w' does"):
        read_onnx(tmp_path / "m.onnx")


def test_weights_without_a_folder(tmp_path) -> None:
    refused(
        saved_apart(tmp_path), MalformedModelError, r"the bytes of tensor 'w' are in the file 'm\.data'; give a path"
    )


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "", "link"])
def test_weights_outside_the_folder(location, tmp_path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(4096))
    (folder / "link").symlink_to(tmp_path / "secret")
    proto = saved_apart(folder)
    next(entry for entry in proto.graph.initializer[0].external_data if entry.key == "location").value = location
    (folder / "m.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(MalformedModelError, match="outside the model's folder"):
        read_onnx(folder / "m.onnx")


def test_missing_package(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ToolMissingError, match=r'pip install "mcuq\[onnx\]"'):
        graph_of(b"", "test")


# Damage: whatever the bytes are, there is a graph or a one-line error.


def victim() -> bytes:
    """A model with most kinds of fields."""
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s z", "d"),
        node("DequantizeLinear", "w ws wz", "wd", axis=0),
        node("Conv", "d wd b", "c", pads=[1, 1, 0, 1], strides=[2, 1], group=1),
        node("Clip", "c low high", "r"),
        node("AveragePool", "r", "p", kernel_shape=[2, 2], ceil_mode=1, count_include_pad=1, auto_pad="SAME_UPPER"),
        node("Split", "p", "p1 p2", axis=1),
        node("Mul", "p1 p2", "m"),
        node("Shape", "m", "shape", end=1),
        node("Constant", "", "rest", value=numpy_helper.from_array(np.array([-1]))),
        node("Concat", "shape rest", "target", axis=0),
        node("Reshape", "m target", "f"),
        node("Gemm", "f g", "e", alpha=0.5, transB=1),
        node("Softmax", "e", "y", axis=-1),
    ]
    constants = {
        "s": np.array(0.1, np.float32),
        "z": np.array(3, np.uint8),
        "w": np.arange(108, dtype=np.int8).reshape(4, 3, 3, 3),
        "ws": np.full(4, 0.01, np.float32),
        "wz": np.zeros(4, np.int8),
        "b": np.ones(4, np.float32),
        "low": np.array(0, np.float32),
        "high": np.array(4, np.float32),
        "g": np.ones((2, 20), np.float32),
    }
    return model(nodes, {"x": ("N", 3, 4, 5)}, constants, opset=13).SerializeToString()


def read_or_refuse(content: bytes) -> bool:
    try:
        graph_of(content, "test")
    except McuqError as error:
        message = str(error)
    else:
        return True
    assert "\n" not in message and len(message) < 2000
    return False


def test_the_victim_is_read() -> None:
    assert read_or_refuse(victim())


def test_truncations() -> None:
    content = victim()
    step = 1 if all_required() else 7
    assert sum(read_or_refuse(content[:end]) for end in range(0, len(content) - 1, step)) <= 5


def test_mutated_bytes() -> None:
    content, rng = victim(), np.random.default_rng(0)
    for _ in range(3000 if all_required() else 600):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), rng.integers(1, 4)):
            damaged[place] = rng.integers(256) if rng.integers(2) else damaged[place] ^ (1 << rng.integers(8))
        read_or_refuse(bytes(damaged))


def test_mutated_attributes() -> None:
    """Damage that keeps the protobuf whole: other numbers, operands and kinds."""
    rng = np.random.default_rng(1)
    numbers = [-(1 << 63), -7, -1, 0, 1, 2, 3, 1000, 1 << 31, (1 << 63) - 1]
    whole = onnx.load_from_string(victim())
    names = sorted({name for n in whole.graph.node for name in (*n.input, *n.output)} | {""})
    types = sorted(
        {n.op_type for n in whole.graph.node} | {"Resize", "ConvTranspose", "Pad", "Slice", "Gather", "Expand", "Range"}
    )
    for _ in range(3000 if all_required() else 600):
        proto = onnx.ModelProto()
        proto.CopyFrom(whole)
        for _ in range(rng.integers(1, 4)):
            target = proto.graph.node[rng.integers(len(proto.graph.node))]
            kind = rng.integers(4)
            if kind == 0:
                target.op_type = types[rng.integers(len(types))]
            elif kind == 1 and target.input:
                target.input[rng.integers(len(target.input))] = names[rng.integers(len(names))]
            elif kind == 2 and target.attribute:
                attribute = target.attribute[rng.integers(len(target.attribute))]
                value = numbers[rng.integers(len(numbers))]
                replacement = [value] * int(rng.integers(5)) if rng.integers(2) else value
                if replacement != []:
                    attribute.CopyFrom(helper.make_attribute(attribute.name, replacement))
            else:
                tensor = proto.graph.initializer[rng.integers(len(proto.graph.initializer))]
                if tensor.dims and rng.integers(2):
                    tensor.dims[rng.integers(len(tensor.dims))] = numbers[rng.integers(len(numbers))]
                else:
                    tensor.data_type = int(rng.integers(24))
        read_or_refuse(proto.SerializeToString())


def test_names_that_are_not_text() -> None:
    content = model([node("Relu", "x", "long_name")], {"x": (1, 2)}, outputs=("other_one",)).SerializeToString()
    refused(content.replace(b"other_one", b"\xff\xfeher_one"), MalformedModelError, r"no operators|never computed")
    content = model([node("Relu", "xyz", "y")], {"xyz": (1, 2)}).SerializeToString()
    assert graph_of(content.replace(b"xyz", b"x\xffz"), "test").inputs == ("x_xffz",)


def test_messages_are_printable() -> None:
    proto = model([node("Re\nlu", "x", "y")], {"x": (1, 2)})
    with pytest.raises(UnsupportedOperatorError) as caught:
        graph_of(proto, "test")
    assert re.fullmatch(r"[ -~]+", str(caught.value))
