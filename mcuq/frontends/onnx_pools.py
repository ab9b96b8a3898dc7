"""ONNX operators that pool: over a window, over the whole image, over any axes."""

from __future__ import annotations

from collections.abc import Sequence

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_shapes import first, padded
from mcuq.frontends.onnx_windows import Sliding
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.pooling import PoolOp

Inputs = Sequence[Entry | None]


def _pool(b: Builder, node: OnnxNode, inputs: Inputs) -> tuple[Value, int, Sliding]:
    x = first(inputs)
    image = b.image(x)
    shape = node.integers("kernel_shape")
    if not shape:
        raise MalformedModelError("it has no kernel_shape")
    window = Sliding(node, (image.shape[1], image.shape[2]), shape, len(x.shape))
    if window.dilation != (1, 1):
        raise UnsupportedOperatorError(f"dilations {window.dilation} of a pool; only 1 is supported")
    return image, len(x.shape), window


def _pooled(b: Builder, op: type[PoolOp], image: Value, window: Sliding, *, ceil: bool) -> Value:
    return b.emit(op(window.window, window.stride, window.whole(ceil=ceil)), image)


def max_pool(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read MaxPool; its second output, the indices, is not computed."""
    image, rank, window = _pool(b, node, inputs)
    return b.channels_first(_pooled(b, MaxPool, image, window, ceil=bool(node.integer("ceil_mode", 0))), rank)


def average_pool(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read AveragePool; padding that counts becomes a Pad before it."""
    image, rank, window = _pool(b, node, inputs)
    ceil = bool(node.integer("ceil_mode", 0))
    if node.integer("count_include_pad", 0):
        (top, bottom, left, right), whole = window.padding, window.whole(ceil=ceil)
        image = padded(b, image, (0, top, left, 0), (0, bottom, right, 0))
        window.size = (image.shape[1], image.shape[2])
        over = (0, max(whole[1] - bottom, 0), 0, max(whole[3] - right, 0))
        y = b.emit(AveragePool(window.window, window.stride, over), image)
    else:
        y = _pooled(b, AveragePool, image, window, ceil=ceil)
    return b.channels_first(y, rank)


def global_average_pool(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read GlobalAveragePool."""
    x = first(inputs)
    return b.channels_first(b.emit(Mean((1, 2), keep_dims=True), b.image(x)), len(x.shape))


def global_max_pool(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read GlobalMaxPool."""
    x = first(inputs)
    image = b.image(x)
    return b.channels_first(b.emit(MaxPool((image.shape[1], image.shape[2])), image), len(x.shape))
