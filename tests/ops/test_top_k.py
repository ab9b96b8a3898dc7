"""The largest values against their kernel and numpy."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes

from mcuq.errors import CannotQuantizeError
from mcuq.ops.top_k import TopK
from mcuq.tensor import QTensor

LAYERS = [((1, 7), 3, -1), ((1, 7), 7, 1), ((1, 4, 5), 2, 1), ((2, 3), 1, 0), ((1, 2, 300), 5, 2)]


def cases(op, rng, depth=257):
    """Calls of the kernel, equal values among them."""
    for shape, count, axis in LAYERS:
        if shape[axis] < depth:
            for largest in (True, False):
                x = QTensor(shape, 0.1, 3)
                ranking = op(count, axis, largest)
                y = QTensor(ranking.infer_shape(shape), 0.1, 3)
                params = ranking.lower([x], y)
                yield Case(params, [random_bytes(rng, 5, x.elements)])
                yield Case(params, [rng.integers(-2, 2, (5, x.elements)).astype(np.int8)])


@pytest.mark.parametrize(("shape", "count", "axis"), LAYERS)
def test_table_is_sorted(rng, shape, count, axis):
    x = rng.integers(-128, 128, (9, *shape)).astype(np.int8)
    along = 1 + axis % len(shape)
    op, tensor = TopK(count, axis), QTensor(shape, 0.1, 3)
    y = QTensor(op.infer_shape(shape), 0.1, 3)
    got = op.lower([tensor], y).run(x.reshape(9, -1)).reshape(9, *y.shape)
    np.testing.assert_array_equal(got, np.flip(np.sort(x, axis=along), along).take(range(count), axis=along))
    np.testing.assert_array_equal(
        TopK(count, axis, largest=False).forward(x), np.sort(x, along).take(range(count), along)
    )


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run(list(cases(TopK, rng, 1000)))


def test_c1_there_are_as_many():
    with pytest.raises(ValueError, match="axis 2 of 2"):
        TopK(1, 2).infer_shape((1, 3))
    for count in (0, 4):
        with pytest.raises(ValueError, match=f"the first {count} of 3 elements"):
            TopK(count).infer_shape((1, 3))


def test_c2_input_and_output_have_the_same_quantization():
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        TopK(1).lower([QTensor((1, 3), 0.1, 0)], QTensor((1, 1), 0.2, 0))
