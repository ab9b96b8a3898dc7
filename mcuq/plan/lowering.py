"""Nodes to steps with integers only, by the kernels that a chip has; or to views, where no byte need be moved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from mcuq import kernels
from mcuq.errors import McuqError
from mcuq.graph import Graph, Node
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params
from mcuq.ops.concatenation import Concatenation
from mcuq.plan import ARENA_ALIGNMENT, Step, View, root_of, states
from mcuq.plan.arrivals import is_arrival


def lowered(graph: Graph) -> tuple[tuple[Step, ...], dict[str, View]]:
    """Lower every node to a step with its portable kernel, or to views where no byte need be moved."""
    steps: list[Step] = []
    views: dict[str, View] = {}
    known: dict[Any, Params] = {}
    for node in graph.nodes:
        step = _lower(graph, node, known)  # its constraints hold for a view too
        if step.params.is_view and _can_be_view(graph, views, node):
            views[node.outputs[0]] = View(node.inputs[0], step.params.view_offset)
        elif isinstance(node.op, Concatenation) and _can_be_joined(graph, views, node):
            offset = 0
            for name in node.inputs:
                views[name] = View(node.outputs[0], offset)
                offset += graph.values[name].bytes
        else:
            steps.append(step)
    return tuple(steps), {name: _resolved(name, views) for name in views}


def _lower(graph: Graph, node: Node, known: dict[Any, Params]) -> Step:
    """Return a node's step; nodes that are alike (strips of one layer) share their parameters."""
    output = graph.values[node.outputs[0]]
    key = (node.op, *(graph.values.get(name, name) for name in node.inputs), output)
    if key not in known:
        try:
            known[key] = node.op.lowered([graph.tensor(name) for name in node.inputs], output)
        except McuqError as error:
            raise error.at(node.name) from None
    params = known[key]
    return Step(node.name, node.op, params, node.inputs[: node.op.operands], node.outputs)


def _resolved(value: str, views: Mapping[str, View]) -> View:
    """Follow views to the buffer that holds a value."""
    offset = 0
    while value in views:
        offset += views[value].offset
        value = views[value].buffer
    return View(value, offset)


def _can_be_view(graph: Graph, views: Mapping[str, View], node: Node) -> bool:
    """Whether the output may lie where the input lies: not from one of the caller's buffers to another."""
    kept = states.kept(graph)
    if node.outputs[0] in kept:
        return False
    if node.outputs[0] not in graph.outputs:
        return True
    root = _resolved(node.inputs[0], views).buffer
    taken = any(_resolved(name, views).buffer == root for name in graph.outputs if name != node.outputs[0])
    return not (root in graph.inputs or root in graph.constants or root in kept or taken)


def _can_be_joined(graph: Graph, views: Mapping[str, View], node: Node) -> bool:
    """Whether the inputs of a concatenation may be written where the output has them.

    They must lie there one after the other, and each must own its buffer.
    """
    axis = cast(Concatenation, node.op).axis % len(graph.values[node.outputs[0]].shape)
    together = math.prod(graph.values[node.outputs[0]].shape[:axis]) == 1
    kept = states.kept(graph)
    borders = {*graph.inputs, *graph.outputs, *graph.constants, *kept}
    own = [name for name in node.inputs if name not in views and name not in borders]
    return together and len(set(own)) == len(node.inputs) and node.outputs[0] not in kept


def with_kernels(
    graph: Graph,
    steps: Sequence[Step],
    views: Mapping[str, View],
    *,
    families: Sequence[str],
    io_in_arena: bool,
    instead: Mapping[str, Params],
) -> tuple[Step, ...]:
    """Give every step the kernel that serves it best, and the name of its scratch."""
    nodes = {node.name: node for node in graph.nodes}
    outside = graph.inputs if any(map(is_arrival, steps)) else () if io_in_arena else (*graph.inputs, *graph.outputs)
    border = {root_of(name, views) for name in outside}
    chosen = []
    known: dict[tuple[int, bool], Params] = {}
    for step in steps:
        roots = [views.get(value, View(value)) for value in (*step.inputs, *step.outputs)]
        at_border = any(v.buffer in border or v.offset % ARENA_ALIGNMENT for v in roots)
        key = id(step.params), at_border
        if key not in known:
            layer = Layer(step.params, [graph.tensor(name) for name in nodes[step.name].inputs], at_border)
            known[key] = kernels.chosen(layer, families)
        params = instead.get(step.name) or known[key]
        scratch = f"{step.name}.scratch" if params.scratch_bytes else ""  # no value can have this name
        chosen.append(replace(step, params=params, scratch=scratch))
    return tuple(chosen)
