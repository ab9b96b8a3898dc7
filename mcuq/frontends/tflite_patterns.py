"""Activations that TensorFlow writes as several operators become one again, before the file's operators are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mcuq.frontends.flatbuffer import FileGraph, FileOperator
from mcuq.ops.base import Op
from mcuq.ops.elu import Elu
from mcuq.ops.mish import Mish
from mcuq.ops.softplus import Softplus

ACTIVATION = "activation of several operators"  # a code of mcuq's own; its options are the op


def join_activations(file: FileGraph) -> FileGraph:
    """Replace softplus ``log(exp(x) + 1)``, mish ``x tanh(softplus(x))`` and SELU by an operator each.

    Before::

        x -> EXP -> ADD 1 -> LOG -> TANH -> v;   x, v -> MUL -> y

    After::

        x -> Mish -> y
    """
    for find in (_softplus, _mish, _selu):
        file = _joined(file, list(find(_Makers(file))))
    return file


@dataclass(frozen=True)
class _Found:
    """An activation: what it is, of which tensor, and the operators that it stands for, the last one first."""

    op: Op
    x: int
    parts: tuple[FileOperator, ...]


class _Makers:
    """Which operator makes a tensor."""

    def __init__(self, file: FileGraph) -> None:
        self.file = file
        self.of = {operator.outputs[0]: operator for operator in file.operators if len(operator.outputs) == 1}

    def all(self, *codes: str) -> Iterator[FileOperator]:
        """Yield the operators of some kinds."""
        return (operator for operator in self.of.values() if operator.code in codes and min(operator.inputs) >= 0)

    def made(self, index: int, code: str, inputs: int = 1) -> FileOperator | None:
        """Return what makes a tensor, if it is of that kind."""
        operator = self.of.get(index)
        fits = operator is not None and operator.code == code and len(operator.inputs) == inputs
        return operator if operator and fits and min(operator.inputs) >= 0 else None

    def number(self, index: int) -> float | None:
        """Return the value of a real constant of one element."""
        tensor = self.file.tensors[index]
        one = tensor.data is not None and tensor.data.size == 1 and tensor.dtype == "float32"
        return float(tensor.data.item()) if one and tensor.data is not None else None

    def with_number(self, operator: FileOperator) -> tuple[int, float] | None:
        """Return the tensor and the number that an operator of two operands takes, in this order."""
        x, number = operator.inputs[0], self.number(operator.inputs[1])
        return None if number is None else (x, number)


def _softplus(makers: _Makers) -> Iterator[_Found]:
    for log in makers.all("LOG"):
        add = makers.made(log.inputs[0], "ADD", 2)
        total = makers.with_number(add) if add else None
        exp = makers.made(total[0], "EXP") if total and total[1] == 1 else None
        if add and exp:
            yield _Found(Softplus(), exp.inputs[0], (log, add, exp))


def _mish(makers: _Makers) -> Iterator[_Found]:
    for mul in makers.all("MUL"):
        for x, other in (mul.inputs, mul.inputs[::-1]) if len(mul.inputs) == 2 else ():
            tanh = makers.made(other, "TANH")
            softplus = makers.made(tanh.inputs[0], ACTIVATION) if tanh else None
            if tanh and softplus and softplus.options == Softplus() and softplus.inputs == (x,):
                yield _Found(Mish(), x, (mul, tanh, softplus))


def _selu(makers: _Makers) -> Iterator[_Found]:
    """Find ``where(x > 0, gamma x, gamma alpha (exp(x) - 1))``."""
    for select in makers.all("SELECT", "SELECT_V2"):
        kinds = zip(select.inputs, ("GREATER", "MUL", "MUL"), strict=True)
        positive, above, below = (makers.made(index, code, 2) for index, code in kinds)
        if not (positive and above and below):
            continue
        limit, linear, curved = (makers.with_number(part) for part in (positive, above, below))
        sub = makers.made(curved[0], "SUB", 2) if curved else None
        less = makers.with_number(sub) if sub else None
        exp = makers.made(less[0], "EXP") if less and less[1] == 1 else None
        if not (limit and linear and curved and sub and exp) or limit[1] != 0 or linear[1] <= 0:
            continue
        if limit[0] == linear[0] == exp.inputs[0]:
            op = Elu(curved[1] / linear[1], linear[1])
            yield _Found(op, exp.inputs[0], (select, positive, above, below, sub, exp))


def _joined(file: FileGraph, found: Sequence[_Found]) -> FileGraph:
    """Put the activations in the places of their last operators, and drop the others that nothing else reads."""
    instead = {each.parts[0].index: each for each in found}
    operators = [
        replace(operator, code=ACTIVATION, inputs=(instead[operator.index].x,), options=instead[operator.index].op)
        if operator.index in instead
        else operator
        for operator in file.operators
    ]
    inner = {part.index for each in found for part in each.parts[1:]}
    while True:
        read = {index for operator in operators for index in operator.inputs} | {*file.outputs}
        kept = [op for op in operators if op.index not in inner or not read.isdisjoint(op.outputs)]
        if len(kept) == len(operators):
            return replace(file, operators=tuple(operators))
        operators = kept
