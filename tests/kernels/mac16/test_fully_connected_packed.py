"""Vectors and weights of few bits on MAC16: words of every remainder; see test_conv2d_packed.py as well."""

import numpy as np
import pytest

from kernels.mac16.layers import CHIP
from kernels.packed_layers import PackedLayer, assert_packed_equal, assert_runs_equal, packed_layer
from mcuq.ops.fully_connected import FullyConnected

KERNEL = "fully_connected_s8_packed_mac16"
FORMATS = [{"bits": 2}, {"bits": 3}, {"bits": 4}, {"bits": 2, "codebooks": 1}, {"bits": 2, "codebooks": 3}]


def random_layers(rng: np.random.Generator, count: int) -> list[PackedLayer]:
    sizes = rng.integers((1, 8), (200, 60), (count, 2)).tolist()
    forms = [FORMATS[i] for i in rng.integers(len(FORMATS), size=count)]
    return [
        packed_layer(rng, FullyConnected(), (i,), (o, i), **form) for (i, o), form in zip(sizes, forms, strict=True)
    ]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    assert KERNEL in {p.kernel for p in assert_packed_equal(rng, random_layers(rng, 40), CHIP, cc)}


def test_equals_portable(rng):
    assert KERNEL in assert_runs_equal(rng, random_layers(rng, 150), CHIP)
