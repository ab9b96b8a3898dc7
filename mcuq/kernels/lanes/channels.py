"""What the lanes kernels share: how much scratch they may take, and four channels side by side."""

from __future__ import annotations

import numpy as np

from mcuq.tensor import Array

MAX_SCRATCH = 4096  # bytes


def in_fours(weights: Array, spare: int = 0) -> Array:
    """Pack [channels, ...] four channels side by side, the rest behind, one after the other, then ``spare`` zeros."""
    flat = weights.reshape(len(weights), -1)
    fours = len(flat) // 4 * 4
    groups = flat[:fours].reshape(-1, 4, flat.shape[1]).transpose(0, 2, 1)
    return np.concatenate([groups.ravel(), flat[fours:].ravel(), np.zeros(spare, flat.dtype)])


def from_fours(packed: Array, channels: int, taps: int) -> Array:
    """Undo :func:`in_fours`: [channels, taps]."""
    fours = channels // 4 * 4
    groups = packed[: fours * taps].reshape(-1, taps, 4).transpose(0, 2, 1).reshape(fours, taps)
    return np.concatenate([groups, packed[fours * taps : channels * taps].reshape(-1, taps)])
