"""Params as C text: constant tables and struct initializers, readable and stable."""

from __future__ import annotations

import numpy as np

from mcuq.ops.base import Member, Params
from mcuq.plan.tables import TABLE_ALIGNMENT
from mcuq.tensor import Array

LINE_WIDTH = 120


def table_text(ctype: str, name: str, values: Array, comment: str = "", alignment: int = TABLE_ALIGNMENT) -> str:
    """Return a constant array definition with its shape in a comment, values aligned in columns.

    GCC itself places arrays so that their bytes can be loaded by words, but not with -Os.

    >>> print(table_text("int8_t", "w", np.array([[1, -128], [0, 7]], np.int8)))
    static MCUQ_ALIGNED(4) const int8_t w[4] MCUQ_CONST = {
        /* (2, 2) */
           1, -128,    0,    7,
    };
    """
    shape = f"({', '.join(str(d) for d in values.shape)})"
    head = f"static MCUQ_ALIGNED({alignment}) const {ctype} {name}[{values.size}] MCUQ_CONST = {{"
    note = f"    /* {shape}{': ' + comment if comment else ''} */"
    return "\n".join([head, note, rows_text(values, ctype), "};"])


def rows_text(values: Array, ctype: str = "int8_t") -> str:
    """Return the elements as rows of an initializer, in columns, indented by four."""
    texts = [_literal(v, ctype) for v in values.ravel().tolist()]
    width = max(len(t) for t in texts)
    per_line = max(1, (LINE_WIDTH - 4) // (width + 2))
    padded = [f"{t:>{width}}," for t in texts]
    return "\n".join("    " + " ".join(padded[i : i + per_line]) for i in range(0, len(padded), per_line))


def float_text(value: float) -> str:
    """Return the float constant that C reads back as the same float32.

    >>> float_text(1 / 256), float_text(0.1)
    ('0.00390625f', '0.1f')
    """
    text = str(np.float32(value))
    return f"{text}f" if any(c in text for c in ".e") else f"{text}.0f"


def _literal(value: int, ctype: str) -> str:
    """Integer literal; INT32_MIN has no literal of its own type in C."""
    return "INT32_MIN" if ctype == "int32_t" and value == -(2**31) else str(value)


def struct_text(name: str, params: Params, tables: dict[str, str]) -> str:
    """Return the definition of a parameter struct, one designated member per line.

    Args:
        name: of the C object.
        params: its values.
        tables: C name of the table per table member.
    """
    lines = [f"static const mcuq_{params.kernel}_params {name} = {{"]
    lines += [f"    .{m.name} = {_value(params, m, tables)}," for m in params.members()]
    return "\n".join([*lines, "};"])


def _value(params: Params, member: Member, tables: dict[str, str]) -> str:
    if member.extent == "table":
        return tables[member.name]
    value = getattr(params, member.name)
    if member.extent is None:
        return _literal(int(value), member.ctype)
    return "{" + ", ".join(_literal(int(v), member.ctype) for v in value) + "}"
