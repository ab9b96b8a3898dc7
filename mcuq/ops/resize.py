"""What both resize layers share: the output's size, and where its rows and columns lie in the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Op, Operand, scale_of
from mcuq.tensor import QTensor, Shape


@dataclass(frozen=True)
class ResizeOp(Op):
    """Another height and width for NHWC images.

    ONNX's coordinates: ``asymmetric`` is neither flag, ``half_pixel`` and ``align_corners`` are one each.
    """

    height: int
    width: int
    align_corners: bool = False
    half_pixel_centers: bool = False

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, H, W, C] to [1, height, width, C]."""
        n, _, _, c = inputs[0]
        if min(self.height, self.width) < 1:
            raise ValueError(f"height {self.height} and width {self.width} must be positive")
        if self.align_corners and self.half_pixel_centers:
            raise ValueError("align_corners and half_pixel_centers exclude each other")
        return (n, self.height, self.width, c)

    def _check(self, inputs: Sequence[Operand], output: QTensor) -> Shape:
        """Return the input's shape; raise where the quantization changes."""
        x = inputs[0]
        if (scale_of(x), x.zero_point) != (output.scale, output.zero_point):
            raise CannotQuantizeError(
                f"the input has scale {scale_of(x):g} and zero point {x.zero_point}, the output {output.scale:g} and "
                f"{output.zero_point}; they must be equal"
            )
        return x.shape
