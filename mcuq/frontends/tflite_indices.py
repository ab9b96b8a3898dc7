"""Indices as TensorFlow wraps them before it gathers: those below 0 count from the end; where none is, they stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mcuq.frontends.flatbuffer import FileGraph, FileOperator

COUNTS = ("ARG_MAX", "ARG_MIN")  # from 0


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
