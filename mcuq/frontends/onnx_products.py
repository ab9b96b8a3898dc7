"""ONNX operators that multiply by constant matrices or channel factors: Gemm, MatMul, BatchNormalization."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_shapes import first
from mcuq.ops.add import Add
from mcuq.ops.base import Op
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.matmul import Matmul
from mcuq.ops.mul import Mul
from mcuq.tensor import Shape

Inputs = Sequence[Entry | None]


def constant_of(entry: Entry | None, what: str) -> Constant:
    """Return an operand that must be known."""
    if not isinstance(entry, Constant):
        raise UnsupportedOperatorError(f"{what} must be constant, not computed")
    return entry


def weighted(weights: Constant, bias: Constant | None) -> list[Entry]:
    """Return a layer's constants, the bias with one dimension."""
    return [weights] if bias is None else [weights, bias.reshape((bias.values.size,))]


def activation(entry: Entry | None) -> Value:
    """Return an operand that must be computed."""
    if not isinstance(entry, Value):
        raise UnsupportedOperatorError("its operand is a constant; fold it before the export")
    return entry


def two(inputs: Inputs) -> tuple[Entry, Entry]:
    """Return both operands, of which none is left out."""
    if len(inputs) != 2 or inputs[0] is None or inputs[1] is None:
        raise MalformedModelError(f"takes two operands, not {len(inputs)}")
    return inputs[0], inputs[1]


def binary(b: Builder, op: Op, x: Entry, y: Entry) -> Value:
    """Emit an operator that broadcasts; an activation gets the dimensions that it lacks."""
    rank = max(len(x.shape), len(y.shape))
    full = (b.reshape(z, (1,) * (rank - len(z.shape)) + z.shape) if isinstance(z, Value) else z for z in (x, y))
    return b.emit(op, *full)


def gemm(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Gemm by constant weights; alpha and beta become part of the constants."""
    x, weights = first(inputs), inputs[1]
    if not isinstance(weights, Constant) or not isinstance(x, Value):
        return _computed_gemm(b, node, inputs)
    if len(x.shape) != 2 or len(weights.shape) != 2:
        raise MalformedModelError(f"a matrix product of shapes {x.shape} and {weights.shape}")
    x = b.transpose(x, (1, 0)) if node.integer("transA", 0) else x
    weights = weights if node.integer("transB", 0) else weights.transpose((1, 0))
    weights = scaled(weights, node.real("alpha", 1.0))
    summand = inputs[2] if len(inputs) > 2 else None
    layer, outputs = FullyConnected(), weights.shape[0]
    if summand is None:
        return b.emit(layer, x, weights)
    if isinstance(summand, Constant):
        summand = scaled(summand, node.real("beta", 1.0))
        if summand.values.size == outputs and math.prod(summand.shape[:-1]) == 1:
            return b.emit(layer, x, *weighted(weights, summand))
    elif node.real("beta", 1.0) != 1:
        summand = b.emit(Mul(), summand, Constant(np.array(node.real("beta", 1.0), np.float32)))
    return binary(b, Add(), b.emit(layer, x, weights), summand)


def _computed_gemm(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Gemm of two activations, or of a constant first factor."""
    x, y = two(inputs[:2])
    op = Matmul(bool(node.integer("transA", 0)), bool(node.integer("transB", 0)))
    product = product_of(b, x, y, op)
    if (alpha := node.real("alpha", 1.0)) != 1:
        product = b.emit(Mul(), product, Constant(np.array(alpha, np.float32)))
    summand = inputs[2] if len(inputs) > 2 else None
    if summand is None:
        return product
    if (beta := node.real("beta", 1.0)) != 1:
        factor = Constant(np.array(beta, np.float32))
        summand = scaled(summand, beta) if isinstance(summand, Constant) else b.emit(Mul(), summand, factor)
    return binary(b, Add(), product, summand)


def scaled(constant: Constant, factor: float) -> Constant:
    """Return the constant times a factor; integers keep their values where their scales can take it."""
    if factor == 1:
        return constant
    if constant.scale is not None and factor > 0:
        return replace(constant, scale=constant.scale * factor)
    return Constant((constant.real().astype(np.float64) * factor).astype(np.float32))


def matmul_operator(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read MatMul: of an activation and a constant matrix or vector, on either side, or of two activations."""
    x, y = two(inputs)
    if isinstance(x, Value) and isinstance(y, Constant) and math.prod(y.shape[:-2]) == 1:
        return matmul(b, x, y)
    if isinstance(x, Constant) and isinstance(y, Value) and len(y.shape) > 1 and math.prod(x.shape[:-2]) == 1:
        swap = [*range(len(y.shape) - 2), len(y.shape) - 1, len(y.shape) - 2]  # (x y)' = y' x'
        matrix = x.reshape((1, *x.shape)) if len(x.shape) == 1 else x
        product = b.transpose(matmul(b, b.transpose(y, swap), _matrix(matrix).transpose((1, 0))), swap)
        return b.reshape(product, (*product.shape[:-2], product.shape[-1])) if len(x.shape) == 1 else product
    return product_of(b, x, y)


def product_of(b: Builder, x: Entry, y: Entry, op: Matmul = Matmul()) -> Value:  # noqa: B008
    """Emit the product of two operands of which none need be constant; a vector is a matrix of one row or column."""
    row, column = len(x.shape) == 1, len(y.shape) == 1
    x = _shaped(b, x, (1, *x.shape)) if row else x
    y = _shaped(b, y, (*y.shape, 1)) if column else y
    rank = max(len(x.shape), len(y.shape))
    made = b.emit(op, *(_shaped(b, z, (1,) * (rank - len(z.shape)) + z.shape) for z in (x, y)))
    shape = made.shape[:-2] + (() if row else made.shape[-2:-1]) + (() if column else made.shape[-1:])
    return b.reshape(made, shape)


def _shaped(b: Builder, entry: Entry, shape: Shape) -> Entry:
    return b.reshape(entry, shape) if isinstance(entry, Value) else entry.reshape(shape)


def _matrix(constant: Constant) -> Constant:
    if len(constant.shape) < 2 or math.prod(constant.shape[:-2]) != 1:
        raise UnsupportedOperatorError(f"a constant factor of shape {constant.shape}; it must be a matrix")
    return constant.reshape(constant.shape[-2:])


def matmul(b: Builder, x: Value, weights: Constant, bias: Constant | None = None) -> Value:
    """Emit x [..., I] times weights [I, O] or [I]."""
    if len(weights.shape) == 1:
        column = matmul(b, x, weights.reshape((*weights.shape, 1)), bias)
        return b.reshape(column, column.shape[:-1])
    if len(weights.shape) > max(len(x.shape), 2):
        x = b.reshape(x, (1,) * (len(weights.shape) - len(x.shape)) + x.shape)
    layer = FullyConnected(keep_dims=len(x.shape) != 2)
    return b.emit(layer, x, *weighted(_matrix(weights).transpose((1, 0)), bias))


def batch_normalization(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read BatchNormalization in inference: a factor and a summand per channel."""
    x = first(inputs)
    if node.integer("training_mode", 0) or len(inputs) < 5:
        raise UnsupportedOperatorError("training mode; export the model in inference mode (model.eval())")
    scale, bias, mean, variance = (
        constant_of(entry, "a parameter").real().astype(np.float64).ravel() for entry in inputs[1:5]
    )
    factor = scale / np.sqrt(variance + node.real("epsilon", 1e-5))
    summand = bias - mean * factor
    shape = (-1, *(1,) * (len(x.shape) - 2))
    factors, summands = (Constant(a.astype(np.float32).reshape(shape)) for a in (factor, summand))
    return b.emit(Add(), b.emit(Mul(), x, factors), summands)
