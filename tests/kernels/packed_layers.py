"""Layers with weights of few bits, and the same layers with a byte per weight."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from chips import kernel_for
from harness import Case, assert_kernels_equal_run, random_bytes

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Op, Params
from mcuq.ops.packing import uniform_levels
from mcuq.tensor import QConstant, QTensor


@dataclass
class PackedLayer:
    """What is lowered."""

    op: Op
    x: QTensor
    weights: QConstant
    bias: QConstant
    y: QTensor

    def lower(self, chip: str) -> Params:
        return kernel_for(self.op, [self.x, self.weights, self.bias], self.y, chip)

    def in_bytes(self) -> Params:
        """Return the portable kernel's parameters with a byte per weight."""
        return self.op.lower([self.x, self.weights.in_bytes, self.bias], self.y)


def weights_of(rng, shape, axis, bits, codebooks=0, scales=None) -> QConstant:
    """Random weights: uniform, or of so many codebooks, dealt out to channels at random."""
    channels = shape[axis]
    scale = rng.uniform(0.002, 0.02, channels) if scales is None else scales
    if not codebooks:
        return QConstant(rng.choice(uniform_levels(bits), shape), scale, bits=bits, axis=axis)
    books = np.sort([rng.choice(np.arange(-128, 128), 2**bits, replace=False) for _ in range(codebooks)]).astype(
        np.int8
    )
    rows = books[rng.integers(0, codebooks, channels)] if codebooks > 1 else books
    size = int(np.prod(shape)) // channels
    index = rng.integers(0, 2**bits, (channels, size))
    flat = np.take_along_axis(np.broadcast_to(rows, (channels, 2**bits)), index, axis=1)
    rest = [d for i, d in enumerate(shape) if i != axis]
    values = np.ascontiguousarray(np.moveaxis(flat.reshape(channels, *rest), 0, axis))
    return QConstant(values, scale, bits=bits, axis=axis, codebook=rows)


def packed_layer(rng, op: Op, image, shape, **options) -> PackedLayer:
    """Return a layer; image without the batch. Of signs, its sums are of fewer units, and so is its bias."""
    zero_point, scale_out, signs = (options.pop(*o) for o in (("zero_point", -7), ("scale_out", 0.3), ("signs", False)))
    axis = op.weights_axis
    x = QTensor((1, *image), 1.0, 0, bits=1) if signs else QTensor((1, *image), 0.05, zero_point)
    weights = weights_of(rng, shape, axis, **options)
    bias = QConstant(rng.integers(*((-40, 40) if signs else (-3000, 3000)), shape[axis]).astype(np.int32), np.ones(1))
    return PackedLayer(op, x, weights, bias, QTensor(op.infer_shape(x.shape, shape), scale_out, 3))


def coarse(rng, layer: PackedLayer, scale: float, scale_out: float = 1.0) -> PackedLayer:
    """Return a layer whose multipliers are 1/16 to 32 and end in ties, its sums small; scale is that of the input."""
    factors = 2.0 ** rng.integers(-4, 6, layer.weights.scale.shape) * rng.choice([1.0, 1.25, 1.5, 1.75])
    weights = replace(layer.weights, scale=factors / scale)
    bias = replace(layer.bias, values=(layer.bias.values % 80 - 40).astype(np.int32))
    return replace(layer, weights=weights, bias=bias, y=replace(layer.y, scale=scale_out))


def assert_packed_equal(
    rng, layers: Sequence[PackedLayer], chip: str = "generic", cc: str = "gcc", backwards: bool = False
) -> list[Params]:
    """Compare ``run`` with that of a byte per weight, and C with ``run``; return the parameters."""
    cases = []
    for layer in layers:
        params = layer.lower(chip)
        x = random_inputs(rng, layer.x)
        np.testing.assert_array_equal(params.run(x), layer.in_bytes().run(x), str(params))
        cases.append(Case(params.reversed() if backwards else params, [x]))
    assert_kernels_equal_run(cases, cc)
    return [case.params for case in cases]


def assert_runs_equal(rng, layers: Sequence[PackedLayer], chip: str = "generic") -> set[str]:
    """Compare each kernel's ``run`` with that of a byte per weight; return the kernels that took layers."""
    found = set()
    for layer in layers:
        params, x = layer.lower(chip), random_inputs(rng, layer.x)
        np.testing.assert_array_equal(params.run(x), layer.in_bytes().run(x), str(params))
        found.add(params.kernel)
    return found


def random_inputs(rng, x: QTensor) -> np.ndarray:
    """Return three samples; the first two are all at a limit."""
    q = random_bytes(rng, 3, x.elements)
    return np.where(q < 0, -1, 1).astype(np.int8) if x.bits == 1 else q


def refused(op: Op, shape, match: str, **options) -> None:
    """Weights of 100 are refused with these options."""
    weights = QConstant(np.full(shape, 100, np.int8), np.array([0.1]), axis=op.weights_axis, **_arrays(options))
    x = QTensor((1, 1, 1, 2), 0.1, 0)
    y = QTensor(op.infer_shape(x.shape, shape), 0.1, 0)
    for chip in ("generic", "esp32", "esp32c3"):
        with pytest.raises(CannotQuantizeError, match=match):
            kernel_for(op, [x, weights], y, chip)


def _arrays(options):
    return {k: np.array(v, np.int8) if k == "codebook" else v for k, v in options.items()}
