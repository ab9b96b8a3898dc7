"""Read TFLite models that compute in float, wholly or partly; weights may be float32, float16 or (hybrid) int8.

A QUANTIZE or DEQUANTIZE does not compute: it says how the value is quantized. What is int8 on its one side is
``known``, and keeps its scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcuq.errors import CannotQuantizeError, MalformedModelError, UnsupportedOperatorError
from mcuq.float_graph import FloatGraph
from mcuq.frontends import tflite_ops, tflite_recurrent, tflite_shapes
from mcuq.frontends.flatbuffer import FileGraph, FileTensor
from mcuq.frontends.tflite_indices import drop_signs, drop_wraps
from mcuq.frontends.tflite_loops import join_loops
from mcuq.frontends.tflite_operands import COUNTED, quantized_activation, quantized_constant
from mcuq.frontends.tflite_reader import Reader
from mcuq.frontends.tflite_repeats import merge_repeats
from mcuq.passes.merge_dilations import merge_dilations
from mcuq.passes.recognize_masks import finite_masks
from mcuq.tensor import Array, QConstant, QTensor, Shape

CONVERTING = ("QUANTIZE", "DEQUANTIZE", "CAST", "WHILE")  # a loop's operands are each their own


def float_graph_of(file: FileGraph, name: str) -> FloatGraph:
    """Turn a parsed file into a float graph named ``name``; passes are still to be applied.

    Raises:
        McuqError: what is wrong, and where.
    """
    for index in file.inputs:
        _refuse_dynamic(file.tensors[index])
    _refuse_mixtures(file)
    file = replace(file, others=tuple(_real_weights(_real_constants(other)) for other in file.others))
    file = _join_quantized(tflite_shapes.fold_shapes(_real_weights(_real_constants(file))))
    file = drop_signs(drop_wraps(join_loops(file)))
    _FloatReader.refuse_unknown(file.operators)
    if file.states:
        name = file.states[0].name
        raise UnsupportedOperatorError(f"variable '{name}' of a float model; quantize the model to int8 first")
    _refuse_counted(file)
    reader = _FloatReader(file, file.inputs, file.outputs)
    nodes = tuple(node for operator in file.operators for node in reader.nodes(operator))
    graph = FloatGraph(
        name=name,
        inputs=tuple(reader.names[i] for i in file.inputs),
        outputs=tuple(reader.names[i] for i in file.outputs),
        nodes=nodes,
        shapes=reader.shapes,
        constants=reader.constants,
        known=reader.known,
        states=tuple(reader.states),
    )
    return merge_repeats(merge_dilations(finite_masks(graph).verify())).verify()


def _refuse_dynamic(tensor: FileTensor) -> None:
    if any(d < 0 for d in tensor.signature[1:]):
        shown = ", ".join("?" if d < 0 else str(d) for d in tensor.signature)
        raise UnsupportedOperatorError(
            f"input {tensor.name} has the dynamic shape [{shown}]; only the batch may be open"
        )


def _refuse_mixtures(file: FileGraph) -> None:
    """Refuse layers between int8 and float32 activations, but those that turn one into the other."""
    for operator in file.operators:
        tensors = [file.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
        kinds = {tensor.dtype: tensor for tensor in tensors if tensor.data is None}
        if operator.code not in CONVERTING and {"int8", "float32"} <= kinds.keys():
            raise MalformedModelError(
                f"{operator}: {kinds['int8']} and {kinds['float32']}; only {' and '.join(CONVERTING[:2])} convert these"
            )


def _refuse_counted(file: FileGraph) -> None:
    """Refuse truths and indices where they are neither compared, chosen by, nor cast."""
    for operator in file.operators:
        for tensor in (file.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0):
            if tensor.data is None and tensor.dtype in COUNTED and operator.code not in tflite_ops.COUNTING:
                raise CannotQuantizeError(f"{operator}: {tensor} must be float32 or int8")


def _real_constants(file: FileGraph) -> FileGraph:
    """Replace what DEQUANTIZE makes of constants (float16 or int8) by real constants."""
    tensors, kept = list(file.tensors), []
    for operator in file.operators:
        if operator.code == "DEQUANTIZE" and len(operator.inputs) == len(operator.outputs) == 1:
            source, target = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
            if source.data is not None and source.shape == target.shape and target.data is None:
                tensors[target.index] = replace(target, data=_real(source))
                continue
        kept.append(operator)
    return replace(file, tensors=tuple(tensors), operators=tuple(kept))


def _real_weights(file: FileGraph) -> FileGraph:
    """Make the int8 weights of hybrid layers, those that compute in float, real."""
    tensors = list(file.tensors)
    for operator in file.operators:
        operands = [tensors[i] for i in operator.inputs if i >= 0]
        if operands and operands[0].data is None and operands[0].dtype == "float32":
            for tensor in operands[1:]:
                if tensor.data is not None and tensor.dtype in ("int8", "float16"):
                    tensors[tensor.index] = replace(tensor, dtype="float32", data=_real(tensor))
    return replace(file, tensors=tuple(tensors))


def _real(tensor: FileTensor) -> Array:
    assert tensor.data is not None
    if tensor.dtype in ("float16", "float32"):
        return tensor.data.astype(np.float32)
    return quantized_constant(tensor).real().astype(np.float32)


def _join_quantized(file: FileGraph) -> FileGraph:
    """Drop QUANTIZE and DEQUANTIZE of activations: the float tensor and the int8 tensor are one, and it is int8.

    A QUANTIZE of what is int8 already, on another scale, stays.
    """
    same: dict[int, int] = {}

    def root(index: int) -> int:
        while index in same:
            index = same[index]
        return index

    kept = []
    for operator in file.operators:
        if operator.code in ("QUANTIZE", "DEQUANTIZE") and len(operator.inputs) == len(operator.outputs) == 1:
            source, target = file.tensors[root(operator.inputs[0])], file.tensors[root(operator.outputs[0])]
            if source.data is None and source.shape == target.shape and source.index != target.index:
                if operator.code == "DEQUANTIZE":
                    same[target.index] = source.index
                    continue
                if source.dtype == "float32":
                    same[source.index] = target.index
                    continue
        kept.append(operator)

    def renamed(indices: Sequence[int]) -> tuple[int, ...]:
        return tuple(root(index) for index in indices)

    operators = [replace(op, inputs=renamed(op.inputs), outputs=renamed(op.outputs)) for op in kept]
    return replace(file, operators=tuple(operators), inputs=renamed(file.inputs), outputs=renamed(file.outputs))


class _FloatReader(Reader):
    """Names, shapes and constants of the graph being built."""

    operators = tflite_ops.FLOAT_READERS
    recurrent = tflite_recurrent.READERS
    remembers = False

    def __init__(self, file: FileGraph, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self.shapes: dict[str, Shape] = {}
        self.constants: dict[str, Array | QConstant] = {}
        self.known: dict[str, QTensor] = {}
        super().__init__(file, inputs, outputs)
        indices = (file.tensors[i] for i in inputs if file.tensors[i].dtype in ("int32", "int64"))
        self.known |= {self.names[tensor.index]: quantized_activation(tensor) for tensor in indices}

    def describe(self, name: str, tensor: FileTensor) -> None:
        """See :meth:`Reader.describe`."""
        if tensor.dtype not in ("float32", "int8", *COUNTED):
            raise CannotQuantizeError(f"{tensor} must be float32 or int8; export the model with float32 tensors")
        self.shapes[name] = tensor.shape
        if tensor.dtype == "int8":
            self.known[name] = quantized_activation(tensor)

    def keep(self, name: str, tensor: FileTensor) -> None:
        """See :meth:`Reader.keep`."""
        assert tensor.data is not None
        is_real = tensor.dtype in ("bool", "float32")
        self.constants[name] = tensor.data.astype(np.float32) if is_real else quantized_constant(tensor)

    def keep_zeros(self, name: str, tensor: FileTensor) -> None:
        """See :meth:`Reader.keep_zeros`."""
        self.constants[name] = np.zeros(tensor.shape, np.float32)
