"""Simulations and verifications."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcuq.report import Report, thousands

if TYPE_CHECKING:
    from mcuq.data import Samples
    from mcuq.graph import Graph
    from mcuq.samples.judging import Tally
    from mcuq.verification import Verification


def simulation(graph: Graph, samples: Samples, judged: Tally | None, engine: str, path: Path | None) -> Report:
    """Report a simulation: how many samples, and how good the answers are where the samples say."""
    data: dict[str, Any] = {"model": graph.name, "engine": engine, "samples": len(samples)}
    data["notes"] = list(samples.notes)
    lines = [*samples.notes, f"{graph.name}: {thousands(len(samples))} samples simulated ({engine})"]
    if judged:
        data |= judgement(judged)
        lines.append(judged_line(judged))
    if path:
        data |= {"output": str(path), "outputs": list(graph.outputs)}
        named = f": {', '.join(graph.outputs)}" if len(graph.outputs) > 1 else ""
        lines.append(f"outputs written to {path}{named}")
    return Report("simulate", data, lines=lines)


def judgement(judged: Tally) -> dict[str, Any]:
    """Return a judgement as data; what its task does not have is None."""
    correct = judged.right if judged.task.counts else None
    return {
        "task": judged.task.kind,
        "judged_by": judged.task.how,
        "correct": correct,
        "accuracy": judged.accuracy,
        "rmse": judged.rmse,
    }


def judged_line(judged: Tally) -> str:
    """Return a judgement as a line."""
    if judged.accuracy is None:
        return f"RMSE {judged.text} ({judged.task.how})"
    counts = f"{thousands(judged.right)} of {thousands(judged.samples)}"
    return f"{counts} correct ({judged.text}; {judged.task.how})"


def verification(results: Sequence[Verification], kept: Sequence[Path] = ()) -> Report:
    """Report a verification, model by model; with what layers take where that was counted, and files left."""
    lines = []
    for r in results:
        equal = r.samples - r.different
        lines.append(f"{r.model} on {r.engine}: {equal} of {r.samples} samples equal to the simulator, byte for byte")
        lines += [f"  {line}" for line in _verification_details(r)]
    lines += [f"measured times are kept in {path}" for path in kept]
    return Report("verify", {"models": [_verified(r) for r in results]}, lines=lines)


def _verified(r: Verification) -> dict[str, Any]:
    data = dataclasses.asdict(dataclasses.replace(r, judged=None)) | {"passed": r.passed}
    del data["judged"]
    return data | (judgement(r.judged) if r.judged else {})


def _verification_details(r: Verification) -> Iterator[str]:
    yield from r.notes
    if r.judged:
        yield judged_line(r.judged)
    if r.different and len(r.outputs) > 1:
        yield "; ".join(f"output {name}: {r.samples - n} of {r.samples} equal" for name, n in r.outputs.items())
    if r.first:
        yield str(r.first)
    if r.self_test is False:
        yield "the embedded self-test vectors do not pass"
    if r.faults:
        yield f"the line was disturbed: {r.faults} requests had to be sent again"
    if r.layers:
        yield from _taken(r)


def _taken(r: Verification) -> Iterator[str]:
    """Yield what an inference takes: time and cycles of a board, instructions of an emulated chip."""
    time = r.microseconds
    spread = f"; microseconds {time.minimum} / {time.median} / {time.maximum} (min / median / max)" if time else ""
    yield f"chip {r.chip}{spread}"
    unit, counts = ("instructions", r.instructions) if r.instructions else ("cycles", r.cycles)
    if counts:
        yield f"{unit} {thousands(counts.median)} (median); stack used {thousands(r.stack_used)} bytes"
    width = max(len(name) for name in r.layers)
    for name, count in r.layers.items():
        yield f"{name:<{width}}  {count:>12,} {unit}"
