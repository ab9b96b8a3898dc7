"""The model: operators as objects, values by name, nothing about files or chips."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcuq.errors import MalformedModelError
from mcuq.tensor import QConstant, QTensor, Shape

if TYPE_CHECKING:
    from mcuq.ops.base import Op

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
class Graph:
    """A quantized model: nodes in execution order, static shapes, batch 1, NHWC.

    ``values`` holds the activations, ``constants`` what is known at compile time; their names are disjoint.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    values: Mapping[str, QTensor]
    constants: Mapping[str, QConstant] = field(default_factory=dict)

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
    for name, tensor in graph.values.items():
        if any(d < 1 for d in tensor.shape):
            yield f"{name}: shape {tensor.shape} has a dimension that is not positive; export with static shapes"
        if not tensor.scale > 0:
            yield f"{name}: scale {tensor.scale} is not positive"
    known = set(graph.inputs) | set(graph.constants)
    if missing := [name for name in graph.inputs if name not in graph.values]:
        yield f"model input {missing[0]} is not described"
    names: set[str] = set()
    for node in graph.nodes:
        yield from _node_problems(graph, node, known)
        if node.name in names:
            yield f"{node.name}: two nodes have this name"
        names.add(node.name)
        known.update(node.outputs)
    if missing := [name for name in graph.outputs if name not in known or name not in graph.values]:
        yield f"model output {missing[0]} is never computed"


def _node_problems(graph: Graph, node: Node, known: set[str]) -> Iterator[str]:
    for name in node.inputs:
        if name not in known:
            yield f"{node.name}: its input {name} is not computed before it (the graph has a cycle or is cut)"
    for name in node.outputs:
        if name in known or name not in graph.values:
            yield f"{node.name}: its output {name} is written twice or not described"
    shapes: list[Shape] = [graph.tensor(name).shape for name in node.inputs]
    try:
        expected = node.op.infer_shape(*shapes)
    except (ValueError, IndexError, TypeError) as error:
        yield f"{node.name}: {node.op.name} cannot take shapes {shapes}: {error}"
        return
    if (actual := graph.values[node.outputs[0]].shape) != expected:
        yield f"{node.name}: {node.op.name} makes shape {expected} of {shapes}, the model says {actual}"
