"""Operators of one input in int8 files: forms of their options, against TensorFlow Lite Micro (contract N5)."""

import numpy as np
import pytest
from oracle import assert_equals_tflm, read, run, samples
from tflite_builder import ModelBuilder, tflm

from mcuq.errors import UnsupportedOperatorError

IMAGE = (1, 6, 5, 4)
SCALE, ZERO_POINT = 0.05, 3
SLICE, NEAREST, BILINEAR = "StridedSliceOptions", "ResizeNearestNeighborOptions", "ResizeBilinearOptions"


def integers(builder, values):
    return builder.tensor(np.shape(values), "int32", data=values)


CASES = [  # operator, output shape, lists of constants, options and their fields
    ("TRANSPOSE", (1, 4, 6, 5), [[0, 3, 1, 2]], "TransposeOptions", {}),
    ("SLICE", (1, 4, 2, 4), [[0, 2, 1, 0], [1, -1, 2, 4]], "SliceOptions", {}),
    ("STRIDED_SLICE", (1, 2, 3, 4), [[0, 1, 0, 0], [1, 5, 5, 4], [1, 2, 2, 1]], SLICE, {}),
    ("STRIDED_SLICE", (1, 5, 4), [[0, -1, 0, 0], [1, 0, 5, 4], [1, 1, 1, 1]], SLICE, {"shrinkAxisMask": 2}),
    (
        *("STRIDED_SLICE", (1, 6, 3, 4), [[7, 9, -1, 0], [9, 9, 1, 2], [1, 1, -1, 1]], SLICE),
        {"beginMask": 3, "endMask": 11},
    ),
    *(
        (code, (1, 9, 7, 4), [[9, 7]], o, {})
        for code, o in [("RESIZE_NEAREST_NEIGHBOR", NEAREST), ("RESIZE_BILINEAR", BILINEAR)]
    ),
    ("RESIZE_NEAREST_NEIGHBOR", (1, 4, 11, 4), [[4, 11]], NEAREST, {"halfPixelCenters": True}),
    ("RESIZE_BILINEAR", (1, 4, 11, 4), [[4, 11]], BILINEAR, {"halfPixelCenters": True}),
    ("RESIZE_BILINEAR", (1, 4, 11, 4), [[4, 11]], BILINEAR, {"alignCorners": True}),
    ("REDUCE_MAX", (1, 4), [[1, 2]], "ReducerOptions", {}),
    ("REDUCE_MAX", (1, 1, 1, 4), [[1, -2]], "ReducerOptions", {"keepDims": True}),
]


@pytest.mark.parametrize(("code", "shape", "constants", "options", "fields"), CASES)
def test_copies(rng, code, shape, constants, options, fields):
    builder = ModelBuilder()
    x, y = (builder.tensor(s, scale=SCALE, zero_point=ZERO_POINT) for s in (IMAGE, shape))
    builder.op(code, [x, *(integers(builder, values) for values in constants)], [y], options, **fields)
    assert_equals_tflm(builder.finish([x], [y]), samples(rng, 4, IMAGE))


@pytest.mark.parametrize("sizes", [None, [1, 3], [3, -1]])
def test_splits(rng, sizes):
    builder = ModelBuilder()
    widths = [2, 2] if sizes is None else [sizes[0], 4 - sizes[0]]
    x, *parts = (builder.tensor((1, 6, 5, n), scale=SCALE, zero_point=ZERO_POINT) for n in (4, *widths))
    if sizes is None:
        builder.op("SPLIT", [integers(builder, 3), x], parts, "SplitOptions", numSplits=2)
    else:
        builder.op("SPLIT_V", [x, integers(builder, sizes), integers(builder, -1)], parts, "SplitVOptions", numSplits=2)
    for order in (parts, parts[::-1]):
        assert_equals_tflm(builder.finish([x], order), samples(rng, 3, IMAGE))


@pytest.mark.parametrize("code", ["MAXIMUM", "MINIMUM"])
@pytest.mark.parametrize("first", [False, True])
def test_limits(rng, code, first):
    builder = ModelBuilder()
    x, y = (builder.tensor(IMAGE, scale=SCALE, zero_point=ZERO_POINT) for _ in range(2))
    limit = builder.tensor((1,), scale=SCALE, zero_point=ZERO_POINT, data=[-20])
    builder.op(code, [limit, x] if first else [x, limit], [y], "MaximumMinimumOptions")
    model = builder.finish([x], [y])
    assert [node.op.name for node in read(model).nodes] == ["clip"]
    assert_equals_tflm(model, samples(rng, 3, IMAGE))
    builder.graph.tensors[limit].quantization.scale = [0.1]
    with pytest.raises(UnsupportedOperatorError, match="must have the same scale and zero point"):
        read(builder.finish([x], [y]))


@pytest.mark.parametrize("per_pixel", [False, True])
def test_slopes(rng, per_pixel):
    builder = ModelBuilder()
    x, y = builder.tensor(IMAGE, scale=SCALE, zero_point=ZERO_POINT), builder.tensor(IMAGE, scale=0.04, zero_point=-7)
    slopes = np.broadcast_to(rng.integers(-128, 128, 4), (6, 5, 4) if per_pixel else (1, 1, 4))
    builder.op("PRELU", [x, builder.tensor(slopes.shape, scale=0.01, zero_point=5, data=slopes)], [y])
    model, q = builder.finish([x], [y]), samples(rng, 3, IMAGE)
    np.testing.assert_array_equal(run(model, q), tflm(model, q))


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(("stride", "size"), [((1, 1), (3, 2)), ((2, 3), (3, 3)), ((3, 2), (2, 4))])
@pytest.mark.parametrize(("bias", "activation"), [(False, 0), (True, 1), (True, 3)])
def test_transposed_convolution(rng, padding, stride, size, bias, activation):
    builder = ModelBuilder()
    same = [n * s for n, s in zip(IMAGE[1:3], stride, strict=True)]
    valid = [(n - 1) * s + k for n, s, k in zip(IMAGE[1:3], stride, size, strict=True)]
    shape = (1, *(valid if padding else same), 3)
    x = builder.tensor(IMAGE, scale=SCALE, zero_point=ZERO_POINT)
    y = builder.tensor(shape, scale=0.2, zero_point=-4)
    scale = rng.uniform(0.01, 0.02, 3)
    weights = builder.tensor((3, *size, 4), scale=scale, data=rng.integers(-127, 128, (3, *size, 4)))
    operands = [integers(builder, shape), weights, x]
    if bias:
        operands.append(builder.tensor((3,), "int32", scale=scale * SCALE, data=rng.integers(-500, 500, 3)))
    fields = {"strideH": stride[0], "strideW": stride[1], "fusedActivationFunction": activation, "padding": padding}
    builder.op("TRANSPOSE_CONV", operands, [y], "TransposeConvOptions", version=4, **fields)
    assert_equals_tflm(builder.finish([x], [y]), samples(rng, 3, IMAGE))


@pytest.mark.parametrize("code", ["GELU"])
def test_float_only_operators(code):
    """Those whose int8 form TensorFlow Lite Micro does not have, or rounds otherwise."""
    builder = ModelBuilder()
    x, y = (builder.tensor(IMAGE, scale=SCALE) for _ in range(2))
    builder.op(code, [x], [y])
    with pytest.raises(UnsupportedOperatorError, match=rf"mcuq has no {code} \(1\)"):
        read(builder.finish([x], [y]))
