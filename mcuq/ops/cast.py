"""Another type for the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp

LIMITS = {
    "bool": (0, 1),
    "float": (-np.inf, np.inf),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2.0**63), 2.0**63),
    "int8": (-128, 127),
    "uint8": (0, 255),
}


@dataclass(frozen=True)
class Cast(RealLookupOp):
    """``y = x`` as another type has it: truncated towards 0 for integers; 1 where x is not 0 for bool; x for float.

    Quantization: the real result of every input, rounded half away from zero, saturated. TensorFlow Lite Micro has no
    int8 cast of what integers stand for: its own passes the integers on.

    - C1: the type is one of bool, float, int8, int16, int32, int64 and uint8.
    """

    name: ClassVar[str] = "cast"

    to: str

    def __post_init__(self) -> None:
        """Refuse other types; C1."""
        if self.to not in LIMITS:
            raise ValueError(f"type {self.to!r}; it must be one of {', '.join(LIMITS)}")

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        if self.to == "float":
            return inputs[0]
        if self.to == "bool":
            return np.asarray(inputs[0] != 0, inputs[0].dtype)
        return np.asarray(np.clip(np.trunc(inputs[0]), *LIMITS[self.to]))
