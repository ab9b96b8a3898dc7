"""What a few TFLite operators compute, in numpy: those of the bodies and conditions of loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.flatbuffer import FileGraph, FileOperator
from mcuq.frontends.tflite_operands import fused_activation
from mcuq.ops.base import activate
from mcuq.tensor import Array

Values = dict[int, Array]  # by the tensor's index


def evaluate(graph: FileGraph, given: Mapping[int, Array]) -> Values:
    """Run the operators whose operands are known, in order; return all values that are known then.

    Raises:
        UnsupportedOperatorError: for an operator that is none of these.
    """
    values = {tensor.index: tensor.data for tensor in graph.tensors if tensor.data is not None} | dict(given)
    for operator in graph.operators:
        if any(i >= 0 and i not in values for i in operator.inputs):
            continue
        if operator.code not in _OPERATORS:
            raise UnsupportedOperatorError(f"{operator} in a loop")
        results = _OPERATORS[operator.code](operator, *(values[i] if i >= 0 else None for i in operator.inputs))
        values.update(zip(operator.outputs, results if isinstance(results, list) else [results], strict=True))
    return values


def _fully_connected(operator: FileOperator, x: Array, weights: Array, bias: Array | None = None) -> Array:
    y = x.reshape(-1, weights.shape[1]) @ weights.T + (0.0 if bias is None else bias)
    return activate(fused_activation(operator.options), y)


def _strided_slice(operator: FileOperator, x: Array, begin: Array, end: Array, strides: Array) -> Array:
    options = operator.options
    parts: list[int | slice] = []
    for d in range(len(begin)):
        if options.ShrinkAxisMask() >> d & 1:
            parts.append(int(begin[d]))
            continue
        first = None if options.BeginMask() >> d & 1 else int(begin[d])
        parts.append(slice(first, None if options.EndMask() >> d & 1 else int(end[d]), int(strides[d])))
    return np.asarray(x[tuple(parts)])


def _slice(operator: FileOperator, x: Array, begin: Array, size: Array) -> Array:
    parts = (slice(int(b), None if n == -1 else int(b + n)) for b, n in zip(begin, size, strict=True))
    return np.asarray(x[tuple(parts)])


def _binary(function: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    def run(operator: FileOperator, a: Array, b: Array) -> Array:
        options = operator.options
        activation = fused_activation(options) if hasattr(options, "FusedActivationFunction") else "none"
        return np.asarray(activate(activation, function(a, b)))

    return run


_OPERATORS: Mapping[str, Callable[..., Any]] = {
    "ADD": _binary(np.add),
    "CONCATENATION": lambda operator, *parts: np.concatenate(parts, operator.options.Axis()),
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": lambda operator, x, index: np.take(x, index, operator.options.Axis() if operator.options else 0),
    "LESS": _binary(np.less),
    "LOGICAL_AND": _binary(np.logical_and),
    "LOGISTIC": lambda operator, x: 0.5 * (1.0 + np.tanh(0.5 * x)),
    "MUL": _binary(np.multiply),
    "RESHAPE": lambda operator, x, shape: np.reshape(x, shape),
    "SLICE": _slice,
    "SPLIT": lambda operator, axis, x: np.split(x, operator.options.NumSplits(), int(axis)),
    "STRIDED_SLICE": _strided_slice,
    "SUB": _binary(np.subtract),
    "TANH": lambda operator, x: np.tanh(x),
}
