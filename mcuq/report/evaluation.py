"""An evaluation as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcuq.evaluation import Evaluation, Layer
from mcuq.graph import Graph
from mcuq.report import Report, thousands


def evaluation(graph: Graph, e: Evaluation) -> Report:
    """Report what the integers cost: accuracy, and the noise of every layer."""
    layers = [_judged(layer) for layer in e.layers if layer.values]
    data: dict[str, Any] = {"model": graph.name, "samples": e.samples, "layers": layers}
    data |= {"float_accuracy": e.float_accuracy, "integer_accuracy": e.integer_accuracy, "agreement": e.agreement}
    data["look_at_first"] = e.worst.name if e.worst else None
    rows = [
        [
            str(layer["name"]),
            _decibels(layer["weights_sqnr"]),
            _decibels(layer["output_sqnr"]),
            _decibels(layer["own_sqnr"]),
            f"{100 * layer['clipped']:.2f} %",
        ]
        for layer in layers
    ]
    columns = ["layer", ">weights, dB", ">output, dB", ">alone, dB", ">clipped"]
    return Report(data, graph.name, columns, rows, list(_evaluation_lines(e)))


def _judged(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "op": layer.op,
        "weights_sqnr": layer.weights,
        "output_sqnr": layer.output.sqnr,
        "own_sqnr": layer.own.sqnr,
        "clipped": layer.clipped,
    }


def _decibels(sqnr: float | None) -> str:
    return "" if sqnr is None else f"{sqnr:.1f}"


def _evaluation_lines(e: Evaluation) -> Iterator[str]:
    if e.layers:
        yield "SQNR: weights; output with the errors of all layers before it; alone = with the float model's inputs"
    what = {"float": e.float_accuracy, "integers": e.integer_accuracy}
    known = [f"{name} {100 * share:.1f} %" for name, share in what.items() if share is not None]
    if known:
        yield f"accuracy on {thousands(e.samples)} samples: {', '.join(known)}"
    if e.agreement is not None:
        yield f"same arg-max as the float model: {100 * e.agreement:.1f} % of {thousands(e.samples)} samples"
    if e.worst:
        yield f"look at {e.worst.name} first: alone it is {e.worst.own.sqnr:.1f} dB, the least of all layers"
    if not e.layers:
        yield "per-layer figures need the float model: evaluate a float file, or what `mcuq quantize` wrote"
