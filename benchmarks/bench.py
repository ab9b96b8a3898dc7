"""Instructions per model and layer on the emulated chips, next to BakeNN's portable C and its ESP-NN path.

    make bench                                  everything; writes benchmarks/results/<date>.md and .json
    make bench BENCH="--model vww --chip rv32"  a part; prints it and writes nothing

The same compiler, flags, start-up code and counting main (bench_main.c) serve all sides, in one run, on the same input.
Only the inference is counted: instret, and CCOUNT of an emulator in which every instruction takes equally long. Every
output is compared with TensorFlow Lite Micro's. Needed: the reference models (the folder `shared` beside this checkout,
or MCUQ_SHARED), both cross compilers, QEMU, and the packages that the Makefile installs.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bench_peers
import bench_report
import numpy as np
from bench_chip import Counted, Program, count

from mcuq import emit, loading, pipeline
from mcuq.archive import Archive
from mcuq.engines.emulator import FLAGS, ISAS
from mcuq.engines.sources import library_folders, library_sources
from mcuq.errors import McuqError
from mcuq.files import write_files
from mcuq.graph import Graph, Node
from mcuq.ops.reshape import Reshape
from mcuq.ops.softmax import Softmax
from mcuq.plan import Plan
from mcuq.resources import resource
from mcuq.tensor import Array

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
SHARED = Path(os.environ.get("MCUQ_SHARED", ROOT.parent / "shared"))
MODELS = {
    "kws": "kws_dscnn_int8",
    "ic": "ic_resnet8_int8",
    "vww": "vww_mbv1_025_int8",
    "ad": "ad01_int8",
    "sww": "sww_int8",
}
BOARDS = {  # whose kernels an emulated chip runs
    "rv32": "esp32-c3-devkitm-1",
    "xtensa": "esp32dev",
    "s2": "esp32-s2-saola-1",
    "s3": "esp32-s3-devkitc-1",
}
ENGINES = {"s2": "xtensa"}  # where the emulated chip has another name
PEERS = {  # with what they are compiled
    "rv32": tuple((kind, level) for kind in bench_peers.KINDS for level in ("-O2", "-O3")),
    "xtensa": (("portable", "-O2"), ("esp_nn", "-O2")),
    "s2": (),
    "s3": (),  # ESP-NN's own assembly needs Espressif's assembler: bench_report.py quotes it
}
SAMPLES = 2  # outputs are compared on all, instructions counted on the first


@dataclass(frozen=True, eq=False)
class Model:
    """A reference model: the file, what mcuq reads in it, and samples [samples, *shape] with TFLM's outputs."""

    name: str
    file: bytes
    graph: Graph
    inputs: Array
    golden: Array


def read(name: str) -> Model:
    path = SHARED / "models" / "mlperf" / f"{MODELS[name]}.tflite"
    golden = np.load(SHARED / "golden" / f"mlperf__{MODELS[name]}.npz")
    outputs = golden["output0"][:SAMPLES].reshape(SAMPLES, -1)
    return Model(name, path.read_bytes(), loading.load(path), golden["input"][:SAMPLES], outputs)


def measure(model: Model, isa: str) -> dict[str, Any]:
    """Return everything about one model on one chip, ready for JSON."""
    rows = model.inputs.reshape(SAMPLES, -1)
    with tempfile.TemporaryDirectory(prefix="mcuq-bench-") as name:
        folder = Path(name)
        plan, program = ours(model, isa, folder / "ours")
        whole = counted(isa, replace(program, flags=[*program.flags, "-UMCUQ_TRACE"]), rows, model.golden.shape[1])
        traced = counted(isa, program, rows, model.golden.shape[1])
        speed = _speed(model, isa, rows, folder / "speed")
        peers = dict(_peers(model, isa, rows, folder))
    return {
        "macs": _macs(model.graph),
        "macs_left": _macs(plan.graph),
        "mcuq": _described(whole, model.golden) | {"arena": plan.arena_bytes, "scratch": plan.scratch_bytes},
        "speed": speed,
        "peers": {kind: described for kind, (described, _) in peers.items()},
        "layers": _layers(model.graph, plan, traced, {kind: steps for kind, (_, steps) in peers.items()}),
    }


def counted(isa: str, program: Program, rows: Array, output_bytes: int) -> Counted:
    """Run samples [samples, bytes] on the emulated chip that stands for one."""
    return count(ENGINES.get(isa, isa), program, rows, output_bytes)


def _speed(model: Model, isa: str, rows: Array, folder: Path) -> dict[str, Any]:
    """Return the same of the plan with --speed; nothing where it is no other."""
    plan, program = ours(model, isa, folder, speed=True)
    if not (plan.speedup and plan.speedup.layers):
        return {}
    whole = counted(isa, replace(program, flags=[*program.flags, "-UMCUQ_TRACE"]), rows, model.golden.shape[1])
    return _described(whole, model.golden) | {"arena": plan.arena_bytes, "scratch": plan.scratch_bytes}


def ours(model: Model, isa: str, folder: Path, speed: bool = False) -> tuple[Plan, Program]:
    """Write the model's C; return what of it runs an inference, with the hook after each step."""
    graph = replace(model.graph, name=model.name)
    plan = pipeline.compile(graph, BOARDS[isa], speed=speed, slower=0)
    samples = {graph.inputs[0]: model.inputs}
    write_files(folder, emit.emit_library(plan, Archive(graph, samples)))
    folders = library_folders(folder, [model.name])
    own = {path.name for path in (resource("firmware") / "app").iterdir()} | {f"{model.name}_model.c"}
    sources = [path for path in library_sources(folders, (".c", ".S")) if path.name not in own]
    call = (
        f'#include "{model.name}.h"\nstatic void bench_run(const int8_t *input, int8_t *output) {{\n'
        f"    {model.name}_run(input, output);\n}}"
    )
    return plan, Program(sources, [*FLAGS, *(f"-I{path}" for path in folders)], call)


def _peers(
    model: Model, isa: str, rows: Array, folder: Path
) -> Iterator[tuple[str, tuple[dict[str, Any], Sequence[int]]]]:
    """Yield name and level of every peer with its numbers, and with the instructions of its steps."""
    file = bench_peers.digestible(model.file)
    expected = bench_peers.tflm(file, model.inputs)
    for kind, level in PEERS[isa]:
        program, arena = bench_peers.peer(kind, model.name, file, folder / f"{kind}{level}")
        program = replace(program, flags=[level, *program.flags])
        whole = counted(isa, program, rows, expected.shape[1])
        traced = counted(isa, bench_peers.traced(program), rows, expected.shape[1])
        yield f"{kind} {level}", (_described(whole, expected) | {"arena": arena}, traced.steps)


def _described(counted: Counted, expected: Array) -> dict[str, Any]:
    difference = np.abs(counted.outputs.astype(int) - expected.view(np.int8))
    return {
        "instructions": counted.instructions,
        "code": counted.code,
        "constants": counted.constants,
        "different_bytes": int(np.count_nonzero(difference)),
        "largest_difference": int(difference.max()),
    }


def _layers(graph: Graph, plan: Plan, traced: Counted, peers: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    """Return our steps in order, each with what the peers need for the same layer."""
    nodes = {node.name: node for node in graph.nodes}
    left = {node.name: _node_macs(plan.graph, node) for node in plan.graph.nodes}
    counterparts = [n.name for n in graph.nodes if not isinstance(n.op, (Reshape, Softmax))]
    theirs = {
        kind: dict(zip(counterparts, steps, strict=True)) if len(steps) == len(counterparts) else {}
        for kind, steps in peers.items()
    }
    return [
        {
            "name": step.name,
            "shape": list(graph.values[step.outputs[0]].shape),
            "macs": _node_macs(graph, nodes[step.name]),
            "macs_left": left[step.name],
            "kernel": step.params.kernel,
            "instructions": instructions,
            "code": traced.code_of.get(f"mcuq_{step.params.kernel}", 0),
            "scratch": step.params.scratch_bytes,
            "peers": {kind: steps.get(step.name) for kind, steps in theirs.items()},
        }
        for step, instructions in zip(plan.steps, traced.steps, strict=True)
    ]


def _macs(graph: Graph) -> int:
    return sum(_node_macs(graph, node) for node in graph.nodes)


def _node_macs(graph: Graph, node: Node) -> int:
    return node.op.macs(*(graph.tensor(name).shape for name in node.inputs))


def tools() -> dict[str, str]:
    """Return the versions of all that counts."""
    said = {chip.compiler: _first_line([chip.compiler, "--version"]) for chip in ISAS.values()}
    said |= {chip.emulator[0]: _first_line([chip.emulator[0], "--version"]) for chip in ISAS.values()}
    revision = _first_line(
        ["git", "--no-optional-locks", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    )
    return said | {"bakenn": "1.0.0", "mcuq": revision}


def _first_line(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def missing(chips: Sequence[str]) -> Iterator[str]:
    """Yield what a run on some chips needs and this machine lacks."""
    if not (SHARED / "models" / "mlperf").is_dir() or not (SHARED / "golden").is_dir():
        yield f"no reference models at {SHARED}: set MCUQ_SHARED to the folder with models/mlperf and golden"
    if any(PEERS[chip] for chip in chips) and not bench_peers.BAKENN.is_dir():
        yield f"no BakeNN at {bench_peers.BAKENN}: run `make bench`, which installs it there"


def main() -> int:
    """Measure, print or write; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", choices=MODELS, help="only this one (may be repeated)")
    parser.add_argument("--chip", action="append", choices=BOARDS, help="only this one (may be repeated)")
    arguments = parser.parse_args()
    chips = arguments.chip or list(BOARDS)
    if lacks := list(missing(chips)):
        print("\n".join(lacks), file=sys.stderr)
        return 2
    results: dict[str, dict[str, Any]] = {}
    try:
        for isa in chips:
            for name in arguments.model or MODELS:
                print(f"{isa} {name}", file=sys.stderr, flush=True)
                results.setdefault(isa, {})[name] = measure(read(name), isa)
    except McuqError as error:
        print(error, file=sys.stderr)
        return 2
    today = datetime.date.today().isoformat()
    content = {"date": today, "tools": tools(), "chips": results}
    text = bench_report.markdown(content)
    if arguments.model or arguments.chip:
        print(text)
        return 0
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{today}.json").write_text(json.dumps(content, indent=1) + "\n")
    (RESULTS / f"{today}.md").write_text(text)
    print(bench_report.summary(content))
    return 0


if __name__ == "__main__":
    sys.exit(main())
