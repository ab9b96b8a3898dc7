"""ONNX operators with a sliding window: convolutions and pools in one and two dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import constant_of, weighted
from mcuq.frontends.onnx_shapes import first
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.window import Padding, Pair
from mcuq.tensor import Array, Shape

Inputs = Sequence[Entry | None]
MAX_SIZE = 1 << 24  # of a window, stride, dilation or padding
MAX_DENSE = 1 << 24  # weights of a transposed convolution without groups and dilations


class Sliding:
    """The window of an operator, in two dimensions; a sequence is an image of one row."""

    def __init__(self, node: OnnxNode, size: Pair, window: Sequence[int], rank: int) -> None:
        self.size, self.rank = size, rank
        self.window = _pair(window, rank, 1, "window")
        self.stride = _pair(node.integers("strides"), rank, 1, "strides")
        self.dilation = _pair(node.integers("dilations"), rank, 1, "dilations")
        self.padding = self._padding(node)

    @property
    def reach(self) -> Pair:
        """Pixels from the first tap to the last."""
        (kh, kw), (dh, dw) = self.window, self.dilation
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    def _padding(self, node: OnnxNode) -> Padding:
        """Return top, bottom, left and right."""
        how = node.text("auto_pad", "NOTSET")
        if how == "NOTSET":
            return self._explicit(node.integers("pads"))
        if how == "VALID":
            return (0, 0, 0, 0)
        if how not in ("SAME_UPPER", "SAME_LOWER"):
            raise MalformedModelError(f"auto_pad '{how}' does not exist")
        sides: list[int] = []
        for n, s, reach in zip(self.size, self.stride, self.reach, strict=True):
            total = max((-(-n // s) - 1) * s + reach - n, 0)
            small, large = total // 2, total - total // 2
            sides += [small, large] if how == "SAME_UPPER" else [large, small]
        return sides[0], sides[1], sides[2], sides[3]

    def _explicit(self, pads: Sequence[int]) -> Padding:
        spatial = self.rank - 2
        if len(pads) not in (0, 2 * spatial) or any(not 0 <= p <= MAX_SIZE for p in pads):
            raise MalformedModelError(f"pads {tuple(pads)[:8]} for {spatial} dimensions; they cannot be negative")
        if not pads:
            return (0, 0, 0, 0)
        return (0, 0, pads[0], pads[1]) if spatial == 1 else (pads[0], pads[2], pads[1], pads[3])

    def whole(self, *, ceil: bool) -> Padding:
        """Return the padding that windows reach, below and right as far as the last one does.

        With ``ceil`` a last window that hangs over the end counts, unless it begins beyond the image and what is
        padded in front.
        """
        sides: list[int] = []
        starts, ends = self.padding[::2], self.padding[1::2]
        for n, s, reach, start, end in zip(self.size, self.stride, self.reach, starts, ends, strict=True):
            free = n + start + end - reach
            if free < 0 and not ceil:
                raise UnsupportedOperatorError(f"a window of {reach} is larger than the padded image of {free + reach}")
            count = -(-free // s) if ceil else free // s
            if ceil and count * s >= n + start:
                count -= 1
            sides += [start, max(count * s + reach - n - start, 0)]
        return sides[0], sides[1], sides[2], sides[3]


def _pair(values: Sequence[int], rank: int, default: int, what: str) -> Pair:
    if len(values) not in (0, rank - 2) or any(not 1 <= v <= MAX_SIZE for v in values):
        raise MalformedModelError(f"{what} {tuple(values)[:8]} for {rank - 2} dimensions")
    both = (default, default, *values)
    return both[-2], both[-1]


def conv(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Conv in one or two dimensions; one group per input channel is a depthwise convolution."""
    x, weights = first(inputs), constant_of(inputs[1], "the filters")
    bias = constant_of(inputs[2], "the bias") if len(inputs) > 2 and inputs[2] is not None else None
    rank, groups = len(x.shape), node.integer("group", 1)
    image = b.image(x)
    weights = filters(weights, rank)
    window = Sliding(node, (image.shape[1], image.shape[2]), weights.shape[2 : 2 + rank][4 - rank :], rank)
    if groups < 1 or weights.shape[1] * groups != image.shape[3]:
        raise MalformedModelError(f"{groups} groups of {weights.shape[1]} channels for an input of {x.shape}")
    given = (window.stride, window.dilation, window.padding)
    if groups > 1 and groups == image.shape[3]:
        y = b.emit(DepthwiseConv2d(*given), image, *weighted(weights.transpose((1, 2, 3, 0)), bias))
    else:
        y = b.emit(Conv2d(*given, groups), image, *weighted(weights.transpose((0, 2, 3, 1)), bias))
    return b.channels_first(y, rank)


def filters(weights: Constant, rank: int) -> Constant:
    """Return filters in two dimensions: a sequence's [O, I, L] are [O, I, 1, L]."""
    if len(weights.shape) != rank:
        raise MalformedModelError(f"filters of shape {weights.shape} for an input of {rank} dimensions")
    return weights if rank == 4 else weights.reshape((*weights.shape[:2], 1, *weights.shape[2:]))


def conv_transpose(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read ConvTranspose in one or two dimensions."""
    x, weights = first(inputs), constant_of(inputs[1], "the filters")
    bias = constant_of(inputs[2], "the bias") if len(inputs) > 2 and inputs[2] is not None else None
    rank, groups = len(x.shape), node.integer("group", 1)
    image = b.image(x)
    weights = dense(filters(weights, rank), groups)
    if weights.shape[0] != image.shape[3]:
        raise MalformedModelError(f"filters of {weights.shape[0]} channels for an input of {x.shape}")
    size = (image.shape[1], image.shape[2])
    # The padding of a transposed convolution is of its output: SAME and output_shape are resolved below.
    explicit = OnnxNode(node.index, node.kind, (), (), {**node.attributes, "auto_pad": "NOTSET"}, node.opset)
    window = Sliding(explicit, size, weights.shape[2:][4 - rank :], rank)
    extra = _pair(tuple(n + 1 for n in node.integers("output_padding")), rank, 1, "output_padding")
    output_padding = (extra[0] - 1, extra[1] - 1)
    padding = _cropping(node, window, output_padding)
    y = b.emit(
        ConvTranspose2d(window.stride, padding, output_padding),
        image,
        *weighted(_dilated(weights, window.dilation).transpose((1, 2, 3, 0)), bias),
    )
    return b.channels_first(y, rank)


def _cropping(node: OnnxNode, window: Sliding, output_padding: Pair) -> Padding:
    """Return how much of each side of a transposed convolution is left out."""
    how, shape = node.text("auto_pad", "NOTSET"), node.integers("output_shape")[2 - window.rank :]
    if how == "VALID" or (how == "NOTSET" and not shape):
        return window.padding if how == "NOTSET" else (0, 0, 0, 0)
    wanted = _pair(shape, window.rank, 1, "output_shape")
    if not shape:
        wanted = (window.size[0] * window.stride[0], window.size[1] * window.stride[1])
    sides: list[int] = []
    for n, s, reach, extra, size in zip(window.size, window.stride, window.reach, output_padding, wanted, strict=True):
        total = (n - 1) * s + reach + extra - size
        if total < 0:
            raise UnsupportedOperatorError(f"an output of {size} from {n} needs output_padding; give it instead")
        small, large = total // 2, total - total // 2
        sides += [small, large] if how == "SAME_UPPER" else [large, small]
    return sides[0], sides[1], sides[2], sides[3]


def dense(weights: Constant, groups: int) -> Constant:
    """Return filters [I, O / groups, H, W] of a transposed convolution without groups: zeros between them."""
    if groups == 1:
        return weights
    i, o = weights.shape[:2]
    if groups < 1 or i % groups:
        raise MalformedModelError(f"{groups} groups of {i} channels")
    values = _zeros((i, groups * o, *weights.shape[2:]), weights)
    for channel in range(i):
        group = channel // (i // groups)
        values[channel, group * o : (group + 1) * o] = weights.values[channel]
    if weights.scale is not None and weights.scale.size > 1:
        if weights.axis != 1:
            raise UnsupportedOperatorError("scales along the input channels; quantize per output channel")
        return Constant(values, np.tile(weights.scale, groups), 1)
    return replace(weights, values=values)


def _dilated(weights: Constant, dilation: Pair) -> Constant:
    """Return filters [I, O, H, W] with zeros between their taps."""
    if dilation == (1, 1):
        return weights
    (h, w), (dh, dw) = weights.shape[2:], dilation
    values = _zeros((*weights.shape[:2], (h - 1) * dh + 1, (w - 1) * dw + 1), weights)
    values[:, :, ::dh, ::dw] = weights.values
    return replace(weights, values=values)


def _zeros(shape: Shape, weights: Constant) -> Array:
    if math.prod(shape) > MAX_DENSE:
        raise UnsupportedOperatorError(f"filters of {weights.shape} become {shape} without groups and dilations")
    return np.zeros(shape, weights.values.dtype)
