"""Convolution of signs with signs: sums of four taps from tables that all output channels share, four pixels in a word.

For few pixels counting bits is faster (``conv2d_xnor.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mcuq.ops.base import Params
from mcuq.ops.conv2d_xnor import is_of_signs, outputs_of_signs
from mcuq.ops.sign_tiles import PORTABLE, SignTilesParams, fitting_size, members, served
from mcuq.tensor import Array, QConstant, QTensor

if TYPE_CHECKING:
    from mcuq.ops.conv2d import Conv2dParams

SIZES = ((4, 64), (4, 32), (1, 64))  # words of a sum, and taps whose tables are there at a time; the fastest first
MIN_PIXELS = 3  # with fewer, half of the tile is thrown away
MAX_TAPS = 64 * 170  # a sum of 32, with what keeps it positive, is at most 96, one of 64 at most 128: int16 holds them


@dataclass(frozen=True, eq=False)
class Conv2dXnorTileParams(SignTilesParams):
    """Inputs of 1 bit: sixteen windows at a time, or four."""

    kernel: ClassVar[str] = "conv2d_s8_xnor_tile"
    lanes: ClassVar[int] = 4

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        return outputs_of_signs(x, self.sliding(), self.channels(), self.rounding())


def specialize(p: Conv2dParams, x: QTensor, weights: QConstant, chip: str) -> Params | None:
    """Return the kernel for a convolution of signs with weights -1 and 1, or None for those that it does not serve."""
    pixels = p.output_h * p.output_w
    few = pixels < MIN_PIXELS or p.weights[0].size > MAX_TAPS
    if chip == PORTABLE or few or not is_of_signs(p, x, weights):
        return None
    layer, size = served(p), fitting_size(p, Conv2dXnorTileParams.lanes, SIZES)
    if layer is None or size is None:
        return None
    between = p.activation_min <= p.output_zero_point <= p.activation_max
    own = {m.name for m in Conv2dXnorTileParams.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in own}
    return Conv2dXnorTileParams(**shared | members(layer if between else layer._replace(general=1), size))
