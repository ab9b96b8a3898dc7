"""Sum over any set of dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, quantize_multiplier
from mcuq.ops.base import Operand, Params, Real
from mcuq.ops.mean import MeanParams
from mcuq.ops.reduction import ReduceOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Sum(ReduceOp):
    """``y = sum of x over axes``.

    Quantization: the sum of the centered integers, requantized by ``s_in / s_out``, as TFLite's int8 SUM.

    - C1: the axes exist in the input.
    - C2: after merging neighbours, the dimensions are at most kept, reduced, kept, reduced.
    - C3: 255 times the number of reduced elements stays within int32.
    """

    name: ClassVar[str] = "sum"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(np.sum(inputs[0], axis=self.of_samples(inputs[0]), keepdims=self.keep_dims))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C3."""
        x = cast(QTensor, inputs[0])
        shape = self.pattern(x)
        if (elements := shape[1] * shape[3]) * 255 > INT32_MAX:
            raise CannotQuantizeError(f"the sum of {elements} elements can leave int32; take it in two steps")
        multiplier, shift = quantize_multiplier(x.scale / output.scale, by_shift=output.by_shift)
        low, high = output.limits
        return MeanParams(
            shape=shape,
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
            output_multiplier=multiplier,
            output_shift=shift,
            activation_min=low,
            activation_max=high,
        )
