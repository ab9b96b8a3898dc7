"""Count instructions of models as a whole and streamed, on the emulated chips; print a table in Markdown.

    python benchmarks/streaming.py

The models: a causal temporal convolutional net (four residual blocks of 32 channels, three taps, dilations 1, 2, 4 and
8; weights drawn at random), whose whole run sees the 31 frames that one answer depends on; and the streaming wake word
model of MLPerf Tiny where ../shared has it. Every output byte is compared with the simulator's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from stream_graphs import Causal

from mcuq import emit, loading, pipeline, verification
from mcuq.graph import Graph
from mcuq.ops.add import Add
from mcuq.passes.stream import stream
from mcuq.simulator import simulate
from mcuq.verification import Engine

ROOT = Path(__file__).resolve().parents[1]
WAKE = ROOT.parent / "shared/models/mlperf/sww_int8.tflite"
CHIPS: tuple[tuple[Engine, str], ...] = (("rv32", "esp32-c3-devkitm-1"), ("xtensa", "esp32dev"))
FRAMES = (1, 2, 4)
BLOCKS, CHANNELS = 4, 32


def dilated() -> Graph:
    """Return the causal net on the frames of one answer."""
    reach = 1 + sum(2 << block for block in range(BLOCKS))
    net = Causal(np.random.default_rng(0), reach, channels=CHANNELS)
    x = "x"
    for block in range(BLOCKS):
        x = net.add(Add("relu"), x, net.conv(x, 0, 3, 1, 1 << block, 2 << block))
    return net.graph(net.conv(x, 4))


def instructions(graph: Graph, engine: Engine, board: str) -> int:
    """Return the median over some calls."""
    plan = pipeline.compile(graph, board, slower=0)
    inputs = emit.self_test_inputs(plan)
    runs = verification.simulate_on(engine, plan, inputs)
    for name, expected in simulate(plan, inputs).items():
        np.testing.assert_array_equal(runs.outputs[name].reshape(expected.shape), expected)
    return int(np.median(runs.cycles))


def main() -> int:
    """Print the table."""
    models = {"causal net": dilated()}
    if WAKE.is_file():
        graph = loading.load(WAKE)
        assert isinstance(graph, Graph)
        models["sww_int8"] = graph
    print("| model | chip | whole | " + " | ".join(f"per frame, {n} per call" for n in FRAMES) + " |")
    print("|---|---|---|" + "---|" * len(FRAMES))
    for name, graph in models.items():
        for engine, board in CHIPS:
            whole = instructions(graph, engine, board)
            each = [instructions(stream(graph, 1, n).graph, engine, board) / n for n in FRAMES]
            cells = " | ".join(f"{count:,.0f} (1/{whole / count:.1f})" for count in each)
            print(f"| {name} | {engine} | {whole:,} | {cells} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
