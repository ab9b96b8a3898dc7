"""Convolution with 1-bit weights: sums of four taps from tables that all output channels share, two pixels in a word.

Plain C for every chip that multiplies to 64 bits, as all boards' do. Also fully connected, as images of one column; not
for depthwise, whose channels share no inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import outputs
from mcuq.kernels.layer import Layer
from mcuq.kernels.portable.sign_tiles import SignTilesParams, fitting_size, members, served
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.taps import taps
from mcuq.tensor import Array

SIZES = ((2, 64), (1, 128))  # words of a sum, and taps whose tables are there at a time; the fastest first


@dataclass(frozen=True, eq=False)
class Conv2dW1Params(SignTilesParams):
    """Inputs of 8 bits: two or four windows at a time."""

    kernel: ClassVar[str] = "conv2d_s8_w1"
    lanes: ClassVar[int] = 2

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        columns = np.concatenate([values for _, _, values in taps(x, self.sliding(), self.input_zero_point)], axis=3)
        return outputs(columns, self.products).reshape(len(x), -1)


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution with weights -1 and 1, or None for those that it does not serve."""
    p, weights = layer.params, layer.few_bits
    if weights is None or weights.codebook is not None or weights.bits != 1 or p.groups != 1:
        return None
    channels, size = served(p), fitting_size(p, Conv2dW1Params.lanes, SIZES)
    if channels is None or size is None:
        return None
    own = {m.name for m in Conv2dW1Params.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in own}
    return Conv2dW1Params(**shared | members(channels, size))
