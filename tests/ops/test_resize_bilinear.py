"""Bilinear resizing against its kernel, TensorFlow Lite Micro, real numbers and PyTorch."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import samples
from requirements import require_module
from single_op import assert_close, assert_graph_equals_tflm, case_of, graph_of, run
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.resize_bilinear import MAX_SIZE, ResizeBilinear
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
    return graph_of(ResizeBilinear(*size, *flags), QTensor((1, *shape), 0.1, -3))


def build(sizes, flags):
    (h, w, c), size = sizes
    builder = ModelBuilder()
    x, y = (builder.tensor((1, *hw, c), scale=0.1, zero_point=-3) for hw in ((h, w), size))
    wanted = builder.tensor((2,), "int32", data=size)
    options = {"alignCorners": flags[0], "halfPixelCenters": flags[1]}
    builder.op("RESIZE_BILINEAR", [x, wanted], [y], "ResizeBilinearOptions", version=3, **options)
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
    """The quotient is rounded to 1/1024: 10 pixels from the border a neighbour's weight may be off by 1 %."""
    for sizes in SIZES:
        assert_close(single(sizes, flags), samples(rng, 3, (1, *sizes[0])), steps=3)


def test_n2_kernel_equals_run(rng):
    cases = [case_of(single(sizes, flags), rng) for sizes in SIZES for flags in FLAGS]
    cases.append(case_of(graph_of(ResizeBilinear(1, 5000), QTensor((1, 1, 2000, 1), 0.1, 0)), rng))
    assert_kernels_equal_run(cases)


def test_beyond_the_image_the_last_pixel_counts():
    """2000 / 5000 is rounded up to 410/1024: column 4999 would see pixel 2001."""
    graph = graph_of(ResizeBilinear(1, 5000), QTensor((1, 1, 2000, 1), 0.1, 0))
    x = np.full((1, 1, 1, 2000, 1), -100, np.int8)
    x[..., -1, :] = 100
    seen = run(graph, x).ravel()
    assert set(seen[4993:].tolist()) == {100}
    assert seen[4992] < 100


@pytest.mark.parametrize("flags", [FLAGS[1], FLAGS[2]])
def test_forward_is_torchs(rng, flags):
    torch = require_module("torch")
    for (h, w, c), size in SIZES:
        if flags == FLAGS[1] and 1 in size:
            continue  # one aligned pixel: ours is TFLite's
        x = rng.normal(size=(2, 1, h, w, c))
        channels_first = torch.tensor(x[:, 0].transpose(0, 3, 1, 2))
        wanted = torch.nn.functional.interpolate(channels_first, size, mode="bilinear", align_corners=flags[0])
        np.testing.assert_allclose(
            ResizeBilinear(*size, *flags).forward(x)[:, 0], wanted.numpy().transpose(0, 2, 3, 1), atol=1e-12
        )


BAD = [ResizeBilinear(0, 1), ResizeBilinear(1, MAX_SIZE + 1), ResizeBilinear(2, 2, True, True)]


@pytest.mark.parametrize("op", BAD, ids=str)
def test_c1_sizes_are_bounded_and_flags_exclude_each_other(op):
    with pytest.raises(ValueError, match=r"must be|exclude"):
        op.infer_shape((1, 2, 2, 3))


def test_c2_quantization_must_not_change():
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        ResizeBilinear(2, 2).lower([QTensor((1, 1, 1, 1), 0.1, 0)], QTensor((1, 2, 2, 1), 0.2, 0))


@pytest.mark.parametrize("spaced", [(-1, 0), (1 << 20, 1 << 30), (1 << 29, 0), (0, -(1 << 31) + 1)])
def test_c3_rows_lie_within_reach(spaced):
    assert ResizeBilinear(3, 2, spaced=(512, -256)).infer_shape((1, 5, 2, 3)) == (1, 3, 2, 3)
    with pytest.raises(ValueError, match="are beyond"):
        ResizeBilinear(3, 2, spaced=spaced).infer_shape((1, 5, 2, 3))
