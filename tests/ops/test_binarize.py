"""Signs: all 256 inputs, and what a value of 1 bit may come from."""

from dataclasses import replace

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from single_op import EVERY_BYTE

from mcuq.errors import CannotQuantizeError, MalformedModelError
from mcuq.graph import Graph, Node
from mcuq.ops.base import Op
from mcuq.ops.binarize import Binarize
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QTensor

ZERO_POINTS = (-128, -3, 0, 127)


def graph_of_signs(*ops: Op, zero_point=0, shape=(1, 256)) -> Graph:
    """Return the model of some operators, whose values but the input's have 1 bit."""
    values, nodes = {"x": QTensor(shape, 0.1, zero_point)}, []
    for i, op in enumerate(ops):
        before = list(values)[-1]
        values[f"y_{i}"] = QTensor(op.infer_shape(values[before].shape), 1.0, 0, bits=1)
        nodes.append(Node(f"{op.name}_{i}", op, (before,), (f"y_{i}",)))
    return Graph("signs", ("x",), (f"y_{len(ops) - 1}",), tuple(nodes), values).verify()


@pytest.mark.parametrize("zero_point", ZERO_POINTS)
def test_table_equals_the_formula(zero_point):
    signs = run_signs(graph_of_signs(Binarize(), zero_point=zero_point))
    assert signs.tolist() == [1 if (q - zero_point) * 0.1 >= 0 else -1 for q in range(-128, 128)]


def run_signs(graph: Graph) -> np.ndarray:
    return simulate(build_plan(graph), {"x": EVERY_BYTE})[graph.outputs[0]].ravel()


def test_n2_kernel_equals_run(rng):
    graphs = [graph_of_signs(Binarize(), zero_point=z, shape=s) for z in ZERO_POINTS for s in ((1, 1), (1, 5, 7))]
    assert_kernels_equal_run(
        [
            Case(build_plan(graph).steps[0].params, [random_bytes(rng, 5, graph.values["x"].elements)])
            for graph in graphs
        ]
    )


@pytest.mark.parametrize("other", [{"bits": 8}, {"scale": 0.5}, {"zero_point": 1}])
def test_c1_other_outputs_are_refused(other):
    with pytest.raises(CannotQuantizeError, match="1 bit, scale 1 and zero point 0"):
        Binarize().lower([QTensor((1, 4), 0.1, 0)], replace(QTensor((1, 4), 1.0, 0, bits=1), **other))


def test_signs_may_be_moved():
    moved = graph_of_signs(Binarize(), Reshape((1, 16, 16)))
    assert sorted(set(run_signs(moved).tolist())) == [-1, 1]


def test_what_makes_other_values_is_no_sign():
    """Padding adds zeros."""
    with pytest.raises(MalformedModelError, match="y_1 has 1 bit, but pad makes other values"):
        graph_of_signs(Binarize(), Pad((0, 1), (0, 1)))
