"""Why torch cannot export a module: the reason under the exporter's progress lines, and the layer that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from mcuq.reading import printable

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
NO_FUNCTION = re.compile(r"No ONNX function found for <OpOverload\(op='aten\.(\w+)'")
NODE = re.compile(r"translating node %(\w+)")
CALL = re.compile(r"raised this error:\s*File \"([^\"]+)\", line (\d+)")


def reason(error: BaseException, program: Any = None) -> str:
    """Return the first line that says something, of the innermost of the exporter's errors.

    Args:
        error: what the exporter raised.
        program: what it was to export, where it came so far: it knows the layers.
    """
    errors = list(_chain(error))
    texts = [COLOURS.sub("", str(each)) for each in errors]
    whole = "\n".join(texts)
    if missing := NO_FUNCTION.search(whole):
        said = f"ONNX has no {missing[1].removeprefix('_')}"
    else:
        lines = [line.strip() for line in texts[-1].splitlines() if line.strip()]
        said = printable(lines[0] if lines else type(errors[-1]).__name__)
    if call := CALL.search(whole):
        return f"{said} ({printable(call[1], 200)}, line {call[2]})"
    node = NODE.search(whole)
    return f"{said}{_layer(program, node[1])}" if node and program is not None else said


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that caused it."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _layer(program: Any, name: str) -> str:
    """Name the layer that an operator of a program, or of what its operators consist of, belongs to."""
    with suppress(Exception):  # the program cannot be exported; what it is made of may be beyond torch, too
        for node in (*program.graph.nodes, *program.run_decompositions().graph.nodes):
            if node.name == name and (stack := list((node.meta.get("nn_module_stack") or {}).values())):
                path, kind = stack[-1]
                shown = kind if isinstance(kind, str) else kind.__name__
                return f" (layer '{path}', {shown.rsplit('.', 1)[-1]})" if path else f" (in {shown.rsplit('.', 1)[-1]})"
    return ""
