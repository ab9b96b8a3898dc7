"""What others measured on boards: the models, by whom, and what this machine counts for the same C code.

    python benchmarks/published.py     count, and write boards/published.json

The C code is ESP-NN's, driven by BakeNN 1.0.0 (``make build/bakenn``), compiled with -O2 for the emulated chips. A real
LX6 needs fewer instructions than the emulated Xtensa chip, whose compiler knows no high multiplication and no loops;
what it needs was counted for four of the models, and for the others follows from the mean share of those.

Needed beside BakeNN: PyTorch for two models that nobody publishes as a file (their instructions do not depend on what
they learned), and the reference models (the folder `shared` beside this checkout, or MCUQ_SHARED).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bench_peers
import flatbuffers
import numpy as np
import published_nets
from ai_edge_litert import schema_py_generated as schema
from bench_chip import Program, count

from mcuq import loading
from mcuq.graph import Graph
from mcuq.ops.conv2d import Conv2d

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "boards" / "published.json"
SHARED = Path(os.environ.get("MCUQ_SHARED", ROOT.parent / "shared"))
FILES = {
    "KWS": "mlperf/kws_dscnn_int8",
    "IC": "mlperf/ic_resnet8_int8",
    "VWW": "mlperf/vww_mbv1_025_int8",
    "AD": "mlperf/ad01_int8",
    "person_detect": "tflm/person_detect",
}
NETS = {"MNISTNet": published_nets.mnist_net, "MobileNetV2 0.25": published_nets.mobilenet_v2}
ISAS = {"xtensa": "xtensa", "rv32": "rv32imc"}  # of the emulated chips
LX6 = {"KWS": 32_310_000, "IC": 122_730_000, "VWW": 83_700_000, "AD": 1_930_000}
LX6_SOURCE = "mcuq's issue 20: ESP-NN's C code by bakenn, -O2, on real LX6 instructions"
S3_LAYERS = {"KWS": 3_920_000, "IC": 13_900_000, "VWW": 12_500_000, "AD": 1_290_000}
S3_SOURCE = "mcuq's issue 18: ESP-NN's S3 assembly, its layers' sum"
S3_PIXELS = 8  # that its convolution of 1x1 computes together
CONVOLUTION = 1_500  # bytes of code that a convolution of ESP-NN runs in, by -Os and -O2 alike


@dataclass(frozen=True)
class Measured:
    """A measurement of somebody else's on a board: milliseconds of an inference, where they are published."""

    model: str
    chip: str
    engine: str
    mhz: int
    flash_mode: str
    flash_mhz: int
    milliseconds: float
    source: str


MCUFIT = "mcufit-bench results/*.jsonl, 2026-08-16, IDF 5.5, -O2; flash as sdkconfig.defaults leaves it, DIO at 40 MHz"
ESPRESSIF = "esp-nn README, person_detect; flash as esp-tflite-micro's example sets it, QIO at 80 MHz"
BAKENN = "bakeNN benchmarks/esp32/results, IDF 5.5.4, flash DIO at 40 MHz"
TFLM, BAKED = "TFLM and ESP-NN", "BakeNN and ESP-NN"
MEASURED = (
    Measured("KWS", "esp32", TFLM, 240, "dio", 40, 162.334, MCUFIT),
    Measured("IC", "esp32", TFLM, 240, "dio", 40, 724.457, MCUFIT),
    Measured("person_detect", "esp32", TFLM, 240, "dio", 40, 474.220, MCUFIT),
    Measured("AD", "esp32", TFLM, 240, "dio", 40, 49.290, MCUFIT),
    Measured("person_detect", "esp32", TFLM, 240, "qio", 80, 380.0, ESPRESSIF),
    Measured("MobileNetV2 0.25", "esp32", BAKED, 240, "dio", 40, 97.685, BAKENN),
    Measured("MNISTNet", "esp32", BAKED, 160, "dio", 40, 19.785, BAKENN),
    Measured("person_detect", "esp32c3", TFLM, 160, "qio", 80, 426.0, ESPRESSIF),
    Measured("person_detect", "esp32s3", TFLM, 240, "qio", 80, 54.0, ESPRESSIF),
)


def counted() -> dict[str, dict[str, Any]]:
    """Return what this machine counts, by model: instructions per instruction set, constants, what is swept."""
    found = {}
    for name, file in FILES.items():
        path = SHARED / "models" / f"{file}.tflite"
        graph, model = loading.load(path), _digestible(path.read_bytes())
        outputs = graph.values[graph.outputs[0]].elements
        with tempfile.TemporaryDirectory() as folder:
            program, _ = bench_peers.peer("esp_nn", "peer", model, Path(folder) / "peer")
            found[name] = _counts(name, program, graph.values[graph.inputs[0]].elements, outputs, _swept(graph))
    for name, make in NETS.items():
        with tempfile.TemporaryDirectory() as folder:
            program, shape, swept = published_nets.program(make(), Path(folder) / "peer")
            found[name] = _counts(name, program, int(np.prod(shape)), 10, swept)
    return found


def _counts(name: str, program: Program, inputs: int, outputs: int, swept: list[list[int]]) -> dict[str, Any]:
    given = np.random.default_rng(0).integers(-128, 128, (1, inputs)).astype(np.int8)
    program = replace(program, flags=["-O2", *program.flags])
    runs = {known: count(isa, program, given, outputs) for isa, known in ISAS.items()}
    print(name, {isa: run.instructions for isa, run in runs.items()}, file=sys.stderr, flush=True)
    return {
        "instructions": {isa: run.instructions for isa, run in runs.items()},
        "constants": runs["xtensa"].constants,
        "code": runs["xtensa"].code,
        "swept": swept,
    }


def _digestible(model: bytes) -> bytes:
    """Return a TFLite model as BakeNN takes it, those of person_detect's age too."""
    content = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(bench_peers.digestible(model)), 0))
    for tensor in content.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.INT32 and tensor.quantization is not None:
            tensor.quantization.quantizedDimension = 0
    for code in content.operatorCodes:
        if schema.BuiltinOperator.CONV_2D in {code.builtinCode, code.deprecatedBuiltinCode}:
            code.version = 3
    builder = flatbuffers.Builder(1024)
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _swept(graph: Graph) -> list[list[int]]:
    """Return bytes and times of what is read over and over: ESP-NN's convolutions read all filters for every pixel."""
    found = []
    for node in graph.nodes:
        if isinstance(node.op, Conv2d):
            _, height, width, _ = graph.values[node.outputs[0]].shape
            weights = sum(graph.constants[name].values.nbytes for name in node.inputs[1:])
            found.append([weights + CONVOLUTION, height * width])
    return found


def records(models: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every measurement with what was counted for its model."""
    shares = {name: real / models[name]["instructions"]["xtensa"] for name, real in LX6.items()}
    mean = sum(shares.values()) / len(shares)
    for m in MEASURED:
        model = models[m.model]
        exact, basis = _instructions(m, model, mean)
        at_once = S3_PIXELS if m.chip == "esp32s3" else 1
        yield {
            **vars(m),
            "instructions": round(exact),
            "counted": basis,
            **{key: model[key] for key in ("constants", "code")},
            "swept": [[size, -(-times // at_once)] for size, times in model["swept"]],
        }


def _instructions(m: Measured, model: Mapping[str, Any], share: float) -> tuple[float, str]:
    """Return the instructions of a model on the chip where it was measured, and how they are known."""
    if m.chip == "esp32":
        emulated = model["instructions"]["xtensa"]
        derived = f"bakenn 1.0.0 on the emulated Xtensa chip: {emulated}, times {share:.4f}, the mean share of LX6's"
        return (LX6[m.model], LX6_SOURCE) if m.model in LX6 else (share * emulated, derived)
    if m.chip == "esp32s3":  # VWW is the same network on colours
        macs = 7_162_960 / 7_489_664
        return macs * S3_LAYERS["VWW"], f"{S3_SOURCE}, VWW's, times {macs:.4f}, the share of multiplications"
    return model["instructions"]["rv32imc"], "bakenn 1.0.0 on the emulated RV32IMC chip"


def main() -> int:
    """Count and write."""
    models = counted()
    shares = {name: round(real / models[name]["instructions"]["xtensa"], 4) for name, real in LX6.items()}
    content = {"lx6_share": {"models": shares, "source": LX6_SOURCE}, "records": list(records(models))}
    TABLE.write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
