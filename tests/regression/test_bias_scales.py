"""A bias whose scales lie along the dimension of its layer's weights is read; person_detect was refused for them."""

import numpy as np
import pytest
from oracle import assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import MalformedModelError


def depthwise(bias_axis: int, weights_axis: int = 3, window: int = 3) -> bytes:
    builder, scales = ModelBuilder(), np.array([0.01, 0.02, 0.015, 0.03])
    x = builder.tensor((1, 5, 5, 4), scale=0.05, zero_point=3)
    y = builder.tensor((1, 5, 5, 4), scale=0.1, zero_point=-5)
    values = np.random.default_rng(0).integers(-127, 128, (1, window, window, 4))
    weights = builder.tensor(values.shape, scale=scales, axis=weights_axis, data=values)
    bias = builder.tensor((4,), "int32", scale=0.05 * scales, axis=bias_axis, data=[10, -700, 3, 90])
    fields = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "depthMultiplier": 1}
    builder.op("DEPTHWISE_CONV_2D", [x, weights, bias], [y], "DepthwiseConv2DOptions", **fields)
    return builder.finish([x], [y])


@pytest.mark.parametrize("axis", [0, 3, -1, 1000])
def test_n5_bias_of_any_dimension(axis):
    model = depthwise(axis)
    graph = read(model)

    assert graph.constants[graph.nodes[0].inputs[2]].axis == 0
    assert_equals_tflm(model, samples(np.random.default_rng(1), 4, (1, 5, 5, 4)))


def test_unclear_dimension_is_refused():
    with pytest.raises(MalformedModelError, match="4 scales along dimension 7"):
        read(depthwise(3, weights_axis=7, window=4))
