"""The hostile files of ``../shared/cases``: each one line, exit status 2, under 10 s and 1.5 GB, nothing written."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from requirements import require

MAIN = Path(__file__).parents[2]
DIGITS = MAIN / "examples" / "digits" / "digits.tflite"
SECONDS, BYTES = 10, 1_500_000_000
BOARD = ("--board", "esp32dev")
SAMPLES = ["simulate", DIGITS, "--input", "{}"]
CHECK, BUILD = ["check", "{}", *BOARD], ["build", "{}", *BOARD, "--out", "p"]

CASES = {
    "board_hugeint.toml": (["check", DIGITS, "--board", "{}"], "Exceeds the limit"),
    "board_inject.toml": (["build", DIGITS, "--board", "{}", "--out", "p"], r"table is 'x.csv\?extra_scripts"),
    "data_huge_shape.npz": (SAMPLES, r"holds an array of shape \(1099511627776, 6\) in 0 bytes"),
    "data_tokenize.npy": (SAMPLES, "holds what is no plain array"),
    "data_zlib.npz": (SAMPLES, "its X.npy is damaged"),
    "h5_hang.h5": (CHECK, "damaged, or not an HDF5 file"),
    "keras_zlib.keras": (CHECK, "its config.json is damaged"),
    "mcuq_encrypted.mcuq": (CHECK, "its model.json is encrypted"),
    "mcuq_longname.mcuq": (CHECK, "is not a lower-case C identifier of at most 200 characters"),
    "mcuq_node_no_outputs.mcuq": (CHECK, r"conv2d_0: has no outputs; conv2d makes shape \(1, 8, 8, 4\)"),
    "mcuq_npy_huge.mcuq": (CHECK, "holds an array of shape"),
    "mcuq_project_list.mcuq": (CHECK, r"has the project \[\]"),
    "mcuq_zlib.mcuq": (CHECK, "its model.json is damaged"),
    "mcuq_zp_huge.mcuq": (CHECK, "x: zero point 10+ is no int8"),
    "node_arena.mcuq": (CHECK, "the layer 'arena' cannot be called so in C: .*; rename it"),
    "string.tflite": (BUILD, "'string' cannot name a model: .* --name string_model"),
    "tflite_nan_scale.tflite": (CHECK, "a scale of this constant is not a positive number"),
    "tflite_ubsan_digits.tflite": (CHECK, "a scale of this constant is not a positive number"),
}
NEEDS = {".keras": "tensorflow", ".h5": "tensorflow", ".onnx": "onnx"}

# Run a command in a process of its own; how much memory it and its children took comes last on standard output.
MEASURED = """
import re, resource, sys
from pathlib import Path
from mcuq.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as stop:
    status = stop.code
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
own = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])  # ru_maxrss is the parent's too
print(1024 * max(own, children))
sys.exit(status)
"""


@pytest.fixture
def attempt(shared, tmp_path, monkeypatch):
    """Try a command on a case; return status, standard error and what it took."""
    monkeypatch.chdir(tmp_path)
    if not (shared / "cases" / "hostile").is_dir():
        pytest.skip(f"no hostile cases at {shared}")

    def run(name, command):
        if suffix := NEEDS.get(Path(name).suffix):
            require(suffix)
        path = shared / "cases" / "hostile" / name
        words = [str(word).format(path) for word in command]
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=False, timeout=120
        )
        *said, peak = done.stdout.splitlines() if sys.platform == "linux" else (done.stdout, "0")
        return done.returncode, "\n".join(said), done.stderr, time.monotonic() - start, int(peak)

    return run


@pytest.mark.parametrize("name", CASES)
def test_refused(attempt, name):
    command, match = CASES[name]
    status, out, err, seconds, peak = attempt(name, command)
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert re.search(match, err), err
    assert err[:-1].isprintable() and len(err) < 700
    assert seconds < 10 * SECONDS  # a machine may be busy: the time of a hang is without end
    assert peak < BYTES
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("name", ["node_arena.mcuq", "mcuq_node_no_outputs.mcuq", "tflite_nan_scale.tflite"])
def test_check_and_build_agree(attempt, name):
    said = [attempt(name, command)[2] for command in (CHECK, BUILD)]
    assert said[0] == said[1]


def test_onnx_axes_are_read_or_refused(attempt):
    status, _, err, seconds, peak = attempt("onnx_transpose_axes.onnx", CHECK)
    assert status in (0, 2) and err.count("\n") <= 1
    assert seconds < 10 * SECONDS and peak < BYTES


def test_a_model_called_as_a_header_has_another_name(attempt):
    assert attempt("string.tflite", CHECK)[0] in (0, 1)
    assert attempt("string.tflite", [*BUILD, "--name", "string_model"])[0] == 0
