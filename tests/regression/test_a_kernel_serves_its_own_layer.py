"""A subtraction large enough for a chip's addition kernel was given it: families take a subclass for its base."""

import numpy as np
import pytest
from chips import kernel_for
from harness import random_bytes
from test_contract import all_params
from test_kernel_contract import CHIPS, of_a_family

from mcuq.ops.add import Add
from mcuq.ops.mul import Mul
from mcuq.ops.sub import Sub
from mcuq.tensor import QTensor

IMAGE = (1, 8, 8, 16)  # elements enough for every kernel that is worth its tables


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("op", [Add(), Sub(), Mul()], ids=lambda op: op.name)
def test_every_chip_computes_the_same_bytes(rng, op, chip):
    x, y = QTensor(IMAGE, 0.05, -7), QTensor(IMAGE, 0.07, 3)
    ours, portable = (kernel_for(op, [x, y], QTensor(IMAGE, 0.1, 5), name) for name in (chip, "generic"))
    a, b = random_bytes(rng, 3, x.elements), random_bytes(rng, 3, x.elements)[:, ::-1]

    assert ours.kernel.startswith(op.name)
    np.testing.assert_array_equal(ours.run(a, b), portable.run(a, b))


def test_no_operators_kernel_is_a_kind_of_anothers():
    """``case AddParams()`` in a family's page is true of its subclasses too."""
    own = [cls for cls in all_params() if not of_a_family(cls)]
    pairs = [(a.kernel, b.kernel) for a in own for b in own if a is not b and issubclass(a, b)]

    assert len(own) > 10
    assert pairs == []
