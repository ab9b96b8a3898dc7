"""The largest values' places against their kernel and numpy."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from test_top_k import LAYERS, cases

from mcuq.errors import CannotQuantizeError
from mcuq.ops.arg_extremum import INDEX
from mcuq.ops.arg_top_k import ArgTopK
from mcuq.tensor import QTensor


@pytest.mark.parametrize(("shape", "count", "axis"), LAYERS[:4])
def test_table_holds_the_places(rng, shape, count, axis):
    x = rng.integers(-3, 4, (9, *shape)).astype(np.int8)
    along = 1 + axis % len(shape)
    for largest in (True, False):
        op = ArgTopK(count, axis, largest)
        got = op.lower([QTensor(shape, 0.1, 3)], INDEX).run(x.reshape(9, -1)).astype(int) + 128
        keys = -x.astype(int) if largest else x
        wanted = np.argsort(keys, axis=along, kind="stable").take(range(count), axis=along)
        np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)
        np.testing.assert_array_equal(op.forward(x), wanted)


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run(list(cases(ArgTopK, rng)))


def test_c1_there_are_as_many():
    with pytest.raises(ValueError, match="the first 4 of 3 elements"):
        ArgTopK(4).infer_shape((1, 3))


def test_c2_an_index_is_a_byte():
    with pytest.raises(CannotQuantizeError, match="257 elements does not fit"):
        ArgTopK(2).lower([QTensor((1, 257), 0.1, 0)], INDEX)
