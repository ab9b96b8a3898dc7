"""Count the instructions of layers with few bits per weight on emulated chips, next to the same layers in int8.

    python benchmarks/measure_few_bits.py                 layer by layer, weights of every format, on RV32IMC
    python benchmarks/measure_few_bits.py --chip esp32    on Xtensa, with the ESP32's MAC16
    python benchmarks/measure_few_bits.py --model         keyword spotting (MLPerf Tiny) as a whole, on either chip

The model and its samples are in the folder `shared` beside this checkout, or MCUQ_SHARED.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench import SHARED, Model, ours
from bench_chip import count
from bench_layer import instructions

import mcuq
from mcuq.graph import Graph
from mcuq.kernels import chosen
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Op
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.quantization import Options, quantize
from mcuq.target.chip import load_chip
from mcuq.tensor import Array, QConstant, QTensor, Shape

ENGINES = {"esp32c3": "rv32", "esp32": "xtensa"}
LAYERS: dict[str, tuple[Op, Shape, Shape]] = {
    "pointwise 64 -> 64, 25x5": (Conv2d(), (1, 25, 5, 64), (64, 1, 1, 64)),
    "3x3 64 -> 64, 8x8": (Conv2d(padding=(1, 1, 1, 1)), (1, 8, 8, 64), (64, 3, 3, 64)),
    "3x3 16 -> 16, 16x16": (Conv2d(padding=(1, 1, 1, 1)), (1, 16, 16, 16), (16, 3, 3, 16)),
    "10x4 1 -> 64, 49x10, stride 2": (Conv2d((2, 2), padding=(4, 5, 1, 1)), (1, 49, 10, 1), (64, 10, 4, 1)),
    "depthwise 3x3 64, 25x5": (DepthwiseConv2d(padding=(1, 1, 1, 1)), (1, 25, 5, 64), (1, 3, 3, 64)),
    "fully connected 64 -> 12": (FullyConnected(), (1, 64), (12, 64)),
    "fully connected 640 -> 128": (FullyConnected(), (1, 640), (128, 640)),
}
CALIBRATION = 100  # samples
COARSE = 2.0  # multiplier of layers whose outputs are finer than the sums, as sums of signs are


def formats(rng: np.random.Generator, shape: Shape, axis: int) -> Iterator[tuple[str, QConstant]]:
    """Yield weights of every format, distributed as trained ones are."""
    scale = rng.uniform(0.02, 0.04, shape[axis])
    integers = np.clip(np.rint(rng.normal(size=shape) * 2.7), -7, 7).astype(np.int8)
    book = np.sort(rng.choice(np.arange(-127, 128), 16, replace=False)).astype(np.int8)
    few, binary = (
        book[:: len(book) // 4],
        QConstant(np.where(integers < 0, -1, 1).astype(np.int8), scale * 2, bits=1, axis=axis),
    )
    yield "int8", QConstant(rng.integers(-127, 128, shape).astype(np.int8), scale / 16, axis=axis)
    yield "4 bits", QConstant(integers, scale, bits=4, axis=axis)
    yield "2 bits", QConstant(np.clip(integers, -1, 1), scale * 4, bits=2, axis=axis)
    yield "16 entries", QConstant(book[integers + 7], scale / 16, bits=4, axis=axis, codebook=book[np.newaxis])
    books = np.sort([rng.choice(np.arange(-127, 128), 16, replace=False) for _ in range(shape[axis])]).astype(np.int8)
    yield "16 each", QConstant(looked_up(books, integers + 7, axis), scale / 16, bits=4, axis=axis, codebook=books)
    yield "4 entries", QConstant(few[integers % 4], scale / 16, bits=2, axis=axis, codebook=few[np.newaxis])
    yield "binary", binary
    yield "xnor", binary
    yield "binary, coarse", binary
    yield "xnor, coarse", binary


def looked_up(books: Array, indices: Array, axis: int) -> Array:
    """Return entries of codebooks [channels, entries], whose channels lie along an axis of the indices."""
    rows = np.moveaxis(indices, axis, 0)
    values = np.take_along_axis(books, rows.reshape(len(rows), -1).astype(np.intp), axis=1)
    return np.ascontiguousarray(np.moveaxis(values.reshape(rows.shape), 0, axis))


def layers(chip: str) -> None:
    """Print instructions per multiplication, their ratio to int8's, and the scratch."""
    rng = np.random.default_rng(0)
    for what, (op, image, shape) in LAYERS.items():
        x, result = QTensor(image, 0.05, -5), op.infer_shape(image, shape)
        data = rng.integers(-128, 128, (1, x.elements)).astype(np.int8)
        signs, of_signs = QTensor(image, 1.0, 0, bits=1), np.where(data < 0, -1, 1).astype(np.int8)
        base, macs = 0, op.macs(image, shape)
        for kind, weights in formats(rng, shape, op.weights_axis or 0):
            given, samples = (signs, of_signs) if "xnor" in kind else (x, data)
            scale = given.scale * float(weights.scale.mean()) / COARSE if "coarse" in kind else 1.0
            layer = Layer(op.lower([given, weights], QTensor(result, scale, 3)), [given, weights], at_border=True)
            params = chosen(layer, load_chip(chip).kernels)
            counted = instructions(params, samples, ENGINES[chip])
            base = base or counted
            speed = f"{counted / macs:6.2f}/MAC  {counted / base:6.3f}x"
            print(f"{what:30} {kind:14} {params.kernel:36} {speed}  {params.scratch_bytes:5} B", flush=True)


def model(chip: str) -> None:
    """Print the instructions of a whole inference, and the arena."""
    graph = mcuq.load(SHARED / "models/mlperf/kws_savedmodel")
    samples = np.load(SHARED / "data/kws01.npz")["X"].astype(np.float32)
    x = ((samples - 83) * np.float32(0.5847029))[:, np.newaxis]
    kept = {node.name: 8 for node in graph.nodes if node.op.name == "depthwise_conv2d"}
    chosen = {
        "int8": Options(),
        "4 bits, depthwise 8": Options(bits=4, clip=True, layer_bits=kept),
        "4 bits": Options(bits=4, clip=True),
        "2 bits, depthwise 8": Options(bits=2, clip=True, layer_bits=kept),
        "16 entries, depthwise 8": Options(codebook=16, layer_bits=kept),
    }
    base = 0
    for kind, options in chosen.items():
        integers = quantize(graph, x[:CALIBRATION], options).graph
        counted, arena = inference(chip, integers, x[CALIBRATION : CALIBRATION + 1])
        base = base or counted
        print(f"kws {kind:24} {counted:>10,}  {counted / base:6.3f}x  arena {arena:6} B", flush=True)


def inference(chip: str, graph: Graph, x: Array) -> tuple[int, int]:
    """Return the instructions of one inference, whose output is checked, and the bytes of the arena."""
    inputs = graph.values[graph.inputs[0]].quantize(x)
    with tempfile.TemporaryDirectory() as folder:
        plan, program = ours(Model("kws", b"", graph, inputs, inputs), ENGINES[chip], Path(folder))
        expected = np.asarray(mcuq.simulate(plan, inputs)).reshape(1, -1)
        program = replace(program, flags=[*program.flags, "-UMCUQ_TRACE"], has_mac16=chip == "esp32")
        counted = count(ENGINES[chip], program, inputs.reshape(1, -1), expected.shape[1])
    assert (counted.outputs == expected.view(np.int8)).all()
    return counted.instructions, plan.arena_bytes


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="store_true", help="a whole model instead of layers")
    parser.add_argument("--chip", choices=ENGINES, default="esp32c3")
    arguments = parser.parse_args()
    (model if arguments.model else layers)(arguments.chip)
    return 0


if __name__ == "__main__":
    sys.exit(main())
