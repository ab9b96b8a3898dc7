"""Logical operators of two tensors of truths, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, Real
from mcuq.ops.compare import TRUTH, Compare
from mcuq.ops.elementwise import ElementwiseOp
from mcuq.ops.extremum import extremum, same_quantization
from mcuq.tensor import QTensor

FUNCTIONS = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}


@dataclass(frozen=True)
class Logical(ElementwiseOp):
    """``y = a and b``, ``a or b``, ``a xor b``: of truths, 1 and 0; numpy broadcasting.

    Quantization: the smaller integer, the larger one, and whether they differ.

    - C1: after merging, broadcasting needs at most four dimensions.
    - C2: the function is one of those.
    - C3: operands and output have scale 1 and zero point 0.
    """

    name: ClassVar[str] = "logical"
    ties: ClassVar[bool] = True
    fixed_output: ClassVar[QTensor | None] = TRUTH

    function: str

    def __post_init__(self) -> None:
        """Refuse other functions; C2."""
        if self.function not in FUNCTIONS:
            raise ValueError(f"function {self.function!r}; it must be one of {', '.join(FUNCTIONS)}")

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(FUNCTIONS[self.function](inputs[0] != 0, inputs[1] != 0), np.float32)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C3."""
        for operand in (*inputs, output):
            same_quantization(operand, TRUTH)
        if self.function == "xor":
            return Compare("not_equal").lower(inputs, output)
        return extremum(inputs, output, largest=self.function == "or")
