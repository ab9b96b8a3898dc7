"""A model's inputs and outputs as its header has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcuq.emit.names import prefixed
from mcuq.graph import Graph
from mcuq.plan import Plan
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Border:
    """A model input or output as the header describes it. ``argument`` is its C parameter."""

    argument: str
    macro: str
    tensor: QTensor

    @property
    def ctype(self) -> str:
        """C type of its elements."""
        return f"{self.tensor.dtype}_t"


def borders(graph: Graph) -> tuple[list[Border], list[Border]]:
    """Return a model's inputs and outputs: one is called ``input`` or ``output``, several ``input_<name>``."""

    def described(names: tuple[str, ...], single: str) -> list[Border]:
        arguments = [single] if len(names) == 1 else [f"{single}_{name}" for name in names]
        return [Border(a, f"{graph.name}_{a}".upper(), graph.values[n]) for a, n in zip(arguments, names, strict=True)]

    prefixed([*graph.inputs, *graph.outputs])
    return described(graph.inputs, "input"), described(graph.outputs, "output")


def run_call(graph: Graph, arena: str, resets: bool) -> str:
    """Return the call that runs a model, by name where it has several inputs or outputs."""
    what = "input, output" if len(graph.inputs) + len(graph.outputs) == 2 else "&io"
    by_name = "_io" if what == "&io" else ""
    if arena == "static":
        return f"{graph.name}_run{by_name}({what})"
    return f"{graph.name}_run_in{by_name}(arena, {'&state, ' if resets else ''}{what})"


def border_offsets(plan: Plan, described: Sequence[Border]) -> dict[str, int]:
    """Return where inputs and outputs lie in the arena, by argument; of use only where they do."""
    names = (*plan.graph.inputs, *plan.graph.outputs)
    places = [plan.locate(name) for name in names]
    return {b.argument: buffer.offset + start for b, (buffer, start) in zip(described, places, strict=True)}


def signature(border: Border) -> str:
    """Return one input or output as the firmware's hello names it.

    >>> signature(Border("input", "M_INPUT", QTensor((1, 8, 8, 1), 0.1, 0)))
    'input int8[1,8,8,1]'
    """
    return f"{border.argument} {border.tensor.dtype}[{','.join(map(str, border.tensor.shape))}]"
