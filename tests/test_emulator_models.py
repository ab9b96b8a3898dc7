"""Contract N4: the MLPerf five and the digits on both emulated chips, zero mismatches, through `mcuq verify`."""

from pathlib import Path

import numpy as np
import pytest
from requirements import require_tool

from mcuq import loading, pipeline
from mcuq.archive import Archive
from mcuq.fit import footprint
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.target.setup import Setup
from mcuq.verification import verify_project

ROOT = Path(__file__).parents[1]
MODELS = [
    *("mlperf/kws_dscnn_int8", "mlperf/ic_resnet8_int8", "mlperf/vww_mbv1_025_int8", "mlperf/ad01_int8"),
    *("mlperf/sww_int8", "tflm/person_detect"),
]
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


def assert_exact(result):
    assert (result.different, result.first, result.self_test) == (0, None, True)
    assert result.instructions.minimum > 0
    assert abs(sum(result.layers.values()) - result.instructions.median) < 0.01 * result.instructions.median + 2000


@pytest.mark.parametrize("model", [*MODELS, "digits"])
def test_n4_zero_mismatches(engine, model, request, tmp_path):
    """The embedded vectors and, for the reference models, two of TensorFlow Lite Micro's golden inputs."""
    data = None
    if model == "digits":
        path = ROOT / "examples/digits/digits.tflite"
    else:
        shared = request.getfixturevalue("shared")
        path = shared / f"models/{model}.tflite"
        data = tmp_path / "x.npy"
        np.save(data, np.load(shared / f"golden/{model.replace('/', '__')}.npz")["input"][:2])
    pipeline.write_project(Archive(loading.load(path)), BOARDS[engine], tmp_path)
    (result,) = verify_project(tmp_path, engine, data=data)

    assert_exact(result)


@pytest.mark.parametrize(("model", "ram"), [("ad01_int8", 900), ("sww_int8", 4000)])
def test_n4_little_memory(model, ram, shared, tmp_path):
    """Arena, input and output in so many bytes on an ESP32, by kernels with less scratch."""
    require_tool("xtensa-lx106-elf-gcc", "apt-get install gcc-xtensa-lx106")
    require_tool("qemu-system-xtensa", "apt-get install qemu-system-misc")
    data, graph = tmp_path / "x.npy", loading.load(shared / f"models/mlperf/{model}.tflite")
    np.save(data, np.load(shared / f"golden/mlperf__{model}.npz")["input"][:2])
    written = pipeline.write_project(Archive(graph), BOARDS["xtensa"], tmp_path, setup=Setup(ram=ram))
    (result,) = verify_project(tmp_path, "xtensa", data=data)

    assert_exact(result)
    assert written.plan.total_bytes + written.plan.state_bytes <= ram


@pytest.mark.parametrize(
    "options",
    [{"bits": 4}, {"bits": 2}, {"codebook": 16, "codebook_channels": 8}],
    ids=["4 bits", "2 bits", "codebook"],
)
def test_n4_few_bits(engine, options, tmp_path):
    """The digits, quantized to fewer bits."""
    folder = ROOT / "examples/digits"
    model = loading.open_model(folder / "digits_float.tflite", folder / "calibration.npz", options)
    pipeline.write_project(model, BOARDS[engine], tmp_path)
    (result,) = verify_project(tmp_path, engine)

    assert_exact(result)


def test_n4_speed(shared, tmp_path):
    """ResNet-8 with Winograd on RV32IMC: the same bytes, 2.2 instructions per multiply-accumulate at most."""
    require_tool("riscv64-unknown-elf-gcc", "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf")
    require_tool("qemu-system-riscv32", "apt-get install qemu-system-misc")
    data, graph = tmp_path / "x.npy", loading.load(shared / "models/mlperf/ic_resnet8_int8.tflite")
    np.save(data, np.load(shared / "golden/mlperf__ic_resnet8_int8.npz")["input"][:2])
    written = pipeline.write_project(Archive(graph), BOARDS["rv32"], tmp_path, setup=Setup(speed=True))
    (result,) = verify_project(tmp_path, "rv32", data=data)

    assert_exact(result)
    assert written.plan.speedup and not written.plan.speedup.kept_back
    assert result.instructions.median <= 2.2 * 12_501_632
    assert max(step.params.scratch_bytes for step in written.plan.steps) <= MAX_SCRATCH
    assert dict(footprint.code(written.plan, "rv32imc"))["kernels"] <= 12 << 10
