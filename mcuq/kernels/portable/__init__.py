"""Kernels in plain C for weights of few bits, in two families: what any chip has, and tables of signs.

The tables are for chips that multiply to 64 bits, as all boards' do. Who serves what, the best first.
"""

from __future__ import annotations

from mcuq.kernels.convolution import as_convolution
from mcuq.kernels.layer import Family, Layer, first
from mcuq.kernels.portable import conv2d_packed, conv2d_w1, conv2d_xnor, conv2d_xnor_tile
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams


def tuned(layer: Layer[Params]) -> Params | None:
    """Return the best kernel for a layer of signs, or None. With signs as inputs too, counting bits beats ``w1``."""
    convolution = _convolution(layer)
    takers = (conv2d_xnor_tile.take, conv2d_xnor.take, conv2d_w1.take)
    return first(convolution, *takers) if convolution else None


def packed(layer: Layer[Params]) -> Params | None:
    """Return the kernel for any weights of few bits, or None: others."""
    convolution = _convolution(layer)
    return first(convolution, conv2d_xnor.take, conv2d_packed.take) if convolution else None


def _convolution(layer: Layer[Params]) -> Layer[Conv2dParams] | None:
    match layer.params:
        case Conv2dParams() | DepthwiseConv2dParams() | FullyConnectedParams() as p if layer.few_bits:
            return layer.of(as_convolution(p))
    return None


TUNED = Family(tuned)
PACKED = Family(packed)
