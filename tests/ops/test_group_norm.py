"""Group and instance normalization: the formula, its kernel, PyTorch."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from norms import INPUTS, assert_nearest, case_of
from requirements import require_module

from mcuq.errors import CannotQuantizeError
from mcuq.ops.group_norm import GroupNorm
from mcuq.tensor import QTensor

LAYERS = [
    (GroupNorm(groups=2), (1, 4, 3, 6), 6),
    (GroupNorm(1e-3, groups=5), (1, 7, 1, 5), 5),
    (GroupNorm(), (1, 3, 4, 2), 0),
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
    x, gamma, beta = rng.normal(size=(2, 6, 4, 3)), rng.normal(size=6), rng.normal(size=6)
    wanted = torch.nn.functional.group_norm(torch.tensor(x), 3, torch.tensor(gamma), torch.tensor(beta), 1e-3)
    image = x.transpose(0, 2, 3, 1)[:, np.newaxis]
    got = GroupNorm(1e-3, 3).forward(image, gamma, beta)[:, 0].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_c1_constants_fit():
    with pytest.raises(ValueError, match="4 groups of shape"):
        GroupNorm(groups=4).infer_shape((1, 3, 3, 6))


def test_c2_rows_are_short():
    with pytest.raises(CannotQuantizeError, match="at most 32767"):
        GroupNorm().lower([QTensor((1, 1 << 15, 1), 0.1, 0)], QTensor((1, 1 << 15), 0.1, 0))
