"""Layers lowered twice, portable and for a chip: what the tests of chip-specific kernels share."""

from collections.abc import Callable, Sequence

import numpy as np
from chips import kernel_for
from harness import Case, assert_kernels_equal_run, random_bytes

from mcuq.kernels.channels import Channels, Rounding, fast_channels
from mcuq.kernels.lanes import conv2d_winograd
from mcuq.kernels.lanes.conv2d_winograd import Conv2dWinogradLanesParams
from mcuq.ops.base import Op, Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.tensor import QConstant, QTensor

CHIP = "esp32c3"
ZERO_POINTS = (-128, -7, 0, 127)
OUTPUT_ZERO_POINTS = (-128, 3, 127)
OUTPUT_SCALES = (0.01, 0.1, 0.6, 3.0)  # saturating to nearly constant
ACTIVATIONS = ("none", "relu", "relu6", "relu_n1_to_1")


def layer(
    rng: np.random.Generator,
    op: Op,
    x: QTensor,
    weights: np.ndarray,
    *,
    axis: int = 0,
    scale_out: float = 0.6,
    zero_point: int = 3,
    per_channel: bool = True,
) -> Callable[[str], Params]:
    """Return what lowers a layer with these weights for a chip."""
    channels = weights.shape[axis]
    scales = rng.uniform(0.002, 0.02, channels if per_channel else 1)
    k = QConstant(weights.astype(np.int8), scales, axis=axis)
    b = QConstant(rng.integers(-3000, 3000, channels).astype(np.int32), np.array([0.1]))
    y = QTensor(op.infer_shape(x.shape, weights.shape), scale_out, zero_point)
    return lambda chip: kernel_for(op, [x, k, b], y, chip)


def assert_variants_equal_portable(
    rng: np.random.Generator,
    layers: Sequence[Callable[[str], Params]],
    cc: str = "gcc",
    samples: int = 4,
    chip: str = CHIP,
) -> list[Params]:
    """Compare each variant's ``run`` with the portable one, and its C with its ``run``; return the variants."""
    cases = cases_of_variants(rng, layers, samples, chip)
    assert_kernels_equal_run(cases, cc)
    return [case.params for case in cases]


def cases_of_variants(
    rng: np.random.Generator, layers: Sequence[Callable[[str], Params]], samples: int = 4, chip: str = CHIP
) -> list[Case]:
    """Return a case of random inputs for each variant, whose ``run`` is compared with the portable one."""
    cases = []
    for lower in layers:
        variant, portable = lower(chip), lower("generic")
        size = elements(portable)
        x = random_bytes(rng, samples, size)
        np.testing.assert_array_equal(variant.run(x), portable.run(x), str(variant))
        cases.append(Case(variant, [x]))
    return cases


def winograd(p: Conv2dParams) -> Conv2dWinogradLanesParams:
    """Return Winograd's kernel of a 3x3 layer, whatever it costs."""
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = fast_channels(Channels(p.weights.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift), rounding)
    assert channels is not None
    return conv2d_winograd.winograd(p, channels)


def elements(params: Params) -> int:
    """Return how many bytes of input a portable layer takes."""
    if hasattr(params, "batch"):
        return params.batch * params.input_c
    return params.input_h * params.input_w * params.input_c


def tables_bytes(params: Params) -> int:
    return sum(values.nbytes for _, values in params.tables())
