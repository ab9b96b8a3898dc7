"""Elements at constant places against their kernel, TensorFlow Lite Micro and numpy."""

import math

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, UnsupportedOperatorError
from mcuq.ops.gather import Gather
from mcuq.tensor import QTensor

LAYERS = [((1, 5, 4, 3), (4, 0, 0, 2), 1), ((1, 5), (1,), -1), ((1, 2, 3), (2, 1, 0, 1, 2), 2), ((3, 2), (2, 0), 0)]


def build(shape, indices, axis):
    """Return the model of a GATHER by constant indices, whose shape is of any rank."""
    builder = ModelBuilder()
    x = builder.tensor(shape, scale=0.1, zero_point=3)
    places = builder.tensor(indices.shape, "int32", data=indices)
    y = builder.tensor((*shape[:axis], *indices.shape, *shape[axis + 1 :]), scale=0.1, zero_point=3)
    builder.op("GATHER", [x, places], [y], "GatherOptions", axis=axis)
    return builder.finish([x], [y])


def mirrored(shape, sides, mode):
    """Return the model of a MIRROR_PAD; mode 0 is REFLECT, 1 SYMMETRIC."""
    builder = ModelBuilder()
    x = builder.tensor(shape, scale=0.1, zero_point=3)
    paddings = builder.tensor((len(shape), 2), "int32", data=np.array(sides))
    y = builder.tensor([n + sum(side) for n, side in zip(shape, sides, strict=True)], scale=0.1, zero_point=3)
    builder.op("MIRROR_PAD", [x, paddings], [y], "MirrorPadOptions", mode=mode)
    return builder.finish([x], [y])


@pytest.mark.parametrize("indices", [[3, 0, 0, 2], [[1, 2], [3, 3]], [0]])
@pytest.mark.parametrize(("shape", "axis"), [((1, 4, 5, 3), 1), ((1, 2, 4), 2)])
def test_n5_equals_tflm(rng, shape, axis, indices):
    assert_equals_tflm(build(shape, np.array(indices), axis), samples(rng, 4, shape))


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("sides", [[(0, 0), (1, 2), (2, 1), (0, 0)], [(0, 0), (0, 3), (0, 0), (1, 0)], [(0, 0)] * 4])
def test_n5_mirrored_borders_equal_tflm(rng, sides, mode):
    shape = (1, 4, 5, 2)
    assert_equals_tflm(mirrored(shape, sides, mode), samples(rng, 4, shape))


def test_computed_indices_of_an_activation_are_refused():
    builder = ModelBuilder()
    x, index = builder.tensor((1, 4), scale=0.1), builder.tensor((1, 2), "int32")
    y = builder.tensor((1, 2, 4), scale=0.1)
    builder.op("GATHER", [x, index], [y], "GatherOptions", axis=0)
    with pytest.raises(UnsupportedOperatorError, match="operator 0 GATHER: indices along an activation"):
        read(builder.finish([x, index], [y]))


def test_n2_kernel_equals_run(rng):
    cases = []
    for shape, indices, axis in LAYERS:
        op, x = Gather(indices, axis), QTensor(shape, 0.1, 3)
        params = op.lower([x], QTensor(op.infer_shape(shape), 0.1, 3))
        cases.append(Case(params, [random_bytes(rng, 5, math.prod(shape))]))
    assert_kernels_equal_run(cases)


def test_forward_is_numpys(rng):
    for shape, indices, axis in LAYERS:
        x, along = rng.normal(size=(2, *shape)), 1 + axis % len(shape)
        np.testing.assert_array_equal(Gather(indices, axis).forward(x), np.take(x, indices, axis=along))


def test_c1_axis_and_indices_exist():
    with pytest.raises(ValueError, match="axis 2 of 2 dimensions"):
        Gather((0,), 2).infer_shape((1, 3))
    for indices in ((), (3,), (-1,)):
        with pytest.raises(ValueError, match="of 3 elements"):
            Gather(indices).infer_shape((1, 3))


def test_c2_input_and_output_have_the_same_quantization():
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        Gather((0,)).lower([QTensor((1, 3), 0.1, 0)], QTensor((1, 1), 0.2, 0))
