"""What `mcuq build` and `mcuq quantize` did."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcuq.report import Report, thousands
from mcuq.report.fit import fit

if TYPE_CHECKING:
    from mcuq.archive import Archive
    from mcuq.fit import FitReport
    from mcuq.pipeline import Written
    from mcuq.plan import Plan


def build(written: Written, directory: Path | None, notes: Sequence[str] = (), library: Path | None = None) -> Report:
    """Report what ``mcuq build`` did.

    Args:
        written: the project.
        directory: where it is; None: it was only made for the library.
        notes: of the quantization, where there was one.
        library: the Arduino library that was written.
    """
    fits = fit(written.report)
    graph = written.plan.graph
    wrote = f"{len(written.changed)} files written" if written.changed else "nothing changed"
    lines = [
        *notes,
        *fits.lines,
        f"{graph.name}: {len(written.plan.steps)} steps, {arena(written.plan)}",
        *written.folded.lines,
    ]
    data: dict[str, Any] = {"model": graph.name, "directory": str(directory) if directory else None, "fit": fits.data}
    data |= {"changed": written.changed if directory else [], "kept": written.kept, "notes": list(notes)}
    data |= {"arduino_zip": str(library)} if library else {}
    lines += _project(written, directory, wrote) if directory else []
    if library:
        lines.append(f"{library}: an Arduino library; in the IDE: Sketch, Include Library, Add .ZIP Library")
    return Report("build", data, fits.title, fits.columns, fits.rows, lines)


def _project(written: Written, directory: Path, wrote: str) -> list[str]:
    """Return what there is to say of a project, and what to do next."""
    name = written.plan.graph.name
    lines = [f"{directory}: {wrote}"]
    lines.append(f"recorded until an option changes it (lib/{name}/build.json): {written.record.text}")
    if written.kept:
        lines.append(f"left as they are, because they are yours: {', '.join(written.kept)}")
    lines.append(f"next: mcuq verify {directory}, then pio run -t upload in {directory}")
    return lines


def not_built(report: FitReport, directory: Path | None, notes: Sequence[str] = ()) -> Report:
    """Report a fit for which nothing was written."""
    fits = fit(report)
    data: dict[str, Any] = {"model": report.model, "directory": str(directory) if directory else None, "fit": fits.data}
    data |= {"changed": [], "kept": [], "notes": list(notes)}
    return Report("build", data, fits.title, fits.columns, fits.rows, fits.lines)


def quantization(model: Archive, path: Path, size: int) -> Report:
    """Report what ``mcuq quantize`` did."""
    graph = model.graph
    data: dict[str, Any] = {"model": graph.name, "output": str(path), "bytes": size, "layers": len(graph.nodes)}
    data["notes"] = list(model.notes)
    lines = [
        *model.notes,
        f"{graph.name}: {len(graph.nodes)} layers quantized, {thousands(size)} bytes written to {path}",
        f"next: mcuq evaluate {path} --data D, then mcuq build {path} --board B --out DIR",
    ]
    return Report("quantize", data, lines=lines)


def arena(plan: Plan) -> str:
    """Say how large the arena is, and how far from its lower bound."""
    gap = plan.arena_bytes - plan.arena_bound
    text = (
        f"arena {thousands(plan.arena_bytes)} bytes (lower bound {thousands(plan.arena_bound)}, gap {thousands(gap)})"
    )
    return text + ('; pip install "mcuq[solver]" may close the gap' if gap and not _has_solver() else "")


def _has_solver() -> bool:
    return importlib.util.find_spec("ortools") is not None
