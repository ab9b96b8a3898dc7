"""A model on a board in figures: what pages hold as data for programs, and what two models are compared by.

A page holds them as JSON in an element that no browser executes. Whoever reads them back trusts nothing: the element is
found as text, in time that grows with the file's size alone, and every field is checked against its annotation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as fields_in
from pathlib import Path
from typing import Any, TypeVar

from mcuq.archive_json import fields_of
from mcuq.errors import MalformedModelError
from mcuq.evaluation import Evaluation
from mcuq.fit import FitReport
from mcuq.fit.latency import Latency
from mcuq.graph import Graph
from mcuq.limits import PAGE_BYTES
from mcuq.page.layers import Facts, facts
from mcuq.plan import Plan
from mcuq.reading import content_of, gate, json_of, printable

SCHEMA = "mcuq/figures/1"
OPENING = '<script type="application/json" id="mcuq-figures">'
CLOSING = "</script>"
ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}  # so that no text of a model's ends the element
LARGEST = 1e15  # of any number: beyond it none is a model's


@dataclass(frozen=True)
class LayerFacts(Facts):
    """A layer, and what it takes on a board; None where that is not known.

    ``microseconds`` are measured or estimated, as :class:`mcuq.fit.latency.Latency` of the model says.
    """

    instructions: int | None = None
    microseconds: float | None = None


@dataclass(frozen=True)
class Figure:
    """A number of a whole model: what it is, and its unit, empty for a count."""

    what: str
    unit: str
    value: float


_T = TypeVar("_T", Figure, LayerFacts)


@dataclass(frozen=True)
class Figures:
    """A model on a board.

    Attributes:
        model: its name.
        board: what bytes, instructions and times are those of.
        framework: and its version.
        whole: of the whole model.
        layers: by name, in execution order.
    """

    model: str
    board: str
    framework: str
    whole: tuple[Figure, ...]
    layers: Mapping[str, LayerFacts]

    def to_json(self) -> str:
        """Return the text of a page's element: the same for the same figures."""
        plain = {"schema": SCHEMA, "model": self.model, "board": self.board, "framework": self.framework}
        listed = {"figures": [asdict(figure) for figure in self.whole]}
        listed["layers"] = [{"name": name, **asdict(layer)} for name, layer in self.layers.items()]
        text = json.dumps(plain | listed, separators=(",", ":"))
        return "".join(ESCAPED.get(character, character) for character in text)


def by_layer(plan: Plan, counted: Mapping[str, int]) -> dict[str, int]:
    """Return the instructions of a plan's steps as those of the model's layers: strips of one are summed."""
    found: dict[str, int] = {}
    for name, number in counted.items():
        layer = plan.strips.layers.get(name, name)
        found[layer] = found.get(layer, 0) + number
    return found


def figures(graph: Graph, fit: FitReport, counted: Mapping[str, int], judged: Evaluation | None) -> Figures:
    """Return what is said of a model on a board.

    Args:
        graph: the model.
        fit: what it needs of the board.
        counted: instructions by layer; empty: they were not counted.
        judged: what labels say; None without data.
    """
    time = fit.times[0] if fit.times else Latency(fit.model, "none", problem=fit.problem)
    layers = dict(_layers(graph, counted, time))
    found: dict[tuple[str, str], float | None] = {
        ("arena", "bytes"): fit.arena_bytes,
        ("arena, input and output", "bytes"): fit.total_bytes,
        ("state", "bytes"): sum(graph.values[s.read].bytes for s in graph.states),
        ("flash", "bytes"): fit.own_flash,
        ("parameters", ""): sum(layer.parameters for layer in layers.values()),
        ("multiply-accumulates", ""): sum(layer.macs for layer in layers.values()),
        ("fits", ""): float(fit.fits),
    }
    if counted:
        found["instructions", ""] = sum(counted.values())
    found |= _of_time(time)
    if judged:
        found |= {("accuracy", "%"): _percent(judged.integer_accuracy), ("RMSE", ""): judged.integer_rmse}
        found |= {("accuracy of the float model", "%"): _percent(judged.float_accuracy)}
        found |= {("samples", ""): judged.samples}
    whole = tuple(Figure(*key, value) for key, value in found.items() if value is not None)
    return Figures(graph.name, fit.board, f"{fit.framework} {fit.sdk}", whole, layers)


def _layers(graph: Graph, counted: Mapping[str, int], time: Latency) -> Iterator[tuple[str, LayerFacts]]:
    cycles: dict[str, int] = {}
    for part in time.layers:
        cycles[part.layer] = cycles.get(part.layer, 0) + part.cycles
    for node in graph.nodes:
        spent = round(1e6 * cycles[node.name] / time.clock, 1) if node.name in cycles else None
        yield node.name, LayerFacts(**vars(facts(graph, node)), instructions=counted.get(node.name), microseconds=spent)


def _of_time(time: Latency) -> dict[tuple[str, str], float | None]:
    """Return milliseconds as what they are: measured, estimated with an error, or a range."""
    if time.basis == "none":
        return {}
    if time.basis == "unproved":
        return {("inference, unproved, from", "ms"): time.low, ("inference, unproved, to", "ms"): time.high}
    found: dict[tuple[str, str], float | None] = {(f"inference, {time.basis}", "ms"): time.milliseconds}
    if time.error is not None:
        found["error of the estimate", "%"] = 100 * time.error
    return found


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def read_page(path: Path) -> Figures:
    """Return the figures in a page that ``mcuq report`` or ``mcuq build`` wrote.

    Raises:
        UsageError: for a file that is missing or too large.
        MalformedModelError: for one that holds none, or others than those of this version.
    """
    content = content_of(path, PAGE_BYTES)
    with gate(path, "a report of mcuq"):
        _, found, rest = content.partition(OPENING.encode())
        text, closed, _ = rest.partition(CLOSING.encode())
        if not found or not closed:
            raise MalformedModelError("holds no figures: no report of mcuq, or one of a version that wrote none")
        return _restored(json_of(text))


def _restored(document: Mapping[str, Any]) -> Figures:
    if (schema := document["schema"]) != SCHEMA:
        raise MalformedModelError(f"holds {printable(repr(schema), 80)}, this mcuq reads {SCHEMA!r}")
    model, board, framework = (_text(document[key]) for key in ("model", "board", "framework"))
    whole = tuple(_known(Figure, fields) for fields in document["figures"])
    layers = {}
    for fields in document["layers"]:
        name = _text(fields["name"])
        if name in layers:
            raise MalformedModelError(f"holds the layer {printable(name, 80)} twice")
        layers[name] = _known(LayerFacts, fields)
    if len({(figure.what, figure.unit) for figure in whole}) < len(whole):
        raise MalformedModelError("holds a figure twice")
    for values in (vars(part).values() for part in (*whole, *layers.values())):
        for value in values:
            for number in value if isinstance(value, tuple) else (value,):
                _require_plain(number)
    return Figures(model, board, framework, whole, layers)


def _known(cls: type[_T], given: Mapping[str, Any]) -> _T:
    """Return an object of what is given; fields that a later version added are passed over."""
    names = {field.name for field in fields_in(cls)}
    return cls(**fields_of(cls, {name: value for name, value in given.items() if name in names}))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedModelError(f"holds {printable(repr(value), 80)} for a text")
    return value


def _require_plain(value: object) -> None:
    if isinstance(value, int | float) and not abs(value) < LARGEST:  # nor not a number
        raise MalformedModelError("holds a number that is none of a model")
