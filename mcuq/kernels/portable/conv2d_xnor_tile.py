"""Convolution of signs with signs: sums of four taps from tables that all output channels share, four pixels in a word.

For few pixels counting bits is faster (``conv2d_xnor.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mcuq.kernels.layer import Layer
from mcuq.kernels.portable.conv2d_xnor import is_of_signs, outputs_of_signs
from mcuq.kernels.portable.sign_tiles import SignTilesParams, fitting_size, members, served
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.tensor import Array

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
        return outputs_of_signs(x, self.sliding(), self.products)


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution of signs with weights -1 and 1, or None for those that it does not serve."""
    p = layer.params
    few = p.output_h * p.output_w < MIN_PIXELS or p.weights[0].size > MAX_TAPS
    if few or not is_of_signs(layer):
        return None
    channels, size = served(p), fitting_size(p, Conv2dXnorTileParams.lanes, SIZES)
    if channels is None or size is None:
        return None
    between = p.activation_min <= p.output_zero_point <= p.activation_max
    own = {m.name for m in Conv2dXnorTileParams.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in own}
    return Conv2dXnorTileParams(**shared | members(channels if between else channels._replace(general=1), size))
