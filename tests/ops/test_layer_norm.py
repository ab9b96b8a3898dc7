"""Layer normalization: the formula, its kernel, PyTorch."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from norms import INPUTS, assert_nearest, case_of
from requirements import require_module

from mcuq.errors import CannotQuantizeError
from mcuq.ops.layer_norm import LayerNorm
from mcuq.tensor import QTensor

LAYERS = [
    (LayerNorm(), (1, 6, 8), 8),
    (LayerNorm(1e-3), (1, 3, 37), 0),
    (LayerNorm(), (1, 300), 1),
]  # op, shape, channels of factor and summand


@pytest.mark.parametrize(("op", "shape", "channels"), LAYERS)
@pytest.mark.parametrize("quantization", INPUTS)
def test_table_is_the_formula(rng, op, shape, channels, quantization):
    assert_nearest(op, shape, rng, quantization, channels)


def test_n2_kernel_equals_run(rng):
    cases = [case_of(op, shape, rng, q, channels) for op, shape, channels in LAYERS for q in INPUTS]
    assert_kernels_equal_run(cases)


def test_forward_is_torchs(rng):
    torch = require_module("torch")
    x, gamma, beta = rng.normal(size=(2, 1, 6, 8)), rng.normal(size=8), rng.normal(size=8)
    wanted = torch.nn.functional.layer_norm(torch.tensor(x), (8,), torch.tensor(gamma), torch.tensor(beta), 1e-3)
    np.testing.assert_allclose(LayerNorm(1e-3).forward(x, gamma, beta), wanted, atol=1e-12)


def test_c1_constants_fit():
    with pytest.raises(ValueError, match="for 8 channels"):
        LayerNorm().infer_shape((1, 6, 8), (6,), (8,))


def test_c2_rows_are_short():
    with pytest.raises(CannotQuantizeError, match="at most 32767"):
        LayerNorm().lower([QTensor((1, 1 << 15, 1 << 15), 0.1, 0)], QTensor((1, 1 << 15), 0.1, 0))
