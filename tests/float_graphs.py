"""Float graphs for tests: a builder that names and sizes values, and the shapes that ONNX gives a model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.reshape import Reshape
from mcuq.ops.transpose import Transpose
from mcuq.tensor import Array, QConstant, QTensor, Shape


class GraphBuilder:
    """Adds nodes one after the other; weights are random but repeatable."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.inputs: list[str] = []
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}
        self.constants: dict[str, Array | QConstant] = {}
        self.known: dict[str, QTensor] = {}

    def input(self, shape: Shape, name: str | None = None) -> str:
        name = name or f"x{len(self.inputs)}"
        self.inputs.append(name)
        self.shapes[name] = shape
        return name

    def add(self, op: Op, *operands: str | Array | float | QConstant, name: str | None = None) -> str:
        name = name or f"{op.name}_{len(self.nodes)}"
        names = [self._operand(name, i, operand) for i, operand in enumerate(operands)]
        shapes = [self.shapes[n] if n in self.shapes else tuple(self.constants[n].shape) for n in names]
        self.shapes[name] = op.infer_shape(*shapes)
        self.nodes.append(Node(name, op, tuple(names), (name,)))
        return name

    def _operand(self, node: str, index: int, operand: str | Array | float | QConstant) -> str:
        if isinstance(operand, str):
            return operand
        name = f"{node}_constant_{index}"
        self.constants[name] = operand if isinstance(operand, QConstant) else np.asarray(operand, np.float32)
        return name

    def know(self, name: str, scale: float, zero_point: int) -> str:
        self.known[name] = QTensor(self.shapes[name], scale, zero_point)
        return name

    def random(self, *shape: int) -> Array:
        return self.rng.normal(size=shape).astype(np.float32)

    def graph(self, *outputs: str) -> FloatGraph:
        return FloatGraph(
            "net", tuple(self.inputs), outputs, tuple(self.nodes), self.shapes, self.constants, self.known
        ).verify()

    # NHWC layers with random weights.

    def conv(self, x: str, channels: int, window: int = 3, **attributes: object) -> str:
        groups = attributes.get("groups", 1)
        weights = self.random(channels, window, window, self.shapes[x][-1] // int(str(groups)))
        return self.add(Conv2d(**attributes), x, weights, self.random(channels))  # type: ignore[arg-type]

    def depthwise(self, x: str, window: int = 3, times: int = 1, **attributes: object) -> str:
        channels = self.shapes[x][-1] * times
        op = DepthwiseConv2d(**attributes)  # type: ignore[arg-type]
        return self.add(op, x, self.random(1, window, window, channels), self.random(channels))

    def dense(self, x: str, outputs: int, **attributes: object) -> str:
        op = FullyConnected(**attributes)  # type: ignore[arg-type]
        inputs = self.shapes[x][-1]
        return self.add(op, x, self.random(outputs, inputs), self.random(outputs))

    # The same as an ONNX reader wraps them: [1, C, H, W] or [1, C, L] in and out.

    def nhwc(self, x: str) -> str:
        if len(self.shapes[x]) == 4:
            return self.add(Transpose((0, 2, 3, 1)), x)
        rows = self.add(Transpose((0, 2, 1)), x)
        return self.add(Reshape((1, *self.shapes[rows])), rows)

    def nchw(self, x: str, rank: int = 4) -> str:
        if rank == 4:
            return self.add(Transpose((0, 3, 1, 2)), x)
        rows = self.add(Reshape(self.shapes[x][1:]), x)
        return self.add(Transpose((0, 2, 1)), rows)

    def conv_first(self, x: str, channels: int, window: int = 3, **attributes: object) -> str:
        """Convolve an image, or a sequence: then padding counts along it alone."""
        rank = len(self.shapes[x])
        inner = self.nhwc(x)
        if rank == 3:
            weights = self.random(channels, 1, window, self.shapes[inner][-1])
            y = self.add(Conv2d(**attributes), inner, weights, self.random(channels))  # type: ignore[arg-type]
        else:
            y = self.conv(inner, channels, window, **attributes)
        return self.nchw(y, rank)

    def max_pool_first(self, x: str) -> str:
        rank = len(self.shapes[x])
        op = MaxPool((2, 2), (2, 2)) if rank == 4 else MaxPool((1, 2), (1, 2))
        return self.nchw(self.add(op, self.nhwc(x)), rank)

    def global_average_first(self, x: str) -> str:
        _, _, h, w = self.shapes[x]
        return self.nchw(self.add(AveragePool((h, w), (h, w)), self.nhwc(x)))


def transposes(graph: FloatGraph) -> int:
    """Count the transposes of a graph."""
    return sum(isinstance(node.op, Transpose) for node in graph.nodes)


def names(graph: FloatGraph) -> list[str]:
    """Return the ops of a graph, in order."""
    return [node.op.name for node in graph.nodes]


def samples(graph: FloatGraph, count: int = 3, seed: int = 1) -> dict[str, Array]:
    """Return random inputs [count, *shape]."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(count, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}


def given(graph: FloatGraph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Bring inputs from the order a model was trained in to the graph's."""
    return {
        name: x.transpose(0, *(1 + axis for axis in graph.layouts[name])) if name in graph.layouts else x
        for name, x in inputs.items()
    }


def assert_same(before: FloatGraph, after: FloatGraph, tolerance: float = 1e-4) -> None:
    """Assert that two graphs compute the same, and that the second keeps its promises."""
    after.verify()
    assert (after.name, after.inputs, after.outputs) == (before.name, before.inputs, before.outputs)
    assert after.known.keys() <= after.shapes.keys()
    assert len({node.name for node in after.nodes}) == len(after.nodes)
    for name, tensor in after.known.items():
        assert tensor.shape == after.shapes[name], name
    inputs = samples(before)
    wanted, got = float_run.run(before, inputs), float_run.run(after, given(after, inputs))
    for name, expected in wanted.items():
        assert after.shapes[name] == before.shapes[name]
        limit = tolerance * max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(got[name], expected, rtol=0, atol=limit, err_msg=name)
