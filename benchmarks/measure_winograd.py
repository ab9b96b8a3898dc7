"""Count the instructions of 3x3 convolutions on RV32IMC, by each kernel; fit the constants that choose between them.

    python benchmarks/measure_winograd.py    print the constants of conv2d_winograd.py, and how well they fit

Layers of all kinds run once on the emulated chip, on random input. The constants are those of least squares of the
relative errors, over what `quantities` and `direct_quantities` count there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

import numpy as np
from bench_layer import instructions

from mcuq.kernels import lanes
from mcuq.kernels.lanes import conv2d_winograd as winograd
from mcuq.kernels.lanes.conv2d import Conv2dLanesParams
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2d, Conv2dParams
from mcuq.tensor import QConstant, QTensor

SIZES = [(4, 4), (8, 8), (7, 5), (16, 16), (13, 20)]
CHANNELS = [(1, 8), (3, 16), (4, 6), (8, 8), (16, 16), (16, 24), (32, 32), (48, 20), (64, 64), (100, 32)]


def layers(rng: np.random.Generator) -> Iterator[Conv2dParams]:
    """Yield 3x3 layers as the portable kernel takes them, of all sizes, with and without padding."""
    for i, size in enumerate(SIZES):
        for k, (depth, filters) in enumerate(CHANNELS):
            if size[0] * size[1] * depth * filters > 300_000:
                continue
            op = Conv2d(padding=(1, 1, 1, 1) if (i + k) % 3 else (0, 0, 0, 0))
            x, weights = QTensor((1, *size, depth), 0.05, -5), rng.integers(-127, 128, (filters, 3, 3, depth))
            constant = QConstant(weights.astype(np.int8), rng.uniform(0.002, 0.004, filters))
            y = QTensor(op.infer_shape(x.shape, weights.shape), 0.3 * depth**0.5, 3)
            params = op.lower([x, constant], y)
            assert isinstance(params, Conv2dParams)
            yield params


def kernels_for(portable: Conv2dParams) -> Iterator[tuple[Params, Mapping[str, float]]]:
    """Yield a layer as every kernel takes it that can, with what that has to do."""
    yield portable, winograd.direct_quantities(portable, 0)
    direct = lanes.kernel(Layer(portable, (), at_border=True))
    if isinstance(direct, Conv2dLanesParams):
        yield direct, winograd.direct_quantities(direct, direct.pairs)
    if faster := lanes.faster(portable):
        p = faster.params
        assert isinstance(p, winograd.Conv2dWinogradLanesParams)
        yield p, winograd.quantities(winograd.groups(p), p.input_c, p.output_c, p.block_in, p.block_out)


def fitted(rows: list[tuple[Mapping[str, float], int]]) -> dict[str, float]:
    """Return the constants of least squares of the relative errors."""
    names = list(rows[0][0])
    matrix = np.array([[costs[name] / measured for name in names] for costs, measured in rows])
    solution = np.linalg.lstsq(matrix, np.ones(len(rows)), rcond=None)[0]
    for costs, measured in rows:
        estimate = sum(costs[name] * value for name, value in zip(names, solution, strict=True))
        print(f"  {measured:>10,} {estimate / measured:6.3f}")
    return dict(zip(names, solution, strict=True))


def main() -> int:
    """Measure, fit, print; return the exit code."""
    rng = np.random.default_rng(0)
    rows: dict[str, list[tuple[Mapping[str, float], int]]] = {}
    for portable in layers(rng):
        x = rng.integers(-128, 128, (1, portable.input_h * portable.input_w * portable.input_c)).astype(np.int8)
        for params, amounts in kernels_for(portable):
            rows.setdefault(params.kernel, []).append((amounts, instructions(params, x)))
    for kernel, measured in rows.items():
        print(kernel, {name: round(value, 2) for name, value in fitted(measured).items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
