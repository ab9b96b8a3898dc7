"""Kernels in C that keep two 16-bit sums in one 32-bit register; measured and chosen on RV32IMC.

Who serves what, the best first. Of few bits, small integers come before codebooks, many pixels before vectors.
"""

from __future__ import annotations

from mcuq.kernels.convolution import as_convolution, as_vector, is_vector
from mcuq.kernels.lanes import (
    add,
    conv2d,
    conv2d_codebook,
    conv2d_few_bits,
    conv2d_winograd,
    depthwise_conv2d,
    depthwise_conv2d_packed,
    depthwise_conv2d_window,
    fully_connected,
    fully_connected_codebook,
    fully_connected_few_bits,
    gru,
    lstm,
    rnn,
)
from mcuq.kernels.layer import Family, Faster, Layer, first
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
    match layer.params:
        case Conv2dParams() as p if is_vector(p) and (vector := first(layer.of(as_vector(p)), fully_connected.take)):
            return vector
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


def _few_bits(layer: Layer[Params]) -> Params | None:
    match layer.params:
        case DepthwiseConv2dParams() as p if packed := first(layer.of(p), depthwise_conv2d_packed.take):
            return packed
        case Conv2dParams() | DepthwiseConv2dParams() | FullyConnectedParams() as p:
            return first(
                layer.of(as_convolution(p)),
                conv2d_few_bits.take,
                fully_connected_few_bits.take,
                conv2d_codebook.take,
                fully_connected_codebook.take,
            )
    return None


def faster(params: Params) -> Faster | None:
    """Return a kernel that takes more flash and fewer instructions than the chosen one, or None."""
    match params:
        case Conv2dParams() | conv2d.Conv2dLanesParams() as p:
            return conv2d_winograd.instead_of(p)
    return None


FAMILY = Family(kernel, faster)
