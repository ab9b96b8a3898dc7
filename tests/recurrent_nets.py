"""Small recurrent networks of every kind, as ONNX files and PyTorch modules, and samples for them."""

from __future__ import annotations

import numpy as np
from requirements import require_module

onnx = require_module("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
INPUTS, UNITS, STEPS = 3, 5, 6


def onnx_layer(rng, kind="LSTM", direction="forward", layout=0, states="none", operands=(), **attributes):
    """Return a model of one layer with all its outputs, and an input for it.

    Args:
        rng: of weights and input.
        kind: "LSTM", "GRU" or "RNN".
        direction: as ONNX calls it.
        layout: where the batch lies: second, or first.
        states: what is remembered at first: "none" (zeros), "constant" or "input".
        operands: (place, name, array) of more constants.
        attributes: more of them; ``None`` leaves the bias out.
    """
    count = 2 if direction == "bidirectional" else 1
    channels, names = GATES[kind] * UNITS, ["x", "w", "r", "b", *[""] * 4]
    shapes = {"w": (count, channels, INPUTS), "r": (count, channels, UNITS), "b": (count, 2 * channels)}
    constants = {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    x_shape, h_shape, y_shape = (
        ((STEPS, 1, INPUTS), (count, 1, UNITS), (STEPS, count, 1, UNITS))
        if layout == 0
        else ((1, STEPS, INPUTS), (1, count, UNITS), (1, STEPS, count, UNITS))
    )
    feeds = {"x": rng.normal(size=x_shape).astype(np.float32)}
    first = ["h", "c"][: 1 + (kind == "LSTM")]
    for place, name in enumerate(first if states != "none" else (), 5):
        names[place] = name
        (constants if states == "constant" else feeds)[name] = rng.normal(size=h_shape).astype(np.float32)
    for place, name, array in operands:
        names[place] = name
        constants[name] = array
    while not names[-1]:
        names.pop()
    outputs = {"y": y_shape} | {f"{name}_last": h_shape for name in first}
    node = helper.make_node(kind, names, list(outputs), hidden_size=UNITS, direction=direction, **attributes)
    if layout:
        node.attribute.append(helper.make_attribute("layout", layout))
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape) for name, array in feeds.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model, feeds
