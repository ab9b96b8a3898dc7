"""One function per ONNX operator: the operator and its operands to nodes.

Each takes the builder, the operator and its operands (None where an optional one is left out), and returns its output,
or a list of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends import (
    onnx_activations,
    onnx_blocks,
    onnx_elementwise,
    onnx_functions,
    onnx_indices,
    onnx_norms,
    onnx_pools,
    onnx_products,
    onnx_recurrent,
    onnx_reductions,
    onnx_resize,
    onnx_shapes,
    onnx_windows,
)
from mcuq.frontends.onnx_builder import Builder, Entry
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation, constant_of
from mcuq.frontends.onnx_shapes import first
from mcuq.ops.base import Op
from mcuq.ops.gelu import Gelu
from mcuq.ops.hard_sigmoid import HardSigmoid
from mcuq.ops.leaky_relu import LeakyRelu

Inputs = Sequence[Entry | None]
Reader = Callable[[Builder, OnnxNode, Inputs], Entry | Sequence[Entry]]


def _unary(make: Callable[[OnnxNode], Op]) -> Reader:
    """Return the reader of an element-wise operator."""

    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        return b.emit(make(node), activation(first(inputs)))

    return reader


def _always(op: Op) -> Reader:
    return _unary(lambda node: op)


def _dropout(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    if len(inputs) > 2 and inputs[2] is not None and np.any(constant_of(inputs[2], "training_mode").values):
        raise UnsupportedOperatorError("training mode; export the model in inference mode (model.eval())")
    return first(inputs)


READERS: dict[str, Reader] = {
    **onnx_elementwise.READERS,
    **onnx_norms.READERS,
    **onnx_reductions.READERS,
    **{kind: _always(op) for kind, op in onnx_functions.FUNCTION.items()},
    "AveragePool": onnx_pools.average_pool,
    "BatchNormalization": onnx_products.batch_normalization,
    "Celu": _unary(onnx_activations.celu),
    "Clip": onnx_activations.clip,
    "Concat": onnx_shapes.concat,
    "Conv": onnx_windows.conv,
    "ConvTranspose": onnx_windows.conv_transpose,
    "DepthToSpace": onnx_blocks.depth_to_space,
    "Dropout": _dropout,
    "Elu": _unary(onnx_activations.elu),
    "Expand": onnx_shapes.expand,
    "Flatten": onnx_shapes.reshape(onnx_shapes.reshaped),
    "GRU": onnx_recurrent.read,
    "Gather": onnx_indices.gather,
    "GatherND": onnx_indices.gather_nd,
    "Gelu": _unary(onnx_activations.gelu),
    "Gemm": onnx_products.gemm,
    "GlobalAveragePool": onnx_pools.global_average_pool,
    "GlobalMaxPool": onnx_pools.global_max_pool,
    "HardSigmoid": _unary(lambda node: HardSigmoid(node.real("alpha", 0.2), node.real("beta", 0.5))),
    "Identity": onnx_shapes.identity,
    "LSTM": onnx_recurrent.read,
    "LeakyRelu": _unary(lambda node: LeakyRelu(node.real("alpha", 0.01))),
    "LogSoftmax": onnx_activations.softmax,
    "MatMul": onnx_products.matmul_operator,
    "MaxPool": onnx_pools.max_pool,
    "OneHot": onnx_indices.one_hot,
    "PRelu": onnx_activations.prelu,
    "Pad": onnx_indices.pad,
    "Pow": onnx_functions.power,
    "Reshape": onnx_shapes.reshape(onnx_shapes.reshaped),
    "RNN": onnx_recurrent.read,
    "Resize": onnx_resize.resize,
    "Selu": _unary(onnx_activations.selu),
    "Slice": onnx_shapes.slice_,
    "Softmax": onnx_activations.softmax,
    "SpaceToDepth": onnx_blocks.space_to_depth,
    "Split": onnx_shapes.split,
    "Squeeze": onnx_shapes.reshape(onnx_shapes.squeezed),
    "Swish": _unary(onnx_activations.swish),
    "Tile": onnx_shapes.tile,
    "Transpose": onnx_shapes.transpose,
    "Unsqueeze": onnx_shapes.reshape(onnx_shapes.unsqueezed),
    "Upsample": onnx_resize.resize,
    "com.microsoft.Gelu": _unary(lambda node: Gelu()),
    "com.microsoft.QuickGelu": onnx_activations.quick_gelu,
}
