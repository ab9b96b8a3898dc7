"""More layers for ``layer_samples.py``: of sequences, of attention, copies, pools of odd channels, sums that grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.gru import Gru
from mcuq.ops.layer_norm import LayerNorm
from mcuq.ops.lstm import Lstm
from mcuq.ops.matmul import Matmul
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mul import Mul
from mcuq.ops.pixel_sums import SUM_BYTES, PixelSums
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.rms_norm import RmsNorm
from mcuq.ops.rnn import Rnn
from mcuq.ops.space_to_depth import SpaceToDepth

if TYPE_CHECKING:
    from layer_samples import Samples

SEQUENCES = ((1, 8, 8), (1, 12, 32), (6, 3, 5), (7, 6, 9), (3, 2, 13), (12, 16, 24), (9, 28, 20), (4, 40, 64))


def _recurrent(samples: Samples, _: np.random.Generator) -> None:
    """Layers step by step, and one step at a time as a stateful model has them."""
    for op in (Lstm(), Gru(), Gru(reset_after=False), Rnn()):
        for steps, inputs, units in SEQUENCES:
            samples.add_steps(op, steps, inputs, units)


def _attention(samples: Samples, _: np.random.Generator) -> None:
    """Products of two activations, and rows of mean 0 and deviation 1."""
    for heads, rows, depth, columns in ((1, 8, 16, 8), (4, 16, 8, 16), (2, 10, 12, 7), (1, 3, 64, 3), (4, 25, 16, 25)):
        samples.add(Matmul(), (1, heads, rows, depth), (1, heads, depth, columns))
        samples.add(Matmul(transpose_b=True), (1, heads, rows, depth), (1, heads, columns, depth))
    for rows, depth in ((1, 16), (8, 32), (16, 24), (25, 64), (3, 100)):
        samples.add(LayerNorm(), (1, rows, depth))
        samples.add(RmsNorm(), (1, rows, depth))


def _copies(samples: Samples, _: np.random.Generator) -> None:
    """From an input to an output, which lie in places of their own, as they are and in another order."""
    for elements in (20, 64, 390, 1960, 4096):
        samples.add(Reshape((1, elements)), (1, 1, elements), same=True)
    for side, depth in ((4, 3), (8, 8), (6, 16), (12, 2)):
        samples.add(SpaceToDepth(2), (1, side, side, depth), same=True)


def _unaligned_pools(samples: Samples, _: np.random.Generator) -> None:
    """Channels that fill no vector: such kernels copy rows first, and windows that overlap read them again."""
    sizes = ((3, 12, 2, 2), (6, 10, 3, 2), (8, 12, 2, 2), (24, 8, 2, 2), (40, 9, 3, 3), (8, 7, 3, 1))
    for depth, side, window, stride in sizes:
        samples.add(MaxPool((window, window), (stride, stride)), (1, side, side, depth), same=True)


def _transposed(samples: Samples, _: np.random.Generator) -> None:
    for depth, filters, side, window, stride in (
        (8, 8, 5, 2, 2),
        (16, 8, 4, 3, 2),
        (4, 12, 6, 3, 1),
        (32, 16, 3, 4, 2),
    ):
        weights = (filters, window, window, depth)
        samples.add(ConvTranspose2d((stride, stride)), (1, side, side, depth), weights=weights)


def _vectors(samples: Samples, _: np.random.Generator) -> None:
    """Sizes that fill vectors and sizes that do not."""
    for depth, side in ((4, 9), (8, 8), (12, 5), (16, 4), (16, 9), (24, 6), (32, 7), (48, 5), (128, 4)):
        shape = (1, side, side, depth)
        samples.add(Mul(), shape, shape)
        samples.add(Mul(), shape, (depth,))
        samples.add(Requantize(), shape)


def _growing_sums(samples: Samples, _: np.random.Generator) -> None:
    """Strips of rows whose pixels are added to sums, with channels that fill vectors and channels that do not."""
    parts = ((8, 5), (12, 9), (24, 7))
    whole = ((16, 4), (16, 32), (32, 12), (48, 6), (64, 5), (64, 25), (96, 8), (128, 4), (256, 9))
    for channels, pixels in (*parts, *whole):
        samples.add(PixelSums(channels), (SUM_BYTES * channels,), (1, 1, pixels, channels))


KINDS: tuple[Callable[[Samples, np.random.Generator], None], ...] = (
    _recurrent,
    _attention,
    _copies,
    _unaligned_pools,
    _transposed,
    _vectors,
    _growing_sums,
)
