"""Count the instructions of layers of many shapes on the emulated chips; write boards/instructions.json.

    python benchmarks/count_layers.py           write the table
    python benchmarks/count_layers.py --check   exit 1 if it is stale: kernels that it knows need other instructions

Every kernel's instructions are a sum over what its layer has to do (``mcuq.fit.instructions.WORK``), at rates that are
never negative, fitted to the least relative error. The error in the table is that of layers left out, one by
one. Counted are the reference models (the folder `shared` beside this checkout, or MCUQ_SHARED), with and without
chains, and layers of sizes drawn at random, with inputs and outputs in the arena.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import layer_samples
import numpy as np
from bench_chip import Program, count

from mcuq import emit, loading
from mcuq.archive import Archive
from mcuq.engines.emulator import FLAGS
from mcuq.engines.sources import library_folders, library_sources
from mcuq.files import write_files
from mcuq.fit.chains import planned
from mcuq.fit.instructions import WORK, works
from mcuq.graph import Graph
from mcuq.kernels import GENERIC
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.resources import resource
from mcuq.target.board import load_board
from mcuq.target.setup import Setup
from mcuq.tensor import Array

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "boards" / "instructions.json"
SHARED = Path(os.environ.get("MCUQ_SHARED", ROOT.parent / "shared"))
BOARDS = ("esp32dev", "esp32-s3-devkitc-1", "esp32-s2-saola-1", "esp32-c3-devkitm-1")
PLAIN = ("esp32dev", "esp32-c3-devkitm-1")  # one per instruction set, for kernels of plain C
MODELS = (
    "mlperf/kws_dscnn_int8",
    "mlperf/ic_resnet8_int8",
    "mlperf/vww_mbv1_025_int8",
    "mlperf/ad01_int8",
    "mlperf/sww_int8",
    "tflm/person_detect",
)
SLOWER = (0, 5)  # percent: as wholes, and in chains
LARGEST_ERROR = 0.5  # of a kernel's rates; with more they are none
FEWEST = 2  # layers of a kernel, for rates of it


class Sample(NamedTuple):
    """A layer: what it has to do, and the instructions that it took."""

    work: tuple[float, ...]
    instructions: int


def samples(boards: Sequence[str]) -> dict[str, dict[str, list[Sample]]]:
    """Return the counted layers by instruction set and kernel."""
    found: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for name in boards:
        chip = load_board(name).chip
        for plan in (*_plans(chip.kernels), *(_plain() if name in PLAIN else ())):
            print(f"{name} {plan.graph.name}", file=sys.stderr, flush=True)
            done = works(plan)
            for step, instructions in zip(plan.steps, counted(chip.emulated, plan), strict=True):
                found[chip.isa][step.params.kernel].append(Sample(done[step.name], instructions))
    return found


def counted(isa: str, plan: Plan) -> Sequence[int]:
    """Return the instructions of every step on an emulated chip."""
    plan = replace(plan, graph=replace(plan.graph, name="net"))
    tensors = {name: plan.graph.values[name] for name in plan.graph.inputs}
    inputs = {name: np.zeros((1, *tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    with tempfile.TemporaryDirectory(prefix="mcuq-count-") as name:
        folder = Path(name)
        write_files(folder, emit.emit_library(plan, Archive(plan.graph, inputs)))
        folders = library_folders(folder, ["net"])
        own = {path.name for path in (resource("firmware") / "app").iterdir()} | {"net_model.c"}
        sources = [path for path in library_sources(folders, (".c", ".S")) if path.name not in own]
        program = Program(sources, [*FLAGS, *(f"-I{path}" for path in folders)], _call(plan))
        given = np.concatenate([x.reshape(1, -1) for x in inputs.values()], axis=1)
        results = sum(plan.graph.values[name].bytes for name in plan.graph.outputs)
        return count(isa, program, given, results).steps


def _call(plan: Plan) -> str:
    """Return a function that runs the model once, on inputs one behind the other or in the arena."""
    if plan.io_in_arena:
        given, results = _places("input", plan.graph.inputs), _places("output", plan.graph.outputs)
    else:
        given, results = ["input"], ["output"]
    call = f"net_run({', '.join([*given, *results])});"
    head = '#include <stddef.h>\n#include "net.h"\n'
    return f"{head}static void bench_run(const int8_t *input, int8_t *output) {{\n    {call}\n}}"


def _plans(families: tuple[str, ...]) -> Iterator[Plan]:
    for graph in layer_samples.graphs():
        yield build_plan(graph, families, io_in_arena=True)
    for model in _models():
        plans = [planned(model, families, Setup(slower=percent)) for percent in SLOWER]
        yield from (plan for i, plan in enumerate(plans) if plan.strips.spans or i == 0)


def _places(what: str, names: Sequence[str]) -> list[str]:
    """Return where inputs or outputs lie in the arena, as the generated header names that."""
    return [f"net_{what}_{name}(NULL)" if len(names) > 1 else f"net_{what}(NULL)" for name in names]


def _plain() -> Iterator[Plan]:
    """Yield layers on kernels of plain C, which serve what others leave."""
    for graph in itertools.islice(layer_samples.graphs(), 3):
        yield build_plan(graph, GENERIC, io_in_arena=True)


def _models() -> Iterator[Graph]:
    for name in MODELS:
        yield loading.load(SHARED / "models" / f"{name}.tflite")


def fitted(layers: Sequence[Sample]) -> dict[str, Any] | None:
    """Return a kernel's entry of the table; None where too few layers are known, or tell too little."""
    distinct = list(dict.fromkeys(layers))
    if len(distinct) < FEWEST:
        return None
    found = _rates(distinct)
    errors = [_error(_rates(distinct[:i] + distinct[i + 1 :]), s) for i, s in enumerate(distinct)]
    error = float(np.median(np.abs(errors)))
    if error > LARGEST_ERROR:
        return None
    return {
        "rates": {name: float(f"{rate:.4g}") for name, rate in zip(WORK, found, strict=True) if rate},
        "error": round(error, 4),
        "layers": len(distinct),
    }


def _rates(layers: Sequence[Sample]) -> list[float]:
    """Return rates of least relative error, fewer than layers; work that would have negative ones counts as nothing."""
    rows = np.array([[amount / s.instructions for amount in s.work] for s in layers])
    used = [i for i in range(len(WORK)) if rows[:, i].any()]
    while True:
        found = np.linalg.lstsq(rows[:, used], np.ones(len(layers)), rcond=None)[0]
        is_negative = found < 0
        if len(used) == 1 or (not is_negative.any() and len(used) < len(layers)):
            return [float(found[used.index(i)]) if i in used else 0.0 for i in range(len(WORK))]
        gone = is_negative if is_negative.any() else np.ones(len(used), bool)
        used = min((used[:k] + used[k + 1 :] for k in np.flatnonzero(gone)), key=lambda left: _misfit(rows[:, left]))


def _misfit(rows: Array) -> float:
    ones = np.ones(len(rows))
    return float(np.sum((rows @ np.linalg.lstsq(rows, ones, rcond=None)[0] - ones) ** 2))


def _error(found: Sequence[float], sample: Sample) -> float:
    return sum(rate * amount for rate, amount in zip(found, sample.work, strict=True)) / sample.instructions - 1


def table(counted: Mapping[str, Mapping[str, list[Sample]]]) -> dict[str, Any]:
    """Return the table: instruction set, kernel, entry."""
    entries = {isa: {name: fitted(layers) for name, layers in kernels.items()} for isa, kernels in counted.items()}
    return {
        isa: {name: entry for name, entry in sorted(kernels.items()) if entry}
        for isa, kernels in sorted(entries.items())
    }


def main() -> int:
    """Write or check the table; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table is stale")
    parser.add_argument("--board", action="append", choices=BOARDS, help="only this one (may be repeated; checks only)")
    arguments = parser.parse_args()
    if not (SHARED / "models" / "mlperf").is_dir():
        print(f"no reference models at {SHARED}: set MCUQ_SHARED to the folder with models", file=sys.stderr)
        return 2
    if arguments.board and not arguments.check:
        parser.error("--board is for --check: a part would forget what other boards gave")
    new = table(samples(arguments.board or BOARDS))
    if not arguments.check:
        TABLE.write_text(json.dumps(new, indent=1, sort_keys=True) + "\n")
        return 0
    old = json.loads(TABLE.read_text())
    stale = [
        f"{isa} {name}" for isa, known in new.items() for name in known if old.get(isa, {}).get(name) != known[name]
    ]
    print("\n".join([f"{TABLE}: stale: {', '.join(stale)}"] if stale else [f"{TABLE}: up to date"]))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
