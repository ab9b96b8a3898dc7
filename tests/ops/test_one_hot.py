"""One of many set, against the kernel and numpy."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run

from mcuq.errors import CannotQuantizeError
from mcuq.ops.one_hot import OneHot
from mcuq.tensor import QTensor

LAYERS = [((1, 256), 5, -1), ((1, 4, 64), 3, 1), ((1, 2, 128), 300, 2), ((1, 256), 1, 0)]
INDICES = [(1.0, -128), (0.3, 5), (1.0, 100)]
ALL = np.arange(-128, 128).astype(np.int8).reshape(1, -1)


def lowered(op, shape, index=(1.0, -128), output=(0.01, -100)):
    return op.lower([QTensor(shape, *index)], QTensor(op.infer_shape(shape), *output))


@pytest.mark.parametrize(("shape", "depth", "axis"), LAYERS)
@pytest.mark.parametrize("index", INDICES)
def test_table_is_numpys(shape, depth, axis, index):
    got = lowered(OneHot(depth, axis, 0.7, -0.2), shape, index).run(ALL)
    places = np.floor((ALL.astype(float) - index[1]) * index[0] + 0.5).reshape(1, *shape)
    hot = np.stack([places == i for i in range(depth)], axis=1 + axis % (len(shape) + 1))
    np.testing.assert_array_equal(got, np.where(hot, -30, -120).reshape(1, -1))


def test_n2_kernel_equals_run():
    assert_kernels_equal_run([Case(lowered(OneHot(d, a), s, i), [ALL]) for s, d, a in LAYERS for i in INDICES])


def test_forward_is_numpys():
    x = np.array([[[2.0, 0.0, 5.0]]])
    np.testing.assert_array_equal(OneHot(3).forward(x)[0, 0], [[0, 0, 1], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(OneHot(3, 1, 2.0, -1.0).forward(x)[0, 0].T, [[-1, -1, 2], [2, -1, -1], [-1, -1, -1]])


def test_c1_the_axis_is_the_outputs():
    assert OneHot(4, -3).infer_shape((1, 3)) == (4, 1, 3)
    for op in (OneHot(4, 3), OneHot(0)):
        with pytest.raises(ValueError, match="of 3 dimensions"):
            op.infer_shape((1, 3))


def test_c2_every_index_has_a_byte():
    with pytest.raises(CannotQuantizeError, match="indices in steps of"):
        lowered(OneHot(3), (1, 4), (1.5, 0))
