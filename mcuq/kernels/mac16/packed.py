"""Weights of 2 or 4 bits as the MAC16 kernels read them.

Integers lie such that one mask makes pairs of int16 of them, 2^(8 - bits) times larger than bytes become. Indices of a
codebook need a table: all pairs of its levels, where that takes no more flash than the weights, or the levels alone.
Integers are stored as indices, too, where sums are beyond what larger weights leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcuq.errors import CannotQuantizeError
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.packing import Bytes, Packed, pack, pack_bits, stored_bits, unpack
from mcuq.tensor import Array, QConstant

WORD = 4  # bytes
INTEGERS, PAIRS, LEVELS = range(3)
NO_PAIRS = np.zeros(1, np.int16)


class Stored(NamedTuple):
    """A layer's weights; the names are those of the kernels' parameters."""

    bits: int  # 2 or 4
    form: int  # INTEGERS, PAIRS or LEVELS
    weights: Bytes  # [channels, bytes of a filter, a multiple of 4]
    pairs: npt.NDArray[np.int16]  # [codebooks, 2^(2 * bits), 2]: of two indices the levels, times 256; [1] if not PAIRS
    levels: npt.NDArray[np.int8]  # [codebooks, 2^bits]; of integers those of the indices that their bits are
    codebook: Bytes  # [channels] or [1]
    per_group: int  # 1: each output channel says which levels are its, 0: all have the same

    @property
    def larger(self) -> int:
        """Weights are multiplied in as if they were 2^larger times larger."""
        return 8 - self.bits if self.form == INTEGERS else 0


def fastest(
    layer: Layer[Conv2dParams], of_form: Callable[[Conv2dParams, QConstant, bool], Params | None]
) -> Params | None:
    """Return a kernel with weights of the fastest form that it takes for a layer; None for weights of 1 bit.

    Args:
        layer: the layer.
        of_form: makes the kernel with weights stored as integers or not, or returns None.
    """
    weights = layer.few_bits
    if weights is None or weights.bits == 1:
        return None
    made = (of_form(layer.params, weights, integers) for integers in forms(weights))
    return next((params for params in made if params), None)


def forms(weights: QConstant) -> tuple[bool, ...]:
    """Return how weights may be stored, the fastest first: as integers or not."""
    return (True, False) if weights.codebook is None else (False,)


def larger(weights: QConstant, *, integers: bool) -> int:
    """Return :attr:`Stored.larger` of weights that are yet to be stored."""
    return 8 - stored_bits(weights.bits) if integers else 0


def whole_words(taps: int, bits: int) -> int:
    """Return how many weights the words of a filter hold.

    >>> whole_words(9, 4), whole_words(9, 2)
    (16, 16)
    """
    per_word = 8 * WORD // bits
    return -(-taps // per_word) * per_word


def stored(rows: Array, weights: QConstant, *, integers: bool) -> Stored | None:
    """Store weights in words; None where a codebook lacks the 0 of a channel with the same output for every input.

    Args:
        rows: int8 [output channels, taps], in the order of the inputs in scratch.
        weights: what they come from.
        integers: not as indices of levels.
    """
    if integers:
        return _as_integers(rows, stored_bits(weights.bits))
    try:
        packed = pack(rows, weights)
    except CannotQuantizeError:
        return None
    assert packed is not None
    words = np.pad(packed.weights, ((0, 0), (0, -packed.weights.shape[1] % WORD)))
    pairs = _pairs(packed.levels)
    form = PAIRS if pairs.nbytes <= words.nbytes else LEVELS
    tables = (pairs if form == PAIRS else NO_PAIRS, packed.levels, packed.codebook)
    return Stored(packed.bits, form, words, *tables, int(packed.codebook.size > 1))


def restored(stored: Stored, taps: int) -> npt.NDArray[np.int8]:
    """Undo :func:`stored`: [channels, taps]."""
    count = stored.weights.shape[1] * 8 // stored.bits
    rows = unpack(Packed(stored.bits, stored.weights, stored.levels, stored.codebook), count)
    return (_from_halves(rows, stored.bits) if stored.form == INTEGERS else rows)[:, :taps]


def _as_integers(rows: Array, bits: int) -> Stored:
    half = 2 ** (bits - 1)
    levels = np.roll(np.arange(-half, half, dtype=np.int8), half)[np.newaxis]
    taps = rows.shape[1]
    indices = np.pad(rows & np.int8(2 * half - 1), ((0, 0), (0, whole_words(taps, bits) - taps)))
    words = pack_bits(_halves(indices, bits), bits)
    return Stored(bits, INTEGERS, words, NO_PAIRS, levels, np.zeros(1, np.uint8), 0)


def _pairs(levels: Array) -> npt.NDArray[np.int16]:
    """Return all pairs of levels [codebooks, entries], the first of a pair in the lower bits of its index.

    >>> _pairs(np.array([[-1, 2]], np.int8)).tolist()
    [[[-256, -256], [512, -256], [-256, 512], [512, 512]]]
    """
    entries = levels.shape[1]
    first, second = np.tile(levels, entries), np.repeat(levels, entries, axis=1)
    return np.stack([first, second], axis=2).astype(np.int16) * np.int16(256)


def _halves(rows: Array, bits: int) -> Array:
    """Put the first of every two of a word into its lower half, the second into the upper one.

    >>> _halves(np.arange(8)[np.newaxis], 4).tolist()
    [[0, 2, 4, 6, 1, 3, 5, 7]]
    """
    return rows.reshape(len(rows), -1, 16 // bits, 2).swapaxes(2, 3).reshape(rows.shape)


def _from_halves(rows: Array, bits: int) -> Array:
    return rows.reshape(len(rows), -1, 2, 16 // bits).swapaxes(2, 3).reshape(rows.shape)
