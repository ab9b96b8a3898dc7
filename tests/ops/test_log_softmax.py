"""Log softmax: the formula, its kernel, PyTorch."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import samples
from requirements import require_module
from single_op import case_of, graph_of, real_result, run

from mcuq.errors import CannotQuantizeError
from mcuq.ops.log_softmax import LogSoftmax
from mcuq.tensor import QTensor

SHAPES = [(1, 10), (1, 3, 5), (1, 1), (1, 300)]
QUANTIZATIONS = [(0.05, 0.1), (0.3, 0.25), (1e-3, 0.03), (5.0, 3.0)]  # scales of input and output


def graphs():
    for shape in SHAPES:
        for x_scale, y_scale in QUANTIZATIONS:
            yield graph_of(LogSoftmax(), QTensor(shape, x_scale, 3), scale=y_scale, zero_point=127)


def test_table_is_the_formula(rng):
    """Every result is the nearest integer of the real one, or beside a tie of it."""
    for graph in graphs():
        x, y = samples(rng, 20, graph.values["x"].shape), graph.values["y"]
        steps = np.clip(real_result(graph, x) / y.scale + y.zero_point, -128, 127)
        assert np.abs(run(graph, x) - steps).max() < 0.55


def test_forward_is_torchs(rng):
    torch = require_module("torch")
    x = rng.normal(size=(3, 1, 7)) * 30
    np.testing.assert_allclose(LogSoftmax().forward(x), torch.log_softmax(torch.tensor(x), -1), atol=1e-9)


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(graph, rng) for graph in graphs()])


def test_c1_the_scale_is_sound():
    with pytest.raises(CannotQuantizeError, match="under 64"):
        LogSoftmax().lower([QTensor((1, 5), 100.0, 0)], QTensor((1, 5), 1.0, 0))


def test_c2_rows_are_short():
    with pytest.raises(CannotQuantizeError, match="at most 4095"):
        LogSoftmax().lower([QTensor((1, 4096), 0.1, 0)], QTensor((1, 4096), 0.1, 0))
