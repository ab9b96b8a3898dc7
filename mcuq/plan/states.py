"""Where a model keeps what it remembers: a state's next value is written over the last one, outside the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np

from mcuq.graph import Graph, Node, State
from mcuq.ops.base import Operand, Params
from mcuq.ops.reshape import Reshape, ReshapeParams
from mcuq.plan import Buffer, Plan, Step, View
from mcuq.tensor import Array, QTensor

WORD_BYTES = 4  # states are moved by words


class KeepParams(ReshapeParams):
    """The copy itself, even where a view would do."""

    is_view: ClassVar[bool] = False


class Keep(Reshape):
    """``y = x`` in memory of its own, so that the place of x may be written."""

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        super().lower(inputs, output)
        return KeepParams(elements=output.bytes)


class Reset(NamedTuple):
    """How a part of the state is given its initial content: by one value (None: they differ), or from a constant."""

    offset: int
    content: Array  # int8, byte by byte
    initial: str

    @property
    def value(self) -> int | None:
        """The byte that all of it is set to."""
        first = int(self.content[0])
        return first if np.all(self.content == first) else None


def resets(plan: Plan) -> list[Reset]:
    """Return what has to be written where so that the model begins anew."""
    places = ((state, plan.buffers[state.read].offset) for state in plan.graph.states)
    return [
        Reset(
            offset,
            np.ascontiguousarray(plan.graph.constants[state.initial].values).reshape(-1).view(np.int8),
            state.initial,
        )
        for state, offset in places
    ]


def kept(graph: Graph) -> set[str]:
    """Return the values that states are read from and written with: each has a buffer of its own."""
    return {name for state in graph.states for name in (state.read, state.write)}


def with_copies(graph: Graph, steps: Sequence[Step], buffers: Mapping[str, Buffer], views: Mapping[str, View]) -> Graph:
    """Let a copy at the end write every state that the step which computes it must not write over the old one.

    That is where the old value is read later, or the new one is a model's input, an output, or another state too.

    Args:
        graph: the model.
        steps: its lowered nodes.
        buffers: with their live ranges.
        views: values within other buffers.

    Returns:
        The graph itself where no copy is needed.
    """
    late = [s for s in graph.states if s.write != s.read and not _is_in_place(graph, s, steps, buffers, views)]
    if not late:
        return graph
    names = {state.read: _free(graph, f"{state.read}_next") for state in late}
    nodes = (Node(names[s.read], Keep(graph.values[s.write].shape), (s.write,), (names[s.read],)) for s in late)
    return replace(
        graph,
        nodes=(*graph.nodes, *nodes),
        values={**graph.values, **{names[s.read]: graph.values[s.write] for s in late}},
        states=tuple(replace(s, write=names.get(s.read, s.write)) for s in graph.states),
    )


def placed(graph: Graph, buffers: Mapping[str, Buffer]) -> dict[str, Buffer]:
    """Give the buffers of states their offsets, one after the other, old and new value the same; return all buffers."""
    result, end = dict(buffers), 0
    for state in graph.states:
        old, new = result[state.read], result[state.write]
        alignment = max(old.alignment, new.alignment, WORD_BYTES)
        offset = -(-end // alignment) * alignment
        result[state.read] = replace(old, offset=offset)
        result[state.write] = replace(result[state.write], offset=offset)
        end = offset + old.bytes
    return result


def verify(plan: Plan) -> Plan:
    """Prove that every state is written where it is read, and not before it has been read.

    Raises:
        AssertionError: a bug in mcuq, never the user's.
    """
    taken = sorted((plan.buffers[s.read].offset, plan.buffers[s.read].end) for s in plan.graph.states)
    assert all(end <= start for (_, end), (start, _) in pairwise(taken)), taken
    assert {name for name, b in plan.buffers.items() if b.region == "state"} == kept(plan.graph)
    for state in plan.graph.states:
        old, new = plan.buffers[state.read], plan.buffers[state.write]
        assert (old.offset, old.bytes) == (new.offset, new.bytes), state
        assert old.offset % old.alignment == new.offset % new.alignment == 0, state
        in_place = _is_in_place(plan.graph, state, plan.steps, plan.buffers, plan.views)
        assert state.write == state.read or in_place, state
    return plan


def _is_in_place(
    graph: Graph, state: State, steps: Sequence[Step], buffers: Mapping[str, Buffer], views: Mapping[str, View]
) -> bool:
    """Whether the step that computes a state may write it where the old value lies."""
    made = any(state.write in step.outputs for step in steps)
    users = [other for other in graph.states if state.write in (other.read, other.write)]
    if not made or state.write in graph.outputs or len(users) > 1:
        return False
    last, first = buffers[state.read].last, buffers[state.write].first
    return last < first or (last == first and _runs_into(steps[first], state, views))


def _runs_into(step: Step, state: State, views: Mapping[str, View]) -> bool:
    """Whether a step may write its output over the operand that holds the old value."""
    read = state.read
    places = [(k, views.get(value)) for k, value in enumerate(step.inputs)]
    operands = [k for k, view in places if (view.buffer if view else step.inputs[k]) == read]
    if len(operands) != 1 or (views[step.inputs[operands[0]]].offset if step.inputs[operands[0]] in views else 0):
        return False
    return step.params.writes_over(operands[0], step.outputs.index(state.write))


def _free(graph: Graph, wanted: str) -> str:
    taken = {*graph.values, *graph.constants, *(node.name for node in graph.nodes)}
    name, index = wanted, 1
    while name in taken:
        name, index = f"{wanted}_{index}", index + 1
    return name
