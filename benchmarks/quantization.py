"""What the calibration samples decide, judged by samples that were not seen.

Run from anywhere: ``python benchmarks/quantization.py [SHARED] [OUT.md]``; SHARED holds the reference models. It needs
scikit-learn and ``mcuq[keras,torch]``. Integers come from the simulator; dB: SQNR of what a softmax gets against the
float model. Seconds are of one processor.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from quantization_models import Case, cases

from mcuq import float_run
from mcuq.quantization import Options, Result, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.deciding import scores, summary
from mcuq.quantization.layers import run_integers
from mcuq.quantization.samples import batches

ROOT = Path(__file__).parents[1]
FIXED, DEFAULT, AUTO = Options(method="mse", corrections=("rounding", "bias")), Options(), Options(auto=True)
HALF = Options(weight_bytes="50%")


def judged(case: Case, result: Result) -> tuple[float, str]:
    """Return the SQNR on samples that were not seen, and the accuracies of integers and float model in words."""
    name, graph = scores(case.graph)[0], case.graph
    parts = [batch.inputs for batch in batches(graph, case.held)]
    inputs = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    given = run_integers(result.source, replace(result.graph, outputs=(name,)), inputs)[name]
    wanted = float_run.run(replace(graph, outputs=(name,)), inputs)[name]
    both = [x.reshape(len(x), -1) for x in (given, wanted)]
    if case.labels is None:
        same = 100 * float((both[0].argmax(axis=1) == both[1].argmax(axis=1)).mean())
        return sqnr(wanted, given), f" {same:.1f} %" if name not in graph.outputs else ""
    right = [100 * float((x.argmax(axis=1) == case.labels).mean()) for x in both]
    return sqnr(wanted, given), f" {right[0]:.1f} % ({right[1]:.1f})"


def cell(case: Case, options: Options) -> tuple[str, Result]:
    """Quantize with the case's samples; return what became of it, and the result."""
    start = time.process_time()
    result = quantize(case.graph, (case.calibration, case.calibration_labels), options)
    seconds = time.process_time() - start
    found, accuracy = judged(case, result)
    return f"{found:.1f} dB{accuracy}, {seconds:.1f} s", result


def report(found: Iterable[Case]) -> Iterator[str]:
    """Yield the lines of the report."""
    yield "# What the calibration samples decide"
    yield ""
    yield "`python benchmarks/quantization.py`; samples: `benchmarks/quantization_models.py`. dB: SQNR of the"
    yield "scores on samples that were not seen; accuracy on these (in brackets: float), without labels how often the"
    yield "float model's class is found; seconds of one processor that quantizing took. Fixed: `--method mse --correct"
    yield "rounding,bias`, the default until 2026-11-29. Half: the default with `--weight-bytes 50%`."
    yield ""
    yield "| model | fixed | default | `--auto` | half |"
    yield "|---|---|---|---|---|"
    lines = []
    for case in found:
        made = [cell(case, options) for options in (FIXED, DEFAULT, AUTO, HALF)]
        yield f"| {case.name} | " + " | ".join(text for text, _ in made) + " |"
        words = zip(("default", "`--auto`"), (result for _, result in made[1:3]), strict=True)
        lines += [f"- {case.name}, {what}: {summary(result.trials)}" for what, result in words]
    yield ""
    yield from lines


def main() -> None:
    """Print the report and write it."""
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "benchmarks/results/quantization-2026-11-30.md"
    lines = []
    for line in report(cases(shared)):
        print(line, flush=True)
        lines.append(line)
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
