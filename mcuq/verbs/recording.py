"""What a board was measured to take: kept in its project instead of the estimate, and written as a record to send."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mcuq
from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.errors import UsageError
from mcuq.files import write_file
from mcuq.fit import footprint
from mcuq.fit.footprint import total
from mcuq.fit.instructions import rates, works
from mcuq.fit.latency import swept
from mcuq.plan import Plan
from mcuq.target.board import Board
from mcuq.target.measured import Measured, MeasuredLayer, measured_path
from mcuq.verification import Verification, model_files

MEGAHERTZ = 1_000_000


def keep(project: Path, results: Sequence[Verification], record: Path | None = None) -> list[Path]:
    """Keep in a project what its board took, model by model; return the files written.

    Only what a board ran and computed rightly is kept: a computer has no time to tell, an emulated chip neither.

    Args:
        project: the folder that was verified.
        results: of it, as :func:`mcuq.verification.verify_project` returns them.
        record: a file for the measurement too, to be sent; for a project with one model.

    Raises:
        UsageError: a record of what cannot be one.
    """
    contents = {model.graph.name: model for model in map(archive.read, model_files(project))}
    told = [r for r in results if r.cycles and r.microseconds and r.microseconds.median and r.layers and r.passed]
    if record and (len(told), len(results)) != (1, 1):
        raise UsageError(f"{record}: {_why_not(results)}")
    written = []
    for result in told:
        content = measured(contents[result.model], result).dump()
        for path in filter(None, (measured_path(project, result.model), record)):
            write_file(path, content)
            written.append(path)
    return written


def _why_not(results: Sequence[Verification]) -> str:
    if len(results) != 1:
        return f"a record is of one model, this project has {len(results)}"
    (result,) = results
    if not result.passed:
        return f"{result.different} of {result.samples} results differ: what that takes tells nothing"
    return f"{result.chip} behind {result.engine} counts no cycles: a record is of a board, built with MCUQ_TRACE"


def measured(content: Archive, result: Verification) -> Measured:
    """Return the record of a model's verification on a board."""
    if not (result.cycles and result.microseconds):
        raise UsageError(_why_not([result]))
    board, plan = pipeline.board_for(content, content.board), pipeline.compile_recorded(content)
    framework = pipeline.recorded_framework(content, board)
    sdk, isa = board.sdk(framework), board.chip.isa
    clock = result.cycles.median / result.microseconds.median * MEGAHERTZ
    return Measured(
        board=board.id,
        chip=board.chip.id,
        framework=framework,
        sdk=sdk.version,
        revision=result.revision or "unknown",
        mcuq=mcuq.__version__,
        firmware=result.firmware,
        model=content.graph.name,
        digest=archive.digest(content.graph),
        samples=result.samples,
        mismatches=result.different,
        clock=round(clock / MEGAHERTZ) * MEGAHERTZ,
        cycles=result.cycles.median,
        flash_mode=board.flash_mode,
        flash_frequency=board.flash_frequency,
        constants=max(1, total(footprint.constants(plan))),
        code=sum(footprint.measured(isa).kernel(name).code for name in footprint.kernel_files(plan, isa)),
        layers=tuple(_layers(plan, board, result)),
    )


def _layers(plan: Plan, board: Board, result: Verification) -> list[MeasuredLayer]:
    known, done = rates(board.chip.isa), works(plan)
    layers = []
    for step in plan.steps:
        kernel = step.params.kernel
        instructions = known[kernel].instructions(done[step.name]) if kernel in known else 0
        size, sweeps = swept(plan, step)
        layers.append(MeasuredLayer(step.name, kernel, result.layers[step.name], round(instructions), size, sweeps))
    return layers
