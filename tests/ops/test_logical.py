"""Logical operators against their kernels, TensorFlow Lite Micro and Python."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from oracle import run
from pairs import SHAPES, build
from tflite_builder import tflm

from mcuq.errors import CannotQuantizeError
from mcuq.ops.compare import TRUTH
from mcuq.ops.logical import FUNCTIONS, Logical
from mcuq.tensor import QTensor


def truths(rng, count, shape):
    return rng.integers(0, 2, (count, *shape)).astype(bool)


@pytest.mark.parametrize("function", ["and", "or"])
@pytest.mark.parametrize("shapes", SHAPES[:4])
def test_n5_equals_tflm(rng, function, shapes):
    model = build(f"LOGICAL_{function.upper()}", shapes, ((1, 0),) * 3, inputs="bool", output="bool")
    a, b = (truths(rng, 6, shape) for shape in shapes)
    np.testing.assert_array_equal(run(model, a.view(np.int8), b.view(np.int8)), tflm(model, a, b))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_n2_kernel_equals_run(rng, function):
    x = QTensor((1, 3, 5), 1.0, 0)
    p = Logical(function).lower([x, QTensor((5,), 1.0, 0)], x)
    a, b = truths(rng, 4, (15,)), truths(rng, 4, (5,))
    case = Case(p, [a.astype(np.int8), b.astype(np.int8)])
    assert_kernels_equal_run([case])
    wanted = FUNCTIONS[function](a.reshape(4, 3, 5), b.reshape(4, 1, 5))
    np.testing.assert_array_equal(case.expected.reshape(4, 3, 5), wanted)


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        Logical("or").infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))


def test_c2_the_function_is_known():
    with pytest.raises(ValueError, match="must be one of and"):
        Logical("nand")


def test_c3_operands_are_truths():
    x = QTensor((1, 3), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        Logical("or").lower([x, x], TRUTH)
