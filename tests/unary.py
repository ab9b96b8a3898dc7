"""What the tests of element-wise functions share: quantizations, and the call of the lookup kernel."""

import numpy as np
from harness import assert_kernels_equal_run
from single_op import case_of, graph_of

from mcuq.ops.base import Op
from mcuq.tensor import QTensor

OPEN = [  # ((scale, zero point) of the input, of the output)
    ((0.05, -3), (0.03, -100)),
    ((0.1, 0), (0.1, 0)),
    ((0.25, 7), (0.0625, -128)),  # results end in ties, and saturate
    ((0.002, -128), (0.5, 127)),
    ((3.0, 127), (0.01, 5)),
    ((1e-6, 0), (1e-7, 1)),
]


def assert_kernel_equals_run(op: Op, rng: np.random.Generator) -> None:
    """Contract N2 for every quantization of the list, of one element and of an odd number of them."""
    cases = []
    for (x_scale, x_zero), (y_scale, y_zero) in OPEN:
        for shape in ((1, 1), (1, 3, 5, 7)):
            x = QTensor(shape, x_scale, x_zero)
            cases.append(case_of(graph_of(op, x, scale=y_scale, zero_point=y_zero), rng))
    assert_kernels_equal_run(cases)
