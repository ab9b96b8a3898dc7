"""Small quantized models built without any file format."""

import numpy as np

from mcuq.graph import Graph, Node, State
from mcuq.ops.add import Add
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.logistic import Logistic
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.tensor import QConstant, QTensor


def small_graph(rng: np.random.Generator, name: str = "small") -> Graph:
    """A 6x5x3 image through two convolutions with a shortcut and a logistic."""
    values = {"image": QTensor((1, 6, 5, 3), 0.05, -3)}
    constants: dict[str, QConstant] = {}
    nodes = []

    def conv(node: str, source: str, filters: int, size: int) -> None:
        depth = values[source].shape[3]
        weights = rng.integers(-127, 128, (filters, size, size, depth)).astype(np.int8)
        constants[f"{node}_w"] = QConstant(weights, rng.uniform(0.001, 0.01, filters))
        constants[f"{node}_b"] = QConstant(rng.integers(-500, 500, filters).astype(np.int32), np.ones(1))
        pad = size // 2
        op = Conv2d(padding=(pad, pad, pad, pad), activation="relu")
        values[node] = QTensor((1, 6, 5, filters), 0.04, -128)
        nodes.append(Node(node, op, (source, f"{node}_w", f"{node}_b"), (node,)))

    conv("conv2d_0", "image", 4, 3)
    conv("conv2d_1", "conv2d_0", 4, 1)
    values["add_2"] = QTensor((1, 6, 5, 4), 0.08, -128)
    nodes.append(Node("add_2", Add(), ("conv2d_0", "conv2d_1"), ("add_2",)))
    values["scores"] = QTensor((1, 6, 5, 4), 1 / 256, -128)
    nodes.append(Node("logistic_3", Logistic(), ("add_2",), ("scores",)))
    return Graph(name, ("image",), ("scores",), tuple(nodes), values, constants).verify()


def multi_border_graph(rng: np.random.Generator, name: str = "multi") -> Graph:
    """Two inputs (one uint8), two outputs (one of them also consumed), a reshape to the output."""
    values = {
        "pixels": QTensor((1, 4, 3), 0.1, 128, "uint8"),
        "other": QTensor((1, 4, 3), 0.05, 7),
        "requantize_0": QTensor((1, 4, 3), 0.1, 0),
        "total": QTensor((1, 4, 3), 0.2, 1),
        "flat": QTensor((1, 12), 1 / 256, -128),
        "logistic_2": QTensor((1, 4, 3), 1 / 256, -128),
    }
    nodes = (
        Node("requantize_0", Requantize(), ("pixels",), ("requantize_0",)),
        Node("add_1", Add("relu"), ("requantize_0", "other"), ("total",)),
        Node("logistic_2", Logistic(), ("total",), ("logistic_2",)),
        Node("reshape_3", Reshape((1, 12)), ("logistic_2",), ("flat",)),
    )
    return Graph(name, ("pixels", "other"), ("total", "flat"), nodes, values).verify()


def remembering_graph(rng: np.random.Generator, name: str = "remembering") -> Graph:
    """A sum that runs on, the input before, two states that change places, and a state that is the output too."""
    tensor = QTensor((1, 3, 5), 0.1, 2)
    names = ("x", "level", "before", "left", "right", "said", "level_next", "sum", "both", "scores")
    values = dict.fromkeys(names, tensor)
    nodes = (
        Node("add_0", Add(), ("level", "x"), ("level_next",)),
        Node("add_1", Add(), ("level_next", "before"), ("sum",)),
        Node("add_2", Add(), ("sum", "said"), ("both",)),
        Node("add_3", Add(), ("both", "left"), ("scores",)),
    )
    writes = {"level": "level_next", "before": "x", "left": "right", "right": "left", "said": "scores"}
    initial = {
        f"{read}_initial": QConstant(rng.integers(-128, 128, (1, 3, 5)).astype(np.int8), np.ones(1)) for read in writes
    }
    initial["level_initial"] = QConstant(np.full((1, 3, 5), 2, np.int8), np.ones(1))
    states = tuple(State(read, write, f"{read}_initial") for read, write in writes.items())
    return Graph(name, ("x",), ("scores",), nodes, values, initial, states=states).verify()
