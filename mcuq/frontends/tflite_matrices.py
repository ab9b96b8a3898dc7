"""One function per TFLite operator that multiplies matrices; see ``tflite_ops``."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.frontends.tflite_elementwise import Convert
from mcuq.frontends.tflite_operands import Converted, Tensors, fused_activation, present, with_constants
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.matmul import Matmul
from mcuq.ops.reshape import Reshape


def _fully_connected(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """FULLY_CONNECTED; with computed weights it is a product of two activations."""
    options = operator.options
    if options is not None and options.WeightsFormat() != 0:
        raise UnsupportedOperatorError(f"weights format {options.WeightsFormat()} (only row major is supported)")
    x, weights, *bias = tensors
    if weights is not None and weights.data is None and x is not None:
        if any(tensor is not None for tensor in bias):
            raise UnsupportedOperatorError("computed weights together with a bias; add it in a layer of its own")
        vectors, inputs = math.prod(x.shape) // max(weights.shape[-1], 1), weights.shape[-1]
        product = Matmul(transpose_b=True, activation=fused_activation(options))
        if x.shape != (vectors, inputs):
            raise UnsupportedOperatorError(f"computed weights {weights.shape} for {x}; export a matrix product")
        made = (vectors, weights.shape[0])
        return (product if output.shape == made else (product, Reshape(output.shape))), [x, weights]
    keep_dims = options is not None and bool(options.KeepNumDims())
    return FullyConnected(keep_dims, fused_activation(options)), with_constants(tensors)


def _batch_matmul(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options = operator.options
    return Matmul(bool(options.AdjX()), bool(options.AdjY())), present(tensors)


READERS: Mapping[str, Convert] = {
    "BATCH_MATMUL": _batch_matmul,
    "FULLY_CONNECTED": _fully_connected,
}
