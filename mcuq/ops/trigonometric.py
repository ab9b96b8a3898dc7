"""Functions of triangles and hyperbolas that have no file of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp

FUNCTIONS = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "cosh": np.cosh,
    "sinh": np.sinh,
    "tan": np.tan,
}


@dataclass(frozen=True)
class Trigonometric(RealLookupOp):
    """``y = function(x)``: tan, asin, acos, atan, sinh, cosh, asinh, acosh or atanh.

    Quantization: the real result of every input, rounded half away from zero, saturated; 0 where there is none.
    TensorFlow Lite Micro has no int8 form of these.

    - C1: the function is one of those.
    """

    name: ClassVar[str] = "trigonometric"

    function: str

    def __post_init__(self) -> None:
        """Refuse other functions; C1."""
        if self.function not in FUNCTIONS:
            raise ValueError(f"function {self.function!r}; it must be one of {', '.join(FUNCTIONS)}")

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(FUNCTIONS[self.function](inputs[0]))
