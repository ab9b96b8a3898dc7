"""Tensors of a quantized model: ``real = scale * (q - zero_point)``.

Shapes are full shapes, the batch dimension (always 1 on the device) included, NHWC for images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Shape = tuple[int, ...]
Array = npt.NDArray[Any]
DType = Literal["int8", "uint8", "int16"]
Kind = Literal["affine", "scale", "fixed-point"]


def shown(what: Iterable[str], most: int = 3) -> str:
    """Return a few texts of many, so that what is printed fits a screen.

    >>> shown(["a", "b"]), shown("abcde")
    ('a, b', 'a, b, c, ... (5)')
    """
    texts = [text[:60] for text in what]
    return ", ".join(texts) if len(texts) <= most else f"{', '.join(texts[:most])}, ... ({len(texts)})"


@dataclass(frozen=True)
class QTensor:
    """An activation: its shape and what its integers mean.

    Activations of fewer than 8 bits are kept in bytes and take fewer values: -2^(bits-1)..2^(bits-1)-1; those of 1 bit
    are signs, -1 and 1. What layers remember may be int16; its ``bits`` are 8 all the same.

    ``kind`` is the scheme it was quantized with: "scale" leaves -128 out, "fixed-point" has a power of two as scale
    and is requantized to by a rounding shift alone. Models that arrive quantized are "affine".
    """

    shape: Shape
    scale: float
    zero_point: int
    dtype: DType = "int8"
    kind: Kind = "affine"
    bits: int = 8

    @property
    def elements(self) -> int:
        """Number of elements of one sample."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of one sample."""
        return self.elements * np.dtype(self.dtype).itemsize

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest integer that occurs."""
        if self.bits == 1:
            return -1, 1
        info, unused = np.iinfo(self.dtype), 8 - self.bits
        return (int(info.min) >> unused) + (self.kind == "scale"), int(info.max) >> unused

    @property
    def by_shift(self) -> bool:
        """Whether values are brought to this scale by a rounding shift, where the scales' quotient allows it."""
        return self.kind == "fixed-point"

    def quantize(self, real: npt.NDArray[np.floating]) -> Array:
        """Real values to integers: round half away from zero, as TFLite's Quantize, then saturate.

        The division is done in float32, as TFLite does it.
        """
        with np.errstate(over="ignore"):  # what is too large saturates
            scaled = np.asarray(real, np.float32) / np.float32(self.scale)
        rounded = np.copysign(np.floor(np.abs(scaled) + np.float32(0.5)), scaled)
        low, high = self.limits
        return np.asarray(np.clip(rounded + self.zero_point, low, high), self.dtype)

    def dequantize(self, q: Array) -> npt.NDArray[np.float32]:
        """Integers to real values, float32."""
        if np.asarray(q).dtype.itemsize <= 2:  # exact in float32 before the one rounding of the product
            real = np.subtract(q, self.zero_point, dtype=np.float32)
            return np.asarray(np.multiply(real, np.float32(self.scale), out=real if real.ndim else None))
        centered = np.asarray(q, np.int32) - self.zero_point
        return np.asarray(centered * np.float32(self.scale), np.float32)


@dataclass(frozen=True, eq=False)
class QConstant:
    """Integers known at compile time: weights, biases, constant operands.

    ``scale`` has one element (per tensor) or one per index along ``axis`` (per channel).

    Weights of fewer than 8 bits are kept one to a byte here, and packed where kernels read them. With a codebook every
    value is one of its entries, and ``bits`` are those of an index: the codebook changes what is stored, not what the
    integers mean.

    Attributes:
        bits: of a weight; without a codebook values lie in -2^(bits-1)..2^(bits-1)-1, those of 1 bit are -1 and 1.
        codebook: int8 [1 or indices along axis, entries], every row rising; channels of a group have equal rows.
        fraction: of a bias: by how many bits its unit is finer than that of its layer's products.
    """

    values: Array
    scale: npt.NDArray[np.float64]
    zero_point: int = 0
    bits: int = 8
    axis: int = 0
    codebook: Array | None = None
    fraction: int = 0

    @property
    def shape(self) -> Shape:
        """Shape of the values."""
        return self.values.shape

    @property
    def elements(self) -> int:
        """Number of elements."""
        return int(self.values.size)

    @property
    def bytes(self) -> int:
        """Bytes of the values as they are."""
        return int(self.values.nbytes)

    @property
    def scale_problem(self) -> str:
        """What is wrong with the number of scales; empty: there is one, or one per index along ``axis``."""
        if self.scale.size == 1:
            return ""
        along = self.shape[self.axis] if 0 <= self.axis < len(self.shape) else 0
        if self.scale.ndim == 1 and self.scale.size == along:
            return ""
        return f"{self.scale.size} scales along dimension {self.axis} of a constant of shape {self.shape}"

    @property
    def in_bytes(self) -> QConstant:
        """The same integers, to be stored one to a byte."""
        return replace(self, bits=8, codebook=None)

    def real(self) -> npt.NDArray[np.float64]:
        """Return the real values the integers stand for, same shape."""
        scale = self.scale
        if scale.size > 1:
            scale = scale.reshape([-1 if d == self.axis else 1 for d in range(self.values.ndim)])
        return (self.values.astype(np.float64) - self.zero_point) * scale
