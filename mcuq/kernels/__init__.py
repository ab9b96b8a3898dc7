"""Families of kernels: how one instruction set serves layers, giving the same bytes as the portable kernels.

A family is named for what it needs of a chip; ``boards/chips`` says which families a chip has, the best first. One page
per family, its ``__init__``, says which kernel serves what. A kernel asks about shapes and values, never for a chip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mcuq.kernels import lanes, mac16, portable, r16, s3
from mcuq.kernels.layer import Family, Faster, Layer
from mcuq.ops.base import Params

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "s3": s3.FAMILY,
        "mac16": mac16.FAMILY,
        "r16": r16.FAMILY,
        "lanes": lanes.FAMILY,
        "tuned": portable.TUNED,
        "packed": portable.PACKED,
    }
)
GENERIC = ("packed",)  # what any chip has: plans without a board


def chosen(layer: Layer[Params], families: Sequence[str]) -> Params:
    """Return the kernel of the first family that takes a layer, or the portable one."""
    found = (FAMILIES[name].kernel(layer) for name in families)
    return next((params for params in found if params), layer.params)


def faster(params: Params, families: Sequence[str]) -> Faster | None:
    """Return a kernel for the same layer that takes more flash and fewer instructions; None where none is known."""
    found = (FAMILIES[name].faster(params) for name in families)
    return next((offer for offer in found if offer), None)
