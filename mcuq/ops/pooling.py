"""What average and max pooling share: the window's geometry, its checks and its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Op, Operand, Overlap, Params, Real, fused_limits, i32
from mcuq.ops.taps import Sliding, taps
from mcuq.ops.window import Padding, Pair, Window, output_size, row_overlap
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class WindowsParams(Params):
    """Windows over an image, channel by channel, and the outputs' limits: what kernels of any family are told first."""

    input_h: i32
    input_w: i32
    channels: i32
    output_h: i32
    output_w: i32
    filter_h: i32
    filter_w: i32
    stride_h: i32
    stride_w: i32
    pad_top: i32
    pad_left: i32
    activation_min: i32
    activation_max: i32

    @property
    def sliding(self) -> Sliding:
        """The window."""
        window, stride = (self.filter_h, self.filter_w), (self.stride_h, self.stride_w)
        return Sliding(window, stride, (self.pad_top, self.pad_left), (self.output_h, self.output_w))

    def image(self, x: Array) -> Array:
        """[samples, elements] to [samples, rows, columns, channels]."""
        return x.reshape(-1, self.input_h, self.input_w, self.channels)

    def taps(self, image: Array, fill: int) -> Iterator[Array]:
        """Yield what every tap of the window sees: [samples, output rows, output columns, channels]."""
        return (values for _, _, values in taps(image, self.sliding, fill))


@dataclass(frozen=True, eq=False)
class PoolParams(WindowsParams):
    """Portable kernels: a tile of channels at a time."""

    reverse: i32  # 1: last row first, so that the output may lie behind the input

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        window = Window(self.filter_h, self.stride_h, self.pad_top)
        row, output_row = self.input_w * self.channels, self.output_w * self.channels
        return row_overlap(self.input_h, row, self.output_h, output_row, window)


@dataclass(frozen=True)
class PoolOp(Op):
    """A pooling layer; subclasses say in ``params`` which kernel computes it, and define ``forward``."""

    params: ClassVar[type[PoolParams]]

    window: Pair
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    activation: str = "none"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, H, W, C] to [1, H', W', C]; no window lies in the padding alone."""
        n, h, w, c = inputs[0]
        if max(self.padding[:2]) >= self.window[0] or max(self.padding[2:]) >= self.window[1]:
            raise ValueError(f"padding {self.padding} holds a whole window of {self.window}")
        return (n, *output_size((h, w), self.window, self.stride, self.padding, channels=c), c)

    def real_taps(self, x: Real, fill: float) -> Iterator[Real]:
        """Yield what every tap of the window sees of real [samples, 1, H, W, C]: [samples, H', W', C]."""
        _, h, w, _ = self.infer_shape(x.shape[1:])
        sliding = Sliding(self.window, self.stride, (self.padding[0], self.padding[2]), (h, w))
        return (values for _, _, values in taps(x.reshape(-1, *x.shape[2:]), sliding, fill))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x = cast(QTensor, inputs[0])
        if (x.scale, x.zero_point) != (output.scale, output.zero_point):
            raise CannotQuantizeError(
                f"the input has scale {x.scale:g} and zero point {x.zero_point}, the output {output.scale:g} and "
                f"{output.zero_point}; they must be equal"
            )
        low, high = fused_limits(self.activation, output)
        return self.params(
            input_h=x.shape[1],
            input_w=x.shape[2],
            channels=x.shape[3],
            output_h=output.shape[1],
            output_w=output.shape[2],
            filter_h=self.window[0],
            filter_w=self.window[1],
            stride_h=self.stride[0],
            stride_w=self.stride[1],
            pad_top=self.padding[0],
            pad_left=self.padding[2],
            activation_min=low,
            activation_max=high,
            reverse=0,
        )
