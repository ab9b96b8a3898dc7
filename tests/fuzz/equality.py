"""What is accepted is equal everywhere: ``python -m fuzz.equality --models 500``.

Accepted mutants of quantized models, compiled for the kernels of a board under the address and undefined-behaviour
sanitizers, against the simulator, on random samples and the extremes; and against TensorFlow Lite Micro, where it takes
them.
"""

import argparse
import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from requirements import require

from fuzz.readers import READERS
from fuzz.worker import compute_limit, mutant, samples
from mcuq import archive, emit, loading
from mcuq.archive import Archive
from mcuq.emit import Built
from mcuq.engines.firmware import input_rows
from mcuq.engines.sources import compile_and_link, models_header
from mcuq.errors import McuqError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.relu6 import Relu6
from mcuq.passes.fold_constant_channels import fold_constant_channels
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.target.board import load_board
from mcuq.target.setup import Setup

HERE = Path(__file__).parent
FLAGS = ("-std=c99", "-O1", "-Wall", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
BOARDS = ("", "esp32dev", "esp32-c3-devkitm-1", "esp32-s3-devkitc-1", "esp32-p4")
BATCH = 50
SAMPLES = 6
TFLM_SECONDS = 20.0
TFLM_ARENA = 1 << 22


@dataclass(frozen=True, eq=False)
class Accepted:
    """A mutant that mcuq takes, lowered for a board's kernels; ``tflite`` is its file where it was one."""

    origin: str
    plan: Plan
    inputs: Mapping[str, np.ndarray]
    tflite: bytes

    @property
    def expected(self) -> bytes:
        """What the simulator computes, sample by sample."""
        outputs = simulate(self.plan, self.inputs)
        graph = self.plan.graph
        return b"".join(outputs[name][i].tobytes() for i in range(SAMPLES) for name in graph.outputs)


def accepted(seed: int, names: Sequence[str]) -> Iterator[Accepted]:
    """Yield accepted mutants of quantized models, each graph once, the seeds themselves left out."""
    known = set()
    for index in range(1 << 30):
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                content = mutant(name, seed, index)
                path = READERS[name].place(content, Path(folder), READERS[name].suffix)
                found = _graph(path)
            if found is None or (digest := archive.digest(found)) in known:
                continue
            known.add(digest)
            board = BOARDS[len(known) % len(BOARDS)]
            families = load_board(board).chip.kernels if board else ()
            graph = replace(found, name=f"m{len(known)}")
            try:
                plan = build_plan(fold_constant_channels(graph), families)
            except McuqError:
                continue
            rng = np.random.default_rng([seed, index])
            inputs = {n: samples(rng, t.shape, t.dtype, SAMPLES) for n in graph.inputs for t in (graph.values[n],)}
            yield Accepted(f"{name} {seed} {index} {board}", plan, inputs, content if name == "tflite" else b"")


def _graph(path: Path) -> Graph | None:
    try:
        graph = loading.load(path)
    except McuqError:
        return None
    return None if isinstance(graph, FloatGraph) or not compute_limit(graph) else graph


class Kernels:
    """Objects of files that were compiled before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: dict[str, Path] = {}

    def compiled(self, sources: Sequence[Path], include: Sequence[str]) -> list[Path]:
        """Return an object per file; each content is compiled once."""
        keys = [hashlib.sha256(source.name.encode() + source.read_bytes()).hexdigest()[:20] for source in sources]
        for key, source in zip(keys, sources, strict=True):
            if key not in self.objects:
                self.objects[key] = self.folder / f"{source.stem}_{key}.o"
                subprocess.run(["gcc", *FLAGS, *include, "-c", source, "-o", self.objects[key]], check=True)
        return [self.objects[key] for key in keys]


def build(batch: Sequence[Accepted], kernels: Kernels, folder: Path) -> Path:
    """Compile the models into one program; return it."""
    heap = Setup(arena="heap")
    built = [
        Built(one.plan, Archive(one.plan.graph, {n: x[:1] for n, x in one.inputs.items()}, setup=heap)) for one in batch
    ]
    for path, content in emit.emit_libraries(built).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    names = [one.plan.graph.name for one in batch]
    (folder / "mcuq_models.h").write_text(models_header(names))
    shared = folder / "lib" / "mcuq" / "src"
    include = [f"-I{shared}", f"-I{folder}", *(f"-I{folder / 'lib' / name / 'src'}" for name in names)]
    units = [
        path for path in sorted(shared.glob("*.c")) if not path.name.startswith(("mcuq_app", "mcuq_port", "mcuq_frame"))
    ]
    units = [path for path in units if path.name != "mcuq_self_test.c"]
    objects = kernels.compiled(units, include)
    models = [path for name in names for path in sorted((folder / "lib" / name / "src").glob("*.c"))]
    program = folder / "models"
    compile_and_link("gcc", [*FLAGS, *include], [*models, HERE / "run_models.c"], program, list(map(str, objects)))
    return program


def difference(one: Accepted, program: Path, index: int) -> str:
    """Run one model; return what is wrong, or nothing."""
    rows = input_rows(one.plan.graph, one.inputs)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    command = [program, str(index)]
    try:
        done = subprocess.run(
            command, input=rows.tobytes(), capture_output=True, timeout=300, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        return "C takes more than 300 s"
    if done.returncode != 0:
        said = [line for line in done.stderr.decode(errors="replace").splitlines() if "error" in line.lower()]
        return f"C ended with {done.returncode}: {said[0] if said else ''}"
    return _first(np.frombuffer(one.expected, np.uint8), np.frombuffer(done.stdout, np.uint8), "C")


def _first(expected: np.ndarray, got: np.ndarray, what: str) -> str:
    if expected.size != got.size:
        return f"{what} gives {got.size} bytes, expected {expected.size}"
    wrong = np.flatnonzero(expected != got)
    if not wrong.size:
        return ""
    return (
        f"{what} differs in {wrong.size} bytes, first at {wrong[0]}: expected {expected[wrong[0]]}, got {got[wrong[0]]}"
    )


def tflm_difference(one: Accepted) -> str | None:
    """Run TensorFlow Lite Micro in a process of its own; None: it does not take the model."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_tflm, args=(one, theirs))
    process.start()
    theirs.close()
    try:
        outputs = ours.recv() if ours.poll(TFLM_SECONDS) else None
    except EOFError:
        outputs = None
    if process.is_alive() and outputs is None:
        os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    if outputs is None:
        return None
    return _first(np.frombuffer(one.expected, np.uint8), np.frombuffer(outputs, np.uint8), "TFLM")


def _tflm(one: Accepted, answer: object) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    from tflite_micro.python.tflite_micro import runtime

    graph = one.plan.graph
    interpreter = runtime.Interpreter.from_bytes(one.tflite, arena_size=TFLM_ARENA)
    parts = []
    for sample in range(SAMPLES):
        for i, name in enumerate(graph.inputs):
            interpreter.set_input(one.inputs[name][sample : sample + 1].reshape(graph.values[name].shape), i)
        interpreter.invoke()
        parts += [interpreter.get_output(i).tobytes() for i in range(len(graph.outputs))]
    answer.send(b"".join(parts))  # type: ignore[attr-defined]
    os._exit(0)


def compare(models: int, seed: int, names: Sequence[str]) -> tuple[Counter[str], list[str]]:
    """Compare so many accepted mutants; return what was counted, and every difference as a line."""
    found, counts, findings = accepted(seed, names), Counter[str](), []
    with tempfile.TemporaryDirectory(prefix="fuzz-mcuq-") as folder:
        kernels = Kernels(Path(folder))
        for start in range(0, models, BATCH):
            batch = [next(found) for _ in range(min(BATCH, models - start))]
            with tempfile.TemporaryDirectory(prefix="batch-", dir=folder) as place:
                program = build(batch, kernels, Path(place))
                for index, one in enumerate(batch):
                    for what in (difference(one, program, index), _oracle(one, counts)):
                        findings += [f"{one.origin}: {what}"] if what else []
            counts["models"] += len(batch)
            print(f"{counts['models']} models, {len(findings)} differences", file=sys.stderr, flush=True)
    return counts, findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=500, help="how many accepted mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("readers", nargs="*", default=["tflite", "mcuq"], metavar="READER")
    arguments = parser.parse_args()
    require("gcc sanitizers")
    counts, findings = compare(arguments.models, arguments.seed, arguments.readers)
    print("\n".join(findings))
    print(f"{counts['models']} accepted mutants compiled under sanitizers, {counts['tflm']} of them run by TFLM too")
    print(f"({counts['refused']} TFLite files that TFLM does not take, {counts['documented']} that it computes")
    print(f"otherwise, as an operator's docstring says): {len(findings)} differences")
    return int(bool(findings))


def _oracle(one: Accepted, counts: Counter[str]) -> str:
    if not one.tflite:
        return ""
    if _is_documented(one.plan.graph):
        counts["documented"] += 1
        return ""
    found = tflm_difference(one)
    counts["refused" if found is None else "tflm"] += 1
    return found or ""


def _is_documented(graph: Graph) -> bool:
    """Whether TFLM computes something else, as an operator's docstring says: a Relu6 that requantizes."""
    values = graph.values
    ends = [(values[n.inputs[0]], values[n.outputs[0]]) for n in graph.nodes if isinstance(n.op, Relu6)]
    return any((x.scale, x.zero_point) != (y.scale, y.zero_point) for x, y in ends)


if __name__ == "__main__":
    sys.exit(main())
