"""Running sums against their kernel, TensorFlow Lite Micro and real numbers."""

from dataclasses import replace

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.cumsum import Cumsum
from mcuq.tensor import QTensor

SHAPES = [((1, 6), 1), ((1, 4, 3), 1), ((1, 3, 5, 2), -2), ((1, 1, 4), -1)]
QUANTIZATIONS = [((0.1, 0), (0.3, 5)), ((0.5, 3), (0.5, 3)), ((0.02, 77), (0.1, -20)), ((0.25, -128), (2.0, 0))]
WAYS = [(False, False), (True, False), (False, True), (True, True)]


def build(shape, axis, quantization, exclusive=False, reverse=False):
    """Return the model of one running sum."""
    builder = ModelBuilder()
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    x = builder.tensor(shape, scale=x_scale, zero_point=x_zero)
    along = builder.tensor((1,), "int32", data=np.array([axis]))
    y = builder.tensor(shape, scale=y_scale, zero_point=y_zero)
    builder.op("CUMSUM", [x, along], [y], "CumsumOptions", exclusive=exclusive, reverse=reverse)
    return builder.finish([x], [y])


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_n5_equals_tflm(rng, shape, axis, quantization):
    for way in WAYS:
        assert_equals_tflm(build(shape, axis, quantization, *way), samples(rng, 8, shape))


@pytest.mark.parametrize("way", WAYS)
def test_the_nearest_integers(rng, way):
    """As layers of other formats: they begin with 0."""
    for shape, axis in [*SHAPES, ((1, 200), 1)]:
        op, x, y = Cumsum(axis, *way), QTensor(shape, 0.02, 7), QTensor(shape, 0.25, -3)
        q = samples(rng, 20, shape)
        got = op.lower([x], y).run(q.reshape(20, -1)).astype(int)
        steps = op.forward((q.astype(float) - 7) * 0.02) / 0.25 - 3
        assert np.abs(got - np.clip(steps, -128, 127).reshape(got.shape)).max() < 0.5 + 1e-3


def test_n2_kernel_equals_run(rng):
    cases = []
    for shape, axis in [*SHAPES, ((1, 1000), 1)]:
        for (x_scale, x_zero), (y_scale, y_zero) in QUANTIZATIONS:
            for exclusive, reverse in WAYS:
                op = Cumsum(axis, exclusive, reverse, offset=exclusive)
                x, y = QTensor(shape, x_scale, x_zero), QTensor(shape, y_scale, y_zero)
                cases.append(Case(op.lower([x], y), [random_bytes(rng, 3, x.elements)]))
    assert_kernels_equal_run(cases)


def test_forward_is_numpys(rng):
    x = rng.normal(size=(3, 4, 5))
    np.testing.assert_allclose(Cumsum(0).forward(x), np.cumsum(x, axis=1))
    np.testing.assert_allclose(Cumsum(-1, reverse=True).forward(x), np.cumsum(x[..., ::-1], axis=2)[..., ::-1])
    np.testing.assert_allclose(Cumsum(1, exclusive=True).forward(x)[..., 1:], np.cumsum(x, axis=2)[..., :-1])


def test_only_int8_files_begin_elsewhere():
    (node,) = read(build((1, 4), 1, QUANTIZATIONS[2])).nodes
    assert node.op == Cumsum(1, offset=True)
    x = QTensor((1, 4), 0.02, 77)
    shifted, plain = (replace(node.op, offset=offset).lower([x], x).first for offset in (True, False))
    assert (shifted, plain) == (-77, 0)


def test_c1_the_axis_exists():
    with pytest.raises(ValueError, match="axis 2 of 2 dimensions"):
        Cumsum(2).infer_shape((1, 3))


def test_c2_the_sum_stays_within_int32():
    x = QTensor((1, 1 << 24), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="can leave int32"):
        Cumsum(1).lower([x], x)
