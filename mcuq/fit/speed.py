"""Kernels that are faster and take more flash: which layers of a plan get theirs on a board."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mcuq import kernels
from mcuq.fit import footprint, regions
from mcuq.fit.footprint import total
from mcuq.fit.regions import Place
from mcuq.kernels.layer import Faster
from mcuq.ops.base import Params
from mcuq.plan import Plan, Speedup
from mcuq.plan.builder import build_plan


class _Offer(NamedTuple):
    """A faster kernel for one layer, by its steps: the bytes that its tables grow, the instructions it saves."""

    layer: str
    params: Mapping[str, Params]
    bytes: int
    saved: int


def with_faster_kernels(plan: Plan, place: Place) -> Plan:
    """Return the plan with as many faster kernels as fit the board, if its setup asks for speed.

    Those that save most per byte of their tables come first. Where the plan does not fit as it is, it stays so.
    """
    if not place.setup.speed:
        return plan
    offers = sorted(_offers(plan), key=lambda offer: -offer.saved / offer.bytes)
    faster, count = next(_fitting(plan, offers, place), (plan, 0))
    speedup = Speedup(
        layers=tuple(offer.layer for offer in offers[:count]),
        kept_back=tuple(offer.layer for offer in offers[count:]),
        flash=_flash(faster, place) - _flash(plan, place),
        arena=faster.arena_bytes - plan.arena_bytes,
        instructions=sum(offer.saved for offer in offers[:count]),
    )
    return replace(faster, speedup=speedup)


def _fitting(plan: Plan, offers: Sequence[_Offer], place: Place) -> Iterator[tuple[Plan, int]]:
    """Yield plans that fit with how many of the first offers they take, the most first."""
    for count in range(len(offers), 0, -1) if _fits(plan, place) else ():
        taken = {step: params for offer in offers[:count] for step, params in offer.params.items()}
        made = build_plan(plan.graph, plan.families, plan.io_in_arena, taken, strips=plan.strips)
        faster = replace(made, unchained=plan.unchained)
        if _fits(faster, place):
            yield faster, count


def _offers(plan: Plan) -> Iterator[_Offer]:
    """Yield what is faster layer by layer; strips of a layer have the same tables, and are taken together."""
    known: dict[Params, Faster | None] = {}
    found: dict[str, dict[str, Faster]] = {}
    for step in plan.steps:
        if step.params not in known:
            known[step.params] = kernels.faster(step.params, plan.families)
        if faster := known[step.params]:
            found.setdefault(plan.strips.layers.get(step.name, step.name), {})[step.name] = faster
    sizes = {step.name: footprint.tables_bytes(step.params) for step in plan.steps}
    for layer, steps in found.items():
        growth = max(footprint.tables_bytes(faster.params) - sizes[step] for step, faster in steps.items())
        saved = sum(faster.saved for faster in steps.values())
        yield _Offer(layer, {step: faster.params for step, faster in steps.items()}, max(1, growth), saved)


def _fits(plan: Plan, place: Place) -> bool:
    return all(row.fits for row in regions.estimate(plan, place))


def _flash(plan: Plan, place: Place) -> int:
    return total(footprint.constants(plan)) + total(footprint.code(plan, place.chip.isa))
