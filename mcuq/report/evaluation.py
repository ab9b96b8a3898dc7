"""An evaluation as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mcuq.evaluation import Evaluation
from mcuq.evaluation.causes import WORTH, Causes
from mcuq.evaluation.layers import Layer
from mcuq.graph import Graph
from mcuq.report import Report, thousands
from mcuq.report.metrics import as_data, figure, judged_lines


def evaluation(graph: Graph, e: Evaluation, notes: Sequence[str] = ()) -> Report:
    """Report what the integers cost: how good the answers are, and the noise of every layer."""
    layers = [_judged(layer) for layer in e.layers if layer.values]
    data: dict[str, Any] = {"model": graph.name, "samples": e.samples, "layers": layers}
    data |= {"float_accuracy": e.float_accuracy, "integer_accuracy": e.integer_accuracy, "agreement": e.agreement}
    data |= {"task": e.task.kind, "judged_by": e.task.how} if e.task else {"task": None, "judged_by": None}
    data |= {"float_rmse": e.float_rmse, "integer_rmse": e.integer_rmse, "difference": e.difference}
    classes = e.task.names if e.task else ()
    data |= {"float": as_data(e.real, classes), "integers": as_data(e.integer, classes), "gain": figure(e.gain)}
    data["notes"] = list(notes)
    data["look_at_first"] = e.worst.name if e.worst else None
    rows = [
        [
            str(layer["name"]),
            _decibels(layer["weights_sqnr"]),
            _decibels(layer["output_sqnr"]),
            _decibels(layer["own_sqnr"]),
            f"{100 * layer['clipped']:.2f} %",
            layer["mostly"],
        ]
        for layer in layers
    ]
    columns = ["layer", ">weights, dB", ">output, dB", ">alone, dB", ">clipped", "error by"]
    return Report("evaluate", data, graph.name, columns, rows, [*notes, *_evaluation_lines(e)])


def _judged(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "op": layer.op,
        "weights_sqnr": layer.weights,
        "output_sqnr": layer.output.sqnr,
        "own_sqnr": layer.own.sqnr,
        "clipped": layer.clipped,
        "mostly": layer.causes.main if layer.causes else "",
        "error_by": layer.causes.shares if layer.causes else {},
        "tried": {remedy.what: remedy.gain for remedy in layer.causes.remedies} if layer.causes else {},
        "wider_activations_gain": layer.causes.wider if layer.causes else None,
        "hint": layer.causes.hint if layer.causes else "",
    }


def _decibels(sqnr: float | None) -> str:
    return "" if sqnr is None else f"{sqnr:.1f}"


def _evaluation_lines(e: Evaluation) -> Iterator[str]:
    if e.layers:
        yield "SQNR: weights; output with the errors of all layers before it; alone = with the float model's inputs"
    yield from _judged_lines(e)
    if e.worst:
        yield f"look at {e.worst.name} first: alone it is {e.worst.own.sqnr:.1f} dB, the least of all layers"
        if e.worst.causes:
            yield from _remedy_lines(e.worst.causes)
    yield from (layer.causes.hint for layer in e.layers if layer.causes and layer.causes.hint)
    if not e.layers:
        yield "per-layer figures need the float model: evaluate a float file, or what `mcuq quantize` wrote"


def _remedy_lines(causes: Causes) -> Iterator[str]:
    """Yield what makes a layer's error, and what was tried against it."""
    if not causes.shares:
        return
    parts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in causes.shares.items())
    best = next((remedy for remedy in causes.remedies if remedy.gain >= WORTH), None)
    if best:
        yield f"its error: {parts}; of what was tried {best.what} helps most, {best.gain:+.1f} dB"
    elif causes.wider >= WORTH:
        yield f"its error: {parts}; no other range helps, activations of 16 bits would: {causes.wider:+.1f} dB"
    else:
        yield f"its error: {parts}; nothing that was tried helps"


def _judged_lines(e: Evaluation) -> Iterator[str]:
    """Yield how good the answers are, and how near to the float model's."""
    if e.task:
        both = {name: m for name, m in (("float", e.real), ("integers", e.integer)) if m}
        yield from judged_lines(both, e.task, f"{thousands(e.samples)} samples")
    if e.gain:
        yield f"integers against float: {100 * e.gain.value:+.2f} ± {100 * e.gain.error:.2f} points of accuracy"
    if e.agreement is not None:
        yield f"same answer as the float model: {100 * e.agreement:.1f} % of {thousands(e.samples)} samples"
    elif e.difference is not None:
        yield f"RMSE between the integers and the float model: {e.difference:.4g}"
