"""The model before quantization: the same operators and nodes as :class:`Graph`, real constants, shapes only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from mcuq.errors import MalformedModelError
from mcuq.graph import MAX_ELEMENTS, MAX_MACS, Node, State, identifier, short
from mcuq.tensor import Array, QConstant, QTensor, Shape, shown

Axes = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """A trained model: nodes in execution order, static shapes, batch 1, NHWC after the passes.

    Attributes:
        shapes: of every activation, the batch dimension included.
        constants: float32 arrays; what arrives as integers is a :class:`QConstant`.
        known: quantization of activations that the model itself brings along (QDQ); the others' is calibrated.
        layouts: for an input whose samples were trained in another order of dimensions, the axes that bring them
            into the graph's: ``graph = trained.transpose(axes)``, the batch dimension included.
        states: what it remembers from one sample of a sequence to the next.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    shapes: Mapping[str, Shape]
    constants: Mapping[str, Array | QConstant] = field(default_factory=dict)
    known: Mapping[str, QTensor] = field(default_factory=dict)
    layouts: Mapping[str, Axes] = field(default_factory=dict)
    states: tuple[State, ...] = ()

    def __repr__(self) -> str:
        """Return a line: name, layers, borders, size."""
        borders = [
            shown(f"{n} {list(self.shapes[n])}" for n in names if n in self.shapes)
            for names in (self.inputs, self.outputs)
        ]
        size = sum(int(np.size(c.values if isinstance(c, QConstant) else c)) for c in self.constants.values())
        return f"<FloatGraph {self.name}: {len(self.nodes)} layers, {' -> '.join(borders)}, {size:,} parameters>"

    def shape(self, name: str) -> Shape:
        """Return the shape of an activation or constant."""
        return self.shapes[name] if name in self.shapes else tuple(self.constants[name].shape)

    def real(self, name: str) -> Array:
        """Return the real values of a constant, float32."""
        constant = self.constants[name]
        return np.asarray(constant.real() if isinstance(constant, QConstant) else constant, np.float32)

    def verify(self) -> FloatGraph:
        """Check every promise of the type; return the graph itself.

        Raises:
            MalformedModelError: naming the first node or value that breaks one.
        """
        for problem in _problems(self):
            raise MalformedModelError(problem)
        return self


def consumers(graph: FloatGraph) -> dict[str, list[Node]]:
    """Return, for every activation and constant, the nodes that read it."""
    readers: dict[str, list[Node]] = {name: [] for name in (*graph.shapes, *graph.constants)}
    for node in graph.nodes:
        for name in node.inputs:
            readers[name].append(node)
    return readers


def _problems(graph: FloatGraph) -> Iterator[str]:
    if not graph.inputs or not graph.outputs:
        yield "the model has no inputs or no outputs"
    for name in (graph.name, *graph.inputs, *graph.outputs, *(node.name for node in graph.nodes)):
        if identifier(name) != name:
            yield f"{short(name)!r} is not a lower-case C identifier"
    for name, shape in graph.shapes.items():
        if any(d < 1 for d in shape):
            yield f"{name}: shape {short(shape)} has a dimension that is not positive; export with static shapes"
        if np.prod(shape, dtype=np.float64) > MAX_ELEMENTS:
            yield f"{name}: shape {short(shape)} has more elements than any board has memory for ({MAX_ELEMENTS})"
    for name, constant in graph.constants.items():
        if not isinstance(constant, QConstant) and not np.all(np.isfinite(constant)):
            yield f"{name}: this constant holds NaN or infinite values"
        if isinstance(constant, QConstant) and (wrong := constant.scale_problem):
            yield f"{name}: {wrong}"
    if passed := [name for name in graph.outputs if name in graph.inputs]:
        yield f"model output {passed[0]} is a model input: there is nothing to compute; remove it from the outputs"
    known = {*graph.inputs, *(state.read for state in graph.states), *graph.constants}
    for node in graph.nodes:
        yield from _node_problems(graph, node, known)
        known.update(node.outputs)
    if missing := [name for name in graph.outputs if name not in known or name not in graph.shapes]:
        yield f"model output {missing[0]} is never computed"


def _node_problems(graph: FloatGraph, node: Node, known: set[str]) -> Iterator[str]:
    if missing := [name for name in node.inputs if name not in known]:
        yield f"{node.name}: its input {missing[0]} is not computed before it (the graph has a cycle or is cut)"
    if bad := [name for name in node.outputs if name in known or name not in graph.shapes]:
        yield f"{node.name}: its output {bad[0]} is written twice or not described"
        return
    shapes = [graph.shape(name) for name in node.inputs]
    if wrong := node.op.attribute_problem:
        yield f"{node.name}: {wrong}"
    try:
        expected = node.op.infer_shapes(*shapes)
    except (ValueError, IndexError, TypeError, ArithmeticError) as error:
        yield f"{node.name}: {node.op.name} cannot take shapes {short(shapes)}: {short(error)}"
        return
    actual = tuple(graph.shapes[name] for name in node.outputs)
    if actual != expected:
        made = f"makes shape {_text(expected)} of {short(shapes)}"
        yield f"{node.name}: {node.op.name} {made}, the model says {_text(actual)}"
    if (macs := node.op.macs(*shapes)) > MAX_MACS:
        yield f"{node.name}: takes {macs} multiplications, at most {MAX_MACS} are supported"


def _text(shapes: tuple[Shape, ...]) -> str:
    return " and ".join(map(str, shapes))
