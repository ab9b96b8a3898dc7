"""TFLite's operators that make samples of pixels and back, and how many samples there are in between."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.flatbuffer import FileGraph, FileOperator, FileTensor
from mcuq.frontends.tflite_operands import Converted, Tensors, integers, new_constant, present
from mcuq.ops.base import Op
from mcuq.ops.batch_to_space import BatchToSpace
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.space_to_batch import SpaceToBatch
from mcuq.tensor import Shape

SPREAD, BACK = "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"
MAX_SAMPLES = 1 << 16

Sides = list[tuple[int, int]]  # in front and behind, per dimension of the blocks


def count_samples(file: FileGraph) -> FileGraph:
    """Say how many samples pixels become.

    Where the batch was open when the file was converted, its shapes say 1 everywhere (``signature``: -1).
    """
    if not any(operator.code == SPREAD for operator in file.operators):
        return file
    tensors, counts = list(file.tensors), dict[int, int]()
    for operator in file.operators:
        operands = [tensors[i] for i in operator.inputs if i >= 0]
        if operator.code == SPREAD and len(operands) == 3 and operands[1].data is not None and operands[0].shape:
            count = operands[0].shape[0] * math.prod(int(n) for n in operands[1].data.ravel()[:MAX_SAMPLES].tolist())
        else:
            count = max((counts.get(i, 1) for i in operator.inputs), default=1)
        for output in (tensors[i] for i in operator.outputs):
            is_open = output.shape[:1] == (1,) and output.signature[:1] == (-1,)
            if is_open and 1 < count <= MAX_SAMPLES and operator.code != BACK:
                tensors[output.index] = replace(output, shape=(count, *output.shape[1:]))
                counts[output.index] = count
    return replace(file, tensors=tuple(tensors))


def space_to_batch(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """SPACE_TO_BATCH_ND of images, or of rows: padded with zeros first.

    In int8 with the integer 0: TensorFlow Lite Micro leaves its padding value unset, and finds 0 in fresh memory. Files
    with an open batch it runs with one sample throughout; of them the meaning is LiteRT's, and what is padded is 0.
    """
    (x,) = present(tensors[:1])
    block, pads = _blocks(tensors, x)
    rest = len(x.shape) - 1 - len(pads)
    padded = tuple(n + sum(sides) for n, sides in zip(x.shape, [(0, 0), *pads, *[(0, 0)] * rest], strict=True))
    ops = _of_images((SpaceToBatch(block),), padded, output.shape)
    if not any(sum(pads, ())):
        return ops, [x]
    before, after = ((0, *(sides[k] for sides in pads), *[0] * rest) for k in (0, 1))
    is_micro = x.dtype == "int8" and output.signature[:1] != (-1,)
    zero = [new_constant(x, np.zeros((), np.int8))] if is_micro else []
    return (Pad(before, after), *ops), [x, *zero]


def batch_to_space(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """BATCH_TO_SPACE_ND of images, or of rows: cropped in the end."""
    (x,) = present(tensors[:1])
    block, crops = _blocks(tensors, x)
    begin = (0, *[0] * (2 - len(crops)), *(front for front, _ in crops), 0)
    cropped = output.shape if len(x.shape) == 4 else (output.shape[0], 1, *output.shape[1:])
    cut = (Slice(begin, cropped),) if any(sum(crops, ())) else ()
    return _of_images((BatchToSpace(block), *cut), x.shape, output.shape), [x]


def _of_images(ops: tuple[Op, ...], shape: Shape, wanted: Shape) -> tuple[Op, ...]:
    """Return operators on images; rows are images of one row."""
    if len(shape) == 4:
        return ops
    return (Reshape((shape[0], 1, *shape[1:])), *ops, Reshape(wanted))


def _blocks(tensors: Tensors, x: FileTensor) -> tuple[tuple[int, int], Sides]:
    """Return the block's rows and columns, and what is added or cut in front and behind."""
    block = integers(tensors[1], "the blocks")
    pads = np.reshape(integers(tensors[2], "the paddings"), (-1, 2)).tolist()
    if (len(x.shape), len(block), len(pads)) not in ((4, 2, 2), (3, 1, 1)):
        raise UnsupportedOperatorError(f"blocks of {len(block)} dimensions of {x}; images have two, rows one")
    rows, columns = [1, *block][-2:]
    return (rows, columns), [(int(front), int(behind)) for front, behind in pads]
