"""The example of a camera: frames in rows to labels, on this computer, on emulated chips, for both frameworks."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from requirements import require

import mcuq

SCRIPT = Path(__file__).parents[1] / "examples/camera/camera.py"
ENGINES = {
    "host": ("esp32dev", "gcc"),
    "rv32": ("esp32-c3-devkitm-1", "picolibc", "qemu-system-riscv32"),
    "xtensa": ("esp32dev", "xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
}


@pytest.fixture(scope="module")
def example():
    described = importlib.util.spec_from_file_location("camera_example", SCRIPT)
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    x, y = module.digit_frames()
    assert x.shape == (540, 120, 160, 2)
    module.digit_frames = lambda: (x[:40], y[:40])
    return module


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_become_labels(example, engine, tmp_path, capsys):
    board, *tools = ENGINES[engine]
    require(*tools)
    example.main(tmp_path, board=board, engine=engine)
    right, memory, labels, *lines = capsys.readouterr().out.splitlines()
    assert int(right.split()[0]) >= 38
    assert int(memory.split()[0].replace(",", "")) < 38_400 / 10
    expected = [f"frame {i}: label {label}" for i, label in enumerate(labels.split(": ")[1].split())]
    assert [line.strip() for line in lines] == expected and len(expected) == 4


def test_a_model_of_ones_own_and_the_other_framework(example, shared, tmp_path, capsys):
    """Person or not, from frames without any: the program says what the simulator says."""
    require("gcc")
    model = shared / "models/mlperf/vww_mbv1_025_int8.tflite"
    example.main(tmp_path, str(model), "esp32-c6-devkitc-1", "host")
    memory, labels, *lines = capsys.readouterr().out.splitlines()
    assert int(memory.split()[0].replace(",", "")) < 38_400 / 2
    assert [line.split()[-1] for line in lines] == labels.split(": ")[1].split()
    (result,) = mcuq.verify(tmp_path / "project")
    assert result.passed


def test_colors_are_words_of_a_camera(example):
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [8, 4, 8]], np.uint8)
    assert example.rgb565(colors).tolist() == [[0xF8, 0], [0x07, 0xE0], [0, 0x1F], [0x08, 0x21]]
