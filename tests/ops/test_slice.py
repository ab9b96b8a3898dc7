"""Slice: a copy against its kernel, TensorFlow Lite Micro (SLICE and STRIDED_SLICE) and numpy."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import assert_equals_tflm, samples
from single_op import assert_close, assert_graph_equals_tflm, case_of, graph_of, params_of, run
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import IN_PLACE
from mcuq.ops.reshape import ReshapeParams
from mcuq.ops.slice import Slice
from mcuq.tensor import QTensor

WHOLE = [
    ((1, 3, 5, 7), (0, 0, 0, 0), (1, 3, 5, 7)),
    ((1, 3, 5, 7), (0, 1, 0, 0), (1, 2, 5, 7)),
    ((1, 3, 5, 7), (0, 0, 2, 0), (1, 3, 3, 7)),
    ((1, 3, 5, 8), (0, 0, 0, 4), (1, 3, 5, 4)),
    ((1, 3, 5, 7), (0, 1, 2, 3), (1, 1, 2, 4)),
    ((1, 9), (0, 8), (1, 1)),
    ((1, 4, 6), (0, 0, 5), (1, 4, 1)),
    ((1, 2, 3, 4, 5), (0, 1, 1, 1, 1), (1, 1, 2, 3, 4)),
]
STRIDED = [
    ((1, 5, 6, 3), (0, 0, 1, 0), (1, 3, 3, 3), (1, 2, 2, 1)),
    ((1, 5, 6, 3), (0, 4, 5, 0), (1, 5, 6, 3), (1, -1, -1, 1)),
    ((1, 10), (0, 9), (1, 4), (1, -3)),
    ((1, 7, 9), (0, 1, 0), (1, 2, 3), (1, 5, 4)),
]
CASES = [(shape, Slice(*op)) for shape, *op in (*WHOLE, *STRIDED)]


def single(shape, op, dtype="int8"):
    return graph_of(op, QTensor(shape, 0.1, -3 if dtype == "int8" else 3, dtype))


def ends(op) -> list[int]:
    """STRIDED_SLICE's ends; one beyond the first element can only be said by a mask."""
    return [b + s * d for b, s, d in zip(op.begin, op.size, op.stride, strict=True)]


def build(shape, op):
    builder = ModelBuilder()
    x = builder.tensor(shape, scale=0.1, zero_point=-3)
    y = builder.tensor(op.size, scale=0.1, zero_point=-3)
    parts = [op.begin, ends(op), op.stride] if op.stride else [op.begin, op.size]
    operands = [builder.tensor((len(shape),), "int32", data=part) for part in parts]
    if op.stride:
        mask = sum(1 << d for d, end in enumerate(ends(op)) if end < 0)
        builder.op("STRIDED_SLICE", [x, *operands], [y], "StridedSliceOptions", endMask=mask)
    else:
        builder.op("SLICE", [x, *operands], [y], "SliceOptions")
    return builder.finish([x], [y])


@pytest.mark.parametrize(("shape", "op"), CASES)
def test_n5_equals_tflm(rng, shape, op):
    assert_graph_equals_tflm(single(shape, op), build(shape, op), samples(rng, 3, shape))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_close_to_forward(rng, dtype):
    for shape, op in CASES:
        assert_close(single(shape, op, dtype), samples(rng, 2, shape, dtype), steps=0)


def test_equals_numpy(rng):
    shape, op = (1, 5, 6, 3), Slice((0, 4, 1, 1), (1, 2, 3, 2), (1, -3, 2, 1))
    x = samples(rng, 3, shape)
    np.testing.assert_array_equal(run(single(shape, op), x), x[:, :, 4::-3, 1:6:2, 1:])


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(single(shape, op), rng) for shape, op in CASES])


def test_the_whole_tensor_is_a_view():
    assert isinstance(params_of(single(*CASES[0])), ReshapeParams)


def test_in_place_unless_it_runs_backwards():
    for shape, op in CASES[1:]:
        backwards = any(step < 0 for step in op.stride)
        assert params_of(single(shape, op)).overlap(0) == (None if backwards else IN_PLACE), op


@pytest.mark.parametrize(
    ("begin", "size", "stride"),
    [
        ((0, 1), (1, 2), ()),
        ((0, 0, 0), (2, 4, 5), ()),
        ((1, 0, 0), (1, 4, 5), ()),
        ((0, 0, 1), (1, 4, 5), ()),
        ((0, -1, 0), (1, 1, 5), ()),
        ((0, 4, 0), (1, 1, 5), ()),
        ((0, 0, 0), (1, 0, 5), ()),
        ((0, 0, 0), (1, 4, 3), (1, 1, 0)),
        ((0, 0, 0), (1, 4, 3), (1, 1, 3)),
        ((0, 0, 1), (1, 4, 3), (1, 1, -1)),
    ],
)
def test_c1_parts_lie_within_the_input(begin, size, stride):
    with pytest.raises(ValueError, match=r"within|whole|dimensions"):
        Slice(begin, size, stride).infer_shape((1, 4, 5))


def test_c2_at_most_four_dimensions_are_left():
    shape, begin = (1, 3, 3, 3, 3, 3), (0, 1, 1, 1, 1, 1)
    assert Slice(begin[:5], (1, 2, 2, 2, 2)).infer_shape(shape[:5]) == (1, 2, 2, 2, 2)
    with pytest.raises(ValueError, match="four dimensions"):
        Slice(begin, (1, 2, 2, 2, 2, 2)).infer_shape(shape)


@pytest.mark.parametrize("wanted", [QTensor((1, 2), 0.2, 0), QTensor((1, 2), 0.1, 1), QTensor((1, 2), 0.1, 0, "uint8")])
def test_c3_quantization_must_not_change(wanted):
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        Slice((0, 1), (1, 2)).lower([QTensor((1, 4), 0.1, 0)], wanted)


@pytest.mark.parametrize("axes", [[1], [-1], [1, 2]])
def test_n5_reverse_equals_tflm(rng, axes):
    """REVERSE_V2 is a slice that begins with the last element."""
    builder = ModelBuilder()
    x, y = (builder.tensor((1, 3, 4, 5), scale=0.1, zero_point=5) for _ in range(2))
    builder.op("REVERSE_V2", [x, builder.tensor((len(axes),), "int32", data=np.array(axes))], [y])
    assert_equals_tflm(builder.finish([x], [y]), samples(rng, 3, (1, 3, 4, 5)))
