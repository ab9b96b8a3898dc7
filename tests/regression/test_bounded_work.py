"""Sizes that a few bytes of a file can claim are refused before numpy allocates or loops over them."""

import math
import time

import numpy as np
import pytest
from oracle import read
from tflite_builder import ModelBuilder

from mcuq.errors import McuqError
from mcuq.fixedpoint import INT32_MAX, INT32_MIN, quantize_multiplier
from mcuq.graph import Graph, Node
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

HUGE = (1 << 31) - 1


def single(code, shape, output, *operands, options=None, **fields):
    builder = ModelBuilder()
    x, y = builder.tensor(shape, scale=0.1), builder.tensor(output, scale=0.1)
    constants = [builder.tensor(np.shape(data), dtype, scale=0.1, data=data) for dtype, data in operands]
    builder.op(code, [x, *constants], [y], options, **fields)
    return builder.finish([x], [y])


def pool(shape, output, window, **fields):
    return single(
        *("MAX_POOL_2D", shape, output),
        options="Pool2DOptions",
        filterHeight=window,
        filterWidth=window,
        strideH=1,
        strideW=1,
        **fields,
    )


def dilated(shape, output, dilation):
    weights = ("int8", np.ones((1, 3, 3, 2), np.int8))
    return single(
        *("CONV_2D", shape, output, weights),
        options="Conv2DOptions",
        strideH=1,
        strideW=1,
        dilationHFactor=dilation,
        dilationWFactor=dilation,
    )


MODELS = {
    "window": pool((1, 4, 4, 2), (1, 4, 4, 2), HUGE),
    "window of the image's size": pool((1, 1024, 1024, 4), (1, 1024, 1024, 4), 1024),
    "many channels": pool((1, 1, 1, 1 << 20), (1, 1, 1, 1 << 20), 4096),
    "dilation": dilated((1, 4, 4, 2), (1, 4, 4, 1), HUGE),
    "padding": single("PAD", (1, 4), (1, (1 << 30) + 4), ("int32", [[0, 0], [0, 1 << 30]]), options="PadOptions"),
    "padding unlike the output": single("PAD", (1, 4), (1, 8), ("int32", [[0, 0], [0, 1 << 30]]), options="PadOptions"),
    "activation": single("RELU", (1, 1 << 25), (1, 1 << 25)),
}


@pytest.mark.parametrize("name", MODELS)
def test_sizes(name):
    started = time.monotonic()
    with pytest.raises(McuqError):
        read(MODELS[name])

    assert time.monotonic() - started < 1


def test_multiplications():
    values = {name: QTensor((1 << 11, 1 << 13), 0.1, 0) for name in ("x", "y")}
    weights = QConstant(np.zeros((1 << 13, 1 << 13), np.int8), np.ones(1))
    node = Node("fc", FullyConnected(), ("x", "w"), ("y",))
    with pytest.raises(McuqError, match="137438953472 multiplications"):
        Graph("g", ("x",), ("y",), (node,), values, {"w": weights}).verify()


def test_pack_does_not_multiply_constants():
    """1000 operands that are one constant of a megabyte, packed to int32."""
    builder = ModelBuilder()
    x, y = builder.tensor((1, 6), scale=0.1), builder.tensor((1, 6), scale=0.1)
    constant = builder.tensor((1 << 18,), "int32", data=np.zeros(1 << 18))
    packed = builder.tensor((2,), "int32")
    builder.op("PACK", [constant] * 1000, [packed], "PackOptions")
    builder.op("RELU", [x], [y])
    with pytest.raises(McuqError, match=r"0 PACK: tensor 3 .* int32\[2\] must be int8"):
        read(builder.finish([x], [y]))


def test_messages_stay_short():
    """A thousand axes, as when the axes operand of MEAN is exchanged for weights."""
    axes = ("int32", list(range(9, 1009)))
    with pytest.raises(McuqError, match="mean_0: mean cannot take shapes") as caught:
        read(single("MEAN", (1, 4, 4, 2), (1, 2), axes, options="ReducerOptions"))

    assert len(str(caught.value)) < 500


def test_infinite_multipliers_saturate():
    """Softmax with an infinite beta came here."""
    assert quantize_multiplier(math.inf) == (INT32_MAX, 30)
    assert quantize_multiplier(-math.inf) == (INT32_MIN, 30)
