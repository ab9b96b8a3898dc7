"""Count the instructions of layers with few bits per weight on RV32IMC, next to the same layers in int8.

python benchmarks/measure_few_bits.py
"""

from __future__ import annotations

import sys

import numpy as np
from measure_winograd import instructions

from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

CHIP = "esp32c3"
LAYERS = {
    "pointwise 64 -> 64, 25x5": (Conv2d(), (1, 25, 5, 64), (64, 1, 1, 64)),
    "3x3 64 -> 64, 8x8": (Conv2d(padding=(1, 1, 1, 1)), (1, 8, 8, 64), (64, 3, 3, 64)),
    "3x3 16 -> 16, 16x16": (Conv2d(padding=(1, 1, 1, 1)), (1, 16, 16, 16), (16, 3, 3, 16)),
    "10x4 1 -> 64, 49x10, stride 2": (Conv2d((2, 2), padding=(4, 5, 1, 1)), (1, 49, 10, 1), (64, 10, 4, 1)),
    "fully connected 640 -> 128": (FullyConnected(), (1, 640), (128, 640)),
}


def main() -> int:
    """Measure and print; return the exit code."""
    rng = np.random.default_rng(0)
    for what, (op, image, shape) in LAYERS.items():
        x, y = QTensor(image, 0.05, -5), QTensor(op.infer_shape(image, shape), 1.0, 3)
        data = rng.integers(-128, 128, (1, x.elements)).astype(np.int8)
        scale, macs = rng.uniform(0.02, 0.04, shape[0]), op.macs(image, shape)
        integers = np.clip(np.rint(rng.normal(size=shape) * 2.7), -7, 7).astype(np.int8)  # as trained weights are
        book = np.sort(rng.choice(np.arange(-127, 128), 16, replace=False)).astype(np.int8)
        kinds = {
            "int8": QConstant(rng.integers(-127, 128, shape).astype(np.int8), scale / 16),
            "4 bits": QConstant(integers, scale, bits=4),
            "2 bits": QConstant(np.clip(integers, -1, 1), scale * 4, bits=2),
            "binary": QConstant(np.where(integers < 0, -1, 1).astype(np.int8), scale * 4, bits=1),
            "codebook": QConstant(book[integers + 7], scale / 16, bits=4, codebook=book[np.newaxis]),
        }
        base = 0
        layers = {kind: (op.lower([x, weights], y, CHIP), data) for kind, weights in kinds.items()}
        signs = QTensor(image, 1.0, 0, bits=1)
        layers["xnor"] = op.lower([signs, kinds["binary"]], y, CHIP), np.where(data < 0, -1, 1).astype(np.int8)
        for kind, (params, samples) in layers.items():
            counted = instructions(params, samples)
            base = base or counted
            print(
                f"{what:32} {kind:9} {params.kernel:24} {counted / macs:6.2f}/MAC  {counted / base:5.2f}x", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
