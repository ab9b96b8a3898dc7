"""Rows of a constant table, by computed indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.ops.base import Operand, Params, PlacedOp, Real, i8_table, i32
from mcuq.ops.extremum import same_quantization
from mcuq.ops.indices import index_multiplier, whole
from mcuq.tensor import Array, QConstant, QTensor, Shape

MOST = 256  # rows: what a byte tells apart


@dataclass(frozen=True, eq=False)
class EmbeddingParams(Params):
    """The row of each index, rounded and limited to those of the table, is copied."""

    kernel: ClassVar[str] = "embedding_s8"

    count: i32  # of indices
    rows: i32
    row_bytes: i32
    zero_point: i32  # of the indices
    multiplier: i32  # what makes them whole numbers
    shift: i32
    table: i8_table  # (rows, row_bytes)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        index = whole(inputs[0], self.zero_point, self.multiplier, self.shift)
        rows = self.table.reshape(self.rows, self.row_bytes)[np.clip(index, 0, self.rows - 1)]
        return rows.reshape(len(inputs[0]), -1)


@dataclass(frozen=True)
class Embedding(PlacedOp):
    """``y = table[x]``: rows of a constant table; an index beyond it is the first or the last row's.

    Quantization: an index is the nearest integer of ``s_in (q - z_in)``; bytes are copied, as TFLite's int8 GATHER.

    - C1: the table has at least one dimension.
    - C2: it has at most 256 rows.
    - C3: table and output have the same scale and zero point.
    - C4: steps of the indices are at most 1.
    """

    name: ClassVar[str] = "embedding"
    ties: ClassVar[bool] = True
    untied: ClassVar[tuple[int, ...]] = (0,)

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the shape of the indices, followed by that of a row; C1, C2."""
        index, table = inputs
        if not table or not 1 <= table[0] <= MOST:
            raise ValueError(f"a table of shape {table}; it has 1 to {MOST} rows, for an index is a byte")
        return (*index, *table[1:])

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        index, table = inputs
        return np.asarray(table[np.clip(np.rint(index), 0, len(table) - 1).astype(np.int64)])

    def observe(self, *inputs: Real) -> tuple[tuple[Real, ...], tuple[Real, ...]]:
        """See :meth:`Op.observe`: the quantization holds every row, whichever the samples ask for."""
        return (self.forward(*inputs),), (inputs[1][np.newaxis],)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C3, C4."""
        index, table = cast(QTensor, inputs[0]), cast(QConstant, inputs[1])
        same_quantization(table, output)
        multiplier, shift = index_multiplier(index)
        return EmbeddingParams(
            count=index.elements,
            rows=table.shape[0],
            row_bytes=math.prod(table.shape[1:]),
            zero_point=index.zero_point,
            multiplier=multiplier,
            shift=shift,
            table=table.values.astype(np.int8),
        )
