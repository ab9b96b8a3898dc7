"""Whether a model keeps to the limits of its repository: what a continuous integration asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mcuq import loading, pipeline
from mcuq.archive import Archive
from mcuq.checking import check_model, project_of
from mcuq.emit import self_test_inputs
from mcuq.errors import UsageError
from mcuq.evaluation import Evaluation, evaluate, open_data
from mcuq.fit import FitReport
from mcuq.fit.latency import figure
from mcuq.loading import Progress
from mcuq.target.board import Board, load_board
from mcuq.target.gate_toml import Limits, read_limits
from mcuq.verification import Spread, simulate_on


@dataclass(frozen=True)
class Verdict:
    """Whether one limit holds.

    Attributes:
        limit: its key, or "fits".
        board: where; empty where no board matters.
        wanted, found: in ``unit``.
        text: what was found, in words.
    """

    limit: str
    board: str
    wanted: float
    found: float
    unit: str
    holds: bool
    text: str

    @property
    def name(self) -> str:
        """The limit, and where it holds or not."""
        return f"{self.limit} on {self.board}" if self.board else self.limit


@dataclass(frozen=True)
class Gate:
    """What came of every limit of a model."""

    model: str
    limits: Limits
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether all limits hold."""
        return all(verdict.holds for verdict in self.verdicts)

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """The limits that do not hold."""
        return tuple(verdict for verdict in self.verdicts if not verdict.holds)

    def __repr__(self) -> str:
        """Return a line: the model, and what is broken."""
        broken = "; ".join(f"{verdict.name}: {verdict.text}" for verdict in self.broken)
        return f"<Gate of {self.model}: {broken or f'all {len(self.verdicts)} limits hold'}>"


def gate(place: str | Path = ".", *, progress: Progress | None = None) -> Gate:
    """Measure a model, and compare it with the limits of its repository.

    Args:
        place: an ``mcuq.toml`` or ``pyproject.toml``, or the folder of one.
        progress: called with what is measured, the steps done, and in all where that is known.

    Raises:
        UsageError: for limits that mean nothing, or cannot be measured.
        ToolMissingError: without the emulator that counts instructions.
    """
    limits = read_limits(Path(place))
    told: Progress = progress or (lambda what, done, whole: None)
    model = loading.open_model(limits.model, limits.calibration, progress=progress)
    return Gate(model.graph.name, limits, tuple(_verdicts(limits, model, told)))


def _verdicts(limits: Limits, model: Archive, told: Progress) -> Iterator[Verdict]:
    for name in limits.boards:
        board = load_board(name)
        report = check_model(model, name, limits.framework, folder=project_of(limits.model))
        yield from _of_memory(limits, report, board)
        if limits.max_ms is not None and not report.problem:
            yield _of_time(limits.max_ms, report, board)
        if limits.max_instructions is not None:
            told(f"counting the instructions of {board.id}", 0, None)
            yield _of_instructions(limits.max_instructions, model, board, limits.framework)
    if limits.data and (limits.min_accuracy, limits.max_drop) != (None, None):
        yield from _of_accuracy(limits, model, limits.data, told)


def _of_memory(limits: Limits, report: FitReport, board: Board) -> Iterator[Verdict]:
    short = [row for row in report.rows if not row.fits]
    said = report.shortfall or "every region of memory"
    yield Verdict("fits", board.id, 0, max((-row.free for row in short), default=0), "bytes", report.fits, said)
    if report.problem:
        return
    if limits.max_arena is not None:
        yield _at_most("max_arena", board, limits.max_arena, report.arena_bytes, "bytes")
    if limits.max_flash is not None and report.own_flash is not None:
        yield _at_most("max_flash", board, limits.max_flash, report.own_flash, "bytes")


def _of_time(most: float, report: FitReport, board: Board) -> Verdict:
    """Compare with what an inference takes at most, as far as that is known."""
    time = report.times[0]
    if time.basis == "none":
        raise UsageError(f"max_ms cannot be asked of {report.model} on {board.id}: {time.problem}")
    at_most = "" if time.basis == "measured" else f", {figure(time.high)} ms at most"
    text = f"{time.text}{at_most}; {most:g} wanted"
    return Verdict("max_ms", board.id, most, time.high, "ms", time.high <= most, text)


def _of_instructions(most: int, model: Archive, board: Board, framework: str) -> Verdict:
    setup = model.setup_for(board.id, board.framework(framework))
    plan = pipeline.compile_for(model, board, board.framework(framework), setup)
    runs = simulate_on(board.chip.emulated, plan, model.samples or self_test_inputs(plan))
    return _at_most("max_instructions", board, most, Spread.of(runs.cycles).median, "instructions")


def _of_accuracy(limits: Limits, model: Archive, path: Path, told: Progress) -> Iterator[Verdict]:
    data = open_data(model, path)
    result = evaluate(model.graph, model.source, data.batches, lambda done: told("evaluating", done, None), data.task)
    if result.integer_accuracy is None:
        judged = f"judged is {data.task.how}" if data.task else "it holds no labels"
        raise UsageError(f"{path}: gives no accuracy, which min_accuracy and max_drop limit: {judged}")
    if limits.min_accuracy is not None:
        wanted, found = 100 * limits.min_accuracy, 100 * result.integer_accuracy
        text = f"{found:.2f} % on {result.samples:,} samples, at least {wanted:.2f} % wanted"
        yield Verdict("min_accuracy", "", wanted, found, "%", found >= wanted, text)
    if limits.max_drop is not None:
        yield _of_drop(limits.max_drop, result, path)


def _of_drop(most: float, result: Evaluation, path: Path) -> Verdict:
    if result.gain is None:
        raise UsageError(f"{path}: max_drop compares with the float model, which only a .mcuq of `mcuq quantize` keeps")
    drop = 0.0 - 100 * result.gain.value
    text = f"{drop:.2f} ± {100 * result.gain.error:.2f} points below the float model, at most {most:g} wanted"
    return Verdict("max_drop", "", most, drop, "points", drop <= most, text)


def _at_most(limit: str, board: Board, most: int, found: int, unit: str) -> Verdict:
    over = f", {found - most:,} too many" if found > most else ""
    return Verdict(limit, board.id, most, found, unit, found <= most, f"{found:,} of {most:,} {unit}{over}")
