"""The constant tables of a model: equal ones are stored once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mcuq.ops.base import Member, Params


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
