"""Memory of models with and without strips of rows: ``python benchmarks/memory.py [SHARED [FILE]]``.

The MLPerf Tiny models and person_detect as files, and MobileNetV2 0.35 from Keras at several sizes with random weights,
which its memory does not depend on. Bytes: arena, state, input and output; instructions: what mcuq estimates, relative
to the plan without strips. Nothing is emulated.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import mcuq
from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.fit.budgets import smaller
from mcuq.fit.chains import needed
from mcuq.fit.strip_costs import instructions_of
from mcuq.graph import Graph
from mcuq.loading import load
from mcuq.plan import Plan
from mcuq.target.board import load_board
from mcuq.target.setup import Setup

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "benchmarks" / "results" / "memory-2026-11-30.md"
BOARDS = ("esp32dev", "esp32-c3-devkitm-1")
FILES = {
    "KWS": "mlperf/kws_dscnn_int8",
    "IC": "mlperf/ic_resnet8_int8",
    "VWW": "mlperf/vww_mbv1_025_int8",
    "AD": "mlperf/ad01_int8",
    "SWW": "mlperf/sww_int8",
    "person_detect": "tflm/person_detect",
}
SIZES = (96, 128, 144, 160)  # of the images of MobileNetV2
HEAD = (
    "| model | input and output | without | default | beside input and output | instructions | least | instructions |"
)


def mobilenet_v2(size: int) -> Graph:
    """Return MobileNetV2 0.35 of two classes, quantized with two samples of noise."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras = importlib.import_module("keras")  # which takes its time, after the files
    keras.utils.set_random_seed(0)
    shape = (size, size, 3)
    options = {"alpha": 0.35, "weights": None, "classes": 2, "classifier_activation": None}
    net = keras.applications.MobileNetV2(input_shape=shape, **options)
    samples = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype(np.float32)
    graph: Graph = mcuq.quantize(net, samples, corrections=())
    return graph


def models(shared: Path) -> Iterator[tuple[str, Graph]]:
    """Yield every model under its name."""
    for name, file in FILES.items():
        graph = load(shared / "models" / f"{file}.tflite")
        assert isinstance(graph, Graph)
        yield name, graph
    for size in SIZES:
        yield f"MobileNetV2 0.35, {size}x{size}", mobilenet_v2(size)


def planned(graph: Graph, board: str, slower: int | None) -> Plan:
    """Return the plan that ``mcuq build`` makes."""
    return pipeline.compile_for(Archive(graph), load_board(board), "", Setup(slower=slower))


def row(name: str, graph: Graph, board: str) -> str:
    """Return a line of the table."""
    whole, plan = (planned(graph, board, slower) for slower in (0, None))
    border = sum(graph.values[value].bytes for value in {*graph.inputs, *graph.outputs})
    least = smaller(plan, Setup())[-1:]
    price = instructions_of(plan) / instructions_of(whole)
    last = f"{least[0].ram:,} | {price * least[0].instructions:.2f}x" if least else "- | -"
    numbers = f"{border:,} | {needed(whole):,} | {needed(plan):,} | {needed(plan) - border:,} | {price:.2f}x"
    return f"| {name} | {numbers} | {last} |"


def report(shared: Path) -> Iterator[str]:
    """Yield the lines of the report."""
    yield "# Memory with and without strips of rows, 2026-11-30\n"
    yield "Bytes of arena, state, input and output together, and instructions by mcuq's estimate; written by"
    yield "`python benchmarks/memory.py`. Without: `--slower 0`; least: the smallest `--ram`, where that is less."
    every = list(models(shared))
    for board in BOARDS:
        yield f"\n## {board}\n\n{HEAD}\n|---|---:|---:|---:|---:|---:|---:|---:|"
        for name, graph in every:
            yield row(name, graph, board)


def main() -> None:
    """Print the report and write it."""
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else TARGET
    lines = []
    for line in report(shared):
        print(line, flush=True)
        lines.append(line)
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
