"""A causal network becomes a streaming one: a call with new frames computes only what is new.

Along the axis that is streamed a row of a value stands for one or more frames of the input. Every layer whose windows
reach back keeps the rows of its input that the next call needs: a window of rows, a state, over which the new rows
slide (:mod:`mcuq.ops.slide`). After a reset these rows hold what padding in front of the first frame holds, so that
layers padded in front (causal ones) compute the whole model's rows from the first call on. A layer that is not padded
has fewer rows than its input; its row j becomes known ``delay`` rows later, and branches that meet wait for each other.

A layer with one row for all rows of its input (a global pool, a window over all that is left) gives one row per call,
which is that of the whole model on the frames up to now; what follows is computed once per call.

Not causal, and refused: padding behind the last frame, windows that look ahead of it, layers that mix rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mcuq.errors import UsageError
from mcuq.graph import Graph, Node, State
from mcuq.ops.base import Op
from mcuq.ops.mean import Mean
from mcuq.ops.pad import Pad
from mcuq.ops.running_mean import RunningMean, kept_bytes
from mcuq.ops.slice import Slice
from mcuq.ops.slide import Slide
from mcuq.passes.fold_constant_channels import fold_constant_channels
from mcuq.passes.rewriting import free_name
from mcuq.passes.rows import on_rows, pool_of
from mcuq.passes.timing import Layer, Need, Rows, timed
from mcuq.tensor import QConstant, QTensor, Shape

LEAST_RUNNING = 4  # rows of a pool; fewer are summed anew


@dataclass(frozen=True)
class Streamed:
    """A streaming model.

    Attributes:
        graph: the model.
        axis: of its input along which frames follow one another.
        frames: per call.
        latency: frames after a reset until all outputs are the whole model's.
        whole: frames of the model it was made from.
        rows: of its outputs; None for one that has one row per call.
    """

    graph: Graph
    axis: int
    frames: int
    latency: int
    whole: int
    rows: Mapping[str, Rows | None]


def stream(graph: Graph, axis: int, frames: int = 0) -> Streamed:
    """Return the streaming form of a causal network.

    Args:
        graph: a quantized model with one input and no states.
        axis: of its input as the model was trained, batch included, along which frames follow one another.
        frames: per call; 0: as few as its strides allow.

    Raises:
        UsageError: an axis that is not there, or frames that the strides do not divide.
        UnsupportedOperatorError: naming the layer that is not causal, or that has no rows.
    """
    graph = fold_constant_channels(graph)
    first = _first_rows(graph, axis)
    layers, rows = timed(graph, {graph.inputs[0]: first})
    least = math.lcm(*(value.frames for value in rows.values()))
    frames = frames or least
    if frames % least or frames > first.total:
        raise UsageError(
            f"{frames} frames per call: the model's strides need a multiple of {least}, up to {first.total}"
        )
    unknown = [0 if name in rows else first.total for name in graph.outputs]
    unknown += [rows[name].delay * rows[name].frames for name in graph.outputs if name in rows]
    made = _Maker(graph, rows, frames, -(-first.total // least) * least).made(layers)
    outputs = {name: rows.get(name) for name in graph.outputs}
    return Streamed(made, first.axis, frames, max(unknown), first.total, outputs)


def _first_rows(graph: Graph, axis: int) -> Rows:
    if len(graph.inputs) > 1 or graph.states:
        why = "remembers already" if graph.states else f"has {len(graph.inputs)} inputs"
        raise UsageError(f"{graph.name} {why}; a model with one input and nothing to remember can be streamed")
    name = graph.inputs[0]
    shape = graph.values[name].shape
    layout = graph.layouts.get(name, tuple(range(len(shape))))
    given = tuple(shape[layout.index(a)] for a in range(len(shape)))
    if not 0 < axis < len(shape):
        what = "the batch" if axis == 0 else "not there"
        raise UsageError(f"stream axis {axis} is {what}: input {name} has shape {given}, axes 1 to {len(shape) - 1}")
    place = layout.index(axis)
    if shape[place] == 1:
        raise UsageError(f"stream axis {axis} of input {name} has one frame: its shape is {given}")
    return Rows(place, shape[place], 1)


@dataclass
class _Maker:
    """Builds the streaming graph: nodes, values and states by and by.

    ``frames`` are those of a call, ``whole`` those after which a stream has all rows of the whole model; ``same``:
    values that are another value; ``held``: windows by value, rows and what they hold after a reset.
    """

    graph: Graph
    rows: dict[str, Rows]
    frames: int
    whole: int
    nodes: list[Node] = field(default_factory=list)
    values: dict[str, QTensor] = field(default_factory=dict)
    constants: dict[str, QConstant] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)
    same: dict[str, str] = field(default_factory=dict)
    made_rows: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def made(self, layers: Iterable[Layer | Node]) -> Graph:
        """Return the streaming graph of these layers."""
        name = self.graph.inputs[0]
        self.values[name] = self._few(name)
        for layer in layers:
            if isinstance(layer, Node):
                self._keep(layer)
            else:
                self._add(layer)
        return replace(
            self.graph,
            nodes=tuple(self.nodes),
            values=self.values,
            constants={**self.graph.constants, **self.constants},
            states=tuple(self.states),
        ).verify()

    def _keep(self, node: Node) -> None:
        self.values |= {name: self.graph.values[name] for name in node.outputs}
        self.nodes.append(node)

    def _few(self, name: str) -> QTensor:
        """Return a value as one call has it."""
        tensor, rows = self.graph.values[name], self.rows.get(name)
        return _with_rows(tensor, rows.axis, self.frames // rows.frames) if rows else tensor

    def _add(self, layer: Layer) -> None:
        node, output = layer.node, layer.node.outputs[0]
        if self._add_running(layer):
            return
        inputs, stride = dict.fromkeys(node.inputs, ""), 0
        for name, need in layer.needs.items():
            inputs[name], stride = self._window(name, need, layer)
        self.values[output] = made = self._few(output)
        axis = self.rows[next(iter(layer.needs))].axis
        op = on_rows(node.op, axis, made.shape, stride, window=layer.along.window)
        operands = tuple(inputs[name] or name for name in node.inputs)
        if isinstance(op, Pad) and not any(op.before + op.after):
            self.same[output] = operands[0]
        else:
            self.nodes.append(replace(node, op=op, inputs=operands))

    def _add_running(self, layer: Layer) -> bool:
        """Add a pool over all rows as one whose sums run on; whether the layer is such a pool."""
        (name, need), *others = layer.needs.items()
        if layer.rows or others or self._late(name, need):
            return False
        x, output = self.values[self.same.get(name, name)], layer.node.outputs[0]
        op = _running(layer.node.op, self.rows[name], need.window.reach, x.shape, self.graph.values[output])
        if op is None:
            return False
        size = kept_bytes(op.window, op.columns, math.prod(op.shape))
        before, after, initial = (self._free(f"{output}_{what}") for what in ("before", "kept", "reset"))
        self.values |= {name: QTensor((size,), 1.0, 0) for name in (before, after)}
        self.values[output] = self.graph.values[output]
        self.constants[initial] = QConstant(np.zeros(size, np.int8), np.ones(1))
        self.states.append(State(before, after, initial))
        inputs = (self.same.get(name, name), before)
        self.nodes.append(replace(layer.node, op=op, inputs=inputs, outputs=(output, after)))
        return True

    def _late(self, name: str, need: Need) -> int:
        """Return by how many rows a layer's window ends before the newest row."""
        if need.late is not None:
            return need.late
        rows, window = self.rows[name], need.window
        return self.whole // rows.frames - rows.delay + window.padding - window.reach

    def _window(self, name: str, need: Need, layer: Layer) -> tuple[str, int]:
        """Return the value that holds the rows a layer sees, and its stride there where that is not its own."""
        rows = self.rows[name]
        calls = self.frames // layer.rows.frames if layer.rows else 1
        seen = (calls - 1) * need.window.stride + need.window.reach
        fill = need.window.fill if need.window.padding > 0 else None
        late = self._late(name, need)
        held = self._last(name, seen + late, fill)
        if layer.along.window and not isinstance(layer.node.op, Mean | Pad):  # what lies behind the last window is left
            return held, 0 if layer.rows else seen + late
        if not late:
            return held, 0
        return self._part(held, rows.axis, 0, seen), 0

    def _last(self, name: str, count: int, fill: int | None) -> str:
        """Return the value that holds the last rows of another."""
        rows, here = self.rows[name], self.same.get(name, name)
        new = self.values[here].shape[rows.axis]
        if count == new:
            return here
        if count < new:
            return self._part(here, rows.axis, new - count, count)
        tensor = _with_rows(self.values[here], rows.axis, count)
        content = tensor.zero_point if fill is None else fill
        key = (here, count, content)
        if key not in self.made_rows:
            self.made_rows[key] = self._state(here, tensor, content, rows.axis)
        return self.made_rows[key]

    def _state(self, name: str, tensor: QTensor, content: int, axis: int) -> str:
        before, after, initial = (self._free(f"{name}_{what}") for what in ("before", "rows", "reset"))
        self.values |= {before: tensor, after: tensor}
        values = np.full(tensor.shape, content, tensor.dtype)
        self.constants[initial] = QConstant(values, np.array([tensor.scale]), tensor.zero_point)
        self.states.append(State(before, after, initial))
        self.nodes.append(Node(self._free(after), Slide(axis), (name, before), (after,)))
        return after

    def _part(self, name: str, axis: int, begin: int, count: int) -> str:
        tensor = _with_rows(self.values[name], axis, count)
        part = self._free(f"{name}_part")
        starts = tuple(begin if a == axis else 0 for a in range(len(tensor.shape)))
        self.values[part] = tensor
        self.nodes.append(Node(self._free(part), Slice(starts, tensor.shape), (name,), (part,)))
        return part

    def _free(self, wanted: str) -> str:
        nodes = {node.name for node in (*self.graph.nodes, *self.nodes)}
        values = {*self.graph.values, *self.graph.constants, *self.values, *self.constants}
        return free_name(wanted, values | (nodes - values))


def _running(op: Op, rows: Rows, window: int, shape: Shape, output: QTensor) -> RunningMean | None:
    """Return a mean or an average pool over all rows as one whose sums run on; None where its shape is another."""
    if shape[rows.axis] > window or window < LEAST_RUNNING:
        return None
    pool = pool_of(op, rows.axis, shape, output)
    return pool and RunningMean(output.shape, window, pool.columns, pool.divides, pool.low, pool.high)


def _with_rows(tensor: QTensor, axis: int, count: int) -> QTensor:
    shape = tensor.shape
    return replace(tensor, shape=(*shape[:axis], count, *shape[axis + 1 :]))
