"""Whatever is wrong with a file: one line, exit status 2, and no more memory than was announced and asked for."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile import assert_harmless, rewritten
from requirements import require

from mcuq.reading import array_of, json_of, printable

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
SUFFIXES = (".mcuq", ".tflite", ".onnx", ".pt2", ".keras", ".h5")


@pytest.fixture
def model(tmp_path, run):
    path = tmp_path / "digits.mcuq"
    calibration = ("--calibration", DIGITS / "calibration.npz")
    assert run("quantize", DIGITS / "digits_float.tflite", *calibration, "--out", path)[0] == 0
    return path


def npy(array) -> bytes:
    target = io.BytesIO()
    np.save(target, array, allow_pickle=True)
    return target.getvalue()


def announced(shape: str, dtype: str = "<f4") -> bytes:
    """An ``.npy`` file that says it has this shape, and holds nothing."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs there")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_no_regular_file_is_not_opened(tmp_path, run, suffix):
    path = tmp_path / f"model{suffix}"
    os.mkfifo(path)
    assert_harmless(run, path, f"model{suffix}: is a FIFO, not a file")
    path.unlink()
    path.symlink_to("/dev/zero")
    assert_harmless(run, path, f"model{suffix}: is a device, not a file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs there")
def test_other_inputs_are_regular_files_too(tmp_path, run):
    model = DIGITS / "digits.tflite"
    for name, arguments in {
        "x.npy": ("simulate", model, "--input"),
        "x.npz": ("simulate", model, "--input"),
        "board.toml": ("check", model, "--board"),
        "firmware.elf": ("check", model, "--board", "esp32dev", "--elf"),
    }.items():
        os.mkfifo(tmp_path / name)
        status, out, err = run(*arguments, tmp_path / name)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert f"{name}: is a FIFO, not a file" in err


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_not_read(model, tmp_path, run, method):
    path = tmp_path / "other.mcuq"
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(path, "w", method) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert_harmless(run, path, f"is compressed by method {method}; deflate is read")


def test_encrypted_members_are_not_read(model, tmp_path, run):
    content = bytearray(model.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(signature)
        content[start + offset] |= 1
    path = tmp_path / "other.mcuq"
    path.write_bytes(content)
    assert_harmless(run, path, "is encrypted")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(model, run):
    with zipfile.ZipFile(model, "a") as file:
        file.writestr("model.json", b"{}")
    assert_harmless(run, model, "holds model.json twice")


def test_names_in_capitals_are_other_names(model, tmp_path, run):
    path = tmp_path / "other.mcuq"
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name.upper(), source.read(name))
    assert_harmless(run, path, "holds no model.json")


def test_an_archive_in_an_archive(model, tmp_path, run):
    """It is no model, and beside one it is nothing."""
    path = tmp_path / "other.mcuq"
    with zipfile.ZipFile(path, "w") as target:
        target.write(model, "model.mcuq")
    assert_harmless(run, path, "holds no model.json")
    assert_harmless(run, rewritten(model, path, {"model.json": model.read_bytes()}), "its description is damaged")
    before = run("inspect", model)
    with zipfile.ZipFile(model, "a") as target:
        target.writestr("../escaped.mcuq", path.read_bytes())
    assert run("inspect", model) == before
    assert not (model.parent.parent / "escaped.mcuq").exists()


@pytest.mark.parametrize(("suffix", "part"), [(".pt2", "torch"), (".keras", "tensorflow"), (".onnx", "onnx")])
def test_another_suffix(model, run, suffix, part):
    require(part)
    path = model.with_suffix(suffix)
    path.write_bytes(model.read_bytes())
    assert_harmless(run, path, f"digits{suffix}: ")


def test_damaged_streams(model, tmp_path, run):
    path = tmp_path / "other.mcuq"
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(255 - b for b in content[60:90])
    path.write_bytes(content)
    assert_harmless(run, path, "its model.json is damaged")


def changed(model, tmp_path, change):
    def edit(content):
        header = json.loads(content)
        change(header)
        return json.dumps(header).encode()

    return rewritten(model, tmp_path / "other.mcuq", {"model.json": edit})


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(nodes=[{**header["nodes"][0], "outputs": []}]),
        lambda header: header.update(nodes=7),
        lambda header: header.update(project=[]),
        lambda header: header.update(constants=[]),
        lambda header: header.update(values={"x": 1}),
        lambda header: header.update(inputs=[[]]),
        lambda header: header.update(name={}),
        lambda header: header.clear(),
    ],
)
def test_descriptions_of_other_types(model, tmp_path, run, change):
    assert_harmless(run, changed(model, tmp_path, change), "other.mcuq: ")


def test_nested_too_deeply(model, tmp_path, run):
    for text in (b"[" * 100_000, b'{"format": ' * 100_000):
        assert_harmless(run, rewritten(model, tmp_path / "other.mcuq", {"model.json": text}), "other.mcuq: ")


@pytest.mark.parametrize("shape", ["(1099511627776,)", "(-1,)", "(1.5,)", "(" * 500, "(0x10, ", "(True,)"])
def test_arrays_have_the_size_that_they_announce(model, tmp_path, run, shape):
    with zipfile.ZipFile(model) as file:
        constant = next(name for name in file.namelist() if name.startswith("constants/"))
    path = rewritten(model, tmp_path / "other.mcuq", {constant: announced(shape)})
    assert_harmless(run, path, "other.mcuq: holds ")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize(
    "content",
    [
        announced("(1099511627776, 64)"),
        announced("(" * 500),
        npy(np.array([{}])),
        npy(np.zeros(3, "f4,i4")),
        b"",
        b"PK",
    ],
)
def test_samples(tmp_path, run, suffix, content):
    path = tmp_path / f"x{suffix}"
    if suffix == ".npz" and content not in (b"", b"PK"):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("X.npy", content)
    else:
        path.write_bytes(content)
    for verb in (
        ("simulate", DIGITS / "digits.tflite", "--input"),
        ("build", DIGITS / "digits_float.tflite", "--board", "esp32dev", "--out", tmp_path / "p", "--calibration"),
    ):
        status, out, err = run(*verb, path)
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert f"x{suffix}: " in err
    assert not (tmp_path / "p").exists()


PEAK = """
import re, sys
from pathlib import Path
from mcuq.cli import main
status = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())  # getrusage's is the parent's too
print(status, int(peak[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count in other units")
def test_arrays_that_nobody_asks_for_are_not_unpacked(tmp_path):
    path = tmp_path / "x.npz"
    with np.load(DIGITS / "holdout.npz") as given:
        samples = given["X"][:4]
    np.savez_compressed(path, X=samples, other=np.zeros((1 << 28,), np.uint8), more=np.zeros((1 << 28,), np.uint8))
    command = [sys.executable, "-c", PEAK, "simulate", DIGITS / "digits.tflite", "--input", path]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    status, megabytes = out.splitlines()[-1].split()
    assert status == "0"
    assert int(megabytes) < 256


def test_boards(tmp_path, run):
    path = tmp_path / "board.toml"
    for content in (b"x = " + b"9" * 5000, b"x = " + b"[" * 100_000, b"\xff", b"x = 1 " * (1 << 18), b"[chip]\nx = 1"):
        path.write_bytes(content)
        status, out, err = run("check", DIGITS / "digits.tflite", "--board", path)
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert len(err) < 600


def test_firmware(tmp_path, run):
    path = tmp_path / "firmware.elf"
    for content in (b"", b"\x7fELF", b"\x7fELF" + b"\xff" * 200, b"\x7fELF\x01\x01\x01" + bytes(45)):
        path.write_bytes(content)
        status, out, err = run("check", DIGITS / "digits.tflite", "--board", "esp32dev", "--elf", path)
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert "firmware.elf: " in err


def test_texts_of_files_are_short_and_printable():
    assert printable("\x1b[31m\u202eabc\n") == "?[31m?abc?"
    assert len(printable("x" * 10**6)) == 300


def test_arrays_and_descriptions_are_read():
    assert array_of(npy(np.arange(6).reshape(2, 3))).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert array_of(npy(np.asfortranarray(np.arange(6).reshape(2, 3)))).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert json_of(b'{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
