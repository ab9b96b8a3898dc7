"""ONNX operators that move elements, and shapes that the model computes, against onnxruntime."""

import itertools

import numpy as np
import pytest
from onnx_models import TensorProto, agree, kinds, model, node, numpy_helper

OPSETS = (11, 13, 18, 21)
IMAGE = (1, 3, 6, 5)


def weights(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concat(axis, opset, rng) -> None:
    proto = model([node("Concat", "a b a", "y", axis=axis)], {"a": IMAGE, "b": IMAGE}, opset=opset)
    assert kinds(agree(proto, rng)) == ["concatenation"]


def test_concat_with_a_constant(rng) -> None:
    agree(model([node("Concat", "a c", "y", axis=1)], {"a": IMAGE}, {"c": weights(1, 2, 6, 5)}), rng)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("sizes", [(1, 2), (2, 1), None])
def test_split(sizes, opset, rng) -> None:
    nodes = [node("Relu", "a", "y"), node("Sigmoid", "b", "z")]
    if sizes is None:
        many = {"num_outputs": 2} if opset >= 18 else {}
        split, constants, shape = node("Split", "x", "a b", axis=1, **many), {}, (1, 4, 6)
    elif opset < 13:
        split, constants, shape = node("Split", "x", "a b", axis=1, split=sizes), {}, IMAGE
    else:
        split, constants, shape = node("Split", "x s", "a b", axis=1), {"s": ints(*sizes)}, IMAGE
    graph = agree(model([split, *nodes], {"x": shape}, constants, ("y", "z"), opset=opset), rng)
    assert kinds(graph) == ["slice", "slice", "relu", "logistic"]


def test_uneven_split(rng) -> None:
    split = node("Split", "x", "a b c", axis=1, num_outputs=3)
    agree(model([split], {"x": (1, 7)}, outputs=("a", "b", "c"), opset=18), rng)


SLICES = {
    "front": ((0,), (2,), (3,), None),
    "negative": ((-3, 1), (-1, 3), (2, 1), None),
    "huge end": ((1,), (np.iinfo(np.int64).max,), (2,), None),
    "step": ((0, 1), (6, 5), (2, 3), (2, 3)),
    "backwards": ((-1,), (-100,), (3,), (-1,)),
    "all": ((0, 0, 0, 1), (1, 3, 6, 4), None, None),
}


@pytest.mark.parametrize(
    ("case", "opset"), [*itertools.product(SLICES, OPSETS), ("front", 9), ("negative", 9), ("all", 9)]
)
def test_slice(case, opset, rng) -> None:
    starts, ends, axes, steps = SLICES[case]
    if opset < 10:
        attributes = {"starts": starts, "ends": ends} | ({"axes": axes} if axes else {})
        proto = model([node("Slice", "x", "y", **attributes)], {"x": IMAGE}, opset=opset)
    else:
        parts = {"starts": starts, "ends": ends, "axes": axes, "steps": steps}
        constants = {name: ints(*values) for name, values in parts.items() if values}
        operands = " ".join(name if parts[name] else "_" for name in parts)
        proto = model([node("Slice", f"x {operands}", "y")], {"x": IMAGE}, constants, opset=opset)
    assert kinds(agree(proto, rng)) == ["slice"]


@pytest.mark.parametrize("index", [0, 2, -1])
def test_gather_of_one_index(index, rng) -> None:
    agree(model([node("Gather", "x i", "y", axis=1)], {"x": IMAGE}, {"i": np.array(index)}), rng)
    agree(model([node("Gather", "x i", "y", axis=2)], {"x": IMAGE}, {"i": np.array([index])}), rng)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("value", [None, 0.0, 1.5])
@pytest.mark.parametrize("pads", [(0, 0, 1, 2, 0, 0, 0, 1), (0, 2, 0, 0, 0, 1, 0, 0)])
def test_pad(value, pads, opset, rng) -> None:
    constants = {"p": ints(*pads)} | ({} if value is None else {"v": np.array(value, np.float32)})
    proto = model([node("Pad", "x p" if value is None else "x p v", "y")], {"x": IMAGE}, constants, opset=opset)
    assert kinds(agree(proto, rng)) == ["pad"]


@pytest.mark.parametrize("mode", ["reflect", "edge"])
def test_pad_with_elements_of_the_input(mode, rng) -> None:
    pads = np.array([0, 0, 1, 2, 0, 0, 2, 1], np.int64)
    agree(model([node("Pad", "x p", "y", mode=mode)], {"x": (1, 2, 4, 3)}, {"p": pads}), rng)


def test_pad_of_some_axes_and_as_attribute(rng) -> None:
    constants = {"p": ints(1, 2), "a": ints(-1)}
    agree(model([node("Pad", "x p _ a", "y")], {"x": IMAGE}, constants, opset=18), rng)
    agree(model([node("Pad", "x", "y", pads=[0, 0, 1, 0, 0, 2], value=2.0)], {"x": (1, 3, 7)}, opset=10), rng)


@pytest.mark.parametrize("perm", [(0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 3, 2), None, (2, 0, 1, 3), (1, 2, 3, 0)])
def test_transpose(perm, rng) -> None:
    attributes = {} if perm is None else {"perm": perm}
    agree(model([node("Transpose", "x", "t", **attributes), node("Relu", "t", "y")], {"x": IMAGE}), rng)


RESHAPES = {
    "Reshape": [(1, -1), (0, -1), (1, 18, 5), (0, 0, -1), (-1, 90), (90,)],
    "Flatten": [None, 0, 2, -1],
    "Squeeze": [(0,), None, (2, -4)],
    "Unsqueeze": [(0,), (-1,), (1, 3)],
}


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(("kind", "case"), [(kind, case) for kind, cases in RESHAPES.items() for case in cases])
def test_reshapes(kind, case, opset, rng) -> None:
    shape = (1, 3, 1, 5) if kind == "Squeeze" else IMAGE
    if kind == "Flatten":
        reshape, constants = node(kind, "x", "r", **({} if case is None else {"axis": case})), {}
    elif case is None:
        reshape, constants = node(kind, "x", "r"), {}
    elif kind == "Reshape" or opset >= 13:
        reshape, constants = node(kind, "x c", "r"), {"c": ints(*case)}
    else:
        reshape, constants = node(kind, "x", "r", axes=case), {}
    agree(model([reshape, node("Relu", "r", "y")], {"x": shape}, constants, opset=opset), rng)


def test_shapes_computed_by_the_model(rng) -> None:
    """What older PyTorch exporters write for ``x.view(x.size(0), -1)`` and ``torch.zeros``."""
    nodes = [
        node("Shape", "x", "s"),
        node("Constant", "", "zero", value=numpy_helper.from_array(np.array(0))),
        node("Gather", "s zero", "batch", axis=0),
        node("Constant", "", "axes", value_ints=[0]),
        node("Unsqueeze", "batch axes", "b1"),
        node("Constant", "", "rest", value_ints=[-1]),
        node("Concat", "b1 rest", "target", axis=0),
        node("Cast", "target", "cast", to=TensorProto.INT64),
        node("Reshape", "x cast", "flat"),
        node("Shape", "flat", "s2", start=1),
        node("ConstantOfShape", "s2", "ones", value=numpy_helper.from_array(np.ones(1, np.float32))),
        node("Mul", "ones two", "twos"),
        node("Add", "flat twos", "y"),
    ]
    graph = agree(model(nodes, {"x": ("N", 3, 4)}, {"two": np.array(2, np.float32)}), rng)
    assert kinds(graph) == ["add"]
    assert graph.shapes[graph.inputs[0]] == (1, 3, 4)


def test_expand(rng) -> None:
    agree(model([node("Expand", "x s", "y")], {"x": (1, 3, 1, 1)}, {"s": ints(1, 3, 4, 2)}), rng)
    agree(model([node("Expand", "x s", "e"), node("Relu", "e", "y")], {"x": IMAGE}, {"s": ints(3, 1, 1)}), rng)


def test_tile(rng) -> None:
    agree(model([node("Tile", "x r", "y")], {"x": (1, 3, 2)}, {"r": ints(1, 2, 3)}), rng)
