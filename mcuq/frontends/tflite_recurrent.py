"""TFLite operators that remember, each of which becomes several nodes and states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.flatbuffer import DAMAGE, FileGraph, FileOperator, FileTensor
from mcuq.frontends.tflite_operands import NEW, Tensors, constant, data, new_constant, present, quantized_activation
from mcuq.graph import Node, State
from mcuq.ops.base import Op
from mcuq.ops.lstm import Lstm
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.svdf import Svdf
from mcuq.tensor import Shape

NO_ACTIVATION, RELU, TANH = 0, 1, 4
GATES = "input, forget, cell and output"

# operands of UNIDIRECTIONAL_SEQUENCE_LSTM
WEIGHTS, RECURRENT, BIAS = slice(1, 5), slice(5, 9), slice(12, 16)
HIDDEN, CELL = 18, 19
OPTIONAL = {"peephole weights": slice(9, 12), "a projection": slice(16, 18), "layer normalization": slice(20, 24)}


class Reader(Protocol):
    """What becomes of tensors in the graph being built: :class:`mcuq.frontends.tflite_reader.Reader`."""

    file: FileGraph
    states: list[State]
    remembers: bool  # whether states stay from one run to the next

    def operand(self, node: str, tensor: FileTensor) -> str:
        """Return the name of a node's operand."""

    def value(self, name: str, tensor: FileTensor) -> str:
        """Return the name of a value, which is that of its node if it is free."""

    def keep_zeros(self, name: str, tensor: FileTensor) -> None:
        """Keep a constant of this type and shape whose real values are 0."""


def nodes(reader: Reader, operator: FileOperator) -> Iterator[Node]:
    """Turn one such operator into nodes; its states go to the reader.

    Raises:
        McuqError: without the operator's name, which the reader adds.
    """
    tensors = [reader.file.tensors[i] if i >= 0 else None for i in operator.inputs]
    if len(operator.outputs) != 1 or not tensors or tensors[0] is None:
        raise MalformedModelError(f"has {len(operator.outputs)} outputs, or no input")
    try:
        yield from READERS[operator.code](reader, operator, tensors, reader.file.tensors[operator.outputs[0]])
    except AttributeError:
        raise MalformedModelError("it lacks its options, or has another operator's") from None
    except DAMAGE as error:
        raise MalformedModelError(f"it is malformed ({error})") from None


def _lstm(reader: Reader, operator: FileOperator, tensors: Tensors, output: FileTensor) -> Iterator[Node]:
    """UNIDIRECTIONAL_SEQUENCE_LSTM: what it remembers stays from one run to the next, as it does in TFLite.

    Float models do not remember yet when they are quantized: there it begins anew, as Keras's layer does, in every run.
    """
    options, (x, hidden, cell) = operator.options, present([tensors[0], tensors[HIDDEN], tensors[CELL]])
    if options.FusedActivationFunction() != TANH or options.DiagonalRecurrentTensors():
        raise UnsupportedOperatorError("an LSTM with another activation than tanh, or diagonal recurrent weights")
    for what, where in OPTIONAL.items():
        if present(tensors[where]):
            raise UnsupportedOperatorError(f"an LSTM with {what}; export a plain LSTM layer")
    if None in (*tensors[WEIGHTS], *tensors[RECURRENT]):
        raise UnsupportedOperatorError(f"an LSTM without one of its {GATES} gate; export a plain LSTM layer")
    batch, steps = (x.shape[1], x.shape[0]) if options.TimeMajor() else x.shape[:2]
    if batch != 1:
        raise UnsupportedOperatorError(f"a batch of {batch}; export with a batch of 1")
    units, name = hidden.shape[-1], f"lstm_{operator.index}"
    weights = [_joined(tensors[WEIGHTS], "weights"), _joined(tensors[RECURRENT], "recurrent weights")]
    if biases := present(tensors[BIAS]):
        weights.append(_joined(biases, "biases"))
    make = _Maker(reader)
    source = make.reshaped(f"{name}_input", x, (1, steps, x.shape[2]))
    if steps == 1 and not reader.remembers:
        raise UnsupportedOperatorError(
            "a float LSTM of one step, whose states would be lost; give it quantized to int8"
        )
    read = [make.state(f"{name}_{what}", state) for what, state in (("hidden", hidden), ("cell", cell))]
    operands = [source, *read, *(reader.operand(name, tensor) for tensor in weights)]
    rows, said = (1, steps, units), replace(output, index=NEW, shape=(1, steps, units))
    values = (reader.value(name, said), reader.value(f"{name}_cell_next", replace(cell, index=NEW)))
    make.nodes.append(Node(name, Lstm(options.CellClip()), tuple(operands), values))
    named = reader.value(f"{name}_output", output)
    make.nodes.append(Node(f"{name}_output", Reshape(output.shape), values[:1], (named,)))
    if reader.remembers:
        last = values[0]
        if steps > 1:
            last = make.node(f"{name}_last", Slice((0, steps - 1, 0), (1, 1, units)), last, rows, hidden)
        kept = make.node(f"{name}_hidden_next", Reshape(hidden.shape), last, (1, 1, units), hidden)
        reader.states += [State(*pair, f"{pair[0]}_initial") for pair in zip(read, (kept, values[1]), strict=True)]
    yield from make.nodes


def _svdf(reader: Reader, operator: FileOperator, tensors: Tensors, output: FileTensor) -> Iterator[Node]:
    """SVDF: of a state and weights along time of int8 become such of int16, with the limits of int8.

    A float model remembers too: the samples that it is quantized with are the steps of one sequence.
    """
    x, features, time, bias, state = tensors
    if x is None or features is None or state is None:
        raise MalformedModelError("it lacks an operand")
    if operator.options.FusedActivationFunction() not in (NO_ACTIVATION, RELU):
        raise UnsupportedOperatorError("an SVDF with another activation than ReLU")
    time = constant(time, "the weights along time")
    if time.dtype != state.dtype:
        raise MalformedModelError(f"its state, {state}, and its weights along time, {time}, differ in type")
    if state.dtype == "float32":
        yield from _real_svdf(reader, operator, [x, constant(features, "the weights"), time, *present([bias])], state)
        return
    zero_point = quantized_activation(state).zero_point
    if state.dtype == "int16" and zero_point:
        raise UnsupportedOperatorError(f"its state, {state}, has zero point {zero_point}; it must be 0")
    limits = np.iinfo(state.dtype)
    op = Svdf(operator.options.Rank(), int(limits.min) - zero_point, int(limits.max) - zero_point)
    kept = replace(state, dtype="int16", zero_point=np.zeros(1, np.int64))
    time = replace(time, dtype="int16", data=data(time, "the weights along time").astype(np.int16))
    name, make = f"svdf_{operator.index}", _Maker(reader)
    read = make.state(f"{name}_state", kept)
    weights = [constant(features, "the weights"), time, *present([bias])]
    operands = [reader.operand(name, x), read, *(reader.operand(name, tensor) for tensor in weights)]
    values = (reader.value(name, output), reader.value(f"{name}_state_next", replace(kept, index=NEW)))
    reader.states.append(State(read, values[1], f"{read}_initial"))
    yield Node(name, op, tuple(operands), values)


def _real_svdf(
    reader: Reader, operator: FileOperator, operands: Sequence[FileTensor], state: FileTensor
) -> Iterator[Node]:
    """SVDF of real numbers, and the ReLU that it may have."""
    name, output = f"svdf_{operator.index}", reader.file.tensors[operator.outputs[0]]
    read = reader.value(f"{name}_state", state)
    reader.keep_zeros(f"{read}_initial", state)
    x, *weights = (reader.operand(name, tensor) for tensor in operands)
    has_relu = operator.options.FusedActivationFunction() == RELU
    said = reader.value(name, replace(output, index=NEW) if has_relu else output)
    written = reader.value(f"{name}_state_next", replace(state, index=NEW))
    reader.states.append(State(read, written, f"{read}_initial"))
    yield Node(name, Svdf(operator.options.Rank()), (x, read, *weights), (said, written))
    if has_relu:
        yield Node(f"relu_{operator.index}", Relu(), (said,), (reader.value(f"relu_{operator.index}", output),))


class _Maker:
    """Nodes in order, whose values are named after them."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.nodes: list[Node] = []

    def node(self, name: str, op: Op, source: str, shape: Shape, like: FileTensor) -> str:
        """Add a node of one operand, of this shape; return its output, which has a tensor's quantization."""
        value = self.reader.value(name, replace(like, index=NEW, shape=op.infer_shape(shape)))
        self.nodes.append(Node(name, op, (source,), (value,)))
        return value

    def reshaped(self, name: str, x: FileTensor, shape: Shape) -> str:
        """Return the name of an operand in this shape."""
        source = self.reader.operand(name, x)
        return source if x.shape == shape else self.node(name, Reshape(shape), source, x.shape, x)

    def state(self, name: str, tensor: FileTensor) -> str:
        """Return the name of a state of this type that is 0 at first, or of these zeros where nothing is remembered."""
        if not self.reader.remembers:
            self.reader.keep_zeros(f"{name}_initial", tensor)
            return f"{name}_initial"
        read = self.reader.value(name, tensor)
        self.reader.keep_zeros(f"{read}_initial", tensor)
        return read


def _joined(gates: Sequence[FileTensor | None], what: str) -> FileTensor:
    """Return the constants of all gates, one after the other; each keeps its scale."""
    parts = [constant(tensor, f"the {what}") for tensor in gates]
    values = np.concatenate([part.data for part in parts if part.data is not None])
    scales = [np.broadcast_to(part.scale, part.shape[:1]) for part in parts if part.scale.size]
    zero_points = np.concatenate([part.zero_point for part in parts])
    scale = np.concatenate(scales) if len(scales) == len(parts) and parts[0].dtype == "int8" else np.empty(0)
    if len({part.shape for part in parts}) != 1 or len({part.dtype for part in parts}) != 1:
        raise MalformedModelError(f"the {what} of its {GATES} gates differ in shape or type")
    return replace(parts[0], index=NEW, shape=values.shape, data=values, scale=scale, zero_point=zero_points, axis=0)


def loop(reader: Reader, operator: FileOperator) -> Iterator[Node]:
    """A loop that is a recurrent layer, see ``tflite_loops``: what it remembers begins anew in every run."""
    file, layer = reader.file, operator.options
    (x, *states), outputs = ([file.tensors[i] for i in part] for part in (operator.inputs, operator.outputs))
    steps, units, name, make = x.shape[0], states[0].shape[-1], f"{layer.op.name}_{operator.index}", _Maker(reader)
    constants = (new_constant(x, values) for values in layer.constants)
    source = make.reshaped(f"{name}_input", x, (1, steps, x.shape[2]))
    operands = [source, *(reader.operand(name, tensor) for tensor in (*states, *constants))]
    hidden, last = (1, steps, units), (1, 1, units)
    new = replace(x, index=NEW, shape=hidden), *(replace(states[k], index=NEW, data=None) for k in layer.op.last)
    values = [reader.value(name if k == 0 else f"{name}_state", tensor) for k, tensor in enumerate(new)]
    make.nodes.append(Node(name, layer.op, tuple(operands), tuple(values)))
    used = {*file.outputs, *(i for other in file.operators for i in other.inputs)}
    for whole, output in zip((layer.rows, False), outputs, strict=True):
        if output.index in used:
            rows = values[0]
            if not whole and steps > 1:
                rows = make.node(f"{name}_last", Slice((0, steps - 1, 0), last), rows, hidden, new[0])
            named = reader.value(f"{name}_output", output)
            make.nodes.append(Node(f"{name}_output_{output.index}", Reshape(output.shape), (rows,), (named,)))
    yield from make.nodes


Read = Callable[[Reader, FileOperator, Tensors, FileTensor], Iterator[Node]]
READERS: Mapping[str, Read] = {"SVDF": _svdf, "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm}
