"""ONNX operators along dimensions, and what division leaves, against onnxruntime."""

import numpy as np
import pytest
from onnx_models import agree, kinds, model, node, onnx

IMAGE = (1, 3, 6, 5)


@pytest.mark.parametrize("axes", [None, [1], [2, 3], [-1]])
def test_reduce_prod(axes, rng) -> None:
    attributes = {} if axes is None else {"axes": axes}
    proto = model([node("ReduceProd", "x", "y", keepdims=0, **attributes)], {"x": (1, 3, 4, 2)})
    assert kinds(agree(proto, rng)) == ["reduce_prod"]


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("attributes", [{}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}])
def test_cumsum(axis, attributes, rng) -> None:
    proto = model([node("CumSum", "x a", "y", **attributes)], {"x": IMAGE}, {"a": np.array(axis, np.int64)})
    assert kinds(agree(proto, rng)) == ["cumsum"]


def test_mod(rng) -> None:
    divisor = {"c": np.array([1.5, -0.7, 2.0, 0.3, -3.0], np.float32)}
    assert kinds(agree(model([node("Mod", "x c", "y", fmod=1)], {"x": IMAGE}, divisor), rng)) == ["floor_mod"]
    agree(model([node("Mod", "a b", "y", fmod=1)], {"a": IMAGE, "b": (1, 1, 1, 5)}), rng, 0.5, 3)


@pytest.mark.parametrize(("axis", "largest"), [(-1, 1), (1, 0), (2, 1)])
def test_top_k(axis, largest, rng) -> None:
    count = {"k": np.array([2], np.int64)}
    top = node("TopK", "x k", "y i", axis=axis, largest=largest)
    assert kinds(agree(model([top], {"x": IMAGE}, count), rng)) == ["top_k"]
    nodes = [top, node("Cast", "i", "z", to=onnx.TensorProto.FLOAT)]
    assert kinds(agree(model(nodes, {"x": IMAGE}, count, outputs=("y", "z")), rng)) == ["top_k", "arg_top_k"]
