"""Instructions of a candidate on the emulated chip of its board."""

from __future__ import annotations

from mcuq import verification
from mcuq.search.candidate import Candidate
from mcuq.search.measuring import built, compiled
from mcuq.search.task import Task
from mcuq.search.threads import one_thread
from mcuq.verification import Engine

ENGINES: dict[str, Engine] = {"rv32imc": "rv32", "xtensa": "xtensa"}


def instructions(task: Task, candidate: Candidate) -> int:
    """Count the instructions for the first sample that scores.

    Raises:
        ToolMissingError: without the chip's compiler or emulator.
    """
    with one_thread():
        plan = compiled(task, built(task, candidate).graph)
    first = {name: x[:1] for name, x in task.inputs.items()}
    runs = verification.simulate_on(ENGINES[task.board.chip.isa], plan, first)
    return int(runs.cycles[0])
