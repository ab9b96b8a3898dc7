"""Transpose: a copy against its kernel, TensorFlow Lite Micro and numpy; a view where no byte moves."""

from itertools import permutations

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import samples
from single_op import assert_close, assert_graph_equals_tflm, case_of, graph_of, params_of, run
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.graph import Graph, Node
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import ReshapeParams
from mcuq.ops.strided_copy import StridedCopyParams
from mcuq.ops.transpose import Transpose
from mcuq.plan.builder import build_plan
from mcuq.tensor import QTensor

SHAPES = [(1, 3, 5, 7), (1, 8, 1, 4), (1, 6, 2), (1, 2, 3, 2, 5)]
CASES = [(shape, (0, *axes)) for shape in SHAPES for axes in permutations(range(1, len(shape)))]


def single(shape, axes, dtype="int8"):
    return graph_of(Transpose(axes), QTensor(shape, 0.1, -3 if dtype == "int8" else 3, dtype))


def build(shape, axes):
    builder = ModelBuilder()
    x = builder.tensor(shape, scale=0.1, zero_point=-3)
    y = builder.tensor([shape[a] for a in axes], scale=0.1, zero_point=-3)
    permutation = builder.tensor((len(axes),), "int32", data=axes)
    builder.op("TRANSPOSE", [x, permutation], [y], "TransposeOptions")
    return builder.finish([x], [y])


@pytest.mark.parametrize(("shape", "axes"), CASES)
def test_n5_equals_tflm(rng, shape, axes):
    assert_graph_equals_tflm(single(shape, axes), build(shape, axes), samples(rng, 3, shape))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_close_to_forward(rng, dtype):
    for shape, axes in CASES:
        assert_close(single(shape, axes, dtype), samples(rng, 2, shape, dtype), steps=0)


def test_equals_numpy(rng):
    for shape, axes in CASES:
        x = samples(rng, 3, shape)
        expected = np.stack([np.transpose(sample, axes) for sample in x])
        np.testing.assert_array_equal(run(single(shape, axes), x), expected)


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(single(shape, axes), rng) for shape, axes in CASES])


def chain(shape, axes) -> Graph:
    """A transpose between two rectifiers."""
    moved = tuple(shape[a] for a in axes)
    ops = [("a", Relu(), shape), ("b", Transpose(axes), moved), ("c", Relu(), moved)]
    values = {"x": QTensor(shape, 0.1, -3)} | {name: QTensor(s, 0.1, -3) for name, _, s in ops}
    nodes = [Node(f"layer_{o}", op, (i,), (o,)) for i, (o, op, _) in zip("xab", ops, strict=True)]
    return Graph("chain", ("x",), ("c",), tuple(nodes), values).verify()


@pytest.mark.parametrize(("shape", "axes"), [((1, 1, 8, 3), (0, 2, 1, 3)), ((1, 4, 1, 1), (0, 3, 1, 2))])
def test_where_no_byte_moves_it_is_a_view(shape, axes):
    plan = build_plan(chain(shape, axes))
    assert [step.op.name for step in plan.steps] == ["relu", "relu"]
    assert isinstance(params_of(single(shape, axes)), ReshapeParams)  # from the caller's input to the output: a copy


def test_where_bytes_move_it_is_a_copy():
    plan = build_plan(chain((1, 2, 8, 3), (0, 2, 1, 3)))
    assert [step.params.kernel for step in plan.steps] == ["lookup_s8", "strided_copy_s8", "lookup_s8"]


@pytest.mark.parametrize("axes", [(0, 1), (0, 1, 1), (0, 1, 3), (0, -1, 1), ()])
def test_c1_axes_are_an_order(axes):
    with pytest.raises(ValueError, match="axes"):
        Transpose(axes).infer_shape((1, 3, 6))


def test_c2_at_most_four_dimensions_are_left():
    assert Transpose((0, 2, 1, 4, 3, 5)).infer_shape((1, 2, 3, 4, 5, 1)) == (1, 3, 2, 5, 4, 1)
    with pytest.raises(ValueError, match="four dimensions"):
        Transpose((0, 2, 1, 4, 3, 5)).infer_shape((1, 2, 3, 4, 5, 6))


@pytest.mark.parametrize("shape", [(1, 2, 3), (1, 1, 3)])
def test_c3_quantization_must_not_change(shape):
    """Also where the transpose is a view."""
    moved = (shape[0], shape[2], shape[1])
    for wanted in (QTensor(moved, 0.2, 0), QTensor(moved, 0.1, 1), QTensor(moved, 0.1, 0, "uint8")):
        with pytest.raises(CannotQuantizeError, match="must be equal"):
            Transpose((0, 2, 1)).lower([QTensor(shape, 0.1, 0)], wanted)


def test_dimensions_that_stay_together_are_merged():
    params = params_of(single((1, 4, 5, 6), (0, 3, 1, 2)))
    assert isinstance(params, StridedCopyParams)
    assert (params.shape, params.strides) == ((1, 1, 6, 20), (0, 0, 1, 6))
