"""Files, functions and the package's root stay small enough to be read (docs/architecture.md)."""

import ast
import statistics
from pathlib import Path

SOURCES = sorted((Path(__file__).parents[1] / "mcuq").rglob("*.py"))
FILE_LINES, FUNCTION_LINES, MEDIAN_LINES, ROOT_MODULES = 300, 60, 6, 22


def function_lines() -> dict[str, int]:
    """Lines of every function of the package, by file and name."""
    found = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{path.name}:{node.lineno} {node.name}"] = (node.end_lineno or 0) - node.lineno + 1
    return found


def test_no_file_is_long():
    assert [path for path in SOURCES if len(path.read_text("utf-8").splitlines()) > FILE_LINES] == []


def test_no_function_is_long_and_most_are_short():
    lines = function_lines()
    assert {name: count for name, count in lines.items() if count > FUNCTION_LINES} == {}
    assert statistics.median(lines.values()) <= MEDIAN_LINES


def test_the_root_holds_the_vocabulary_and_the_story():
    assert len([path for path in SOURCES if path.parent.name == "mcuq"]) <= ROOT_MODULES
