"""Kernels in assembly for the vector unit of the ESP32-S3, with a twin in C.

Who serves what, the best first. What a kernel does not take, `mac16` serves.
"""

from __future__ import annotations

from mcuq.kernels.convolution import as_convolution
from mcuq.kernels.layer import Family, Layer, first
from mcuq.kernels.s3 import conv2d
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams


def kernel(layer: Layer[Params]) -> Params | None:
    """Return the best kernel for a layer, or None."""
    if layer.few_bits:
        return None
    match layer.params:
        case Conv2dParams() as p:
            return first(layer.of(p), conv2d.pointwise)
        case FullyConnectedParams() as p:
            return first(layer.of(as_convolution(p)), conv2d.pointwise)
    return None


FAMILY = Family(kernel)
