"""Requantization: all 256 inputs against TensorFlow Lite Micro, int8 and uint8, for many scales and zero points."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, read
from tflite_builder import ModelBuilder, tflm

from mcuq.ops.requantize import Requantize
from mcuq.tensor import QTensor

CODES = np.arange(256, dtype=np.uint8).reshape(1, 1, 256)
TYPES = [("int8", "int8"), ("uint8", "int8"), ("int8", "uint8")]
QUANTIZATION = [  # zero points as offsets from the type's minimum
    ((0.05, 0), (0.05, 0)),
    ((0.05, 131), (0.05, 131)),
    ((0.05, 131), (0.05, 130)),
    ((0.1, 121), (0.03, 148)),
    ((0.02, 255), (0.3, 0)),
    ((4.0, 128), (0.001, 255)),
    ((0.001, 128), (4.0, 0)),
]


def build(types, quantization):
    builder = ModelBuilder()
    x, y = (
        builder.tensor((1, 256), dtype, scale=scale, zero_point=offset + np.iinfo(dtype).min)
        for dtype, (scale, offset) in zip(types, quantization, strict=True)
    )
    builder.op("QUANTIZE", [x], [y])
    return builder.finish([x], [y])


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_n5_equals_tflm(types, quantization):
    assert_equals_tflm(build(types, quantization), CODES.view(types[0]))


@pytest.mark.parametrize("types", [*TYPES, ("uint8", "uint8")])
@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_close_to_forward(types, quantization):
    assert_close_to_forward(build(types, quantization), CODES.view(types[0]), steps=1)


def test_n2_kernel_equals_run():
    cases = []
    for types in TYPES:
        for quantization in QUANTIZATION:
            graph = read(build(types, quantization))
            (node,) = graph.nodes
            params = node.op.lower([graph.values[node.inputs[0]]], graph.values[node.outputs[0]])
            cases.append(Case(params, [CODES[0].view(types[0])]))
    assert_kernels_equal_run(cases)


WIDE = [  # int8 or int16 on one side: scale and zero point of both, as what is remembered meets its readers
    (("int8", "int16"), (0.007, 11), (2.0**-15, 0)),
    (("int8", "int16"), (0.05, -128), (2.0**-12, 0)),
    (("int16", "int8"), (2.0**-15, 0), (0.0078, -3)),
    (("int16", "int8"), (2.0**-11, 0), (0.03, 127)),
    (("int16", "int8"), (2.0**-9, 0), (0.0001, 0)),
]


def wide_case(rng, types, x, y):
    given, values = types[0], rng.integers(*LIMITS[types[0]], (40, 33))
    values[0], values[1] = LIMITS[given][0], LIMITS[given][1] - 1
    tensors = [QTensor((1, 33), scale, zero, dtype) for dtype, (scale, zero) in zip(types, (x, y), strict=True)]
    return Case(Requantize().lower(tensors[:1], tensors[1]), [values.astype(given)])


LIMITS = {"int8": (-128, 128), "int16": (-(2**15), 2**15)}


@pytest.mark.parametrize(("types", "x", "y"), WIDE)
def test_n5_of_16_bits_equals_tflm(rng, types, x, y):
    builder = ModelBuilder()
    ends = [builder.tensor((1, 33), d, scale=s, zero_point=z) for d, (s, z) in zip(types, (x, y), strict=True)]
    builder.op("QUANTIZE", ends[:1], ends[1:])
    case = wide_case(rng, types, x, y)
    wanted = tflm(builder.finish(ends[:1], ends[1:]), case.inputs[0][:, np.newaxis])
    np.testing.assert_array_equal(case.outputs[0], wanted.reshape(40, 33))


def test_n2_kernel_of_16_bits_equals_run(rng):
    assert_kernels_equal_run([wide_case(rng, *what) for what in WIDE])
