"""The constant tables of a model: equal ones are stored once, where all of their kernels can use them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mcuq.ops.base import Member, Params
from mcuq.plan import Plan

TABLE_ALIGNMENT = 4  # of every table: kernels may load bytes by words


def distinct_tables(
    owner: str, params: Params, known: dict[tuple[str, bytes], str]
) -> Iterator[tuple[Member, str, bool]]:
    """Name every table of a step; equal content gets one name.

    Args:
        owner: the step's name; new tables are called ``<owner>_<member>``.
        params: the step's parameters.
        known: content to name, shared by all steps of a model; updated.

    Yields:
        The member, its table's C name, and whether the table is new.
    """
    for member, values in params.tables():
        key = (member.ctype, np.ascontiguousarray(values).tobytes())
        is_new = key not in known
        yield member, known.setdefault(key, f"{owner}_{member.name}"), is_new


def distinct_params(plan: Plan) -> dict[str, str]:
    """Return by step the name of its parameters: that of the first step that has the same ones, of the same kernel."""
    tables: dict[tuple[str, bytes], str] = {}
    contents: dict[tuple[object, ...], str] = {}
    known: dict[Params, str] = {}  # the same object
    found: dict[str, str] = {}
    for step in plan.steps:
        params = step.params
        if params not in known:
            named = tuple(table for _, table, _ in distinct_tables(step.name, params, tables))
            scalars = tuple(getattr(params, m.name) for m in params.members() if m.extent != "table")
            known[params] = contents.setdefault((params.kernel, scalars, named), step.name)
        found[step.name] = known[params]
    return found


def alignments(plan: Plan) -> dict[str, int]:
    """Return by C name what constant operands and tables must start at a multiple of, for all steps that read them."""
    found: dict[str, int] = {}
    known: dict[tuple[str, bytes], str] = {}
    seen: dict[Params, list[str]] = {}
    for step in plan.steps:
        if step.params not in seen:
            seen[step.params] = [name for _, name, _ in distinct_tables(step.name, step.params, known)]
        for name in (*seen[step.params], *(value for value in step.inputs if value in plan.graph.constants)):
            found[name] = max(found.get(name, TABLE_ALIGNMENT), step.params.alignment)
    return found
