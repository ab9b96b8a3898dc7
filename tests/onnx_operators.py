"""Models of ONNX's operators that its node tests do not show as one layer of an activation."""

import numpy as np
from onnx_models import TensorProto, model, node

IMAGE = (1, 4, 6, 6)


def _real(*values, shape=None):
    return np.array(values, np.float32).reshape(shape if shape is not None else (len(values),))


def _whole(*values, shape=None):
    return np.array(values, np.int64).reshape(shape if shape is not None else (len(values),))


def _one(kind, operands, constants, opset=17, **attributes):
    return model([node(kind, operands, "y", **attributes)], {"x": IMAGE}, constants, opset=opset)


def _truths(kind, second="b"):
    nodes = [node("Greater", "x z", "a"), node("Less", "x h", "b"), node(kind, f"a {second}".strip(), "t")]
    return model(
        [*nodes, node("Cast", "t", "y", to=1)], {"x": IMAGE}, {"z": _real(0, shape=()), "h": _real(1, shape=())}
    )


def _of_index(kind, operands, constants, **attributes):
    nodes = [node("ArgMax", "x", "i", axis=3, keepdims=0), node(kind, operands, "y", **attributes)]
    return model(nodes, {"x": IMAGE}, constants)


CHANNELS = {"s": _real(1, 2, 3, 4), "b": _real(4, 3, 2, 1)}
FILTERS = np.random.default_rng(1).normal(size=(4, 1, 3, 3)).astype(np.float32)
CASES = {  # (operator, ONNX's name): model
    ("cast", "Cast"): model([node("Cast", "x", "i", to=6), node("Cast", "i", "y", to=1)], {"x": IMAGE}),
    ("clip", "Clip"): _one("Clip", "x l h", {"l": _real(-0.5, shape=()), "h": _real(0.7, shape=())}),
    ("clip", "Max"): _one("Max", "x c", {"c": _real(0.5, shape=())}),
    ("clip", "Min"): _one("Min", "x c", {"c": _real(0.5, shape=())}),
    ("compare", "Equal"): model(
        [node("Round", "x", "r"), node("Equal", "r c", "t"), node("Cast", "t", "y", to=1)],
        {"x": IMAGE},
        {"c": _real(1, shape=())},
    ),
    ("cumsum", "CumSum"): _one("CumSum", "x a", {"a": _whole(2, shape=())}),
    ("depthwise_conv2d", "Conv"): _one("Conv", "x w", {"w": FILTERS}, group=4),
    ("div", "Div"): model([node("Exp", "x", "e"), node("Div", "x e", "y")], {"x": IMAGE}),
    ("elu", "Celu"): _one("Celu", "x", {}),
    ("embedding", "Gather"): _of_index("Gather", "c i", {"c": FILTERS.reshape(6, 6)}, axis=0),
    ("gather", "Gather"): _one("Gather", "x i", {"i": _whole(3, 1, 1, 5, 0, 5, 4, 2, 2)}, axis=3),
    ("group_norm", "GroupNormalization"): _one("GroupNormalization", "x s b", CHANNELS, opset=21, num_groups=2),
    ("layer_norm", "LayerNormalization"): _one(
        "LayerNormalization", "x s b", {"s": _real(*range(1, 7)), "b": _real(*range(6))}
    ),
    **{("logical", kind): _truths(kind) for kind in ("And", "Or", "Xor")},
    ("logical_not", "Not"): _truths("Not", ""),
    ("one_hot", "OneHot"): _of_index("OneHot", "i d v", {"d": _whole(6, shape=()), "v": _real(0, 1)}),
    ("pad", "Pad"): _one("Pad", "x p", {"p": _whole(0, 0, 1, 0, 0, 0, 0, 2)}),
    ("pow", "Pow"): model([node("Exp", "x", "e"), node("Pow", "e c", "y")], {"x": IMAGE}, {"c": _real(1.3, shape=())}),
    ("max_pool", "GlobalMaxPool"): _one("GlobalMaxPool", "x", {}),
    ("rms_norm", "SimplifiedLayerNormalization"): _one(
        "SimplifiedLayerNormalization", "x s", {"s": _real(*range(1, 7))}
    ),
    ("slice", "GatherND"): model(
        [node("Reshape", "x q", "r"), node("GatherND", "r i", "y")],
        {"x": IMAGE},
        {"q": _whole(4, 36), "i": _whole(1, 2, shape=(2, 1))},
    ),
    ("sub", "Sub"): model([node("Exp", "x", "e"), node("Sub", "x e", "y")], {"x": IMAGE}),
}
assert TensorProto.FLOAT == 1  # what Cast's ``to`` says
