"""Kernels in assembly for the multiplier MAC16 of Xtensa cores, with a twin in C: those of the ESP32 and the ESP32-S3.

Who serves what, the best first.
"""

from __future__ import annotations

from mcuq.kernels.convolution import as_convolution, as_vector, is_vector
from mcuq.kernels.layer import Family, Layer, first
from mcuq.kernels.mac16 import (
    add,
    conv2d,
    conv2d_packed,
    depthwise_conv2d,
    depthwise_conv2d_packed,
    depthwise_conv2d_window,
    fully_connected,
    fully_connected_packed,
    gru,
    lstm,
    rnn,
)
from mcuq.ops.add import AddParams
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.ops.gru import GruParams
from mcuq.ops.lstm import LstmParams
from mcuq.ops.rnn import RnnParams


def kernel(layer: Layer[Params]) -> Params | None:
    """Return the best kernel for a layer, or None."""
    if layer.few_bits:
        return _few_bits(layer)
    match _as_served(layer.params):
        case Conv2dParams() as p:
            return first(layer.of(p), conv2d.take)
        case DepthwiseConv2dParams() as p:
            return first(layer.of(p), depthwise_conv2d_window.take, depthwise_conv2d.take)
        case FullyConnectedParams() as p:
            return first(layer.of(p), fully_connected.take)
        case AddParams() as p:
            return first(layer.of(p), add.take)
        case LstmParams() as p:
            return first(layer.of(p), lstm.take)
        case GruParams() as p:
            return first(layer.of(p), gru.take)
        case RnnParams() as p:
            return first(layer.of(p), rnn.take)
    return None


def _as_served(params: Params) -> Params:
    """Return a layer as the kind whose kernel is best for it: one channel is no depthwise, many vectors are pixels."""
    match params:
        case DepthwiseConv2dParams() as p if p.input_c == 1:
            params = as_convolution(p)
        case FullyConnectedParams() as p if p.batch > fully_connected.FEW:
            params = as_convolution(p)
    return as_vector(params) if isinstance(params, Conv2dParams) and is_vector(params) else params


def _few_bits(layer: Layer[Params]) -> Params | None:
    match layer.params:
        case DepthwiseConv2dParams() | FullyConnectedParams() as p:
            return _few_bits(layer.of(as_convolution(p)))
        case Conv2dParams() as p if p.groups > 1:
            return first(layer.of(p), depthwise_conv2d_packed.take)
        case Conv2dParams() as p if is_vector(p):
            return first(layer.of(p), fully_connected_packed.take)
        case Conv2dParams() as p:
            return first(layer.of(p), conv2d_packed.take)
    return None


FAMILY = Family(kernel)
