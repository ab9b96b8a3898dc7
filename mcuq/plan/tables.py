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


def alignments(plan: Plan) -> dict[str, int]:
    """Return by C name what constant operands and tables must start at a multiple of, for all steps that read them."""
    found: dict[str, int] = {}
    known: dict[tuple[str, bytes], str] = {}
    for step in plan.steps:
        tables = [name for _, name, _ in distinct_tables(step.name, step.params, known)]
        for name in (*tables, *(value for value in step.inputs if value in plan.graph.constants)):
            found[name] = max(found.get(name, TABLE_ALIGNMENT), step.params.alignment)
    return found
