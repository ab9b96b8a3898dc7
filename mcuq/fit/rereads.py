"""What it costs that strips read weights again, from flash: the cache holds those of small models alone.

``--slower`` counts instructions, of which this takes none. It decides between plans of nearly the same memory, and
keeps the default from a plan that would be far slower.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcuq.fit.cuts import Cuts
from mcuq.fit.footprint import tables_bytes
from mcuq.fit.strip_costs import instructions_of
from mcuq.passes.chains import Chain
from mcuq.plan import Plan

CACHE = 16384  # bytes of flash that the smallest of the chips' caches holds
PER_BYTE_AGAIN = 6  # cycles of an ESP32 whose flash is read with four bits at 80 MHz


def burden(plan: Plan) -> float:
    """Return a plan's instructions, and what weights cost that strips read again after those of a cache's size."""
    tables = {step.name: tables_bytes(step.params) for step in plan.steps}
    first: dict[str, int] = {}
    for step in plan.steps:
        first.setdefault(plan.strips.layers.get(step.name, step.name), tables[step.name])
    once = sum(first.values())
    return instructions_of(plan) + _cost(once, sum(tables.values()) - once)


def expected(whole: Plan, cuts: Cuts, chains: Sequence[Chain], instructions: float) -> float:
    """Estimate the burden of chains that are not planned yet.

    Args:
        whole: the plan without chains.
        cuts: of its model.
        chains: that are looked at.
        instructions: that they are estimated to take, the other layers included.
    """
    tables = {step.name: tables_bytes(step.params) for step in whole.steps}
    found = [cut for chain in chains if (cut := cuts.of(chain))]
    again = sum(tables.get(link.node.name, 0) * (cut.calls(link) - 1) for cut in found for link in cut.links)
    return instructions + _cost(sum(tables.values()), again)


def _cost(once: float, again: float) -> float:
    """Return the cycles of bytes that are read again, where reading them all once is more than a cache holds."""
    return PER_BYTE_AGAIN * max(0, again) if once > CACHE else 0
