"""What the int8 and the float TFLite readers share: names, and operators turned into nodes."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from mcuq.errors import MalformedModelError, McuqError, UnsupportedOperatorError
from mcuq.frontends import tflite_elementwise, tflite_ops, tflite_recurrent
from mcuq.frontends.batch import refuse_batch
from mcuq.frontends.flatbuffer import DAMAGE, FileGraph, FileOperator, FileState, FileTensor
from mcuq.frontends.tflite_loops import EXPORT, LOOP
from mcuq.frontends.tflite_operands import NEW, Converted
from mcuq.graph import Node, State, identifier
from mcuq.ops.base import Op

MAX_NAME = 64  # characters of a C identifier made from a tensor's name


class Reader:
    """Names of the graph being built; a subclass keeps what the names stand for."""

    operators: ClassVar[Mapping[str, tflite_elementwise.Convert]]
    recurrent: ClassVar[Mapping[str, tflite_recurrent.Read]] = {}
    remembers: bool = True

    def __init__(self, file: FileGraph, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self.file = file
        self.names: dict[int, str] = {}
        self.states: list[State] = []
        self._taken: set[str] = set()
        for index in inputs:
            refuse_batch(file.tensors[index].name, file.tensors[index].shape)
        for index in (*inputs, *outputs):
            self._border(index)

    @classmethod
    def refuse_unknown(cls, operators: Sequence[FileOperator]) -> None:
        """Name all kinds at once; DEQUANTIZE is left to the check for float tensors, which explains more."""
        known = {*cls.operators, *cls.recurrent, LOOP, "DEQUANTIZE"}
        unknown = Counter(op.code for op in operators if op.code not in known)
        if unknown:
            counted = ", ".join(f"{kind} ({count})" for kind, count in sorted(unknown.items()))
            hint = f"; {EXPORT}" if "WHILE" in unknown else ""
            raise UnsupportedOperatorError(f"mcuq has no {counted}; `mcuq ops` lists what it has{hint}")

    @abstractmethod
    def describe(self, name: str, tensor: FileTensor) -> None:
        """Keep an activation."""

    @abstractmethod
    def keep(self, name: str, tensor: FileTensor) -> None:
        """Keep a constant."""

    @abstractmethod
    def keep_zeros(self, name: str, tensor: FileTensor) -> None:
        """Keep a constant of this type and shape whose real values are 0."""

    def begin_state(self, state: FileState) -> None:
        """Name the tensor that a state is read as, and keep its initial value."""
        name = identifier(identifier(state.name, "state")[-MAX_NAME:], "state")
        self._value(name, self.file.tensors[state.read])
        self.keep(self._free(self._initial(state)), state.initial)

    def end_state(self, state: FileState) -> None:
        """Add a state whose next value has been computed."""
        self.states.append(State(self.names[state.read], self.names[state.write], self._initial(state)))

    def _initial(self, state: FileState) -> str:
        return f"{self.names[state.read]}_initial"

    def operand(self, node: str, tensor: FileTensor) -> str:
        """Return the name of a node's operand."""
        return self._operand(node, tensor)

    def value(self, name: str, tensor: FileTensor) -> str:
        """Return the name of a value, which is that of its node if it is free."""
        return self._value(name, tensor)

    def nodes(self, operator: FileOperator) -> Iterator[Node]:
        """Turn one operator into nodes, named after the op and the operator's place in the file.

        There is one node per output, or a chain of them where one operator means several.
        """
        try:
            if operator.code == LOOP:
                yield from tflite_recurrent.loop(self, operator)
                return
            if operator.code in self.recurrent:
                yield from tflite_recurrent.nodes(self, operator)
                return
            for output in self._outputs(operator):
                yield from self._chain(operator, output)
        except McuqError as error:
            raise error.at(str(operator)) from None

    def _chain(self, operator: FileOperator, output: FileTensor) -> Iterator[Node]:
        converted, operands = self._convert(operator, output)
        ops = converted if isinstance(converted, tuple) else (converted,)
        suffix = f"_{operator.outputs.index(output.index)}" if len(operator.outputs) > 1 else ""
        names = [f"{op.name}_{operator.index}{suffix}_{step}" for step, op in enumerate(ops)]
        names[-1] = f"{ops[-1].name}_{operator.index}{suffix}"
        inputs = tuple(self._operand(names[0], tensor) for tensor in operands)
        shapes = [tensor.shape for tensor in operands]
        for op, name in zip(ops[:-1], names[:-1], strict=True):
            shapes = [_shape(op, shapes)]
            value = self._free(name)
            self.describe(value, replace(output, shape=shapes[0]))
            yield Node(name, op, inputs, (value,))
            inputs = (value,)
        yield Node(names[-1], ops[-1], inputs, (self._value(names[-1], output),))

    def _outputs(self, operator: FileOperator) -> list[FileTensor]:
        several = operator.code in tflite_ops.SEVERAL_OUTPUTS and operator.outputs
        if (len(operator.outputs) != 1 and not several) or not operator.inputs or operator.inputs[0] < 0:
            raise MalformedModelError(f"has {len(operator.outputs)} outputs, or no input")
        outputs = [self.file.tensors[i] for i in operator.outputs]
        for output in outputs:
            if output.data is not None:
                raise MalformedModelError(f"its output, {output}, is a constant")
        return outputs

    def _convert(self, operator: FileOperator, output: FileTensor) -> Converted:
        tensors = [self.file.tensors[i] if i >= 0 else None for i in operator.inputs]
        if operator.code not in self.operators:
            raise MalformedModelError("does not turn one quantized tensor into real values of the same shape")
        try:
            return self.operators[operator.code](operator, tensors, output)
        except AttributeError:
            raise MalformedModelError("it lacks its options, or has another operator's") from None
        except DAMAGE as error:
            raise MalformedModelError(f"it is malformed ({error})") from None

    def _operand(self, node: str, tensor: FileTensor) -> str:
        if tensor.data is None:
            return self._value(f"value_{tensor.index}", tensor)
        name = self._name(tensor.index, f"{node}_constant_{max(tensor.index, 0)}")
        self.keep(name, tensor)
        return name

    def _value(self, name: str, tensor: FileTensor) -> str:
        name = self._name(tensor.index, name)
        self.describe(name, tensor)
        return name

    def _border(self, index: int) -> None:
        """Name a model input or output after its tensor."""
        tensor = self.file.tensors[index]
        if tensor.data is not None:
            raise MalformedModelError(f"{tensor} is an input or output of the model and a constant at once")
        short = tensor.name.rsplit("/", 1)[-1].rsplit(";", 1)[-1].removesuffix(":0")
        self._value(identifier(identifier(short, "value")[:MAX_NAME], "value"), tensor)

    def _name(self, index: int, wanted: str) -> str:
        """Return the tensor's name: the wanted one, or the nearest free one, when it has none yet."""
        if index == NEW:
            return self._free(wanted)
        if index not in self.names:
            self.names[index] = self._free(wanted, index)
        return self.names[index]

    def _free(self, wanted: str, index: int = 0) -> str:
        free = (name for name in (wanted, f"{wanted}_{index}", *(f"{wanted}_{index}_{i}" for i in range(1_000))))
        name = next(name for name in free if name not in self._taken)
        self._taken.add(name)
        return name


def _shape(op: Op, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    try:
        return op.infer_shape(*shapes)
    except (ValueError, IndexError, TypeError, ArithmeticError) as error:
        raise MalformedModelError(f"{op.name} cannot take shapes {list(shapes)}: {error}") from None
