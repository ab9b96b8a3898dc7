"""Count the instructions of layers with few bits per weight on the ESP32's MAC16, next to the same layers in int8.

    python benchmarks/measure_few_bits_lx6.py

Twice: with the scratch that any layer may take, and with the most that these kernels take.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
from bench_chip import Program, count
from measure_few_bits import LAYERS
from measure_winograd import CALL, KERNELS

from mcuq.c_source import distinct_tables, struct_text, table_text
from mcuq.engines.emulator import FLAGS
from mcuq.ops.base import Params
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.lx6 import MAX_SCRATCH
from mcuq.tensor import Array, QConstant, QTensor

CHIP, ENTRIES = "esp32", 16
DEPTHWISE = {"depthwise 3x3 64, 25x5": (DepthwiseConv2d(padding=(1, 1, 1, 1)), (1, 25, 5, 64), (1, 3, 3, 64))}


def formats(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Iterator[tuple[str, QConstant]]:
    """Yield a layer's weights in every format, int8 first; integers are distributed as trained weights are."""
    channels = shape[axis]
    scale = rng.uniform(0.02, 0.04, channels)
    integers = np.clip(np.rint(rng.normal(size=shape) * 2.7), -7, 7).astype(np.int8)
    yield "int8", QConstant(rng.integers(-127, 128, shape).astype(np.int8), scale / 16, axis=axis)
    yield "4 bits", QConstant(integers, scale, bits=4, axis=axis)
    yield "2 bits", QConstant(np.clip(integers, -1, 1), scale * 4, bits=2, axis=axis)
    for what, books in (("codebook", 1), ("codebooks", channels)):
        book = np.sort([rng.choice(np.arange(-127, 128), ENTRIES, replace=False) for _ in range(books)]).astype(np.int8)
        yield what, QConstant(looked_up(book, integers + 7, axis), scale / 16, bits=4, axis=axis, codebook=book)


def looked_up(book: Array, indices: Array, axis: int) -> Array:
    """Return entries of codebooks [1 or channels, entries], whose channels lie along an axis of the indices."""
    rows = np.moveaxis(indices, axis, 0)
    flat = rows.reshape(len(rows), -1).astype(np.intp)
    values = np.take_along_axis(np.broadcast_to(book, (len(rows), ENTRIES)), flat, axis=1)
    return np.ascontiguousarray(np.moveaxis(values.reshape(rows.shape), 0, axis))


def instructions(params: Params, x: Array) -> int:
    """Run one layer once."""
    tables, names = [], {}
    for member, name, _ in distinct_tables("layer", params, {}):
        names[member.name] = name
        tables.append(table_text(member.ctype, name, getattr(params, member.name)))
    call = CALL.format(
        kernel=params.kernel,
        tables="\n".join([*tables, struct_text("layer", params, names)]),
        words=params.scratch_bytes // 4 + 1,
    )
    cores = [*KERNELS.glob("mcuq_lx6_*.[cS]"), KERNELS / "mcuq_depthwise_conv2d_s8_lx6.c"]
    sources = sorted({KERNELS / f"mcuq_{params.kernel}.c", *cores})
    expected = params.run(x)
    counted = count("xtensa", Program(sources, [*FLAGS, f"-I{KERNELS}"], call), x, expected.shape[1])
    assert (counted.outputs == expected).all(), params
    return counted.instructions


def main() -> int:
    """Measure and print; return the exit code."""
    rng = np.random.default_rng(0)
    for what, (op, image, shape) in (LAYERS | DEPTHWISE).items():
        x, y = QTensor(image, 0.05, -5), QTensor(op.infer_shape(image, shape), 1.0, 3)
        data = rng.integers(-128, 128, (1, x.elements)).astype(np.int8)
        base: dict[bool, int] = {}
        for kind, weights in formats(rng, shape, op.weights_axis or 0):
            params = op.lower([x, weights], y, CHIP)
            for roomy in (False, True):
                chosen = params.with_scratch(MAX_SCRATCH) if roomy else params
                counted, macs = instructions(chosen, data), op.macs(image, shape)
                ratio = counted / base.setdefault(roomy, counted)
                print(f"{what:32} {kind:9} {params.kernel:30} {chosen.scratch_bytes:5} bytes", end=" ")
                print(f"{counted:8,} {counted / macs:6.3f}/MAC  {ratio:5.2f}x", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
