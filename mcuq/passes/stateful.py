"""From a whole sequence per run to one step per run: what layers remember becomes the model's state.

Every value that lies along the sequence keeps one step of it; layers that treat all steps alike stay as they are. The
integers are the same: run for run a model of one step computes what the model of all steps computes step for step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from mcuq.errors import McuqError, UnsupportedOperatorError, UsageError
from mcuq.graph import Graph, Node, State
from mcuq.ops.base import Op
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.groups import BROADCASTING, UNARY
from mcuq.ops.recurrent import GatedOp
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.softmax import Softmax
from mcuq.ops.transpose import Transpose
from mcuq.tensor import QTensor, Shape

LATER = "it needs steps that come later, or all of them at once; build without --stateful"


def stateful(graph: Graph) -> Graph:
    """Return a model that takes one step of its sequence per run and remembers what its recurrent layers do.

    Before::

        x [1, 20, 8] -> gru (h = 0) [1, 20, 32] -> slice of the last step -> fully_connected [1, 5]

    After::

        x [1, 1, 8] -> gru (h: state, 0 after a reset) [1, 1, 32] -> fully_connected [1, 5]

    The answer of a run is that for the sequence so far. Integers are those of the whole sequence.

    Args:
        graph: a quantized model with LSTM, GRU or simple recurrent layers, all along one sequence.

    Raises:
        UsageError: for a model without such layers, or with states already.
        UnsupportedOperatorError: naming the layer that cannot be computed step by step.
    """
    lengths = {graph.tensor(node.inputs[0]).shape[1] for node in graph.nodes if isinstance(node.op, GatedOp)}
    if graph.states or not lengths:
        why = "remembers already" if graph.states else "has no LSTM, GRU or simple recurrent layer"
        raise UsageError(f"{graph.name} {why}: there is nothing that a stateful one would do otherwise")
    if len(lengths) > 1:
        raise UnsupportedOperatorError(f"layers run along sequences of {', '.join(map(str, sorted(lengths)))} steps")
    return _Steps(graph, lengths.pop()).graph()


class _Steps:
    """The graph of one step being built; ``axes`` is the dimension of every value that lies along the sequence."""

    def __init__(self, source: Graph, steps: int) -> None:
        self.source, self.steps = source, steps
        self.values: dict[str, QTensor] = {}
        self.axes: dict[str, int | None] = {}
        self.nodes: list[Node] = []
        self.states: list[State] = []
        for name in source.inputs:
            shape = source.values[name].shape
            axis = next((k for k, size in enumerate(shape) if size == steps and math.prod(shape[:k]) == 1), None)
            if steps > 1 and axis is None:
                raise UnsupportedOperatorError(
                    f"input {name} of shape {list(shape)} is no sequence of {steps} steps; a stateful model remembers "
                    "its own states: export it without inputs for them"
                )
            self._describe(name, axis if steps > 1 else None)

    def graph(self) -> Graph:
        """Return the model of one step."""
        for node in self.source.nodes:
            try:
                self._node(node)
            except McuqError as error:
                raise error.at(node.name) from None
        return replace(self.source, nodes=tuple(self.nodes), values=self.values, states=tuple(self.states)).verify()

    def _describe(self, name: str, axis: int | None) -> None:
        """Note one step of a value, or the value itself where it does not lie along the sequence."""
        tensor = self.source.values[name]
        shape = tensor.shape if axis is None else (*tensor.shape[:axis], 1, *tensor.shape[axis + 1 :])
        self.values[name], self.axes[name] = replace(tensor, shape=shape), axis

    def _node(self, node: Node) -> None:
        if isinstance(node.op, GatedOp):
            self._remembering(node)
            return
        along = {self.axes[name] for name in node.inputs if name in self.axes}
        if along == {None}:
            self._add(node, node.op, None)
            return
        op, axis = self._one_step(node)
        self._add(node, op, axis)

    def _add(self, node: Node, op: Op, axis: int | None) -> None:
        self.nodes.append(replace(node, op=op))
        for name in node.outputs:
            self._describe(name, axis)

    def _remembering(self, node: Node) -> None:
        """Let a recurrent layer find what its last run left."""
        op, states = node.op, list(self._reads(node))
        names = {place: read for place, read, _ in states}
        inputs = tuple(names.get(place, name) for place, name in enumerate(node.inputs))
        self.nodes.append(replace(node, inputs=inputs))
        for place, name in enumerate(node.outputs):
            self._describe(name, 1 if place == 0 and self.steps > 1 else None)
        for place, read, initial in states:
            if place in op.wide_operands:
                written = node.outputs[op.wide_outputs[op.wide_operands.index(place)]]
            else:
                written = f"{read}_next"
                self.values[written], self.axes[written] = self.values[read], None
                self.nodes.append(Node(written, Reshape(self.values[read].shape), node.outputs[:1], (written,)))
            self.states.append(State(read, written, initial))

    def _reads(self, node: Node) -> Iterator[tuple[int, str, str]]:
        """Yield the operands that are remembered: their place, their name now, and the constant that they start as."""
        assert isinstance(node.op, GatedOp)
        for place in range(1, 1 + node.op.remembered):
            initial = node.inputs[place]
            if initial not in self.source.constants:
                raise UnsupportedOperatorError("what it remembers at first is computed; " + LATER)
            constant, read = self.source.constants[initial], f"{node.name}_remembered_{place}"
            tensor = QTensor(constant.shape, float(constant.scale.flat[0]), constant.zero_point)
            self.values[read] = replace(tensor, dtype="int16") if place in node.op.wide_operands else tensor
            yield place, read, initial

    def _one_step(self, node: Node) -> tuple[Op, int | None]:
        """Return what a layer along the sequence is on one step of it, and where the sequence lies in its output."""
        op, name = node.op, node.inputs[0]
        axis = self.axes.get(name)
        if isinstance(op, BROADCASTING):
            return op, self._broadcast(node)
        if isinstance(op, Slice) and axis is not None:
            return self._slice(op, axis)
        if isinstance(op, Reshape) and axis is not None:
            return self._reshape(op, self.source.tensor(name).shape, axis)
        if axis is None or not self._treats_steps_alike(node, axis):
            raise UnsupportedOperatorError(f"{op.name} works along the steps, or mixes them; {LATER}")
        if isinstance(op, Transpose):
            return op, op.axes.index(axis)
        return op, 0 if isinstance(op, FullyConnected) and not op.keep_dims else axis

    def _treats_steps_alike(self, node: Node, axis: int) -> bool:
        """Whether every step of the output is computed from that step of the input, and in the same way."""
        op, shape = node.op, self.source.tensor(node.inputs[0]).shape
        last = len(shape) - 1
        if isinstance(op, FullyConnected):
            return axis != last and (op.keep_dims or math.prod(shape[:-1]) == self.steps)
        if isinstance(op, Concatenation):
            return op.axis % len(shape) != axis and {self.axes.get(name) for name in node.inputs} == {axis}
        if isinstance(op, Conv2d):
            return axis != last and self._is_pointwise(node, op)
        return isinstance(op, (*UNARY, Transpose)) or (isinstance(op, Softmax) and axis != last)

    def _is_pointwise(self, node: Node, op: Conv2d) -> bool:
        window = self.source.constants[node.inputs[1]].shape[1:3]
        return window == (1, 1) and tuple(op.stride) == (1, 1) and not any(op.padding)

    def _slice(self, op: Slice, axis: int) -> tuple[Op, int | None]:
        """All steps, or the last one."""
        stride = op.stride or (1,) * len(op.size)
        if (op.begin[axis], op.size[axis]) == (self.steps - 1, 1):
            return replace(op, begin=_with(op.begin, axis, 0)), None
        if (op.begin[axis], op.size[axis], stride[axis]) == (0, self.steps, 1):
            return replace(op, size=_with(op.size, axis, 1)), axis
        why = "runs from the last step to the first" if stride[axis] < 0 else "takes some of the steps"
        raise UnsupportedOperatorError(f"{why}; {LATER}")

    def _reshape(self, op: Reshape, shape: Shape, axis: int) -> tuple[Op, int | None]:
        before = math.prod(shape[:axis])
        places = (k for k, n in enumerate(op.shape) if n == self.steps and math.prod(op.shape[:k]) == before)
        found = next(places, None)
        if found is None:
            raise UnsupportedOperatorError(f"makes {list(op.shape)} of {list(shape)}, which mixes the steps; {LATER}")
        return Reshape(_with(op.shape, found, 1)), found

    def _broadcast(self, node: Node) -> int:
        """Return where the sequence lies in a sum or product, counted from the first dimension."""
        rank = len(self.source.values[node.outputs[0]].shape)
        found: set[int] = set()
        for name in node.inputs:
            shape, axis = self.source.tensor(name).shape, self.axes.get(name)
            if name in self.axes and axis is None:
                raise UnsupportedOperatorError(f"its operand {name} is of the last step alone; {LATER}")
            if axis is not None:
                found.add(axis + rank - len(shape))
        (place,) = found
        for name in node.inputs:
            shape = self.source.tensor(name).shape
            own = place - (rank - len(shape))
            if name not in self.axes and own >= 0 and shape[own] != 1:
                raise UnsupportedOperatorError(f"its constant differs from step to step; {LATER}")
        return place


def _with(numbers: tuple[int, ...], place: int, number: int) -> tuple[int, ...]:
    return (*numbers[:place], number, *numbers[place + 1 :])
