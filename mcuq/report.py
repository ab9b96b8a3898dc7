"""Results as tables for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import io
import json as json_module
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mcuq import ops
from mcuq.memory_map import memory_map

if TYPE_CHECKING:
    from rich.progress import TaskID

    from mcuq.archive import Archive
    from mcuq.data import Samples
    from mcuq.graph import Graph
    from mcuq.ops.base import Op
    from mcuq.pipeline import Written
    from mcuq.plan import Plan
    from mcuq.tensor import Array
    from mcuq.verification import Verification


PIPE_WIDTH = 120  # columns of a table that does not go to a terminal


@dataclass(frozen=True)
class Report:
    """A table with a title and lines around it, and the same as data."""

    data: Any
    title: str = ""
    columns: Sequence[str] = ()  # a leading ">" right-aligns
    rows: Sequence[Sequence[str]] = ()
    lines: Sequence[str] = field(default_factory=tuple)


def show(report: Report, json: bool) -> None:
    """Print a report to stdout, as JSON or as text."""
    if json:
        print(json_module.dumps(report.data, indent=2))
        return
    if report.title:
        print(report.title)
    if report.rows:
        _print_table(report)
    for line in report.lines:
        print(line)


def _print_table(report: Report) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in report.columns:
        table.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    for row in report.rows:
        table.add_row(*(escape(cell) for cell in row))
    text = io.StringIO()
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH
    Console(file=text, highlight=False, width=width).print(table)
    print("\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip()))


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr; yields a function that takes how much is done."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def stages() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show progress bars on stderr, one per stage; yields a function that takes stage, steps done and steps in all."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield advance


def thousands(number: int) -> str:
    """Return the number with separators: 12,345."""
    return f"{number:,}"


def build(written: Written, directory: Path) -> Report:
    """Report what ``mcuq build`` did."""
    from mcuq import fit_table

    fits = fit_table.fit(written.report)
    graph = written.plan.graph
    wrote = f"{len(written.changed)} files written" if written.changed else "nothing changed"
    lines = [
        *fits.lines,
        f"{graph.name}: {len(written.plan.steps)} steps, {_arena(written.plan)}",
        *written.folded.lines,
        f"{directory}: {wrote}",
    ]
    if written.kept:
        lines.append(f"left as they are, because they are yours: {', '.join(written.kept)}")
    lines.append(f"next: mcuq verify {directory}, then pio run -t upload in {directory}")
    data = {"model": graph.name, "directory": str(directory), "fit": fits.data}
    data |= {"changed": written.changed, "kept": written.kept}
    return Report(data, fits.title, fits.columns, fits.rows, lines)


def _arena(plan: Plan) -> str:
    gap = plan.arena_bytes - plan.arena_bound
    text = (
        f"arena {thousands(plan.arena_bytes)} bytes (lower bound {thousands(plan.arena_bound)}, gap {thousands(gap)})"
    )
    return text + ('; pip install "mcuq[solver]" may close the gap' if gap and not _has_solver() else "")


def _has_solver() -> bool:
    return importlib.util.find_spec("ortools") is not None


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
    return Report(data, lines=lines)


def memory(plan: Plan) -> Report:
    """Report the arena over time."""
    drawn = memory_map(plan)
    rows = [[row.step, thousands(row.bytes), f"|{row.bar}|"] for row in drawn.rows]
    name, size = drawn.largest[0] if drawn.largest else ("nothing", 0)
    shape = " x ".join(map(str, plan.graph.values[name].shape)) if name in plan.graph.values else "scratch"
    lines = [
        "i input, o output, x both (the output runs into the input), - live, s scratch",
        _arena(plan),
        f"peak during {drawn.peak}; shrink {name} first ({shape}, {thousands(size)} bytes)",
    ]
    columns = ["step", ">bytes in use", f"arena, 0 to {thousands(drawn.arena)}"]
    return Report(dataclasses.asdict(drawn), plan.graph.name, columns, rows, lines)


def simulation(graph: Graph, samples: Samples, outputs: Mapping[str, Array], engine: str, path: Path | None) -> Report:
    """Report a simulation: how many samples, and the accuracy where there are labels."""
    data: dict[str, Any] = {"model": graph.name, "engine": engine, "samples": len(samples)}
    lines = [f"{graph.name}: {thousands(len(samples))} samples simulated ({engine})"]
    if samples.labels is not None and len(outputs) == 1:
        scores = next(iter(outputs.values())).reshape(len(samples), -1)
        correct = int(np.count_nonzero(scores.argmax(axis=1) == samples.labels))
        data |= {"correct": correct, "accuracy": correct / len(samples)}
        share = 100 * correct / len(samples)
        lines.append(f"{thousands(correct)} of {thousands(len(samples))} correct ({share:.1f} %)")
    if path:
        data["output"] = str(path)
        lines.append(f"outputs written to {path}")
    return Report(data, lines=lines)


def verification(results: Sequence[Verification]) -> Report:
    """Report a verification, model by model; with the cycles of every layer where they were counted."""
    lines = []
    for r in results:
        equal = r.samples - r.different
        lines.append(f"{r.model} on {r.engine}: {equal} of {r.samples} samples equal to the simulator, byte for byte")
        lines += [f"  {line}" for line in _verification_details(r)]
    return Report([dataclasses.asdict(r) | {"passed": r.passed} for r in results], lines=lines)


def _verification_details(r: Verification) -> Iterator[str]:
    if r.first:
        yield str(r.first)
    if r.self_test is False:
        yield "the embedded self-test vectors do not pass"
    if r.faults:
        yield f"the line was disturbed: {r.faults} requests had to be sent again"
    if not r.layers:
        return
    time, cycles = r.microseconds, r.cycles
    yield f"chip {r.chip}; microseconds {time.minimum} / {time.median} / {time.maximum} (min / median / max)"
    yield f"cycles {thousands(cycles.median)} (median); stack used {thousands(r.stack_used)} bytes"
    width = max(len(name) for name in r.layers)
    for name, count in r.layers.items():
        yield f"{name:<{width}}  {count:>12,} cycles"


def boards() -> Report:
    """Report the known boards."""
    from mcuq.target.board import board_ids, load_board

    known = [load_board(board_id) for board_id in board_ids()]
    rows = [[b.id, b.name, b.chip.name, ", ".join(b.frameworks)] for b in known]
    data = [{"id": b.id, "name": b.name, "chip": b.chip.id, "frameworks": list(b.frameworks)} for b in known]
    return Report(data, columns=["board", "name", "chip", "frameworks"], rows=rows)


def operators() -> Report:
    """Report the operators: formula and constraints, from their docstrings."""
    data = [{"op": op.name, "formula": formula(op), "constraints": constraints(op)} for op in ops.ALL]
    rows = [[str(d["op"]), str(d["formula"]), "\n".join(d["constraints"])] for d in data]
    return Report(data, columns=["operator", "meaning", "constraints"], rows=rows)


def formula(op: type[Op]) -> str:
    """Return the first sentence of an operator's docstring."""
    first = inspect.getdoc(op).split("\n\n")[0]  # type: ignore[union-attr]
    return " ".join(first.split())


def constraints(op: type[Op]) -> list[str]:
    """Return the labelled constraints of an operator's docstring: ["C1: …", …]."""
    text = inspect.getdoc(op) or ""
    return [" ".join(item.split()) for item in re.findall(r"^- (C\d+: .*(?:\n  .*)*)", text, re.MULTILINE)]
