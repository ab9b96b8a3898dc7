"""Try every model of a folder: inspect, check, build, verify on this computer, compare with TensorFlow Lite Micro.

    python tools/wild.py FOLDER [--board ID] [--seconds N]

A table, a row per file, and the share that is taken: that is read, quantized if it is float (with noise, which says
nothing about its accuracy), built into a project, compiled here, and whose bytes are the simulator's. Where a model is
int8 TFLite and tflite-micro is installed, the simulator's bytes are compared with those of TensorFlow Lite Micro too. A
model may be too large for the board: that is said, and it is built for the largest board then.

Exit status: 0 if every file is taken and no byte differs, else 1.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import mcuq
from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.errors import DoesNotFitError, McuqError
from mcuq.loading import open_for_sizes, read_model
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = (".tflite", ".onnx", ".keras", ".h5", ".pt2", ".mcuq", ".cc", ".cpp", ".c", ".h")
BOARD, LARGEST = "esp32-s3-devkitc-1", "esp32-p4"
SAMPLES = 16


@dataclass
class Row:
    """What became of a file; an empty text: it did not come so far."""

    file: str
    layers: str = ""
    fits: str = ""
    built: str = ""
    verified: str = ""
    tflm: str = ""
    problem: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether it was built and its bytes are right."""
        return self.verified == "equal" and self.tflm in ("equal", "-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--board", default=BOARD, help=f"default: {BOARD}")
    parser.add_argument("--seconds", type=int, default=300, help="that one file may take; default: 300")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # FOLDER is a file: print its row as JSON
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(asdict(_row(options.folder, options.board))))
        return 0
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    files = sorted(
        path for path in options.folder.iterdir() if path.suffix.lower() in SUFFIXES or _is_saved_model(path)
    )
    rows = []
    for path in files:
        rows.append(_apart(path, options.board, options.seconds))
        print(_line(rows[-1]), flush=True)
    taken = sum(row.is_taken for row in rows)
    print(f"{taken} of {len(rows)} taken ({100 * taken / max(len(rows), 1):.1f} %)")
    return 0 if taken == len(rows) else 1


def _is_saved_model(path: Path) -> bool:
    return (path / "saved_model.pb").is_file()


def _line(row: Row) -> str:
    cells = [f"{row.layers or '-':>6}", f"{row.fits or '-':>8}", f"{row.built or '-':>8}", f"{row.verified or '-':>9}"]
    return "  ".join([f"{row.file[:48]:48}", *cells, f"{row.tflm or '-':>9}", row.problem[:200]]).rstrip()


def _apart(path: Path, board: str, seconds: int) -> Row:
    """Try a file in a process of its own: what it does to the interpreter is no other file's trouble."""
    command = [sys.executable, str(Path(__file__).resolve()), "--one", "--board", board, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return Row(path.name, problem=f"more than {seconds} s")
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if lines:
        return Row(**json.loads(lines[-1]))
    errors = done.stderr.strip().splitlines()
    return Row(path.name, problem=f"ended with {done.returncode}: {errors[-1] if errors else ''}")


def _row(path: Path, board: str) -> Row:
    row = Row(path.name)
    try:
        _try(path, board, row)
    except McuqError as error:
        row.problem = str(error).removeprefix(f"{path}: ")
    return row


def _try(path: Path, board: str, row: Row) -> None:
    """Go as far as the model does."""
    opened = read_model(path)
    row.layers = str(len((opened.graph if isinstance(opened, Archive) else opened).nodes))
    content = opened if isinstance(opened, Archive) else open_for_sizes(path)
    row.fits = "yes" if mcuq.check_fit(pipeline.compile_recorded(content, board), board).fits else "no"
    with tempfile.TemporaryDirectory() as folder:
        try:
            pipeline.write_project(content, board, folder)
            row.built = "yes"
        except DoesNotFitError:
            pipeline.write_project(content, LARGEST, folder)
            row.built = "largest"
        (verified,) = mcuq.verify(Path(folder))
        row.verified = "equal" if verified.passed else "differs"
    row.tflm = _compared(path, content)


def _compared(path: Path, content: Archive) -> str:
    """Compare with TensorFlow Lite Micro: "equal", "differs", or "-" where that is not possible."""
    graph = content.graph
    integers = all(graph.values[name].dtype == "int8" for name in (*graph.inputs, *graph.outputs))
    if path.suffix != ".tflite" or graph.from_float or not integers:
        return "-"
    try:
        runtime = importlib.import_module("tflite_micro.python.tflite_micro.runtime")
        interpreter = runtime.Interpreter.from_file(str(path), arena_size=8 << 20)
    except Exception:  # not installed, or an operator that it has not
        return "-"
    rng = np.random.default_rng(0)
    inputs = {n: rng.integers(-128, 128, (SAMPLES, *graph.values[n].shape)).astype(np.int8) for n in graph.inputs}
    got = simulate(build_plan(graph), inputs)[graph.outputs[0]]
    output = graph.values[graph.outputs[0]]
    try:
        for sample in range(SAMPLES):
            for i, name in enumerate(graph.inputs):
                is_real = interpreter.get_input_details(i)["dtype"] == np.float32
                x = inputs[name][sample]
                interpreter.set_input(graph.values[name].dequantize(x) if is_real else x, i)
            interpreter.invoke()
            wanted = interpreter.get_output(0)
            own = got[sample] if wanted.dtype == np.int8 else output.dequantize(got[sample])
            if wanted.size != own.size or np.any(wanted.ravel() != own.ravel()):
                return "differs"
    except Exception:  # an operator that it has not in int8
        return "-"
    return "equal"


if __name__ == "__main__":
    sys.exit(main())
