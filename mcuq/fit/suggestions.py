"""What would help a model that does not fit: changes that were each checked to, the least effort first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mcuq import fit
from mcuq.fit import FitReport, Suggestion
from mcuq.fit.regions import Place
from mcuq.graph import Graph
from mcuq.ops.groups import PACKED
from mcuq.passes.arrivals import without_arrivals
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.target.board import Board, Partition, known_partitions

MAX_BOARDS = 3
FLASH_REGIONS = ("app partition", "constant window")


def suggestions(plan: Plan, place: Place, report: FitReport) -> Iterator[Suggestion]:
    """Yield changes after which the model fits: options of mcuq, then fewer bits per weight, then other boards."""
    short = report.first_short
    if place.beside and not place.setup.share_arena:
        shared = fit.estimate(plan, replace(place, setup=replace(place.setup, share_arena=True)))
        if shared.fits:
            yield Suggestion("--share-arena", _free(shared, short))
    yield from _options(plan, place, short)
    yield from _fewer_bits(plan, place, report, short)
    if place.beside:  # they are lowered for this board
        return
    everywhere = fit.compare(_model(plan), replace(place.setup, partition=""), place.extra)
    others = [report for report in everywhere if report.fits and report.board != place.board.id]
    for other in others[:MAX_BOARDS]:
        yield Suggestion(f"--board {other.board}", _free(other, short))


def _model(plan: Plan) -> Graph:
    """Return the graph that a plan was made from, before its chains."""
    graph = (plan.unchained or plan).graph
    return without_arrivals(graph) if plan.rows_arrive else graph


def _options(plan: Plan, place: Place, short: str) -> Iterator[Suggestion]:
    """Yield the smallest sets of other options with which the model fits."""
    accepted: list[frozenset[str]] = []
    for changes in sorted(_changes(place), key=lambda changes: (len(changes), "framework" in changes)):
        what = frozenset(f"{key} {value}" if key == "arena" else key for key, value in changes.items())
        if not changes or any(smaller <= what for smaller in accepted):
            continue
        found = fit.estimate(plan, _changed(place, changes))
        if found.fits:
            accepted.append(what)
            yield Suggestion(" ".join(f"--{key} {value}" for key, value in changes.items()), _free(found, short))


def _changes(place: Place) -> Iterator[Mapping[str, str]]:
    """Yield all combinations of other options, each as option and value."""
    board, now = place.board, place.setup
    arenas = [name for name in ("static", "heap", "psram") if name != now.arena and (name != "psram" or board.psram)]
    for arena, framework in itertools.product(["", *arenas], board.frameworks):
        change = {"arena": arena} if arena else {}
        if framework != place.framework:
            change["framework"] = framework
        own = place.partition if framework == place.framework else board.partition(framework)
        for table in ["", *_larger_partitions(board, framework, own)]:
            yield change | ({"partition": table} if table else {})


def _changed(place: Place, changes: Mapping[str, str]) -> Place:
    framework = changes.get("framework", place.framework)
    own = place.setup.partition if framework == place.framework else ""
    given = {"arena": changes.get("arena"), "partition": changes.get("partition", own)}
    return replace(place, framework=framework, setup=place.setup.updated(given))


def _larger_partitions(board: Board, framework: str, own: Partition) -> list[str]:
    """Return partition tables of the framework that the board's flash holds and that give more room, smallest first."""
    known = known_partitions(framework).values()
    larger = [p for p in known if p.app.bytes > own.app.bytes and p.flash.bytes <= board.flash.bytes]
    return [p.table for p in sorted(larger, key=lambda p: p.app.bytes)]


def _fewer_bits(plan: Plan, place: Place, report: FitReport, short: str) -> Iterator[Suggestion]:
    """Yield the fewest layers, the largest first, whose weights have to be of 4 bits."""
    missing = -min(row.free for row in report.rows if not row.fits)
    if any(not row.fits and row.region not in FLASH_REGIONS for row in report.rows):
        return
    layers, saved = [], 0
    for layer, size in sorted(_weights(plan.graph).items(), key=lambda item: -item[1]):
        layers.append(layer)
        saved += size // 2
        if saved < missing:
            continue
        smaller = fit.estimate(_in_fewer_bits(plan, layers), place)
        if smaller.fits:
            free = _free(smaller, short)
            names = [plan.strips.layers.get(layer, layer) for layer in layers]
            change = " ".join(["quantize", *(f"--layer-bits {name}=4" for name in names)])
            yield Suggestion(change, free, free - _free(report, short))
            return


def _in_fewer_bits(plan: Plan, layers: Sequence[str]) -> Plan:
    return build_plan(_in_four_bits(plan.graph, layers), plan.families, plan.io_in_arena, strips=plan.strips)


def _weights(graph: Graph) -> dict[str, int]:
    """Return the bytes of the weights of 8 bits by layer; shared ones count for the first layer."""
    found: dict[str, tuple[str, int]] = {}
    for node in graph.nodes:
        for name in node.inputs[1:2] if isinstance(node.op, PACKED) else ():
            if graph.constants[name].bits == 8:
                found.setdefault(name, (node.name, graph.constants[name].elements))
    return dict(found.values())


def _in_four_bits(graph: Graph, layers: Sequence[str]) -> Graph:
    """Return a model of the same size as one quantized so."""
    names = {node.inputs[1] for node in graph.nodes if node.name in layers}
    fewer = {n: replace(c := graph.constants[n], values=c.values >> 4, scale=c.scale * 16, bits=4) for n in names}
    return replace(graph, constants={**graph.constants, **fewer})


def _free(report: FitReport, region: str) -> int:
    """Return what is left in a region; in a report without it (another kind of arena) what is left of all memory."""
    row = report.row(region) or report.row("memory at run time")
    return row.free if row else 0
