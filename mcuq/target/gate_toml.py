"""What a repository's models must keep to: limits and paths, in ``mcuq.toml`` or in ``pyproject.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcuq.errors import UsageError
from mcuq.target.sourced_toml import Table, read_sourced

FILE, SHARED = "mcuq.toml", "pyproject.toml"
EXAMPLE = 'model = "model.mcuq", boards = ["esp32dev"], max_arena = 40_000'


@dataclass(frozen=True)
class Limits:
    """A model, where it shall run, and what must hold there; None is no limit.

    Attributes:
        path: of the file.
        model, data, calibration: files; the last two may be absent.
        boards: ids, or ``.toml`` files.
        framework: default: each board's first.
        min_accuracy: of the integers on ``data``, 0 to 1.
        max_drop: points of accuracy below the float model.
        max_arena: bytes of activations and scratch.
        max_flash: bytes of code, constants and texts, without the framework's empty application.
        max_instructions: of an inference on the emulated chip.
        max_ms: of an inference on the board, by measurement or estimate, its error included.
    """

    path: Path
    model: Path
    boards: tuple[str, ...]
    data: Path | None = None
    calibration: Path | None = None
    framework: str = ""
    min_accuracy: float | None = None
    max_drop: float | None = None
    max_arena: int | None = None
    max_flash: int | None = None
    max_instructions: int | None = None
    max_ms: float | None = None


def read_limits(place: Path) -> Limits:
    """Read the limits of a repository.

    Args:
        place: a file, or a folder with ``mcuq.toml``, or with a ``pyproject.toml`` that has ``[tool.mcuq]``.

    Raises:
        UsageError: there are none, or they mean nothing.
    """
    path, table = _table(place)
    folder = path.parent
    table.require("model", "boards")
    paths = {key: folder / table.text(key) for key in ("model", "data", "calibration") if key in table.values}
    boards = tuple(
        str(folder / board) if board.endswith(".toml") else board for board in dict.fromkeys(table.texts("boards"))
    )
    framework = table.optional_word("framework")
    accuracy, drop = table.optional_real("min_accuracy", 0, 1), table.optional_real("max_drop", 0, 100)
    milliseconds = table.optional_real("max_ms", 0, 1e9)
    numbers = ("max_arena", "max_flash", "max_instructions")
    arena, flash, instructions = (table.number(key) if key in table.values else None for key in numbers)
    table.close()
    if not (accuracy is drop is None) and "data" not in paths:
        table.fail("min_accuracy and max_drop need data, the labelled samples that they are measured on")
    model = paths.pop("model")
    return Limits(
        path,
        model,
        boards,
        framework=framework,
        min_accuracy=accuracy,
        max_drop=drop,
        max_arena=arena,
        max_flash=flash,
        max_instructions=instructions,
        max_ms=milliseconds,
        **paths,
    )


def _table(place: Path) -> tuple[Path, Table]:
    """Return the file and the table that holds the limits."""
    if not place.is_dir():
        table = read_sourced(place)
        return place, table.table("tool").table("mcuq") if place.name == SHARED else table
    if (place / FILE).exists():
        return place / FILE, read_sourced(place / FILE)
    shared = place / SHARED
    table = read_sourced(shared) if shared.exists() else Table(str(shared), {})
    if table.has_table("tool") and (tool := table.table("tool")).has_table("mcuq"):
        return shared, tool.table("mcuq")
    raise UsageError(f"{place}: has neither {FILE} nor {SHARED} with [tool.mcuq]; wanted, for example: {EXAMPLE}")
