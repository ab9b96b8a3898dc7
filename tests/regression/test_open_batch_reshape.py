"""A reshape's -1, which files of models with an open batch do not resolve, is what the folded shape says."""

import numpy as np
import pytest
from oracle import read
from tflite_builder import ModelBuilder

from mcuq import float_run, loading, pipeline
from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.tflite_float import float_graph_of


def reshaped_by_its_batch(dtype: str) -> bytes:
    """[1, 4, 6] to [batch, -1, 2] by SHAPE, STRIDED_SLICE and PACK, then RELU: the file says [1, 1, 2] of both."""
    builder = ModelBuilder()
    scale = 0.1 if dtype == "int8" else None
    x = builder.tensor((1, 4, 6), dtype, scale)
    shape, batch, target = (builder.tensor(s, "int32") for s in ((3,), (), (3,)))
    zero, one = (builder.tensor((1,), "int32", data=[n]) for n in (0, 1))
    rest, two = (builder.tensor((), "int32", data=n) for n in (-1, 2))
    pairs, y = (builder.tensor((1, 1, 2), dtype, scale) for _ in range(2))
    for index in (pairs, y):
        builder.graph.tensors[index].shapeSignature = [-1, -1, 2]
    builder.op("SHAPE", [x], [shape], "ShapeOptions", outType=2)
    builder.op("STRIDED_SLICE", [shape, zero, one, one], [batch], "StridedSliceOptions", shrinkAxisMask=1)
    builder.op("PACK", [batch, rest, two], [target], "PackOptions", valuesCount=3)
    builder.op("RESHAPE", [x, target], [pairs], "ReshapeOptions")
    builder.op("RELU", [pairs], [y])
    return builder.finish([x], [y])


def test_integers():
    graph = read(reshaped_by_its_batch("int8"))
    x = np.random.default_rng(0).integers(-128, 128, (3, 1, 4, 6)).astype(np.int8)

    assert graph.values[graph.outputs[0]].shape == (1, 12, 2)
    np.testing.assert_array_equal(
        pipeline.simulate(pipeline.compile(graph), x).reshape(3, -1), np.maximum(x, 0).reshape(3, -1)
    )


def test_float():
    graph = float_graph_of(parse(reshaped_by_its_batch("float32")), "model")
    x = np.random.default_rng(0).normal(size=(3, 1, 4, 6)).astype(np.float32)

    np.testing.assert_array_equal(
        float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]], np.maximum(x, 0).reshape(3, 1, 12, 2)
    )


@pytest.mark.parametrize("name", ["reshape_open_float", "reshape_open_int8"])
def test_cases_of_a_user(shared, name):
    graph = loading.load(shared / f"cases/readers/{name}.tflite")
    output = graph.shape(graph.outputs[0]) if name.endswith("float") else graph.values[graph.outputs[0]].shape

    assert output == (1, 60, 2)
