"""The graph that :mod:`mcuq.passes.channels_last` builds: tensors in the order that layers make and want them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mcuq.float_graph import Axes, FloatGraph, consumers
from mcuq.graph import Node
from mcuq.ops.base import Op
from mcuq.ops.groups import ALONG_AXES, ALONG_LAST, BROADCASTING, REARRANGING, UNARY
from mcuq.ops.reduction import ReduceOp
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.transpose import Transpose
from mcuq.passes.frame import (
    Frame,
    affected,
    broadcasting,
    frame,
    moved,
    repeated_layout,
    repeated_shape,
    resized,
    resized_layout,
    resized_shape,
    whole_axes,
)
from mcuq.passes.layout import Layout, plain, stored_transposed
from mcuq.passes.rewriting import free_name, pruned, renamed, same_quantization
from mcuq.tensor import QConstant, QTensor, Shape


class View(NamedTuple):
    """A value of the old graph: the tensor of the new one that holds its elements, and their order there."""

    stored: str
    layout: Layout


class StoredGraph:
    """Builds the new graph node by node."""

    def __init__(self, source: FloatGraph, orders: Mapping[str, Axes]) -> None:
        self.source = source
        self.readers = consumers(source)
        self.shapes: dict[str, Shape] = {}
        self.constants = dict(source.constants)
        self.known: dict[str, QTensor] = {}
        self.layouts = dict(source.layouts)
        self.nodes: list[Node] = []
        self.views: dict[str, View] = {}
        self.made: dict[tuple[str, Layout, Shape], str] = {}
        self.names: dict[str, str] = {}  # of copies, that of the value they hold
        self.taken = {*source.shapes, *source.constants, *(node.name for node in source.nodes)}
        for name in source.inputs:
            self._input(name, orders.get(name, tuple(range(len(source.shapes[name])))))

    def graph(self) -> FloatGraph:
        """Return the whole new graph."""
        for node in self.source.nodes:
            self._node(node)
        for name in self.source.outputs:
            self._output(name)
        built = replace(
            self.source,
            nodes=tuple(self.nodes),
            shapes=self.shapes,
            constants=self.constants,
            known=self.known,
            layouts=self.layouts,
        )
        return self._named(pruned(renamed(built, self.names)))

    def _named(self, graph: FloatGraph) -> FloatGraph:
        """Give a copy the name of the transpose or reshape that it stands for."""
        old = {node.outputs[0]: node.name for node in self.source.nodes}
        kept = {node.name for node in graph.nodes}
        named = (
            replace(n, name=old[n.outputs[0]]) if old.get(n.outputs[0], n.name) not in kept else n for n in graph.nodes
        )
        return replace(graph, nodes=tuple(named))

    def _input(self, name: str, axes: Axes) -> None:
        shape = self.source.shapes[name]
        self._describe(name, tuple(shape[axis] for axis in axes), self.source.known.get(name))
        self.views[name] = View(name, stored_transposed(shape, axes))
        if axes != tuple(range(len(axes))):
            before = self.layouts.get(name, tuple(range(len(axes))))
            self.layouts[name] = tuple(before[axis] for axis in axes)

    def _describe(self, name: str, shape: Shape, known: QTensor | None) -> None:
        self.shapes[name] = shape
        if known:
            self.known[name] = known

    def _node(self, node: Node) -> None:
        if node.inputs[0] in self.views and self._moves_nothing(node) and self._view(node):
            return
        try:
            if self._elsewhere(node):
                return
        except ValueError:  # the op does not take the stored shape
            pass
        operands = [self.as_is(name) if name in self.views else name for name in node.inputs]
        self.emit(node, node.op, operands, plain(self.source.shapes[node.outputs[0]]))

    def _moves_nothing(self, node: Node) -> bool:
        if isinstance(node.op, ReduceOp):
            return not affected(node.op, self.source.shapes[node.inputs[0]])
        return isinstance(node.op, REARRANGING)

    def _elsewhere(self, node: Node) -> bool:
        """Make the node of what is stored, where its op can take that; whether it did."""
        if all(self._is_as_is(name) for name in node.inputs if name in self.views):
            return False
        if isinstance(node.op, UNARY):
            self.emit(node, node.op, [self.views[node.inputs[0]].stored], self.views[node.inputs[0]].layout)
            return True
        if isinstance(node.op, BROADCASTING):
            return self._broadcast(node)
        if isinstance(node.op, ALONG_LAST):
            return self._last(node)
        if isinstance(node.op, ALONG_AXES):
            return self._along(node)
        return False

    def _view(self, node: Node) -> bool:
        """See a stored tensor in another way; whether that is possible."""
        (name, out), source = (node.inputs[0], node.outputs[0]), self.source
        view = self.views[name]
        seen: Layout | None = view.layout
        if isinstance(node.op, Transpose):
            seen = view.layout.transposed(source.shapes[name], node.op.axes)
        if seen is None or len(seen.sizes) > 4:  # more than a transpose can do at once
            return False
        alone = len(self.readers[name]) == 1 and name not in source.outputs
        own, wanted = self.known.get(view.stored), source.known.get(out)
        if wanted and not same_quantization(own, wanted):
            if own or not alone or name in source.inputs:
                self.emit(node, Requantize(), [view.stored], seen)
                return True
            self.known[view.stored] = wanted
        self.views[out] = View(view.stored, seen)
        return True

    def _is_as_is(self, name: str) -> bool:
        view = self.views[name]
        return view.layout.is_plain and self.shapes[view.stored] == self.source.shapes[name]

    def as_is(self, name: str) -> str:
        """Return a tensor that holds a value of the old graph in its own order and shape."""
        stored = self.arranged(name, plain(self.source.shapes[name]), self.source.shapes[name])
        if name not in self.shapes and stored != self.views[name].stored:
            self.names.setdefault(stored, name)
        return stored

    def arranged(self, name: str, wanted: Layout, shape: Shape) -> str:
        """Return a tensor of this shape that holds a value of the old graph in the wanted layout.

        Raises:
            ValueError: where no one transpose can do that.
        """
        stored, own = self.views[name]
        seen = own.seen_from(wanted)
        if seen is None:
            raise ValueError(f"{name} cannot be brought from {own} to {wanted}")
        if seen.is_plain:
            return self._reshaped(stored, shape)
        key = (stored, seen, ())
        if key not in self.made:
            self.made[key] = self._transposed(stored, seen, shape)
        return self._reshaped(self.made[key], shape)

    def _reshaped(self, stored: str, shape: Shape) -> str:
        if self.shapes[stored] == shape:
            return stored
        key = (stored, plain(shape), shape)
        if key not in self.made:
            self.made[key] = self._make(Reshape(shape), stored)
        return self.made[key]

    def _transposed(self, stored: str, seen: Layout, shape: Shape) -> str:
        axes = whole_axes(seen, shape, self.shapes[stored])
        if axes:
            return self._make(Transpose(axes), stored)
        factors = self._reshaped(stored, (1, *seen.stored_sizes))
        return self._make(Transpose((0, *(1 + place for place in seen.places))), factors)

    def _make(self, op: Op, stored: str) -> str:
        """Add a copy of a stored tensor."""
        shape = op.infer_shape(self.shapes[stored])
        name = free_name(f"{stored}_{op.name}", self.taken)
        self.taken.add(name)
        self.nodes.append(Node(name, op, (stored,), (name,)))
        self._describe(name, shape, self.known.get(stored))
        return name

    # Nodes

    def emit(self, node: Node, op: Op, operands: Sequence[str], seen: Layout) -> None:
        """Add a node of the old graph, working on stored tensors.

        Raises:
            ValueError: where the op does not take their shapes.
        """
        shapes = [self.shapes[n] if n in self.shapes else tuple(self.constants[n].shape) for n in operands]
        shape, *more = op.infer_shapes(*shapes)
        out = stored = node.outputs[0]
        if out in self.source.outputs and not (seen.is_plain and shape == self.source.shapes[out]):
            stored = free_name(f"{out}_{op.name}", self.taken)
            self.taken.add(stored)
        self.nodes.append(Node(node.name, op, tuple(operands), (stored, *node.outputs[1:])))
        views = (View(stored, seen), *(View(*other) for other in zip(node.outputs[1:], map(plain, more), strict=True)))
        for name, view, own in zip(node.outputs, views, (shape, *more), strict=True):
            self._describe(view.stored, own, self.source.known.get(name))
            self.views[name] = view

    def _output(self, name: str) -> None:
        """Make a model output: the value in its own order, under its own name."""
        if name in self.shapes:
            return
        stored = self.as_is(name)
        taken = {*self.source.inputs, *self.source.outputs}
        if stored not in taken and self.names.get(stored, "") not in taken - {name}:
            self.names[stored] = name
            return
        shape = self.shapes[stored]
        self.nodes.append(Node(free_name(f"{name}_reshape", self.taken), Reshape(shape), (stored,), (name,)))
        self._describe(name, shape, self.known.get(stored))

    def _frame(self, name: str) -> Frame | None:
        view = self.views[name]
        return frame(view.layout, self.source.shapes[name], self.shapes[view.stored])

    def _last(self, node: Node) -> bool:
        """Work along the last dimension, if it is the last one stored too."""
        view, found = self.views[node.inputs[0]], self._frame(node.inputs[0])
        if found is None or found.axis(len(found.shape) - 1) != len(found.stored) - 1:
            return False
        self.emit(node, node.op, [view.stored, *node.inputs[1:]], view.layout)
        return True

    def _broadcast(self, node: Node) -> bool:
        """Work in the order of an operand that has the output's shape; the others follow."""
        shape = self.source.shapes[node.outputs[0]]
        whole = [n for n in node.inputs if n in self.views and math.prod(self.source.shapes[n]) == math.prod(shape)]
        if not whole:
            return False
        view = self.views[next((n for n in whole if not self.views[n].layout.is_plain), whole[0])]
        found = frame(view.layout, shape, self.shapes[view.stored])
        if found is None:
            return False
        found = broadcasting(found, [self.source.shape(name) for name in node.inputs])
        operands = [self._repeated(name, found) for name in node.inputs]
        self.emit(node, node.op, operands, view.layout)
        return True

    def _repeated(self, name: str, found: Frame) -> str:
        """Return an operand in the shape in which it broadcasts within the frame."""
        shape = self.source.shape(name)
        return self._operand(name, repeated_layout(found, shape), repeated_shape(found, shape))

    def _along(self, node: Node) -> bool:
        """Work along the stored dimensions."""
        names = [name for name in node.inputs if name in self.views]
        leader = next((n for n in names if not self.views[n].layout.is_plain), None)
        found = self._frame(leader or next(n for n in names if not self._is_as_is(n)))
        axes = found.axes(affected(node.op, found.shape)) if found else None
        if found is None or axes is None:
            return False
        operands = []
        for name in node.inputs[: node.op.operands]:
            shape = self.source.shape(name)
            operands.append(self._operand(name, resized_layout(found, axes, shape), resized_shape(found, axes, shape)))
        sizes = resized(node.op, found.shape, self.source.shapes[node.outputs[0]], list(axes))
        operands += node.inputs[len(operands) :]
        self.emit(node, moved(node.op, found.stored, axes), operands, resized_layout(found, axes, sizes))
        return True

    def _operand(self, name: str, wanted: Layout, shape: Shape) -> str:
        """Return an activation or constant in the wanted layout and shape."""
        if name in self.views:
            return self.arranged(name, wanted, shape)
        constant = self.constants[name]
        if constant.shape == shape and wanted.is_plain:
            return name
        if isinstance(constant, QConstant) and constant.scale.size > 1:
            raise ValueError(f"the scales of {name} lie along a dimension")
        new = free_name(f"{name}_stored", self.taken)
        self.taken.add(new)
        values = constant.values if isinstance(constant, QConstant) else constant
        stored = wanted.arranged(values).reshape(shape)
        self.constants[new] = replace(constant, values=stored) if isinstance(constant, QConstant) else stored
        return new
