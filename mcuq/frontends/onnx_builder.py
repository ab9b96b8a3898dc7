"""What operators of an ONNX file become: activations, constants, and the nodes that compute them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.float_graph import FloatGraph
from mcuq.frontends.onnx_file import DAMAGE
from mcuq.frontends.onnx_tensors import MAX_RANK
from mcuq.graph import MAX_ELEMENTS, Node
from mcuq.ops.base import Op
from mcuq.ops.groups import REARRANGING
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.transpose import Transpose
from mcuq.passes.recognize_masks import finite_masks
from mcuq.tensor import Array, DType, QConstant, QTensor, Shape


@dataclass(frozen=True)
class Value:
    """An activation: its name in the graph being built and its shape.

    ``integers`` is the type where the file has the quantized form, between QuantizeLinear and DequantizeLinear.
    """

    name: str
    shape: Shape
    integers: DType | None = None


@dataclass(frozen=True, eq=False)
class Constant:
    """Known when the file is read: an array of any type, or int8 and int32 values with scales along ``axis``."""

    values: Array
    scale: Array | None = None  # float64, one element or one per index along axis
    axis: int = 0

    @property
    def shape(self) -> Shape:
        """Shape of the values."""
        return self.values.shape

    def real(self) -> Array:
        """Return the real values, float32."""
        held = self.held()
        return np.asarray(held.real() if isinstance(held, QConstant) else held, np.float32)

    def held(self) -> Array | QConstant:
        """Return what a graph's ``constants`` hold."""
        if self.scale is not None:
            return QConstant(self.values, self.scale, axis=self.axis)
        return np.asarray(self.values, np.float32)

    def integer_list(self) -> tuple[int, ...]:
        """Return the values of a list of integers: a shape, axes, paddings."""
        if self.scale is not None or self.values.dtype.kind not in "iu" or self.values.ndim > 1:
            raise MalformedModelError(f"a {self.values.dtype} constant of shape {self.shape} where integers belong")
        return tuple(int(value) for value in self.values.ravel())

    def number(self) -> float:
        """Return the only value."""
        if self.values.size != 1:
            raise MalformedModelError(f"a constant of shape {self.shape} where one number belongs")
        return float(self.real().item())

    def transpose(self, axes: Sequence[int]) -> Constant:
        """Return the constant with its dimensions in another order."""
        return replace(self, values=self.values.transpose(axes), axis=tuple(axes).index(self.axis))

    def reshape(self, shape: Shape) -> Constant:
        """Return the constant under another shape; the scales follow their dimension.

        Raises:
            UnsupportedOperatorError: where that dimension is lost.
        """
        values = self.values.reshape(shape)
        if self.scale is None or self.scale.size == 1:
            return replace(self, values=values, axis=0)
        before = math.prod(self.shape[: self.axis])
        for axis, size in enumerate(shape):
            if size == self.scale.size and math.prod(shape[:axis]) == before:
                return replace(self, values=values, axis=axis)
        raise UnsupportedOperatorError(f"reshaping {self.shape} to {shape} loses the channels that scales belong to")


Entry = Value | Constant


class Builder:
    """The graph being built: every activation has a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}
        self.constants: dict[str, Array | QConstant] = {}
        self.known: dict[str, QTensor] = {}
        self.index = 0  # of the operator in the file that nodes are being made for
        self._names: set[str] = set()

    def add_input(self, name: str, shape: Shape) -> Value:
        """Describe a model input."""
        name = self._free(name)
        self.shapes[name] = shape
        return Value(name, shape)

    def emit(self, op: Op, *operands: Entry) -> Value:
        """Add a node of one output; see :meth:`emit_all`."""
        return self.emit_all(op, *operands)[0]

    def emit_all(self, op: Op, *operands: Entry) -> tuple[Value, ...]:
        """Add a node and return its outputs; its name is the op's and the operator's place in the file.

        Raises:
            UnsupportedOperatorError: for shapes that the op does not take.
        """
        if not any(isinstance(operand, Value) for operand in operands):
            raise UnsupportedOperatorError("changes quantized constants; fold it before they are quantized")
        name = self._free(f"{op.name}_{self.index}")
        try:
            shapes = op.infer_shapes(*(operand.shape for operand in operands))
        except DAMAGE as error:
            raise UnsupportedOperatorError(str(error)) from None
        for shape in shapes:
            if math.prod(shape) > MAX_ELEMENTS or len(shape) > MAX_RANK:
                raise MalformedModelError(f"an output of shape {shape[:MAX_RANK]}: no board has memory for it")
        inputs = tuple(self._operand(name, index, operand) for index, operand in enumerate(operands))
        names = (name, *(self._free(f"{name}_{place}") for place in range(1, len(shapes))))
        self.nodes.append(Node(name, op, inputs, names))
        self.shapes.update(zip(names, shapes, strict=True))
        return tuple(Value(own, shape) for own, shape in zip(names, shapes, strict=True))

    def _operand(self, node: str, index: int, operand: Entry) -> str:
        if isinstance(operand, Value):
            return operand.name
        name = self._free(f"{node}_constant_{index}")
        self.constants[name] = operand.held()
        return name

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        """Return x with its dimensions in another order; nothing is added where none moves."""
        axes = tuple(axes)
        if axes == tuple(range(len(x.shape))):
            return x
        if sorted(axes) != list(range(len(x.shape))):
            raise MalformedModelError(f"{axes} is not an order of {len(x.shape)} dimensions")
        if axes[0] == 0:
            return self._moved(x, axes)
        # The batch moves: without the dimensions of one element it is not there.
        moving = [axis for axis in axes if x.shape[axis] > 1]
        kept = sorted(moving)
        flat = self.reshape(x, (1, *(x.shape[axis] for axis in kept)))
        moved = self.transpose(flat, (0, *(1 + kept.index(axis) for axis in moving)))
        return self.reshape(moved, tuple(x.shape[axis] for axis in axes))

    def _moved(self, x: Value, axes: tuple[int, ...]) -> Value:
        """Transpose at once where copies of four dimensions can, else dimension by dimension, which always can."""
        try:
            Transpose(axes).infer_shape(x.shape)
            return self.emit(Transpose(axes), x)
        except ValueError:
            pass
        order = [*range(len(axes))]
        for place, axis in enumerate(axes):
            now = order.index(axis)
            step = [*range(len(axes))]
            step.insert(place, step.pop(now))
            order.insert(place, order.pop(now))
            if now != place:
                x = self.emit(Transpose(tuple(step)), x)
        return x

    def reshape(self, x: Value, shape: Shape) -> Value:
        """Return x under another shape; nothing is added where it has it."""
        return x if x.shape == shape else self.emit(Reshape(shape), x)

    def image(self, x: Entry) -> Value:
        """Bring [1, C, H, W] or [1, C, L] to NHWC; a sequence is an image of one row.

        Raises:
            UnsupportedOperatorError: for other ranks, or more than one sample.
        """
        if isinstance(x, Constant) or len(x.shape) not in (3, 4):
            raise UnsupportedOperatorError(f"takes [1, C, H, W] or [1, C, L], not shape {x.shape}")
        if x.shape[0] != 1:
            raise UnsupportedOperatorError(f"has a batch of {x.shape[0]}; export with a batch of 1")
        if len(x.shape) == 4:
            return self.transpose(x, (0, 2, 3, 1))
        rows = self.transpose(x, (0, 2, 1))
        return self.reshape(rows, (1, *rows.shape))

    def channels_first(self, y: Value, rank: int) -> Value:
        """Undo :meth:`image`."""
        if rank == 4:
            return self.transpose(y, (0, 3, 1, 2))
        return self.transpose(self.reshape(y, y.shape[1:]), (0, 2, 1))

    def quantized(self, x: Value, tensor: QTensor) -> Value:
        """Note the quantization that the file gives to an activation; a second one gets a node of its own."""
        known = self.known.get(x.name)
        if known and (known.scale, known.zero_point, known.dtype) != (tensor.scale, tensor.zero_point, tensor.dtype):
            x = self.emit(Requantize(), x)
        self.known[x.name] = replace(tensor, shape=x.shape)
        return x

    def graph(self, name: str, inputs: Sequence[tuple[str, Value]], outputs: Sequence[tuple[str, Value]]) -> FloatGraph:
        """Finish: drop what no output needs and name the border as wanted.

        Args:
            name: of the model.
            inputs: wanted name and value of every model input.
            outputs: the same of every output.
        """
        self._spread_known()
        outputs = list(self._distinct(outputs))
        kept = self._needed({value.name for _, value in outputs})
        final = {value.name: wanted for wanted, value in (*outputs, *inputs)}
        taken = set(final.values())
        used = {*(v.name for _, v in inputs), *(n for node in kept for n in (*node.inputs, *node.outputs))}
        for old in (*self.shapes, *self.constants):
            if old in used and old not in final:
                final[old] = next(n for n in (old, *(f"{old}_{i}" for i in range(1, 10_000))) if n not in taken)
                taken.add(final[old])
        graph = FloatGraph(
            name=name,
            inputs=tuple(final[value.name] for _, value in inputs),
            outputs=tuple(final[value.name] for _, value in outputs),
            nodes=tuple(_renamed(node, final) for node in kept),
            shapes={final[old]: shape for old, shape in self.shapes.items() if old in used},
            constants={final[old]: constant for old, constant in self.constants.items() if old in used},
            known={final[old]: tensor for old, tensor in self.known.items() if old in used},
        )
        return finite_masks(graph).verify()

    def _distinct(self, outputs: Sequence[tuple[str, Value]]) -> Iterator[tuple[str, Value]]:
        """Yield the outputs, with a copy of a value that is one twice."""
        seen: set[str] = set()
        for wanted, value in outputs:
            distinct = value if value.name not in seen else self.emit(Reshape(value.shape), value)
            seen.add(distinct.name)
            yield wanted, distinct

    def _needed(self, wanted: set[str]) -> list[Node]:
        kept, wanted = [], set(wanted)
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs):
                kept.append(node)
                wanted.update(node.inputs)
        return kept[::-1]

    def _spread_known(self) -> None:
        """Give both sides of a transpose or reshape the quantization of either: they are the same bytes."""
        for nodes, forward in ((self.nodes, True), (self.nodes[::-1], False)):
            for node in nodes:
                if isinstance(node.op, REARRANGING):
                    old, new = (node.inputs[0], node.outputs[0]) if forward else (node.outputs[0], node.inputs[0])
                    if old in self.known and new not in self.known:
                        self.known[new] = replace(self.known[old], shape=self.shapes[new])

    def _free(self, wanted: str) -> str:
        """Return the wanted name, or the nearest one that is not taken."""
        numbered = (f"{wanted}_{i}" for i in range(1, 1_000_000))
        name = wanted if wanted not in self._names else next(n for n in numbered if n not in self._names)
        self._names.add(name)
        return name


def _renamed(node: Node, final: dict[str, str]) -> Node:
    inputs, outputs = (tuple(final[name] for name in names) for names in (node.inputs, node.outputs))
    return Node(node.name, node.op, inputs, outputs)
