"""Indices as TensorFlow wraps them before it gathers: those below 0 count from the end; where none is, they stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mcuq.frontends.flatbuffer import FileGraph, FileOperator

COUNTS = ("ARG_MAX", "ARG_MIN")  # from 0
SIGN = ("BITCAST", "CUSTOM 'BitwiseAnd'", "LESS", "EQUAL", "LOGICAL_AND")  # what tells a zero with its sign set
LEAST = 1e-37  # a float32 that no quantized value differs from 0 by


def drop_wraps(file: FileGraph) -> FileGraph:
    """Replace ``SELECT(LESS(i, 0), ADD(i, n), i)`` by i where i is a model input or a place, which counts from 0."""
    makers = {index: operator for operator in file.operators for index in operator.outputs}
    same = {op.outputs[0]: op.inputs[2] for op in file.operators if _wraps(file, makers, op)}
    if not same:
        return file
    operators = [
        replace(op, inputs=tuple(same.get(i, i) for i in op.inputs))
        for op in file.operators
        if not same.keys() & set(op.outputs)
    ]
    outputs = tuple(same.get(i, i) for i in file.outputs)
    used = {*outputs, *(i for op in operators for i in op.inputs)}
    helpers = {index for wrapped in same for index in makers[wrapped].inputs[:2]} - used
    kept = tuple(op for op in operators if not helpers & set(op.outputs))
    return replace(file, operators=kept, outputs=outputs)


def drop_signs(file: FileGraph) -> FileGraph:
    """Replace ``SELECT(x is 0 and its sign is set, -least, x)`` by x, as Keras writes it in front of an arg-max.

    The sign is seen by the bits of the float, which integers do not have.
    """
    makers = {index: operator for operator in file.operators for index in operator.outputs}
    same = {op.outputs[0]: op.inputs[2] for op in file.operators if _signs(file, makers, op)}
    if not same:
        return file
    operators = [replace(op, inputs=tuple(same.get(i, i) for i in op.inputs)) for op in file.operators]
    while True:  # what only the conditions needed
        used = {*file.outputs, *(i for op in operators for i in op.inputs)}
        kept = [op for op in operators if used & set(op.outputs) or not set(op.outputs) & _conditions(makers, same)]
        if len(kept) == len(operators):
            return replace(file, operators=tuple(kept))
        operators = kept


def _conditions(makers: Mapping[int, FileOperator], same: Mapping[int, int]) -> set[int]:
    """Return the values that selections were made by, and what made these."""
    found, waiting = set(same), [makers[index].inputs[0] for index in same]
    while waiting:
        index = waiting.pop()
        if index in makers and index not in found and makers[index].code in SIGN:
            found.add(index)
            waiting += makers[index].inputs
    return found


def _signs(file: FileGraph, makers: Mapping[int, FileOperator], operator: FileOperator) -> bool:
    """Whether a selection only gives a zero its sign: of one value, by the bits of that value alone."""
    if operator.code != "SELECT_V2" or len(operator.inputs) != 3 or min(operator.inputs) < 0:
        return False
    condition, least, x = operator.inputs
    number = file.tensors[least].data
    if number is None or number.size != 1 or abs(float(number.ravel()[0])) > LEAST:
        return False
    codes, waiting, seen = list[str](), [condition], set[int]()
    while waiting:
        index = waiting.pop()
        maker = makers.get(index)
        if index in seen or index == x or index < 0 or file.tensors[index].data is not None:
            continue
        if maker is None or maker.code not in SIGN:
            return False
        seen.add(index)
        codes.append(maker.code)
        waiting += maker.inputs
    return sorted(codes) == sorted(SIGN)


def _wraps(file: FileGraph, makers: Mapping[int, FileOperator], operator: FileOperator) -> bool:
    if operator.code not in ("SELECT", "SELECT_V2") or len(operator.inputs) != 3:
        return False
    condition, wrapped, index = operator.inputs
    less, add = makers.get(condition), makers.get(wrapped)
    if less is None or add is None or (less.code, add.code) != ("LESS", "ADD"):
        return False
    zero = file.tensors[less.inputs[1]].data
    of_one = less.inputs[0] == index == add.inputs[0] and zero is not None and not np.any(zero)
    return of_one and file.tensors[index].dtype in ("int32", "int64") and _counts(file, makers, index)


def _counts(file: FileGraph, makers: Mapping[int, FileOperator], index: int) -> bool:
    """Whether an integer tensor holds nothing below 0."""
    maker = makers.get(index)
    if maker is None:
        return index in file.inputs
    if maker.code == "CAST" and file.tensors[maker.inputs[0]].dtype in ("int32", "int64"):
        return _counts(file, makers, maker.inputs[0])
    return maker.code in COUNTS
