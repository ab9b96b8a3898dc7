"""What a page shows, gathered from what other stages found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from mcuq import __version__, archive
from mcuq.archive import Archive
from mcuq.evaluation import Evaluation
from mcuq.fit import FitReport
from mcuq.page.arena import Arena, Label, arena_of, labels
from mcuq.page.drawing import Drawing, drawing
from mcuq.page.figures import CLOSING, OPENING, Figures, by_layer, figures
from mcuq.page.layers import Row, rows
from mcuq.page.rendering import render
from mcuq.page.values import Values, values
from mcuq.plan import Plan
from mcuq.tensor import Array, QTensor


@dataclass(frozen=True)
class Origin:
    """What makes the same page again: the command, and what went in, by what it is."""

    command: str
    inputs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Absent:
    """Why something is not shown; empty: it is."""

    samples: str = ""
    judged: str = ""
    counted: str = ""


@dataclass(frozen=True, eq=False)
class Page:
    """A model on a board, as :func:`html` shows it.

    Attributes:
        fit: bytes per memory region.
        rows: the layers.
        arena: over time.
        drawing: the graph.
        values: histograms of weights and, where samples were given, of outputs.
        borders: inputs and outputs by name.
        judged: accuracy, and the noise of every layer; None without data.
        absent: why what is missing is.
        origin: what makes the same page again.
        figures: what a program may read of it.
    """

    fit: FitReport
    rows: tuple[Row, ...]
    arena: Arena
    drawing: Drawing
    values: tuple[Values, ...]
    borders: Mapping[str, tuple[str, QTensor]]
    judged: Evaluation | None
    absent: Absent
    origin: Origin
    figures: Figures

    @cached_property
    def totals(self) -> dict[str, int | float | None]:
        """Sums over the layers; None where layers have none."""
        counted = [row.instructions for row in self.rows if row.instructions is not None]
        estimated = [row.estimated for row in self.rows if row.estimated is not None]
        times = [row.milliseconds for row in self.rows if row.milliseconds is not None]
        return {
            "parameters": sum(row.facts.parameters for row in self.rows),
            "macs": sum(row.facts.macs for row in self.rows),
            "flash": sum(row.flash for row in self.rows),
            "instructions": sum(counted) if counted else None,
            "estimated": sum(estimated) if estimated else None,
            "milliseconds": sum(times) if times else None,
        }

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """Names within the figure of the arena."""
        return labels(self.arena)

    @cached_property
    def clipped(self) -> dict[str, float]:
        """Shares of the float model's outputs that the integers cannot reach, by layer; those of nothing left out."""
        layers = self.judged.layers if self.judged else ()
        return {layer.name: layer.clipped for layer in layers if layer.clipped}


def gather(
    model: Archive,
    plan: Plan,
    fit: FitReport,
    origin: Origin,
    *,
    inputs: Mapping[str, Array] | None = None,
    judged: Evaluation | None = None,
    counted: Mapping[str, int] | None = None,
    absent: Absent = Absent(),
) -> Page:
    """Gather what a page shows.

    Args:
        model: the quantized model.
        plan: it, lowered for the board.
        fit: what the plan needs of the board.
        origin: what makes the same page again.
        inputs: integers [samples, *shape] per input, whose activations are counted.
        judged: what labels and the float model say.
        counted: instructions by step.
        absent: why what is missing is.
    """
    graph = model.graph
    borders = {name: ("input", graph.values[name]) for name in graph.inputs}
    borders |= {name: ("output", graph.values[name]) for name in graph.outputs}
    made = (("mcuq", __version__), ("model, SHA-256", archive.digest(graph)))
    return Page(
        fit,
        rows(graph, plan, counted, next((time for time in fit.times if time.model == plan.graph.name), None)),
        arena_of(plan),
        drawing(graph),
        values(graph, inputs),
        borders,
        judged,
        absent,
        Origin(origin.command, (*made, *origin.inputs)),
        figures(graph, fit, by_layer(plan, counted or {}), judged),
    )


def html(page: Page) -> bytes:
    """Return the page: one file that needs no other, the same bytes for the same facts."""
    data = Markup(f"{OPENING}{page.figures.to_json()}{CLOSING}")  # which escapes what HTML would read
    return render("page.html.j2", {"page": page, "data": data}).encode()
