"""The MLPerf Tiny models with the ESP32-S3's kernels: TFLM's bytes on the emulated chip, code and scratch."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from requirements import require

from mcuq import loading, pipeline
from mcuq.archive import Archive
from mcuq.engines.emulator import build_emulated
from mcuq.verification import simulate_on

S3, ESP32 = "esp32-s3-devkitc-1", "esp32dev"
MOST_CODE = 16 * 1024  # of the kernels that need the vector unit
MOST_SCRATCH = 4096
SAMPLES = 2
SLOW = ("kws_dscnn_int8", "ic_resnet8_int8", "vww_mbv1_025_int8", "sww_int8")


@pytest.fixture(scope="module", params=["ad01_int8", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def graph(name, shared):
    return replace(loading.load(shared / "models" / "mlperf" / f"{name}.tflite"), name="model")


@pytest.fixture(scope="module")
def plan(graph):
    return pipeline.compile(graph, S3)


def golden(shared, name) -> tuple[np.ndarray, np.ndarray]:
    arrays = np.load(shared / "golden" / f"mlperf__{name}.npz")
    return arrays["input"][:SAMPLES], arrays["output0"][:SAMPLES]


def test_emulated_chip_equals_tflm(graph, plan, name, shared):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    x, expected = golden(shared, name)
    outputs = simulate_on("s3", plan, {graph.inputs[0]: x}).outputs[graph.outputs[0]]

    assert any(step.params.kernel.endswith("_s3") for step in plan.steps)
    np.testing.assert_array_equal(outputs.reshape(expected.shape), expected)


def test_kernels_of_the_esp32_count_the_same_on_both_chips(graph, name, shared):
    """To the instruction: no vector instruction is among them, and what emulates those is not counted."""
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    plan, (x, _) = pipeline.compile(graph, ESP32, slower=0), golden(shared, name)
    counted = [simulate_on(engine, plan, {graph.inputs[0]: x}).cycles.tolist() for engine in ("xtensa", "s3")]

    assert min(counted[0]) > 0
    assert counted[0] == counted[1]


def test_scratch(plan):
    assert plan.scratch_bytes <= MOST_SCRATCH


def test_code_in_the_linked_file(graph, tmp_path):
    require("xtensa-lx106-elf-gcc")
    pipeline.write_project(Archive(graph), S3, tmp_path / "project")
    elf = build_emulated(tmp_path / "project", ["model"], "s3", tmp_path)
    symbols = subprocess.run(["xtensa-lx106-elf-nm", "-S", str(elf)], capture_output=True, text=True, check=True).stdout
    core = "mcuq_s3_(?:copy|depthwise|dot|each|fill|line|max|pack|pool|product|strip|sum|window)"
    kernel = re.compile(rf"^\w+ (\w+) [Tt] ({core}\w*|mcuq_\w+_s3)$", re.MULTILINE)
    sizes = {name: int(size, 16) for size, name in kernel.findall(symbols)}

    assert "mcuq_s3_window_long" in sizes
    assert sum(sizes.values()) <= MOST_CODE, sizes
