"""Kernels in C for chips of 16 registers whose loads of bytes leave out the sign; measured and chosen on Xtensa.

Who serves what. What is not here is left to the next family of the chip.
"""

from __future__ import annotations

from mcuq.kernels.convolution import as_convolution, is_vector
from mcuq.kernels.lanes import conv2d_winograd
from mcuq.kernels.layer import Family, Faster, Layer, first
from mcuq.kernels.r16 import conv2d
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams


def kernel(layer: Layer[Params]) -> Params | None:
    """Return the best kernel for a layer, or None."""
    if layer.few_bits:
        return None
    match layer.params:
        case Conv2dParams() as p if not is_vector(p):
            return first(layer.of(p), conv2d.take)
        case FullyConnectedParams() as p if p.batch > 1:
            return first(layer.of(as_convolution(p)), conv2d.take)
    return None


def faster(params: Params) -> Faster | None:
    """Return a kernel that takes more flash and fewer instructions than the chosen one, or None."""
    match params:
        case conv2d.Conv2dR16Params() as p:
            return conv2d_winograd.instead_of(conv2d.in_lanes(p))
    return None


FAMILY = Family(kernel, faster)
