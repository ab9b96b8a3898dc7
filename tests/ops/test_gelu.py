"""GELU in both forms: its table against the formula, its kernel, and PyTorch."""

import math

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from requirements import require_module
from single_op import EVERY_BYTE, assert_close, assert_table, case_of, graph_of

from mcuq.ops.gelu import Gelu
from mcuq.tensor import QTensor

QUANTIZATIONS = [
    ((0.05, -3), (0.03, -100)),
    ((0.1, 0), (0.1, 0)),
    ((0.25, 7), (0.0625, -128)),  # results end in ties, and saturate
    ((0.002, -128), (0.5, 127)),
    ((3.0, 127), (0.01, 5)),
    ((1e-6, 0), (1e-7, 1)),
]
OPS = [Gelu(), Gelu("tanh")]


def formula(op, x):
    if op.approximate == "tanh":
        return 0.5 * x * (1 + math.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))
    return 0.5 * x * math.erfc(-x / math.sqrt(2))


@pytest.mark.parametrize("op", OPS, ids=str)
def test_table_is_the_formula(op):
    """All 256 inputs, for scales that leave ties, that saturate, and that lose everything."""
    assert_table(op, lambda x: formula(op, x), QUANTIZATIONS)


@pytest.mark.parametrize("op", OPS, ids=str)
def test_close_to_forward(op):
    for (x_scale, x_zero), (y_scale, y_zero) in QUANTIZATIONS:
        x = QTensor((1, 256), x_scale, x_zero)
        assert_close(graph_of(op, x, scale=y_scale, zero_point=y_zero), EVERY_BYTE, steps=1)


def test_n2_kernel_equals_run(rng):
    cases = []
    for (x_scale, x_zero), (y_scale, y_zero) in QUANTIZATIONS:
        for shape in ((1, 1), (1, 3, 5, 7)):
            x = QTensor(shape, x_scale, x_zero)
            cases += [case_of(graph_of(op, x, scale=y_scale, zero_point=y_zero), rng) for op in OPS]
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("op", OPS, ids=str)
def test_forward_is_torchs(op):
    torch = require_module("torch")
    x = np.linspace(-8, 8, 601)
    wanted = torch.nn.functional.gelu(torch.tensor(x), approximate=op.approximate)
    np.testing.assert_allclose(op.forward(x), wanted, atol=1e-12)


def test_both_forms_differ():
    x = np.linspace(-3, 3, 601)
    assert 1e-4 < np.abs(Gelu().forward(x) - Gelu("tanh").forward(x)).max() < 1e-3


def test_c1_other_approximations_are_refused():
    with pytest.raises(ValueError, match="sigmoid"):
        Gelu("sigmoid")
