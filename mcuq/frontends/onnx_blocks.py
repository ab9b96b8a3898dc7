"""ONNX operators that cut images into blocks; see :mod:`mcuq.frontends.onnx_ops`."""

from __future__ import annotations

from collections.abc import Sequence

from mcuq.errors import MalformedModelError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_shapes import first
from mcuq.ops.depth_to_space import DepthToSpace
from mcuq.ops.space_to_depth import SpaceToDepth

Inputs = Sequence[Entry | None]


def depth_to_space(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read DepthToSpace: blocks of channels become blocks of pixels."""
    x, size = first(inputs), node.integer("blocksize", 0)
    if isinstance(x, Constant) or len(x.shape) != 4 or size < 1 or x.shape[1] % size**2:
        raise MalformedModelError(f"blocks of {size} of shape {x.shape}")
    n, c, h, w = x.shape
    if node.text("mode", "DCR") == "CRD":
        split, order = (n, c // size**2, size, size, h, w), (0, 1, 4, 2, 5, 3)
        return b.reshape(b.transpose(b.reshape(x, split), order), (n, c // size**2, h * size, w * size))
    return b.transpose(b.emit(DepthToSpace(size), b.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))


def space_to_depth(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read SpaceToDepth: blocks of pixels become blocks of channels."""
    x, size = first(inputs), node.integer("blocksize", 0)
    if isinstance(x, Constant) or len(x.shape) != 4 or size < 1 or x.shape[2] % size or x.shape[3] % size:
        raise MalformedModelError(f"blocks of {size} of shape {x.shape}")
    if node.text("mode", "DCR") == "CRD":
        n, c, h, w = x.shape
        blocks = b.transpose(b.reshape(x, (n, c, h // size, size, w // size, size)), (0, 1, 3, 5, 2, 4))
        return b.reshape(blocks, (n, c * size**2, h // size, w // size))
    return b.transpose(b.emit(SpaceToDepth(size), b.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))
