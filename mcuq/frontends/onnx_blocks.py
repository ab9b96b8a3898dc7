"""ONNX operators that cut images into blocks; see :mod:`mcuq.frontends.onnx_ops`."""

from __future__ import annotations

from collections.abc import Sequence

from mcuq.errors import MalformedModelError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_shapes import first
from mcuq.ops.depth_to_space import DepthToSpace
from mcuq.ops.rearrangement import Mode
from mcuq.ops.space_to_depth import SpaceToDepth

Inputs = Sequence[Entry | None]


def depth_to_space(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read DepthToSpace: blocks of channels become blocks of pixels."""
    x, size = first(inputs), node.integer("blocksize", 0)
    if isinstance(x, Constant) or len(x.shape) != 4 or size < 1 or x.shape[1] % size**2:
        raise MalformedModelError(f"blocks of {size} of shape {x.shape}")
    return _in_blocks(b, DepthToSpace(size, _mode(node)), x)


def space_to_depth(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read SpaceToDepth: blocks of pixels become blocks of channels."""
    x, size = first(inputs), node.integer("blocksize", 0)
    if isinstance(x, Constant) or len(x.shape) != 4 or size < 1 or x.shape[2] % size or x.shape[3] % size:
        raise MalformedModelError(f"blocks of {size} of shape {x.shape}")
    return _in_blocks(b, SpaceToDepth(size, _mode(node)), x)


def _mode(node: OnnxNode) -> Mode:
    return "CRD" if node.text("mode", "DCR") == "CRD" else "DCR"


def _in_blocks(b: Builder, op: DepthToSpace | SpaceToDepth, x: Value) -> Entry:
    return b.transpose(b.emit(op, b.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))
