"""Variables of TFLite files: handles, reads and assignments become states that the graph reads and writes.

CALL_ONCE runs a graph of its own at the start, which assigns the initial values. Here nothing runs: a variable's first
read is the state, what is assigned is its next value, and a read after that is the assigned tensor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from mcuq.errors import MalformedModelError, McuqError, UnsupportedOperatorError
from mcuq.frontends.flatbuffer import DAMAGE, FileGraph, FileOperator, FileState, FileTensor

OPERATORS = ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def resolve_variables(file: FileGraph) -> FileGraph:
    """Return the file without such operators, with its states.

    Raises:
        McuqError: for a variable that has no initial value, is written twice, or changes its shape.
    """
    variables = _Variables(file)
    kept = [operator for operator in file.operators if not variables.take(operator)]
    if len(kept) == len(file.operators):
        return file

    def renamed(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(variables.same.get(index, index) for index in indices)

    operators = tuple(replace(operator, inputs=renamed(operator.inputs)) for operator in kept)
    return replace(file, operators=operators, outputs=renamed(file.outputs), states=tuple(variables.states()))


@dataclass
class _Variables:
    """Variables by name while the operators are read in order; ``same``: tensors that are another tensor."""

    file: FileGraph
    handles: dict[int, str] = field(default_factory=dict)
    initial: dict[str, FileTensor] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    same: dict[int, int] = field(default_factory=dict)

    def take(self, operator: FileOperator) -> bool:
        """Take an operator on variables; whether it is one."""
        if operator.code not in OPERATORS:
            return False
        try:
            self._take(operator)
        except McuqError as error:
            raise error.at(str(operator)) from None
        except DAMAGE as error:
            raise MalformedModelError(f"{operator} is malformed ({error})") from None
        return True

    def _take(self, operator: FileOperator) -> None:
        if operator.code == "CALL_ONCE":
            self.initial |= _assigned(self.file.subgraph(operator.options.InitSubgraphIndex()))
        elif operator.code == "VAR_HANDLE":
            self.handles[operator.outputs[0]] = _name(operator)
        elif operator.code == "READ_VARIABLE":
            self._read(_variable(self.handles, operator), operator.outputs[0])
        else:
            name, value = _variable(self.handles, operator), operator.inputs[1]
            if name in self.written:
                raise UnsupportedOperatorError(f"variable '{name}' is written twice in one run")
            self.written[name] = self.same.get(value, value)

    def _read(self, name: str, output: int) -> None:
        if name in self.written or name in self.read:
            self.same[output] = self.written.get(name, self.read.get(name, output))
        else:
            self.read[name] = output

    def states(self) -> Iterator[FileState]:
        """Yield what the file remembers, in the order in which it is read."""
        for name, read in self.read.items():
            if name not in self.initial:
                raise UnsupportedOperatorError(
                    f"variable '{name}' is read before it is ever written; export it with its initial value"
                )
            write, tensors = self.written.get(name, read), self.file.tensors
            for what, tensor in (("initial value", self.initial[name]), ("next value", tensors[write])):
                if (tensor.shape, tensor.dtype) != (tensors[read].shape, tensors[read].dtype):
                    raise MalformedModelError(f"variable '{name}' is read as {tensors[read]}, its {what} is {tensor}")
            yield FileState(name, read, write, self.initial[name])


def _assigned(graph: FileGraph) -> dict[str, FileTensor]:
    """Return the constants that a graph assigns to variables, by name."""
    handles: dict[int, str] = {}
    assigned: dict[str, FileTensor] = {}
    for operator in graph.operators:
        if operator.code == "VAR_HANDLE":
            handles[operator.outputs[0]] = _name(operator)
        elif operator.code == "ASSIGN_VARIABLE":
            value = graph.tensors[operator.inputs[1]]
            if value.data is None:
                raise UnsupportedOperatorError(f"the initial value {value} is computed; only constants are supported")
            assigned[_variable(handles, operator)] = value
        else:
            raise UnsupportedOperatorError(f"{operator} at the start; only variables can be given initial values there")
    return assigned


def _variable(handles: Mapping[int, str], operator: FileOperator) -> str:
    if operator.inputs[0] not in handles:
        raise MalformedModelError(f"its operand {operator.inputs[0]} is no variable")
    return handles[operator.inputs[0]]


def _name(operator: FileOperator) -> str:
    """Return a variable's name: that of its container, where there is one, and its own."""
    parts = (operator.options.Container(), operator.options.SharedName())
    return "/".join(part.decode("utf-8", "replace")[:200] for part in parts if part)
