"""The whole story on one page: file, graph, plan, then fit, simulation and project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mcuq import emit, simulator
from mcuq.archive import Archive
from mcuq.data import Reading, reading_of, sample_shape, to_integers
from mcuq.emit import ownership
from mcuq.emit.library import GUARD, models_beside
from mcuq.emit.names import model_name
from mcuq.errors import CannotQuantizeError, DoesNotFitError, UsageError
from mcuq.files import hold, write_held
from mcuq.fit import FitReport
from mcuq.fit.chains import planned
from mcuq.fit.check import check_fit as fit_of
from mcuq.fit.regions import Extra, Neighbour, Place
from mcuq.fit.speed import with_faster_kernels
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.page.project import project_page
from mcuq.passes.fold_constant_channels import Folded, fold_constant_channels, saved
from mcuq.plan import Plan
from mcuq.plan.builder import ANY_CHIP
from mcuq.target.board import Board, board_from, load_board
from mcuq.target.platformio_ini import disagreements
from mcuq.target.record import FILE, Record, read_record, record_path
from mcuq.target.setup import PLAIN, Setup
from mcuq.tensor import Array


def compile(  # noqa: A001 - the verb's public name
    graph: Graph,
    board: Board | str | None = None,
    *,
    io_in_arena: bool | None = False,
    speed: bool = False,
    slower: int | None = None,
    ram: int = 0,
    push_rows: bool = False,
) -> Plan:
    """Lower a model to the steps a board will execute; without a board, to the portable kernels.

    With ``io_in_arena`` inputs and outputs lie in the arena too, instead of in memory of the caller's; None: where that
    takes less memory in all. With ``speed`` layers get faster kernels that take more flash, as far as the board has the
    memory. With ``slower`` layers are computed in strips of rows where that takes less memory, for about so many
    percent more instructions; default: 5 on a board without ``speed``, else 0. With ``ram`` they are wherever needed
    for arena, state, inputs and outputs to fit so many bytes. With ``push_rows`` the rows of the input come from
    outside, and the arena holds those that are still needed.

    Raises:
        DoesNotFitError: the model needs more than ``ram``.
        UnsupportedOperatorError: rows cannot be pushed into it.
    """
    if isinstance(graph, FloatGraph):
        raise CannotQuantizeError(f"{graph.name} is a float model; mcuq.quantize(model, samples) first")
    if not board:
        setup = Setup(io_in_arena=io_in_arena, slower=slower or 0, ram=ram, push_rows=push_rows)
        return planned(fold_constant_channels(graph), ANY_CHIP, setup)
    setup = Setup(io_in_arena=io_in_arena, speed=speed, slower=slower, ram=ram, push_rows=push_rows)
    return compile_for(Archive(graph), _board(board), "", setup)


def compile_for(model: Archive, board: Board, framework: str, setup: Setup) -> Plan:
    """Lower a model to the steps that a board will execute with this framework and setup."""
    plan = planned(fold_constant_channels(model.graph), board.chip.kernels, setup)
    if not setup.speed:
        return plan
    vectors = len(next(iter(model.samples.values()), ()))
    return with_faster_kernels(plan, Place(board, board.framework(framework), setup, application_extra(plan, vectors)))


def compile_recorded(model: Archive, board: str | None = None) -> Plan:
    """Lower a model as its project has it, or for another board; without any board, to the portable kernels."""
    if not (board or model.board):
        return compile(model.graph)
    return compile_for(model, *placed(model, board or model.board))


def placed(
    model: Archive, board: str, framework: str = "", options: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Board, str, Setup]:
    """Return where a model shall run: the board, the framework (default: the recorded one on its board), the setup.

    ``options`` are fields of the setup that replace the recorded ones; None is none.
    """
    found = board_for(model, board)
    found = found.on(options.get("platform") or "", framework)
    framework = recorded_framework(model, found, framework)
    setup = model.setup_for(found.id, framework).updated(options)
    return found.on(setup.platform, framework), framework, setup


def recorded_framework(model: Archive, board: Board, framework: str = "") -> str:
    """Return the framework that was asked for, or the recorded one on its board, or the board's first."""
    recorded = model.framework if board.id == model.board and model.framework in board.frameworks else ""
    return board.framework(framework or recorded)


def board_for(model: Archive, board: Board | str) -> Board:
    """Return a board by what the user calls it; one of the user's own may travel with the model's project."""
    if isinstance(board, Board):
        return board
    path = Path(board)
    if model.board_text and path.stem == model.board and path.suffix in ("", ".toml") and not _is_file(path):
        return board_from(model.board_text, model.board, f"board {model.board} of {model.graph.name}'s project")
    return load_board(board)


def _is_file(path: Path) -> bool:
    with suppress(OSError, ValueError):  # a path that the system does not take
        return path.is_file()
    return False


def check_fit(plan: Plan, board: Board | str, framework: str = "", setup: Setup = PLAIN) -> FitReport:
    """Compare what a plan needs with what a board has, before anything is built."""
    return fit_of(plan, _board(board), framework, setup, application_extra(plan))


def simulate(
    plan: Plan, inputs: Array | Mapping[str, Array], *, samples: Reading | None = None
) -> Array | dict[str, Array]:
    """Compute the integers the chip will compute.

    Args:
        plan: the lowered model.
        inputs: [samples, *shape of the input without batch]: real values, or integers of the input's type; several
            inputs by name.
        samples: what integers of the input's type are: "stored", as the model has them, or "real" values. It must be
            said where mcuq quantized the model from a float model; one that came quantized takes them as stored.

    Returns:
        [samples, *shape of the output without batch]; by name where the model has several.

    Raises:
        UsageError: for inputs of another shape or type, or integers that could be either.
    """
    graph = plan.graph
    given = inputs if isinstance(inputs, Mapping) else {graph.inputs[0]: np.asarray(inputs)}
    if missing := [name for name in graph.inputs if name not in given]:
        raise UsageError(f"input {missing[0]} is missing; the model's inputs are {', '.join(graph.inputs)}")
    integers = {}
    for name in graph.inputs:
        x, tensor = np.asarray(given[name]), graph.values[name]
        reading = reading_of(x, tensor, graph.from_float, samples, name)
        integers[name] = to_integers(x, tensor, name, graph.layouts.get(name, ()), reading)
    outputs = simulator.simulate(plan, integers)
    shaped = {name: x.reshape(len(x), *sample_shape(graph.values[name].shape)) for name, x in outputs.items()}
    return shaped if len(shaped) > 1 else next(iter(shaped.values()))


@dataclass(frozen=True)
class Written:
    """What ``write_project`` did.

    ``report`` is the fit it rests on, ``record`` what was decided, ``changed`` and ``kept`` are the files
    whose content changed, and those left to the user.
    """

    plan: Plan
    folded: Folded
    report: FitReport
    record: Record
    changed: list[str]
    kept: list[str]

    def __repr__(self) -> str:
        """Return a line: the model, and how many files were written."""
        return f"<Written {self.plan.graph.name}: {len(self.changed)} files, {len(self.kept)} left to the user>"


def write_project(
    model: Archive | Graph,
    board: Board | str,
    directory: str | Path,
    framework: str = "",
    name: str = "",
    *,
    setup: Setup | None = None,
    file: str = "",
    quantization: Mapping[str, Any] = MappingProxyType({}),
    stream: str = "",
    frames: Mapping[str, Any] = MappingProxyType({}),
) -> Written:
    """Write (or regenerate) the PlatformIO project of a model; of a project that exists, only what mcuq owns.

    Args:
        model: the quantized model.
        board: where it shall run.
        directory: the project; created if missing.
        framework: "arduino" or "espidf"; default: the recorded one, else the board's first.
        name: the model's name in C; default: its own.
        setup: what surrounds the model; default: the recorded setup, else a plain one.
        file: name of the file that the model was read from, for the record.
        quantization: options that a float model was quantized with, for the record.
        stream: how it was made a streaming model, for the record.
        frames: options with which it was made to take a camera's frames, for the record.

    Raises:
        DoesNotFitError: with the bytes missing; nothing is written.
        McuqError: for a name or directory that cannot be used, or a .mcuq file there that cannot be read.
    """
    content, directory = model if isinstance(model, Archive) else Archive(model), Path(directory)
    with hold(directory):  # what the models of the project need must not change meanwhile
        graph = replace(content.graph, name=model_name(name or content.graph.name))
        content = remembered(content, directory, graph.name)
        board, framework, setup = _target(content, board, framework, setup)
        ownership.require_platform(board, framework, directory)
        ownership.refuse_others(directory, graph.name)
        plan = compile_for(replace(content, graph=graph), board, framework, setup)
        samples = content.samples or emit.self_test_inputs(plan)
        others = [_rebuilt(other, board) for other in models_beside(directory, graph.name)]
        beside = tuple(_neighbour(other) for other in others if other.content.board == board.id)
        report = fit_of(plan, board, framework, setup, _extra(plan, samples), beside=beside)
        _require_fit(report, graph.name, beside)
        record = Record(board.id, framework, setup, file, quantization, board.text, stream, frames)
        alone = fit_of(plan, board, framework, setup, _extra(plan, samples)) if beside else report
        page = project_page(Archive(graph, classes=content.classes), plan, alone, record)
        # without its float model, which CI need not carry
        content = Archive(graph, samples, board.id, framework, setup, board_text=board.text, classes=content.classes)
        owned = emit.emit_libraries([emit.Built(plan, content), *others]) | page
        owned |= {f"lib/{graph.name}/{FILE}": record.dump()} | _unrecorded(directory, others)
        users = emit.emit_project(graph, board, framework, len(next(iter(samples.values()))), setup)
        kept = sorted(path for path in users if (directory / path).exists())
        ours = {} if ownership.is_project(directory) else {p: text for p, text in users.items() if p not in kept}
        stale = ownership.stale_files(directory, owned, [graph.name, *(other.name for other in others)])
        changed = write_held(directory, owned | ours, stale, GUARD)
        report = replace(report, remarks=disagreements(directory, board, framework, report.partition))
        return Written(plan, saved(graph, plan.graph), report, record, changed, kept)


def _target(content: Archive, board: Board | str, framework: str, setup: Setup | None) -> tuple[Board, str, Setup]:
    """Return board, framework and setup as they are given, else as they were recorded, else by default."""
    board = board_for(content, board)
    framework = recorded_framework(content, board, framework)
    setup = setup or content.setup_for(board.id, framework)
    return board.on(setup.platform, framework), framework, setup


def _require_fit(report: FitReport, name: str, beside: Sequence[Neighbour]) -> None:
    if not report.fits:
        together = f" together with {' and '.join(model.plan.graph.name for model in beside)}" if beside else ""
        raise DoesNotFitError(f"{name} does not fit {report.board}{together}: {report.shortfall}", report)


def _unrecorded(directory: Path, models: Sequence[emit.Built]) -> dict[str, bytes]:
    """Return the records of models that have none: files of mcuq 0.1.0 knew their project, and are written again."""
    contents = {model.name: model.content for model in models if not record_path(directory, model.name).exists()}
    return {
        f"lib/{name}/{FILE}": Record(c.board, c.framework, c.setup, board_text=c.board_text).dump()
        for name, c in contents.items()
        if c.board
    }


def remembered(model: Archive, directory: Path, name: str) -> Archive:
    """Return a model with what was decided for it when it was last built into this project, if it was."""
    record = read_record(record_path(directory, name))
    return model.recorded(record) if record else model


def project_neighbours(directory: Path, name: str, board: Board) -> tuple[Neighbour, ...]:
    """Return the other models of a project that run on this board, for its fit."""
    others = (_rebuilt(model, board) for model in models_beside(directory, name) if model.board == board.id)
    return tuple(_neighbour(other) for other in others)


def _rebuilt(model: Archive, board: Board) -> emit.Built:
    """Lower a model of a project as it was built, which may be for another board than the one at hand."""
    same = model.board == board.id
    plan = compile_for(model, board, model.framework, model.setup) if same else compile_recorded(model)
    return emit.Built(plan, replace(model, samples=model.samples or emit.self_test_inputs(plan), source=None))


def _neighbour(model: emit.Built) -> Neighbour:
    return Neighbour(model.plan, model.content.setup, _extra(model.plan, model.content.samples))


def _extra(plan: Plan, samples: Mapping[str, Array]) -> Extra:
    return application_extra(plan, len(next(iter(samples.values()))))


def application_extra(plan: Plan, vectors: int = 0) -> Extra:
    """Return what the application in lib/mcuq needs beside a plan, with as many self-test vectors (0: the usual)."""
    return Extra(*emit.application_bytes(plan, vectors or emit.vector_count(plan.graph)))


def _board(board: Board | str | None) -> Board:
    if board is None:
        raise UsageError("a board is needed; `mcuq boards` lists them")
    return load_board(board) if isinstance(board, str) else board
