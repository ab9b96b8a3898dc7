"""Calibration methods and corrections on the MLPerf Tiny float models: what the default was chosen from.

Run: ``python benchmarks/calibrators.py [SHARED] [OUT.md]``; SHARED holds the reference models. KWS and SWW need
``mcuq[keras]``. Integers come from the simulator. Only KWS has samples to spare for judging; the others are calibrated
on the few real inputs there are, and judged on these and, in quarters, on those that a calibration has not seen.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import mcuq
from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.layers import run_integers

ROOT = Path(__file__).parents[1]
METHODS = ("minmax", "percentile:99.9", "percentile:99.99", "mse", "kl")
CORRECTIONS = ((), ("bias",), ("rounding",), ("rounding", "bias"), ("equalization", "rounding", "bias"))
SCHEMES = ("affine", "scale", "fixed-point", "dynamic-fixed-point")
FOLDS = 4
KWS_SCALE, KWS_ZERO_POINT = 0.5847029, 83


@dataclass
class Model:
    """A float model with real samples; ``fresh`` ones and their labels where there are enough."""

    name: str
    graph: FloatGraph
    samples: np.ndarray
    fresh: np.ndarray | None = None
    labels: np.ndarray | None = None


def models(shared: Path) -> Iterator[Model]:
    """Yield the models with the samples there are."""
    folder = shared / "models/mlperf"
    kws = np.load(shared / "data/kws01.npz")
    x = (kws["X"].astype(np.float32) - KWS_ZERO_POINT) * np.float32(KWS_SCALE)
    yield Model("KWS", mcuq.load(folder / "kws_savedmodel"), x[:100], x[100:], kws["Y"][100:])
    for name, file, twin in (
        ("IC", "ic_resnet8_float.tflite", "ic_resnet8_int8"),
        ("VWW", "vww_mbv1_025_float.tflite", "vww_mbv1_025_int8"),
        ("SWW", "sww.h5", "sww_int8"),
        ("AD", "ad01_float.tflite", "ad01_int8"),
    ):
        integers = mcuq.load(folder / f"{twin}.tflite")
        golden = np.load(shared / f"golden/mlperf__{twin}.npz")
        real = golden["input"][golden["source"] == "real"]
        yield Model(name, mcuq.load(folder / file), integers.values[integers.inputs[0]].dequantize(real))


def scores(graph: FloatGraph) -> str:
    """Return the value to judge: what softmax gets, for its output hides errors or blows them up."""
    last = graph.nodes[-1]
    return last.inputs[0] if last.op.name == "softmax" else graph.outputs[0]


def judge(graph: FloatGraph, options: Options, samples: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Calibrate on samples; return the float and the integer model's scores for x, [samples, classes]."""
    name = scores(graph)
    x = {graph.inputs[0]: x.reshape(-1, *graph.shapes[graph.inputs[0]])}
    result = quantize(graph, samples, options)
    integers = replace(result.graph, outputs=(*{name: 0, graph.outputs[0]: 0},))
    floats = replace(graph, outputs=integers.outputs)
    given, wanted = run_integers(floats, integers, x)[name], float_run.run(floats, x)[name]
    return wanted.reshape(len(wanted), -1), given.reshape(len(given), -1)


def unseen(model: Model, options: Options) -> float:
    """Return the SQNR over all samples, each quarter of them judged by a calibration on the others."""
    parts = [np.arange(i, len(model.samples), FOLDS) for i in range(FOLDS)]
    folds = [(np.delete(model.samples, part, 0), model.samples[part]) for part in parts]
    pairs = [judge(model.graph, options, rest, part) for rest, part in folds]
    return sqnr(*(np.concatenate(side) for side in zip(*pairs, strict=True)))


def cells(model: Model, options: Options) -> list[str]:
    """Return the table's cells for one model."""
    x = model.samples if model.fresh is None else model.fresh
    wanted, given = judge(model.graph, options, model.samples, x)
    same = int((wanted.argmax(axis=1) == given.argmax(axis=1)).sum())
    if model.labels is not None:
        accuracy = float((given.argmax(axis=1) == model.labels).mean())
        return [f"{100 * accuracy:.1f} %", f"{sqnr(wanted, given):.1f}"]
    both = f"{sqnr(wanted, given):.1f} / {unseen(model, options):.1f}"
    return [both] if model.name == "AD" else [f"{same}/{len(x)}", both]


def table(found: list[Model], rows: list[tuple[str, Options]]) -> Iterator[str]:
    """Yield a Markdown table, a row per choice."""
    yield "| | KWS accuracy | KWS dB | IC | IC dB | VWW | VWW dB | SWW | SWW dB | AD dB |"
    yield "|---" * 10 + "|"
    for what, options in rows:
        yield f"| {what} | " + " | ".join(cell for model in found for cell in cells(model, options)) + " |"
        print(what, flush=True, file=sys.stderr)


def reference_quantization(shared: Path, model: Model) -> float:
    """Return the SQNR of the published int8 AD model on the same samples."""
    integers = mcuq.load(shared / "models/mlperf/ad01_int8.tflite")
    x = model.samples.reshape(-1, *integers.values[integers.inputs[0]].shape)
    given = integers.values[integers.outputs[0]].dequantize(mcuq.simulate(mcuq.compile(integers), x))
    wanted = float_run.run(model.graph, {model.graph.inputs[0]: x})[model.graph.outputs[0]]
    return sqnr(wanted, given.reshape(wanted.shape))


def report(shared: Path) -> Iterator[str]:
    """Yield the lines of the report."""
    found = list(models(shared))
    kws, default = found[0], Options()
    wanted, _ = judge(kws.graph, default, kws.samples, kws.fresh)
    start = time.perf_counter()
    quantize(kws.graph, kws.samples)
    seconds = time.perf_counter() - start
    yield "# Calibration methods, corrections and schemes\n"
    yield "`python benchmarks/calibrators.py`; per-channel weights, integer simulator; dB: SQNR against float,"
    yield "before softmax. KWS: calibrated on 100 samples of kws01, judged on the other 900. IC, VWW, SWW, AD: all of"
    yield "16, 8, 15 and 8 real inputs; n/m: same arg-max as float on these; dB: on these / in quarters, each"
    yield "judged by a calibration on the other three.\n"
    yield f"KWS float accuracy on the 900: {100 * float((wanted.argmax(axis=1) == kws.labels).mean()):.1f} %. "
    yield f"AD, published int8 model on the same 8 inputs: {reference_quantization(shared, found[-1]):.1f} dB. "
    yield f"Default: method {default.method}, corrections {' and '.join(default.corrections)};"
    yield f"quantizing KWS with it takes {seconds:.1f} s.\n"
    yield "## Methods, without corrections\n"
    yield from table(found, [(m, Options(method=m, corrections=())) for m in METHODS])
    yield "\n## Methods, with the default corrections\n"
    yield from table(found, [(m, Options(method=m)) for m in METHODS])
    yield f"\n## Corrections, method {default.method}\n"
    rows = [(", ".join(c) or "none", Options(corrections=c)) for c in CORRECTIONS]
    yield from table(found, [*rows, ("default, weights clipped", Options(clip=True))])
    yield "\n## Schemes, default method and corrections\n"
    yield from table(found, [(s, Options(scheme=s)) for s in SCHEMES])


def main() -> None:
    """Print the report and write it."""
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "benchmarks/results/calibrators-2026-11-21.md"
    lines = list(report(shared))
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
