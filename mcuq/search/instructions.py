"""Instructions of a candidate on the emulated chip of its board."""

from __future__ import annotations

from mcuq import verification
from mcuq.search.candidate import Candidate
from mcuq.search.measuring import built, compiled
from mcuq.search.task import Task
from mcuq.search.threads import one_thread
from mcuq.verification import Engine

ENGINES: dict[str, Engine] = {"rv32imc": "rv32", "xtensa": "xtensa"}
UNITS: dict[str, Engine] = {"s3": "s3"}  # families whose instructions another emulated chip has


def instructions(task: Task, candidate: Candidate) -> int:
    """Count the instructions for the first sample that scores.

    Raises:
        ToolMissingError: without the chip's compiler or emulator.
    """
    with one_thread():
        plan = compiled(task, built(task, candidate).graph)
    first = {name: x[:1] for name, x in task.inputs.items()}
    chip = task.board.chip
    engine = next((UNITS[family] for family in chip.kernels if family in UNITS), ENGINES[chip.isa])
    runs = verification.simulate_on(engine, plan, first)
    return int(runs.cycles[0])
