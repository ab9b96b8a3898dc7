"""Rows of the input that come from outside: the steps that take them in, and the stages between.

A step that takes rows in is no kernel call: its output fills as the rows come, and what follows it runs when they are
there. So a model's steps are cut into stages: what can be computed before the first rows, then before the next ones,
and so on. Where a chain of layers is computed in strips, its turns are the stages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from mcuq.graph import Graph
from mcuq.ops.rows import Rows
from mcuq.plan import Buffer, Plan, Step

PROGRESS_BYTES = 20  # mcuq_push, firmware/kernels/shared/mcuq_push.h
MARK_BYTES = 4  # behind an arena that models share: whose run of pushed rows it holds


def is_arrival(step: Step) -> bool:
    """Whether a step takes rows of the model's input in."""
    return isinstance(step.op, Rows) and step.op.arrives


def progress_of(name: str) -> str:
    """Return the buffer that holds how far the rows of an input have come; no value can have this name."""
    return f"{name}.progress"


def with_progress(graph: Graph, steps: Sequence[Step], buffers: Mapping[str, Buffer]) -> dict[str, Buffer]:
    """Return placed buffers with the progress of a pushed run behind all others: in use all the time, it parts none."""
    end = max((b.end for b in buffers.values() if b.region == "arena"), default=0)
    progress = Buffer("arena", PROGRESS_BYTES, 0, len(steps), 1, end)
    return {**buffers, **{progress_of(name): progress for name in graph.inputs}}


def shared_bytes(plans: Collection[Plan]) -> int:
    """Return the bytes of an arena that serves some models, one or several, in turn."""
    sizes = [plan.arena_bytes for plan in plans if plan.arena_bytes]
    mark = MARK_BYTES if len(sizes) > 1 and any(plan.rows_arrive for plan in plans) else 0
    return max(sizes, default=0) + mark


def stages(plan: Plan) -> list[range]:
    """Return all steps in their order, cut in front of those that take rows in; the first stage may have none.

    A plan whose input does not arrive in rows is one stage.
    """
    arrivals = [index for index, step in enumerate(plan.steps) if is_arrival(step)]
    cuts = [0, *arrivals, len(plan.steps)]
    return [range(first, end) for first, end in pairwise(cuts)]
