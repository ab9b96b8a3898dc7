"""Rows of a table against their kernel, TensorFlow Lite Micro and numpy."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from oracle import run
from tflite_builder import ModelBuilder, tflm

from mcuq import loading
from mcuq.errors import CannotQuantizeError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.arg_extremum import INDEX
from mcuq.ops.embedding import Embedding
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QConstant, QTensor

ALL = np.arange(-128, 128).astype(np.int8).reshape(1, -1)


def lowered(table, index=INDEX, scale=0.1):
    constant = QConstant(table, np.array([scale]), 3)
    return Embedding().lower([index, constant], QTensor((1,), 0.1, 3))


@pytest.mark.parametrize(("shape", "rows"), [((1, 6), 10), ((1, 2, 3), 256), ((1, 4), 1)])
def test_n5_equals_tflm(rng, shape, rows):
    """Indices are a model input of int32: here a byte, the index minus 128."""
    builder, table = ModelBuilder(), rng.integers(-128, 128, (rows, 5)).astype(np.int8)
    index = builder.tensor(shape, "int32")
    constant = builder.tensor(table.shape, scale=0.1, zero_point=3, data=table)
    y = builder.tensor((*shape, 5), scale=0.1, zero_point=3)
    builder.op("GATHER", [constant, index], [y], "GatherOptions", axis=0)
    model, given = builder.finish([index], [y]), rng.integers(0, rows, (8, *shape))
    np.testing.assert_array_equal(run(model, (given - 128).astype(np.int8)), tflm(model, given.astype(np.int32)))


@pytest.mark.parametrize("index", [INDEX, QTensor((), 0.3, 5), QTensor((), 0.02, -128), QTensor((), 1.0, 127)])
def test_n2_kernel_equals_run(rng, index):
    index = QTensor((1, 256), index.scale, index.zero_point)
    tables = [rng.integers(-128, 128, shape).astype(np.int8) for shape in ((3, 7), (256, 2), (1, 1), (20,))]
    assert_kernels_equal_run([Case(lowered(table, index), [ALL]) for table in tables])


def test_indices_beyond_the_table_are_its_last_row():
    p = lowered(np.int8([[1], [2], [3]]), QTensor((1, 4), 0.5, 0))
    assert p.run(np.int8([[-128, 1, 2, 127]])).tolist() == [[1, 2, 2, 3]]
    assert Embedding().forward(np.array([[-5.0, 1.4, 9.0]]), np.array([[1.0], [2.0], [3.0]])).ravel().tolist() == [
        1,
        2,
        3,
    ]


def test_the_range_is_that_of_the_whole_table(rng):
    """Rows that no sample asked for have their values all the same."""
    table = rng.normal(size=(9, 4)).astype(np.float32)
    table[8] *= 100
    node = Node("embedding", Embedding(), ("index", "table"), ("y",))
    shapes = {"index": (1, 2), "y": (1, 2, 4)}
    known = {"index": QTensor((1, 2), 1.0, -128)}
    graph = FloatGraph("rows", ("index",), ("y",), (node,), shapes, {"table": table}, known).verify()
    quantized = loading.quantize(graph, {"index": rng.integers(0, 8, (20, 1, 2)).astype(np.float32)})
    y = simulate(build_plan(quantized), {"index": np.int8([[[-120, -128]]])})["y"]
    real = quantized.values["y"].dequantize(y).reshape(2, 4)
    assert np.abs(real - table[[8, 0]]).max() <= quantized.values["y"].scale


def test_c1_the_table_has_rows():
    with pytest.raises(ValueError, match=r"a table of shape \(\)"):
        Embedding().infer_shape((1, 3), ())


def test_c2_a_row_is_a_byte():
    with pytest.raises(ValueError, match="1 to 256 rows"):
        Embedding().infer_shape((1, 3), (257, 4))


def test_c3_the_table_has_the_outputs_quantization():
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        lowered(np.int8([[1]]), scale=0.2)


def test_c4_every_index_has_a_byte():
    with pytest.raises(CannotQuantizeError, match="indices in steps of"):
        lowered(np.int8([[1]]), QTensor((1, 3), 1.5, 0))
