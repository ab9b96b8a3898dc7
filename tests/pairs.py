"""What the tests of operators of two operands share: TFLite models, shapes, quantizations, all pairs of bytes."""

import numpy as np
from harness import Case, random_bytes
from oracle import read
from tflite_builder import ModelBuilder

SHAPES = [
    ((1, 4, 4, 8), (1, 4, 4, 8)),
    ((1, 3, 5, 7), (1, 1, 1, 7)),
    ((1, 3, 5, 7), (1, 1, 1, 1)),
    ((1, 1, 1, 3), (1, 4, 2, 3)),
    ((1, 6), (6,)),
]
QUANTIZATIONS = [  # of a, of b, of the output: (scale, zero point)
    ((0.1, -128), (0.03, 127), (0.2, 0)),
    ((0.5, 3), (0.5, 3), (0.5, 3)),
    ((0.9, -5), (0.001, 9), (0.9, -128)),
    ((0.625, 77), (0.078125, -62), (0.5, 44)),
    ((0.1875, 107), (0.078125, -127), (0.25, -23)),
]
TIED = [((scale, zero),) * 3 for scale, zero in ((0.1, 3), (0.5, -128), (0.01, 127))]


def build(code, shapes, quantization, output="int8", options=None, inputs="int8", constant=None, version=1, **fields):
    """Return the model of one operator; truths have no quantization. ``constant``: what the second operand is."""
    builder = ModelBuilder()
    dtypes = (inputs, inputs, output)
    scales = [(s, z) if t == "int8" else (None, 0) for (s, z), t in zip(quantization, dtypes, strict=True)]
    a, b = (
        builder.tensor(shape, inputs, scale=s, zero_point=z, data=given)
        for shape, (s, z), given in zip(shapes, scales, (None, constant), strict=False)
    )
    y = builder.tensor(np.broadcast_shapes(*shapes), output, scale=scales[2][0], zero_point=scales[2][1])
    builder.op(code, [a, b], [y], options, version=version, **fields)
    return builder.finish([a, b] if constant is None else [a], [y])


def params(model):
    """Return the only node's parameters."""
    graph = read(model)
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(n) for n in node.inputs], graph.values[node.outputs[0]])


def every_pair():
    """All 65536 pairs of bytes: 256 samples [1, 256] of either operand."""
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    return a.astype(np.int8).reshape(256, 1, 256), b.astype(np.int8).reshape(256, 1, 256)


def case_of(model, shapes, rng):
    """One kernel call on random bytes, extremes included."""
    return Case(params(model), [random_bytes(rng, 5, int(np.prod(shape))) for shape in shapes])
