"""Accuracy and stored bytes of weights with few bits: the keyword model with labels, two others next to their floats.

Run: ``python benchmarks/few_bits.py [SHARED] [OUT.md]``; SHARED holds the reference models; needs ``mcuq[keras]``.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from calibrators import KWS_SCALE, KWS_ZERO_POINT, ROOT

import mcuq
from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.layers import run_integers

ROWS: dict[str, dict[str, Any]] = {
    "8 bits": {},
    "4 bits": {"bits": 4},
    "3 bits": {"bits": 3},
    "2 bits": {"bits": 2},
    "2 bits, symmetric span": {"bits": 2, "span": "symmetric"},
    "codebook of 16": {"codebook": 16},
    "codebook of 4": {"codebook": 4},
    "4 bits, no corrections": {"bits": 4, "corrections": ()},
    "2 bits, clipped, no corrections": {"bits": 2, "clip": True, "corrections": ()},
    "within 50 %": {"weight_bytes": "50%"},
    "within 40 %": {"weight_bytes": "40%"},
}
DRAWS = 3
CALIBRATED = 100


def keywords(shared: Path) -> tuple[FloatGraph, np.ndarray, np.ndarray]:
    """Return the keyword model, its samples and their labels."""
    data = np.load(shared / "data/kws01.npz")
    x = (data["X"].astype(np.float32) - KWS_ZERO_POINT) * np.float32(KWS_SCALE)
    return mcuq.load(shared / "models/mlperf/kws_savedmodel"), x, data["Y"]


def draws(count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield which samples calibrate and which are judged: the first 100 and the others, then two draws at random."""
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(count) if seed else np.arange(count)
        yield order[:CALIBRATED], order[CALIBRATED:]


def weight_bytes(graph: Graph) -> int:
    """Return the bytes of weights and codebooks in flash."""
    tables = [pair for step in mcuq.compile(graph).steps for pair in step.params.tables()]
    return sum(table.nbytes for member, table in tables if member.name in ("weights", "levels", "codebook"))


def keyword_rows(shared: Path) -> Iterator[str]:
    """Yield a row per choice: accuracy for every draw, bytes, seconds."""
    graph, x, labels = keywords(shared)
    whole = 0
    float_answers = float_run.run(graph, {graph.inputs[0]: x.reshape(-1, *graph.shapes[graph.inputs[0]])})
    answers = float_answers[graph.outputs[0]].reshape(len(x), -1).argmax(axis=1)
    cells = [f"{100 * float((answers[judged] == labels[judged]).mean()):.1f} %" for _, judged in draws(len(x))]
    yield f"| float | {' | '.join(cells)} | | |"
    for what, choice in ROWS.items():
        cells, start = [], time.process_time()
        made = [quantize(graph, x[seen], Options(**choice)).graph for seen, _ in draws(len(x))]
        seconds = (time.process_time() - start) / DRAWS
        for integers, (_, judged) in zip(made, draws(len(x)), strict=True):
            scores = np.asarray(mcuq.simulate(mcuq.compile(integers), x[judged])).reshape(len(judged), -1)
            cells.append(f"{100 * float((scores.argmax(axis=1) == labels[judged]).mean()):.1f} %")
        whole = whole or weight_bytes(made[0])
        yield f"| {what} | {' | '.join(cells)} | {100 * weight_bytes(made[0]) / whole:.1f} % | {seconds:.1f} |"
        print(what, *cells, flush=True, file=sys.stderr)


def pictures(shared: Path, twin: str) -> tuple[np.ndarray, np.ndarray]:
    """Return variants of the first half of the real inputs that there are, and of the second: moved and mirrored."""
    integers = mcuq.load(shared / f"models/mlperf/{twin}.tflite")
    golden = np.load(shared / f"golden/mlperf__{twin}.npz")
    real = integers.values[integers.inputs[0]].dequantize(golden["input"][golden["source"] == "real"])[:, 0]
    rng, halves = np.random.default_rng(1), np.array_split(real, 2)
    return tuple(np.stack([_variant(half[k % len(half)], rng) for k in range(CALIBRATED)]) for half in halves)


def _variant(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    most = len(picture) // 8
    padded = np.pad(picture, ((most, most), (most, most), (0, 0)), mode="reflect")
    top, left = rng.integers(0, 2 * most + 1, 2)
    piece = padded[top : top + len(picture), left : left + len(picture)]
    return np.asarray((piece[:, ::-1] if rng.random() < 0.5 else piece) * rng.uniform(0.8, 1.0), np.float32)


def picture_rows(shared: Path, file: str, twin: str) -> Iterator[str]:
    """Yield a row per choice: same answer as the float model, and dB, on pieces that calibration has not seen."""
    graph = mcuq.load(shared / "models/mlperf" / file)
    seen, judged = pictures(shared, twin)
    fresh = {graph.inputs[0]: judged[:, np.newaxis]}
    wanted = float_run.run(graph, fresh)[graph.outputs[0]].reshape(len(judged), -1)
    whole = 0
    for what, choice in ROWS.items():
        start = time.process_time()
        integers = quantize(graph, seen, Options(**choice)).graph
        seconds, whole = time.process_time() - start, whole or weight_bytes(integers)
        given = run_integers(graph, integers, fresh)[graph.outputs[0]].reshape(wanted.shape)
        same = 100 * float((given.argmax(axis=1) == wanted.argmax(axis=1)).mean())
        size = 100 * weight_bytes(integers) / whole
        yield f"| {what} | {same:.1f} % | {sqnr(wanted, given):.1f} | {size:.1f} % | {seconds:.1f} |"
        print(file, what, same, flush=True, file=sys.stderr)


def report(shared: Path) -> Iterator[str]:
    """Yield the lines of the report."""
    yield "# Few bits per weight\n"
    yield f"`python benchmarks/few_bits.py`; {CALIBRATED} samples calibrate, all layers alike, activations of 8 bits,"
    yield "integer simulator. Bytes: of the weights, next to 8 bits; seconds: CPU time of `mcuq.quantize`.\n"
    yield "## Keywords (DS-CNN): right of 900 samples of kws01 that did not calibrate\n"
    yield "Calibrated on the first 100, and on two other draws.\n"
    yield "| weights | first 100 | draw 1 | draw 2 | bytes | seconds |\n|---|---|---|---|---|---|"
    yield from keyword_rows(shared)
    for what, file, twin in (
        ("Images (ResNet-8)", "ic_resnet8_float.tflite", "ic_resnet8_int8"),
        ("Persons (MobileNet 0.25)", "vww_mbv1_025_float.tflite", "vww_mbv1_025_int8"),
    ):
        yield f"\n## {what}: the float model's answer\n"
        yield f"No labels come with these: {CALIBRATED} variants, moved and mirrored, of half of the real inputs that"
        yield "there are calibrate, as many of the other half judge. dB: of the outputs.\n"
        yield "| weights | same answer | dB | bytes | seconds |\n|---|---|---|---|---|"
        yield from picture_rows(shared, file, twin)


def main() -> None:
    """Print the report and write it."""
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "benchmarks/results/few-bits-2026-11-30.md"
    lines = list(report(shared))
    target.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
