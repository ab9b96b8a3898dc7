"""Kernels in assembly for the vector unit of the ESP32-S3, with a twin in C.

Who serves what, the best first. What a kernel does not take, `mac16` serves. The unit's registers belong to
coprocessor 3, which ESP-IDF saves for tasks: the kernels run in tasks, not in interrupt handlers.
"""

from __future__ import annotations

from mcuq.kernels.convolution import as_convolution
from mcuq.kernels.layer import Family, Layer, first
from mcuq.kernels.s3 import (
    add,
    conv2d,
    conv2d_packed,
    conv2d_window,
    depthwise_conv2d,
    depthwise_conv2d_packed,
    lookup,
    mul,
    pixel_sums,
    pool,
    pool_strip,
    rows,
)
from mcuq.ops.add import AddParams
from mcuq.ops.average_pool import AveragePoolParams
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.ops.lookup import LookupParams
from mcuq.ops.max_pool import MaxPoolParams
from mcuq.ops.mean import MeanParams
from mcuq.ops.mul import MulParams
from mcuq.ops.pixel_sums import PixelSumsParams
from mcuq.ops.rows import RowsParams


def kernel(layer: Layer[Params]) -> Params | None:
    """Return the best kernel for a layer, or None."""
    if layer.few_bits:
        return _few_bits(layer)
    match layer.params:
        case Conv2dParams() as p:
            return first(layer.of(p), conv2d.pointwise, conv2d_window.take)
        case DepthwiseConv2dParams() as p:
            return first(layer.of(p), depthwise_conv2d.take)
        case FullyConnectedParams() as p:
            return first(layer.of(as_convolution(p)), conv2d.pointwise, conv2d_window.take)
        case AddParams() as p:
            return first(layer.of(p), add.take)
        case MulParams() as p:
            return first(layer.of(p), mul.take)
        case AveragePoolParams() | MaxPoolParams() as p:
            return first(layer.of(p), pool.take, pool_strip.take)
        case MeanParams() as p:
            return first(layer.of(p), pool.take_mean, pool_strip.take_mean)
        case LookupParams() as p:
            return first(layer.of(p), lookup.take)
        case PixelSumsParams() as p:
            return first(layer.of(p), pixel_sums.take)
        case RowsParams() as p:
            return first(layer.of(p), rows.take)
    return None


def _few_bits(layer: Layer[Params]) -> Params | None:
    match layer.params:
        case Conv2dParams() | FullyConnectedParams() as p:
            return first(layer.of(as_convolution(p)), conv2d_packed.take)
        case DepthwiseConv2dParams() as p:
            return first(layer.of(p), depthwise_conv2d_packed.take)
    return None


FAMILY = Family(kernel)
