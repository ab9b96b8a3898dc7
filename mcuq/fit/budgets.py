"""Smaller amounts of memory that a model fits in too, each with what it costs in instructions."""

from __future__ import annotations

from dataclasses import dataclass

from mcuq.fit.chains import WORTH, every_way, least, needed, within
from mcuq.fit.strip_costs import instructions_of
from mcuq.plan import Plan
from mcuq.target.setup import Setup

GRAIN = 256  # bytes that budgets are a multiple of, but for the least


@dataclass(frozen=True)
class Budget:
    """Bytes that ``--ram`` can be; the estimated instructions, 1 being those of the plan at hand."""

    ram: int
    instructions: float


def smaller(plan: Plan, setup: Setup) -> tuple[Budget, ...]:
    """Return up to three smaller amounts of memory that a model was planned for, the least that is possible last.

    Args:
        plan: of the model, as it is chosen for a board.
        setup: where its inputs and outputs may lie.

    Returns:
        None of them where less than 1,024 bytes could be saved, or where other kernels were asked for.
    """
    if setup.speed:
        return ()
    whole = plan.unchained or plan
    ways = every_way(whole.graph, whole, setup.io_in_arena)
    last = least(whole.graph, whole, ways)
    most, fewest = needed(plan), needed(last)
    if most - fewest < WORTH:
        return ()
    asked = [-(-(most - part * (most - fewest) // 3) // GRAIN) * GRAIN for part in (1, 2)]
    plans = {ram: within(whole.graph, whole, ways, ram) for ram in asked if fewest < ram < most} | {fewest: last}
    now, below = instructions_of(plan), [*list(plans)[1:], 0]
    return tuple(
        Budget(ram, round(instructions_of(found) / now, 4))
        for (ram, found), next_ram in zip(plans.items(), below, strict=True)
        if needed(found) > next_ram
    )
