"""What the tests of reductions share: TFLite models, shapes and axes, quantizations."""

import numpy as np
from harness import Case, random_bytes
from oracle import read
from tflite_builder import ModelBuilder

SHAPES = [  # of the input, axes
    ((1, 4, 3, 2), (2,)),
    ((1, 4, 3, 2), (1, 2)),
    ((1, 5, 7), (-1,)),
    ((1, 5, 7), (1,)),
    ((1, 3, 5, 7), (1, 3)),
    ((1, 9), (0, 1)),
    ((1, 1, 6), (1,)),
]
QUANTIZATIONS = [((0.1, -128), (0.3, 127)), ((0.5, 3), (0.5, 3)), ((0.02, 77), (0.01, -20)), ((0.25, -7), (2.0, 0))]


def build(code, shape, axes, quantization, keep_dims=False):
    """Return the model of one reduction."""
    builder = ModelBuilder()
    reduced = {axis % len(shape) for axis in axes}
    output = [1 if i in reduced else size for i, size in enumerate(shape) if keep_dims or i not in reduced]
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    x = builder.tensor(shape, scale=x_scale, zero_point=x_zero)
    along = builder.tensor((len(axes),), "int32", data=np.array(axes))
    y = builder.tensor(output, scale=y_scale, zero_point=y_zero)
    builder.op(code, [x, along], [y], "ReducerOptions", keepDims=keep_dims)
    return builder.finish([x], [y])


def case_of(model, rng):
    """One kernel call on random bytes, extremes included."""
    graph = read(model)
    (node,) = graph.nodes
    x = graph.values[node.inputs[0]]
    return Case(node.op.lower([x], graph.values[node.outputs[0]]), [random_bytes(rng, 5, x.elements)])
