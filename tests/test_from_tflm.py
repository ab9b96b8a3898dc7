"""docs/from_tflm.md: the calls of its first sketch are replaced one by one; the second one runs and answers as TFLM."""

import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from requirements import PARTS, require_module, require_tool
from sketches import compiled, linked
from test_frameworks import run

from mcuq import cli

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/from_tflm.md").read_text("utf-8")
BEFORE, AFTER = re.findall(r"```cpp\n(.*?)```", TEXT, re.DOTALL)
ROWS = re.findall(r"^\| (`.*?) \| (.*) \|$", TEXT, re.MULTILINE)
MODEL = ROOT / "examples/digits/digits.tflite"
SIZE = 64


def calls(cell: str) -> list[str]:
    """The pieces of code that a cell of the table names."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """The first row: the file becomes a library."""
    folder = tmp_path_factory.mktemp("digits")
    command = next(code for _, new in ROWS for code in calls(new) if code.startswith("mcuq build"))
    words = command.replace("digits.tflite", str(MODEL)).replace("digits.zip", str(folder / "digits.zip")).split()
    assert cli.main(words[1:]) == 0
    with zipfile.ZipFile(folder / "digits.zip") as file:
        file.extractall(folder)
    return folder / "digits_mcuq" / "src"


def test_every_call_of_the_first_sketch_has_its_row():
    """What the table replaces is in the sketch, and every call and header of TFLM in the sketch is in the table."""
    named = [piece for cell, _ in ROWS for piece in calls(cell)]
    assert [old for old in named if old.removesuffix(" = …").removesuffix("()") not in BEFORE] == []
    parts = (
        "interpreter->\\w+",
        "tflite::MicroInterpreter",
        "tflite::\\w+(?=\\()",
        "tensorflow/[\\w/.]+",
        "data\\.int8",
    )
    used = re.findall("|".join((*parts, "input->params\\.\\w+")), BEFORE)
    assert len(used) >= 10
    assert [call for call in used if call.removeprefix("interpreter->") not in " ".join(named)] == []
    assert len(re.findall(r"resolver\.Add\w+\(\);", BEFORE)) == 7  # "and the others"


def test_what_replaces_a_call_is_in_the_header_or_the_second_sketch(library):
    header = (library / "digits.h").read_text()
    names = {name for _, new in ROWS for code in calls(new) for name in re.findall(r"\b(?:digits|DIGITS)_\w+", code)}
    assert len(names) >= 9
    assert all(re.search(rf"\b{name}\b", header) for name in names)
    used = set(re.findall(r"\b(?:digits|DIGITS)_\w+", AFTER))
    assert used <= names
    assert "tflite" not in AFTER and "interpreter" not in AFTER


def sketch(library: Path, folder: Path, image: np.ndarray) -> list[str]:
    """The second sketch as the page prints it, compiled; its objects."""
    values = ", ".join(f"{float(value)!r}f" for value in image.ravel())
    (folder / "image.h").write_text(f"static const float image[{SIZE}] = {{{values}}};\n")
    (folder / "sketch.ino").write_text(AFTER)
    return compiled(folder / "sketch.ino", library, folder, folder)


def printed(path: Path, count: int) -> list[int]:
    """What the sketch prints first."""
    with subprocess.Popen([str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(count)]
        process.kill()
    return [int(line) for line in lines]


def test_the_second_sketch_prints_what_tflm_computes(library, tmp_path):
    require_module("tflite_micro")
    from tflite_micro.python.tflite_micro import runtime

    with np.load(ROOT / "examples/digits/holdout.npz") as data:
        image = data["X"][3].astype(np.float32)
    header = (library / "digits.h").read_text()
    scale, zero = re.findall(r"DIGITS_INPUT_(?:SCALE|ZERO_POINT) \(?([-\d.e]+)f?\)?", header)
    interpreter = runtime.Interpreter.from_file(str(MODEL))
    q = np.clip(np.floor(np.abs(image / np.float32(scale)) + 0.5) + int(zero), -128, 127).astype(np.int8)
    interpreter.set_input(q.reshape(1, 8, 8, 1), 0)
    interpreter.invoke()
    assert (
        printed(linked(sketch(library, tmp_path, image), tmp_path / "sketch"), 10)
        == interpreter.get_output(0).ravel().tolist()
    )


SYMBOLS = """\
namespace tflite { struct MicroInterpreter { int Invoke(); }; int MicroInterpreter::Invoke() { return 0; } }
extern "C" {
int esp_nn_conv_s8_ansi() { return 1; }
int esp_nn_depthwise_conv_s8_ansi() { return 1; }
int esp_nn_add_elementwise_s8_ansi() { return 1; }
int esp_nn_fully_connected_s8_ansi() { return 1; }
int esp_nn_avg_pool_s8_ansi() { return 1; }
int esp_nn_multiply_by_quantized_mult() { return 1; }
int esp_nn_softmax_s8_ansi() { return 1; }
}
"""


def test_both_may_be_linked_into_one_firmware(library, tmp_path):
    """TFLM's and ESP-NN's names do not clash: every symbol of the library begins with mcuq_ or the model's name."""
    require_tool("nm", PARTS["gcc"].install)
    (tmp_path / "tflm.cpp").write_text(SYMBOLS)
    objects = sketch(library, tmp_path, np.zeros(SIZE, np.float32))
    run(["g++", "-c", str(tmp_path / "tflm.cpp"), "-o", str(tmp_path / "tflm.obj")])
    linked([*objects, str(tmp_path / "tflm.obj")], tmp_path / "sketch")
    names = [line.split()[-1] for line in symbols(objects[1:-1])]
    own = [name for name in names if not name.startswith(("mcuq_", "digits_", "_Z"))]
    assert len(names) > 20 and own == []


def symbols(objects: list[str]) -> list[str]:
    """Global symbols that the objects define, but for weak ones."""
    done = subprocess.run(["nm", "-g", "--defined-only", *objects], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if re.fullmatch(r"[0-9a-f]+ [TDBR] \S+", line)]
