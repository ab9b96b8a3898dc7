"""Accuracy and stored bytes of weights with few bits on the MLPerf Tiny keyword model.

Run: ``python benchmarks/few_bits.py [SHARED] [OUT.md]``; SHARED holds the reference models; needs ``mcuq[keras]``.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from calibrators import ROOT, Model, models

import mcuq
from mcuq.quantization import Options, quantize

ROWS: dict[str, dict[str, Any]] = {
    "8 bits": {},
    "5 bits": {"bits": 5},
    "4 bits": {"bits": 4},
    "4 bits, clipped": {"bits": 4, "clip": True},
    "4 bits, clipped, no corrections": {"bits": 4, "clip": True, "corrections": ()},
    "3 bits, clipped": {"bits": 3, "clip": True},
    "3 bits, clipped, full span": {"bits": 3, "clip": True, "span": "full"},
    "2 bits, clipped": {"bits": 2, "clip": True},
    "2 bits, clipped, full span": {"bits": 2, "clip": True, "span": "full"},
    "codebook of 16": {"codebook": 16},
    "codebook of 16, by energy": {"codebook": 16, "codebook_energy": True},
    "codebook of 16, by energy, no rounding": {"codebook": 16, "codebook_energy": True, "corrections": ("bias",)},
    "codebooks of 16, for 16 channels each": {"codebook": 16, "codebook_channels": 16},
    "codebook of 4, by energy": {"codebook": 4, "codebook_energy": True},
}


def stored(model: Model, choice: dict[str, Any]) -> tuple[float, int]:
    """Return accuracy on the fresh samples, and the bytes of weights and codebooks in flash."""
    plan = mcuq.compile(quantize(model.graph, model.samples, Options(**choice)).graph)
    scores = np.asarray(mcuq.simulate(plan, model.fresh)).reshape(len(model.fresh), -1)
    tables = [pair for step in plan.steps for pair in step.params.tables()]
    size = sum(table.nbytes for member, table in tables if member.name in ("weights", "levels", "codebook"))
    return float((scores.argmax(axis=1) == model.labels).mean()), size


def report(shared: Path) -> Iterator[str]:
    """Yield the lines of the report."""
    kws = next(models(shared))
    depthwise = [node.name for node in kws.graph.nodes if node.op.name == "depthwise_conv2d"]
    _, whole = stored(kws, {})
    yield "# Few bits per weight\n"
    yield "`python benchmarks/few_bits.py`; KWS, calibrated on 100 samples of kws01, judged on the other 900 by the"
    yield f"integer simulator; activations of 8 bits. Weights of 8 bits are {whole:,} bytes.\n"
    yield "| weights | accuracy, depthwise at 8 bits | bytes | accuracy, all layers alike | bytes |"
    yield "|---|---|---|---|---|"
    for what, choice in ROWS.items():
        kept = stored(kws, {**choice, "layer_bits": dict.fromkeys(depthwise, 8)})
        alike = stored(kws, choice)
        yield f"| {what} | " + " | ".join(f"{100 * a:.1f} % | {100 * n / whole:.1f} %" for a, n in (kept, alike)) + " |"
        print(what, flush=True, file=sys.stderr)


def main() -> None:
    """Print the report and write it."""
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "benchmarks/results/few-bits-2026-11-21.md"
    lines = list(report(shared))
    target.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
