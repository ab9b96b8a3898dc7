"""Contract N4: the MLPerf five and the digits on both emulated chips, zero mismatches, through `mcuq verify`."""

from pathlib import Path

import numpy as np
import pytest
from requirements import require_tool

from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.verification import verify_project

ROOT = Path(__file__).parents[1]
MLPERF = ["kws_dscnn_int8", "ic_resnet8_int8", "vww_mbv1_025_int8", "ad01_int8", "sww_int8"]
BOARDS = {"rv32": "esp32-c3-devkitm-1", "xtensa": "esp32dev"}


@pytest.fixture(params=BOARDS)
def engine(request):
    install = {
        "rv32": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
        "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
    }
    for tool in install[request.param]:
        require_tool(tool, "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf gcc-xtensa-lx106 "
                     "qemu-system-misc")  # fmt: skip
    return request.param


@pytest.mark.parametrize("model", [*MLPERF, "digits"])
def test_n4_zero_mismatches(engine, model, request, tmp_path):
    """The embedded vectors and, for MLPerf models, two of TensorFlow Lite Micro's golden inputs."""
    data = None
    if model == "digits":
        path = ROOT / "examples/digits/digits.tflite"
    else:
        shared = request.getfixturevalue("shared")
        path = shared / f"models/mlperf/{model}.tflite"
        data = tmp_path / "x.npy"
        np.save(data, np.load(shared / f"golden/mlperf__{model}.npz")["input"][:2])
    pipeline.write_project(Archive(pipeline.load(path)), BOARDS[engine], tmp_path)
    (result,) = verify_project(tmp_path, engine, data=data)

    assert (result.different, result.first, result.self_test) == (0, None, True)
    assert result.cycles.minimum > 0
    assert abs(sum(result.layers.values()) - result.cycles.median) < 0.01 * result.cycles.median + 2000
