"""Read TFLite models: the fully quantized int8 ones here, all that compute in float through ``tflite_float``.

Float borders (a QUANTIZE right after the model's input, a DEQUANTIZE right before its output) are stripped:
the model's border is then the integer tensor behind them. Operators that only compute a constant shape are
folded away. All unsupported operators are listed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mcuq.errors import CannotQuantizeError, McuqError, UsageError
from mcuq.float_graph import FloatGraph
from mcuq.frontends import c_array, tflite_ops, tflite_recurrent, tflite_shapes
from mcuq.frontends.flatbuffer import FileGraph, FileOperator, FileTensor, parse
from mcuq.frontends.tflite_float import float_graph_of
from mcuq.frontends.tflite_operands import COUNTED, quantized_activation, quantized_constant
from mcuq.frontends.tflite_reader import Reader
from mcuq.frontends.tflite_variables import resolve_variables
from mcuq.graph import Graph, identifier
from mcuq.passes.merge_dilations import merge_integer_dilations
from mcuq.passes.recognize_integers import recognize_integers
from mcuq.tensor import QConstant, QTensor

MAX_FILE_BYTES = 256 << 20
UINT8 = ("QUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS")  # at the model's border


def read_tflite(path: Path) -> Graph | FloatGraph:
    """Read a ``.tflite`` file, or the C array in a source file; the model is named after the file.

    Returns:
        A graph of integers if every layer computes in int8, else a float graph without passes applied.

    Raises:
        McuqError: what is wrong, and where.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"the file has {path.stat().st_size} bytes, more than any ESP32 holds")
        content, stem = path.read_bytes(), path.stem
        if path.suffix.lower() in c_array.SUFFIXES:
            content, stem = c_array.model_in(content), stem.removesuffix(".tflite")
        return model_of(parse(content), identifier(stem))
    except OSError as error:
        raise UsageError(f"{path}: cannot read ({error.strerror})") from None
    except McuqError as error:
        raise error.at(str(path)) from None


def model_of(file: FileGraph, name: str) -> Graph | FloatGraph:
    """Turn a parsed file into a graph of the kind it is."""
    file = resolve_variables(file)
    operators, inputs, outputs = _strip_float_borders(file)
    used = {*inputs, *outputs, *(i for op in operators for i in (*op.inputs, *op.outputs) if i >= 0)}
    activations = (file.tensors[i] for i in used if file.tensors[i].data is None)
    return float_graph_of(file, name) if any(t.dtype == "float32" for t in activations) else graph_of(file, name)


def graph_of(file: FileGraph, name: str) -> Graph:
    """Turn a parsed int8 file into a graph named ``name``."""
    file = tflite_shapes.fold_shapes(resolve_variables(file))
    operators, inputs, outputs = _strip_float_borders(file)
    _Int8Reader.refuse_unknown(operators)
    _refuse_what_is_not_int8(file, operators, inputs, outputs)
    reader = _Int8Reader(file, inputs, outputs)
    for state in file.states:
        reader.begin_state(state)
    nodes = tuple(node for operator in operators for node in reader.nodes(operator))
    for state in file.states:
        reader.end_state(state)
    graph = Graph(
        name=name,
        inputs=tuple(reader.names[i] for i in inputs),
        outputs=tuple(reader.names[i] for i in outputs),
        nodes=nodes,
        values=reader.values,
        constants=reader.constants,
        states=tuple(reader.states),
    )
    return (graph if graph.states else recognize_integers(merge_integer_dilations(graph))).verify()


def _strip_float_borders(file: FileGraph) -> tuple[list[FileOperator], list[int], list[int]]:
    """Drop QUANTIZE after float inputs and DEQUANTIZE before float outputs."""
    single = [op for op in file.operators if len(op.inputs) == len(op.outputs) == 1 and op.inputs[0] >= 0]
    entry = {op.inputs[0]: op for op in single if op.code == "QUANTIZE"}
    leaving = {op.outputs[0]: op for op in single if op.code == "DEQUANTIZE"}
    stripped: set[int] = set()

    def border(index: int, operators: dict[int, FileOperator], beyond: str) -> int:
        if file.tensors[index].dtype == "float32" and index in operators:
            operator = operators[index]
            stripped.add(operator.index)
            return int(getattr(operator, beyond)[0])
        return index

    inputs = [border(i, entry, "outputs") for i in file.inputs]
    outputs = [border(i, leaving, "inputs") for i in file.outputs]
    return [op for op in file.operators if op.index not in stripped], inputs, outputs


def _refuse_what_is_not_int8(
    file: FileGraph, operators: Sequence[FileOperator], inputs: Sequence[int], outputs: Sequence[int]
) -> None:
    """Raise for float, hybrid, uint8 and int16 models, naming the first such tensor."""
    for index in inputs:
        _refuse(file.tensors[index], "the model's border", ("int8", "uint8", *COUNTED))
    for index in outputs:
        _refuse(file.tensors[index], "the model's border", ("int8", "uint8", *COUNTED))
    for operator in operators:
        allowed = ("int8", "uint8") if operator.code in UINT8 else ("int8",)
        allowed = ("int8", "int16") if operator.code in tflite_recurrent.READERS else allowed
        allowed = (*allowed, *COUNTED) if operator.code in tflite_ops.COUNTING else allowed
        for index in (*operator.inputs, *operator.outputs):
            if index >= 0 and file.tensors[index].data is None:
                _refuse(file.tensors[index], str(operator), allowed)


def _refuse(tensor: FileTensor, where: str, allowed: Sequence[str]) -> None:
    if tensor.dtype in allowed:
        return
    if tensor.dtype == "uint8":
        raise CannotQuantizeError(
            f"{where}: {tensor} must be int8; this is quantized as TensorFlow 1 did, weights with zero points; convert "
            "the model that it was made from again, with tf.lite.TFLiteConverter of TensorFlow 2, to int8"
        )
    problem = "is float: this is a float or hybrid model" if tensor.dtype == "float32" else "must be int8"
    raise CannotQuantizeError(
        f"{where}: {tensor} {problem}; quantize it fully to int8 first "
        "(converter.optimizations, representative_dataset, TFLITE_BUILTINS_INT8)"
    )


class _Int8Reader(Reader):
    """Names and types of the graph being built."""

    operators = tflite_ops.READERS
    recurrent = tflite_recurrent.READERS

    def __init__(self, file: FileGraph, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self.values: dict[str, QTensor] = {}
        self.constants: dict[str, QConstant] = {}
        super().__init__(file, inputs, outputs)

    def describe(self, name: str, tensor: FileTensor) -> None:
        """See :meth:`Reader.describe`."""
        self.values[name] = quantized_activation(tensor)

    def keep(self, name: str, tensor: FileTensor) -> None:
        """See :meth:`Reader.keep`."""
        self.constants[name] = quantized_constant(tensor)

    def keep_zeros(self, name: str, tensor: FileTensor) -> None:
        """See :meth:`Reader.keep_zeros`."""
        described = quantized_activation(tensor)
        zeros = np.full(tensor.shape, described.zero_point, described.dtype)
        self.constants[name] = QConstant(zeros, np.array([described.scale]), described.zero_point)
