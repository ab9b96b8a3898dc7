"""A channel whose multiplier rounds every sum to 0 is a constant, whatever its bias; it was refused as an overflow."""

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from oracle import assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq import loading, pipeline
from mcuq.archive import Archive
from mcuq.engines.host import build_host
from mcuq.errors import CannotQuantizeError
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

WINDOW = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
LAYERS = {
    "CONV_2D": ((3, 1, 1, 3), 0, ("Conv2DOptions", WINDOW)),
    "DEPTHWISE_CONV_2D": ((1, 1, 1, 3), 3, ("DepthwiseConv2DOptions", {**WINDOW, "depthMultiplier": 1})),
    "FULLY_CONNECTED": ((3, 3), 0, ("FullyConnectedOptions", {"keepNumDims": True})),
}


def model(code: str, scale: float, bias: int) -> bytes:
    """One layer of three channels, the middle one with this weight scale and bias."""
    shape, axis, (options, fields) = LAYERS[code]
    builder, scales = ModelBuilder(), [0.01, scale, 0.02]
    x = builder.tensor((1, 2, 2, 3), scale=0.05, zero_point=-1)
    y = builder.tensor((1, 2, 2, 3), scale=0.03, zero_point=-128)
    weights = builder.tensor(shape, scale=scales, axis=axis, data=np.arange(1, 1 + np.prod(shape)).reshape(shape))
    operand = builder.tensor((3,), "int32", scale=[0.05 * s for s in scales], data=[70, bias, -30])
    builder.op(code, [x, weights, operand], [y], options, **fields)
    return builder.finish([x], [y])


@pytest.mark.parametrize("code", LAYERS)
@pytest.mark.parametrize("bias", [-(2**31 - 1), 2**31 - 1])
def test_n5_dead_channel_is_the_zero_point(code, bias, tmp_path):
    dead, x = model(code, 2e-22, bias), samples(np.random.default_rng(0), 6, (1, 2, 2, 3))
    graph = read(dead)
    output = simulate(build_plan(graph), {graph.inputs[0]: x})[graph.outputs[0]]

    assert np.all(output[..., 1] == -128) and np.any(output[..., 0] != -128)
    assert_equals_tflm(dead, x)


def test_n2_no_sum_of_a_dead_channel_overflows(tmp_path):
    graph, x = read(model("CONV_2D", 2e-22, -(2**31 - 1))), samples(np.random.default_rng(1), 6, (1, 2, 2, 3))
    written = pipeline.write_project(Archive(graph), "esp32dev", tmp_path)
    with build_host(tmp_path, [graph.name], (*STRICT, *SANITIZERS)) as firmware:
        got = firmware.run(written.plan, {graph.inputs[0]: x}).outputs[graph.outputs[0]]

    np.testing.assert_array_equal(got, simulate(written.plan, {graph.inputs[0]: x})[graph.outputs[0]])


@pytest.mark.parametrize("code", LAYERS)
def test_channel_that_counts_still_overflows(code):
    with pytest.raises(CannotQuantizeError, match="channel 1 can sum to"):
        pipeline.compile(read(model(code, 1e-9, -(2**31 - 1))))


def test_case_of_a_user(shared):
    graph = loading.load(shared / "cases/readers/dead_channel.tflite")
    x = samples(np.random.default_rng(2), 50, (1, 1, 1, 4))

    assert np.all(pipeline.simulate(pipeline.compile(graph), x)[..., 1] == -128)
