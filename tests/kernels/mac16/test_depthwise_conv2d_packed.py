"""Depthwise convolution with few bits on MAC16: random windows and channels; see test_conv2d_packed.py as well."""

import numpy as np
import pytest

from kernels.mac16.layers import CHIP
from kernels.packed_layers import PackedLayer, assert_packed_equal, assert_runs_equal, packed_layer
from kernels.portable.test_conv2d_packed import FORMATS
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d

KERNEL = "depthwise_conv2d_s8_packed_mac16"


def random_layers(rng: np.random.Generator, count: int) -> list[PackedLayer]:
    layers = []
    while len(layers) < count:
        h, w, c = (int(v) for v in rng.integers((1, 1, 2), (12, 12, 20)))
        window, stride = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (5, 4))
        op = DepthwiseConv2d(stride, (int(rng.integers(1, 3)), 1), tuple(int(v) for v in rng.integers(0, 4, 4)))
        try:
            form = FORMATS[rng.integers(len(FORMATS))]
            layers.append(packed_layer(rng, op, (h, w, c), (1, *window, c), **form))
        except ValueError:
            continue  # the window is larger than the padded image
    return layers


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    assert KERNEL in {p.kernel for p in assert_packed_equal(rng, random_layers(rng, 40), CHIP, cc)}


def test_n2_reversed(rng):
    assert_packed_equal(rng, random_layers(rng, 20), CHIP, backwards=True)


def test_equals_portable(rng):
    assert KERNEL in assert_runs_equal(rng, random_layers(rng, 150), CHIP)
