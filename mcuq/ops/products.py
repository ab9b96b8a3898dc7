"""Integer layers in floats: weights, sums and requantization prepared once, every output exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.ops.rescaling import Floats, Scaling, rescaling
from mcuq.tensor import Array

LEAST, LARGEST = -128, 127  # of an activation
SINGLE = 1 << 24  # float32 holds every integer up to here, float64 up to 2^53


class Products:
    """The sums of a layer's products, and what they become, for inputs of int8 as they are.

    The zero point goes into the bias. Where weights and bias prove that no sum of a channel leaves 2^24, in any order
    of summing, all of it is done in float32, else in float64.

    Attributes:
        dtype: of the inputs and sums.
        weights: [taps, channels].
    """

    def __init__(self, weights: Array, bias: Array, zero_point: int, scaling: Scaling) -> None:
        """Prepare a layer.

        Args:
            weights: int8 [channels, taps].
            bias: int32 [channels].
            zero_point: of the inputs.
            scaling: of the outputs; multipliers and shifts may be one for all channels.
        """
        wide = weights.astype(np.int64)
        positive, negative = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
        self.offset = bias.astype(np.int64) - zero_point * (positive + negative)
        bound = (positive - negative) * -LEAST + np.abs(self.offset)
        self.dtype: npt.DTypeLike = np.float32 if bound.max(initial=0) < SINGLE else np.float64
        self.weights = np.ascontiguousarray(weights.T.astype(self.dtype))
        low = self.offset + LEAST * positive + LARGEST * negative
        high = self.offset + LARGEST * positive + LEAST * negative
        each = [np.broadcast_to(np.asarray(x, np.int64), bias.shape) for x in (scaling.multiplier, scaling.shift)]
        self._rescaling = rescaling(scaling._replace(multiplier=each[0], shift=each[1]), low, high, self.dtype)
        self._offset = self.offset.astype(self.dtype)

    def of(self, columns: Floats) -> npt.NDArray[np.int8]:
        """Return the outputs, int8 [rows, channels], of what they see, [rows, taps] of ``dtype``."""
        return self.outputs(columns @ self.weights)

    def outputs(self, sums: Floats) -> npt.NDArray[np.int8]:
        """Return the outputs of sums [..., channels] of products, which are used up."""
        sums += self._offset
        return self._rescaling.outputs(sums)


def scaling_of(params: Any) -> Scaling:
    """Return how the kernel of a layer with weights requantizes."""
    return Scaling(
        params.multiplier.astype(np.int64),
        params.shift.astype(np.int64),
        params.output_zero_point,
        params.activation_min,
        params.activation_max,
    )
