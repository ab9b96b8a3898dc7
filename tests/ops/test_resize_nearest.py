"""Resizing to the nearest pixel against its kernel, TensorFlow Lite Micro, real numbers and PyTorch."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import samples
from requirements import require_module
from single_op import assert_close, assert_graph_equals_tflm, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.tensor import QTensor

SIZES = [
    ((4, 5, 3), (8, 10)),
    ((4, 5, 3), (7, 11)),
    ((8, 8, 4), (4, 4)),
    ((9, 7, 2), (4, 3)),
    ((1, 6, 1), (5, 1)),
    ((3, 3, 5), (1, 1)),
    ((5, 4, 1), (5, 4)),
    ((2, 3, 17), (13, 9)),
]
FLAGS = [(False, False), (True, False), (False, True)]


def single(sizes, flags):
    shape, size = sizes
    return graph_of(ResizeNearest(*size, *flags), QTensor((1, *shape), 0.1, -3))


def build(sizes, flags):
    (h, w, c), size = sizes
    builder = ModelBuilder()
    x, y = (builder.tensor((1, *hw, c), scale=0.1, zero_point=-3) for hw in ((h, w), size))
    wanted = builder.tensor((2,), "int32", data=size)
    options = {"alignCorners": flags[0], "halfPixelCenters": flags[1]}
    builder.op("RESIZE_NEAREST_NEIGHBOR", [x, wanted], [y], "ResizeNearestNeighborOptions", version=3, **options)
    return builder.finish([x], [y])


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("flags", FLAGS)
def test_n5_equals_tflm(rng, sizes, flags):
    assert_graph_equals_tflm(single(sizes, flags), build(sizes, flags), samples(rng, 4, (1, *sizes[0])))


def test_n5_many_random_sizes(rng):
    for _ in range(60):
        h, w, height, width = rng.integers(1, 24, 4).tolist()
        sizes, flags = ((h, w, 1), (height, width)), FLAGS[rng.integers(3)]
        assert_graph_equals_tflm(single(sizes, flags), build(sizes, flags), samples(rng, 2, (1, h, w, 1)))


@pytest.mark.parametrize("flags", FLAGS)
def test_close_to_forward(rng, flags):
    for sizes in SIZES:
        assert_close(single(sizes, flags), samples(rng, 3, (1, *sizes[0])), steps=0)


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(single(sizes, flags), rng) for sizes in SIZES for flags in FLAGS])


@pytest.mark.parametrize(("sizes", "mode", "flags"), [(s, m, f) for s in SIZES[:4] for m, f in (
    ("nearest", FLAGS[0]), ("nearest-exact", FLAGS[2]))])  # fmt: skip
def test_forward_is_torchs(rng, sizes, mode, flags):
    torch = require_module("torch")
    x = rng.normal(size=(2, 1, *sizes[0]))
    channels_first = torch.tensor(x[:, 0].transpose(0, 3, 1, 2))
    wanted = torch.nn.functional.interpolate(channels_first, sizes[1], mode=mode).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(ResizeNearest(*sizes[1], *flags).forward(x)[:, 0], wanted)


@pytest.mark.parametrize("op", [ResizeNearest(0, 1), ResizeNearest(1, 0), ResizeNearest(2, 2, True, True)], ids=str)
def test_c1_sizes_are_positive_and_flags_exclude_each_other(op):
    with pytest.raises(ValueError, match=r"positive|exclude"):
        op.infer_shape((1, 2, 2, 3))


def test_c2_quantization_must_not_change():
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        ResizeNearest(2, 2).lower([QTensor((1, 1, 1, 1), 0.1, 0)], QTensor((1, 2, 2, 1), 0.2, 0))


@pytest.mark.parametrize("picked", [(0, 1), (0, 1, 5), (-1, 0, 1)])
def test_c3_the_input_has_the_rows_that_are_picked(picked):
    assert ResizeNearest(3, 2, picked=(0, 0, 4)).infer_shape((1, 5, 2, 3)) == (1, 3, 2, 3)
    with pytest.raises(ValueError, match="are picked for 3, of 5"):
        ResizeNearest(3, 2, picked=picked).infer_shape((1, 5, 2, 3))
