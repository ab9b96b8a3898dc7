"""The place of the largest: its kernel, TensorFlow Lite Micro, numpy."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import read, run, samples
from tflite_builder import ModelBuilder, tflm

from mcuq.errors import CannotQuantizeError
from mcuq.ops.arg_max import ArgMax
from mcuq.tensor import QTensor

SHAPES = [((1, 10), 1), ((1, 4, 5, 3), 3), ((1, 4, 5, 3), 1), ((1, 4, 5, 3), -2), ((1, 256), 1), ((1, 1), 1)]


def build(shape, axis):
    builder = ModelBuilder()
    x = builder.tensor(shape, scale=0.1, zero_point=5)
    along = builder.tensor((), "int32", data=np.array(axis))
    y = builder.tensor(np.delete(shape, axis), "int32")
    builder.op("ARG_MAX", [x, along], [y], "ArgMaxOptions", outputType=2)
    return builder.finish([x], [y])


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_n5_equals_tflm(rng, shape, axis):
    x = samples(rng, 5, shape)
    x[2:] = x[2:] // 32  # with equal ones
    model = build(shape, axis)
    np.testing.assert_array_equal(run(model, x).astype(int) + 128, tflm(model, x))
    assert read(model).nodes[0].op == ArgMax(axis)


@pytest.mark.parametrize("keep_dims", [False, True])
def test_forward_is_numpys(rng, keep_dims):
    x = rng.normal(size=(2, 1, 4, 5)).astype(np.float32)
    wanted = np.argmax(x, axis=2, keepdims=keep_dims)
    np.testing.assert_array_equal(ArgMax(1, keep_dims).forward(x), wanted)


def test_n2_kernel_equals_run(rng):
    cases = []
    for shape, axis in SHAPES:
        x = QTensor(shape, 0.1, 5)
        p = ArgMax(axis).lower([x], QTensor(ArgMax(axis).infer_shape(shape), 1.0, -128))
        cases.append(Case(p, [random_bytes(rng, 5, x.elements) // 16]))
    assert_kernels_equal_run(cases)


def test_c1_the_axis_exists():
    with pytest.raises(ValueError, match="of 3 dimensions"):
        ArgMax(3).infer_shape((1, 2, 3))


def test_c2_an_index_fits_a_byte():
    with pytest.raises(CannotQuantizeError, match="at most 256"):
        ArgMax(1).lower([QTensor((1, 257), 0.1, 0)], QTensor((1,), 1.0, -128))
