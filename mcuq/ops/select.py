"""One of two tensors, element by element, as a third one says; with broadcasting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, Real, i32, i32x4
from mcuq.ops.broadcast import broadcast_all, expand
from mcuq.ops.elementwise import ElementwiseOp
from mcuq.ops.extremum import same_quantization
from mcuq.tensor import Array, QTensor

MASKED = -1e4  # BERT's masks; others are -1e9, the least float32 or infinite
SOFTMAX_STEPS = 256  # of its output, from 0 to 1


@dataclass(frozen=True, eq=False)
class SelectParams(Params):
    """The byte of ``a`` where the condition is not its zero point, else that of ``b``."""

    kernel: ClassVar[str] = "select_s8"

    shape: i32x4  # of the output, outermost first
    strides_condition: i32x4  # in elements; 0 repeats
    strides_a: i32x4
    strides_b: i32x4
    zero_point: i32  # of the condition

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        strides = (self.strides_condition, self.strides_a, self.strides_b)
        condition, a, b = (expand(x, self.shape, own) for x, own in zip(inputs, strides, strict=True))
        return np.where(condition != self.zero_point, a, b).reshape(len(inputs[0]), -1)


@dataclass(frozen=True)
class Select(ElementwiseOp):
    """``y = a where condition is not 0, else b``, numpy broadcasting.

    Quantization: bytes are copied. Values of ``MASKED`` and less are masks in front of a softmax: they become the
    output's smallest integer, which stands for a share of half a step of softmax in every row, all of them together.

    - C1: after merging, broadcasting needs at most four dimensions.
    - C2: both values have the output's scale and zero point.
    """

    name: ClassVar[str] = "select"
    operands: ClassVar[int | None] = 3
    ties: ClassVar[bool] = True
    untied: ClassVar[tuple[int, ...]] = (0,)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.where(inputs[0] != 0, inputs[1], inputs[2])

    def observe(self, *inputs: Real) -> tuple[tuple[Real, ...], tuple[Real, ...]]:
        """See :meth:`Op.observe`."""
        outputs, _ = super().observe(*inputs)
        y = outputs[0]
        largest = y.max(axis=-1, initial=-np.inf)
        if not np.any(y <= MASKED) or not np.any(largest > MASKED):
            return outputs, outputs
        nothing = largest[largest > MASKED].min() - math.log(2 * SOFTMAX_STEPS * y.shape[-1])
        return outputs, (np.where(y <= MASKED, nothing, y),)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        for operand in inputs[1:]:
            same_quantization(operand, output)
        shape, (condition, a, b) = broadcast_all(*(operand.shape for operand in inputs))
        return SelectParams(
            shape=shape, strides_condition=condition, strides_a=a, strides_b=b, zero_point=inputs[0].zero_point
        )
