"""How the weights of a layer see its input: the windows, and groups of output channels that see the same channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcuq.ops.base import Real
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.groups import WINDOWED
from mcuq.ops.window import pad, windows
from mcuq.quantization.layers import Layer
from mcuq.tensor import Array

SEED = 1

Reals = npt.NDArray[np.float64]


class View(NamedTuple):
    """What :func:`view_of` found out about a layer."""

    windows: Callable[[Real], Real]  # [samples, *shape] to [samples, rows, columns, channels, height, width]
    groups: int
    channels_last: bool  # within the taps of a weight, as in OHWI

    def grouped(self, weights: Array) -> Array:
        """Return weights as [groups, outputs, taps]."""
        if not self.channels_last:
            weights = np.moveaxis(weights[0], 2, 0)
        return weights.reshape(self.groups, len(weights) // self.groups, -1)

    def ungrouped(self, weights: Array) -> Array:
        """Undo :meth:`grouped`, but for the shape."""
        if self.channels_last:
            return weights
        return np.moveaxis(weights.reshape(weights.shape[0] * weights.shape[1], -1), 0, 1)


def view_of(layer: Layer) -> View | None:
    """Return how a layer's weights see its input; None for a kind of layer whose products are no windows."""
    op, shape = layer.op, layer.weights.shape
    if not isinstance(op, WINDOWED):
        return None
    if isinstance(op, FullyConnected):
        return View(lambda x: x.reshape(len(x), -1, 1, shape[1], 1, 1), 1, True)
    window, stride, dilation, padding = (shape[1], shape[2]), op.stride, op.dilation, op.padding

    def seen(x: Real) -> Real:
        return windows(pad(x.reshape(-1, *x.shape[2:]), padding, 0.0), window, stride, dilation)

    if isinstance(op, Conv2d):
        return View(seen, op.groups, True)
    return View(seen, layer.input.shape[-1], False)


def rows_of(view: View, most: int, *inputs: Real) -> list[Real]:
    """Return, for every input, what the same few output pixels see: [groups, rows, taps], ``most`` rows."""
    seen = [view.windows(x) for x in inputs]
    places = seen[0].shape[:3]
    count = int(np.prod(places))
    chosen = np.random.default_rng(SEED).permutation(count)[:most]
    index = np.unravel_index(np.sort(chosen), places)
    return [_by_group(x[index], view.groups).reshape(view.groups, len(chosen), -1) for x in seen]


def _by_group(x: Real, groups: int) -> Real:
    """[rows, channels, height, width] to [groups, rows, height, width, channels of a group]."""
    return x.reshape(len(x), groups, -1, *x.shape[2:]).transpose(1, 0, 3, 4, 2)
