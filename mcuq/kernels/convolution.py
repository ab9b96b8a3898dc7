"""Layers as other layers that compute the same: vectors and depthwise layers as convolutions, and back."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams

Weighted: TypeAlias = Conv2dParams | DepthwiseConv2dParams | FullyConnectedParams


def as_convolution(p: Weighted) -> Conv2dParams:
    """Return the convolution that a layer is.

    Depthwise has as many groups as input channels; vectors are the pixels of an image of one column.
    """
    if isinstance(p, Conv2dParams):
        return p
    shared = {m.name for m in p.members()} & {m.name for m in Conv2dParams.members()}
    members = {name: getattr(p, name) for name in shared}
    if isinstance(p, DepthwiseConv2dParams):
        weights = np.moveaxis(p.weights, 2, 0)[..., np.newaxis]
        return Conv2dParams(**members | {"output_c": len(weights), "groups": p.input_c, "weights": weights})
    single = ("input_w", "output_w", "filter_h", "filter_w", "stride_h", "stride_w", "dilation_h", "dilation_w")
    members |= dict.fromkeys((*single, "groups"), 1) | {"pad_top": 0, "pad_left": 0}
    members |= {"input_h": p.batch, "output_h": p.batch, "weights": p.weights.reshape(p.output_c, 1, 1, p.input_c)}
    return Conv2dParams(**members)


def as_depthwise(p: Conv2dParams) -> DepthwiseConv2dParams:
    """Return the depthwise layer that a convolution with one group per input and output channel is."""
    names = {m.name for m in DepthwiseConv2dParams.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in names}
    weights = np.moveaxis(p.weights[..., 0], 0, 2)
    return DepthwiseConv2dParams(**shared | {"channel_multiplier": 1, "weights": weights})


def as_vector(p: Conv2dParams) -> FullyConnectedParams:
    """Return the fully connected layer that a convolution with one window over its whole input is."""
    names = {m.name for m in FullyConnectedParams.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in names}
    weights = p.weights.reshape(p.output_c, -1)
    return FullyConnectedParams(**shared | {"batch": 1, "input_c": weights.shape[1], "weights": weights})


def is_vector(p: Conv2dParams) -> bool:
    """Whether one window of one group lies over all of the input: a fully connected layer."""
    window = (p.filter_h, p.filter_w, p.pad_top, p.pad_left)
    whole = (p.output_h, p.output_w) == (1, 1) and window == (p.input_h, p.input_w, 0, 0)
    is_dense = 1 in (p.filter_h, p.dilation_h) and 1 in (p.filter_w, p.dilation_w)  # else it reaches behind the input
    return whole and is_dense and p.groups == 1
