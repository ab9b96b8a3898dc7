"""Simulations and verifications."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mcuq.report import Report, thousands

if TYPE_CHECKING:
    from mcuq.data import Samples
    from mcuq.graph import Graph
    from mcuq.tensor import Array
    from mcuq.verification import Verification


def simulation(graph: Graph, samples: Samples, outputs: Mapping[str, Array], engine: str, path: Path | None) -> Report:
    """Report a simulation: how many samples, and the accuracy where there are labels."""
    data: dict[str, Any] = {"model": graph.name, "engine": engine, "samples": len(samples)}
    lines = [f"{graph.name}: {thousands(len(samples))} samples simulated ({engine})"]
    if samples.labels is not None and len(outputs) == 1:
        scores = next(iter(outputs.values())).reshape(len(samples), -1)
        correct = int(np.count_nonzero(scores.argmax(axis=1) == samples.labels))
        data |= {"correct": correct, "accuracy": correct / len(samples)}
        share = 100 * correct / len(samples)
        lines.append(f"{thousands(correct)} of {thousands(len(samples))} correct ({share:.1f} %)")
    if path:
        data["output"] = str(path)
        lines.append(f"outputs written to {path}")
    return Report(data, lines=lines)


def verification(results: Sequence[Verification]) -> Report:
    """Report a verification, model by model; with the cycles of every layer where they were counted."""
    lines = []
    for r in results:
        equal = r.samples - r.different
        lines.append(f"{r.model} on {r.engine}: {equal} of {r.samples} samples equal to the simulator, byte for byte")
        lines += [f"  {line}" for line in _verification_details(r)]
    return Report([dataclasses.asdict(r) | {"passed": r.passed} for r in results], lines=lines)


def _verification_details(r: Verification) -> Iterator[str]:
    if r.first:
        yield str(r.first)
    if r.self_test is False:
        yield "the embedded self-test vectors do not pass"
    if r.faults:
        yield f"the line was disturbed: {r.faults} requests had to be sent again"
    if not r.layers:
        return
    time, cycles = r.microseconds, r.cycles
    yield f"chip {r.chip}; microseconds {time.minimum} / {time.median} / {time.maximum} (min / median / max)"
    yield f"cycles {thousands(cycles.median)} (median); stack used {thousands(r.stack_used)} bytes"
    width = max(len(name) for name in r.layers)
    for name, count in r.layers.items():
        yield f"{name:<{width}}  {count:>12,} cycles"
