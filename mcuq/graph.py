"""The model: operators as objects, values by name, nothing about files or chips."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mcuq.errors import MalformedModelError
from mcuq.tensor import QConstant, QTensor, Shape, shown

if TYPE_CHECKING:
    from mcuq.ops.base import Op

MAX_ELEMENTS = 1 << 24  # of one activation: more than fits into any board's PSRAM together with its neighbours
SCALES = (1e-15, 1e15)  # of an activation; quotients of two stay normal in float32
MAX_MACS = 1 << 36  # of one layer; an hour on the fastest chip

MAX_NAME = 200  # characters; a file is called by a model's name and a suffix

C_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int "
    "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
    "volatile while".split()
)


@dataclass(frozen=True)
class Node:
    """One occurrence of an operator. ``name`` is a C identifier, unique in its graph."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """What a model remembers from one run to the next.

    ``read`` is the value as a run finds it, ``write`` the value that the next run will find; after a reset that is the
    constant ``initial``. The three have one shape and quantization.
    """

    read: str
    write: str
    initial: str


@dataclass(frozen=True)
class Graph:
    """A quantized model: nodes in execution order, static shapes, batch 1, NHWC.

    ``values`` holds the activations, ``constants`` what is known at compile time; their names are disjoint.
    ``layouts`` holds, for an input whose samples were trained in another order of dimensions (NCHW), the axes that
    bring them into the graph's: ``graph = trained.transpose(axes)``, the batch dimension included.
    ``from_float``: its ranges were calibrated here, so that whoever made it knows samples as real values only.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    values: Mapping[str, QTensor]
    constants: Mapping[str, QConstant] = field(default_factory=dict)
    layouts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    states: tuple[State, ...] = ()
    from_float: bool = False

    def __repr__(self) -> str:
        """Return a line: name, layers, borders, size."""
        borders = [
            shown(f"{n} {self.values[n].dtype}{list(self.values[n].shape)}" for n in names if n in self.values)
            for names in (self.inputs, self.outputs)
        ]
        size = sum(constant.values.nbytes for constant in self.constants.values())
        return f"<Graph {self.name}: {len(self.nodes)} layers, {' -> '.join(borders)}, {size:,} bytes of constants>"

    def tensor(self, name: str) -> QTensor | QConstant:
        """Return the activation or constant of that name."""
        return self.values[name] if name in self.values else self.constants[name]

    def verify(self) -> Graph:
        """Check every promise of the type; return the graph itself.

        Raises:
            MalformedModelError: naming the first node or value that breaks one.
        """
        for problem in _problems(self):
            raise MalformedModelError(problem)
        return self


def without_states(graph: Graph) -> Graph:
    """Return a graph that is given what it would remember: states are inputs and outputs like any other."""
    reads = tuple(state.read for state in graph.states)
    writes = {state.write: None for state in graph.states if state.write not in (*graph.inputs, *reads)}
    outputs = dict.fromkeys((*graph.outputs, *writes))
    return replace(graph, inputs=(*graph.inputs, *reads), outputs=tuple(outputs), states=())


def with_states(graph: Graph, original: Graph) -> Graph:
    """Undo :func:`without_states` after a pass that kept the names, shapes and quantization of inputs and outputs."""
    initial = {state.initial: original.constants[state.initial] for state in original.states}
    return replace(
        graph,
        inputs=original.inputs,
        outputs=original.outputs,
        constants={**graph.constants, **initial},
        states=original.states,
    )


def identifier(text: str, default: str = "model") -> str:
    """Turn any text into a lower-case C identifier.

    >>> identifier("KWS v2.1"), identifier("2D net"), identifier("int")
    ('kws_v2_1', '_2d_net', 'int_')
    """
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or default
    if name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if name in C_KEYWORDS else name


def _problems(graph: Graph) -> Iterator[str]:
    if not graph.inputs or not graph.outputs:
        yield "the model has no inputs or no outputs"
    for name in (graph.name, *graph.inputs, *graph.outputs, *(node.name for node in graph.nodes)):
        if identifier(name) != name or len(name) > MAX_NAME:
            yield f"{short(name)!r} is not a lower-case C identifier of at most {MAX_NAME} characters"
    for name, tensor in graph.values.items():
        shape = short(tensor.shape)
        if any(d < 1 for d in tensor.shape):
            yield f"{name}: shape {shape} has a dimension that is not positive; export with static shapes"
        if tensor.elements > MAX_ELEMENTS:
            yield f"{name}: shape {shape} has more elements than any board has memory for ({MAX_ELEMENTS})"
        if not SCALES[0] <= tensor.scale <= SCALES[1]:
            yield f"{name}: scale {tensor.scale} is not a positive number between {SCALES[0]:g} and {SCALES[1]:g}"
        if not 1 <= tensor.bits <= 8 or (tensor.dtype != "int8" and tensor.bits != 8):
            yield f"{name}: {tensor.dtype} of {tensor.bits} bits; int8 may have 1 to 8, others have 8"
    yield from _number_problems(graph)
    yield from _border_problems(graph)
    yield from _state_problems(graph)
    known = {*graph.inputs, *(state.read for state in graph.states), *graph.constants}
    names: set[str] = set()
    for node in graph.nodes:
        yield from _node_problems(graph, node, known)
        if node.name in names:
            yield f"{node.name}: two nodes have this name"
        names.add(node.name)
        known.update(node.outputs)
    if missing := [name for name in graph.outputs if name not in known or name not in graph.values]:
        yield f"model output {missing[0]} is never computed"
    if missing := [s.write for s in graph.states if s.write not in known or s.write not in graph.values]:
        yield f"state {missing[0]} is never computed"


def _number_problems(graph: Graph) -> Iterator[str]:
    """Yield zero points that a type has not, and scales of constants whose products with others are no numbers."""
    for name, tensor in graph.values.items():
        if not np.iinfo(tensor.dtype).min <= tensor.zero_point <= np.iinfo(tensor.dtype).max:
            yield f"{name}: zero point {short(tensor.zero_point)} is no {tensor.dtype}"
    for name, constant in graph.constants.items():
        high = SCALES[1] if constant.values.dtype.itemsize == 1 else SCALES[1] ** 2
        if not constant.scale.size or not np.all((constant.scale > 0) & (constant.scale <= high)):
            yield f"{short(name)}: a scale of this constant is not a positive number up to {high:g}"
        if wrong := constant.scale_problem:
            yield f"{short(name)}: {wrong}"
        if not -(1 << 31) <= constant.zero_point < 1 << 31:
            yield f"{short(name)}: zero point {short(constant.zero_point)} of this constant is no int32"


def _border_problems(graph: Graph) -> Iterator[str]:
    if missing := [name for name in graph.inputs if name not in graph.values]:
        yield f"model input {missing[0]} is not described"
    if shared := sorted(graph.values.keys() & graph.constants.keys()):
        yield f"{shared[0]} is both an activation and a constant"
    for kind, names in (("input", graph.inputs), ("output", graph.outputs)):
        if repeated := [name for name in names if names.count(name) > 1]:
            yield f"model {kind} {repeated[0]} is listed twice"
    if passed := [name for name in graph.outputs if name in graph.inputs]:
        yield f"model output {passed[0]} is a model input: there is nothing to compute; remove it from the outputs"


def _state_problems(graph: Graph) -> Iterator[str]:
    reads = [state.read for state in graph.states]
    if repeated := [name for name in reads if reads.count(name) > 1]:
        yield f"state {repeated[0]} is written twice"
    for state in graph.states:
        if state.read in (*graph.inputs, *graph.outputs):
            yield f"state {state.read} is an input or output of the model too"
        if state.read not in graph.values or state.initial not in graph.constants:
            yield f"state {state.read} is not described, or has no initial value"
            continue
        kept, initial = graph.values[state.read], graph.constants[state.initial].values
        if (initial.shape, initial.dtype.name) != (kept.shape, kept.dtype):
            found = f"{initial.dtype.name}{list(initial.shape)}"
            yield f"state {state.read} is {kept.dtype}{list(kept.shape)}, its initial value {found}"
        if state.write in graph.values and (new := graph.values[state.write]) != kept:
            yield f"state {state.read} is {_described(kept)}, what is written to it {_described(new)}"


def _described(tensor: QTensor) -> str:
    return f"{tensor.dtype}{list(tensor.shape)} of scale {tensor.scale:g} and zero point {tensor.zero_point}"


def _node_problems(graph: Graph, node: Node, known: set[str]) -> Iterator[str]:
    for name in node.inputs:
        if name not in known:
            yield f"{node.name}: its input {name} is not computed before it (the graph has a cycle or is cut)"
    for name in node.outputs:
        if name in known or name not in graph.values:
            yield f"{node.name}: its output {name} is written twice or not described"
        elif graph.values[name].bits == 1 and not _makes_signs(node.op):
            yield f"{node.name}: its output {name} has 1 bit, but {node.op.name} makes other values than -1 and 1"
    yield from _operand_problems(graph, node)
    shapes: list[Shape] = [graph.tensor(name).shape for name in node.inputs]
    if wrong := node.op.attribute_problem:
        yield f"{node.name}: {wrong}"
    try:
        expected = node.op.infer_shapes(*shapes)
    except (ValueError, IndexError, TypeError, ArithmeticError) as error:
        yield f"{node.name}: {node.op.name} cannot take shapes {short(shapes)}: {short(error)}"
        return
    if not node.outputs:
        yield f"{node.name}: has no outputs; {node.op.name} makes shape {_text(expected)}"
    actual = tuple(graph.values[name].shape for name in node.outputs)
    if actual != expected:
        made = f"makes shape {_text(expected)} of {short(shapes)}"
        yield f"{node.name}: {node.op.name} {made}, the model says {_text(actual)}"
    if (macs := node.op.macs(*shapes)) > MAX_MACS:
        shown = short(shapes)
        yield f"{node.name}: {node.op.name} of {shown} takes {macs} multiplications, at most {MAX_MACS} are supported"


def _makes_signs(op: Op) -> bool:
    return op.only_moves or (op.fixed_output is not None and op.fixed_output.bits == 1)


def _text(shapes: tuple[Shape, ...]) -> str:
    return " and ".join(map(str, shapes))


def short(what: object) -> str:
    """Return text of bounded length: a damaged model may have a thousand operands or axes."""
    text = str(what)
    return text if len(text) <= 300 else f"{text[:297]}..."


def _operand_problems(graph: Graph, node: Node) -> Iterator[str]:
    """Yield what is wrong with the kinds and types of a node's operands."""
    buffers = node.inputs[: node.op.operands]
    if len(buffers) < (node.op.operands or 1):
        yield f"{node.name}: {node.op.name} takes {node.op.operands or 1} operands, the model gives {len(buffers)}"
    for name in node.inputs[len(buffers) :]:
        if name not in graph.constants:
            yield f"{node.name}: its operand {name} must be a constant"
    if not node.op.of_constants and not any(name in graph.values for name in buffers):
        yield f"{node.name}: its operands are all constants; fold it before the export"
    wide = [buffers[k] for k in node.op.wide_operands if k < len(buffers)]
    wide += [node.outputs[k] for k in node.op.wide_outputs if k < len(node.outputs)]
    for name in (*buffers, *node.outputs):
        dtype = graph.values[name].dtype if name in graph.values else graph.constants[name].values.dtype.name
        needed = "int16" if name in wide else "int8"
        if dtype != needed and name in graph.constants:
            yield f"{node.name}: its constant {name} is {dtype}, it must be {needed}"
        elif dtype != needed and not node.op.takes_uint8:
            yield f"{node.name}: {name} is {dtype}, {node.op.name} takes {needed}; requantize it before"
