"""Comparison of two tensors, element by element, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import quantize_multiplier, requantize
from mcuq.ops.base import Operand, Params, Real, i32, i32x4, scale_of
from mcuq.ops.broadcast import broadcast, expand
from mcuq.ops.elementwise import ElementwiseOp, common_scale
from mcuq.tensor import Array, QTensor

TRUTH = QTensor((), 1.0, 0)  # 1 is true, 0 is false
RELATIONS: dict[str, Callable[[Array, Array], Array]] = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}
FINE, COARSE = 20, 8  # fractional bits of what is compared


@dataclass(frozen=True, eq=False)
class CompareParams(Params):
    """1 where the operands, brought to a common scale, are in a relation, else 0."""

    kernel: ClassVar[str] = "compare_s8"

    shape: i32x4  # of the output, outermost first
    strides_a: i32x4  # in elements; 0 repeats
    strides_b: i32x4
    zero_point_a: i32
    zero_point_b: i32
    multiplier_a: i32
    multiplier_b: i32
    shift_a: i32
    shift_b: i32
    left_shift: i32  # of the operands before they are multiplied
    relation: i32  # 0: equal, 1: not equal, 2: less, 3: less or equal, 4: greater, 5: greater or equal

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a = expand(inputs[0], self.shape, self.strides_a).astype(np.int64) - self.zero_point_a
        b = expand(inputs[1], self.shape, self.strides_b).astype(np.int64) - self.zero_point_b
        scaled_a = requantize(a << self.left_shift, self.multiplier_a, self.shift_a)
        scaled_b = requantize(b << self.left_shift, self.multiplier_b, self.shift_b)
        compared = list(RELATIONS.values())[self.relation](scaled_a, scaled_b)
        return compared.astype(np.int8).reshape(len(inputs[0]), -1)


@dataclass(frozen=True)
class Compare(ElementwiseOp):
    """``y = 1 where a relation b, else 0``: equal, not_equal, less, less_equal, greater, greater_equal; broadcasting.

    Quantization: both operands are scaled by ``s / (2 max(s_a, s_b))`` with 20 fractional bits; a coarse comparison is
    that of real numbers with 8 fractional bits, as TFLite's int8 comparisons do.

    - C1: after merging, broadcasting needs at most four dimensions.
    - C2: the relation is one of those.
    - C3: the scales of a coarse comparison are under 1.
    """

    name: ClassVar[str] = "compare"
    fixed_output: ClassVar[QTensor | None] = TRUTH

    relation: str
    coarse: bool = False

    def __post_init__(self) -> None:
        """Refuse other relations; C2."""
        if self.relation not in RELATIONS:
            raise ValueError(f"relation {self.relation!r}; it must be one of {', '.join(RELATIONS)}")

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return RELATIONS[self.relation](inputs[0], inputs[1]).astype(np.float32)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C3."""
        a, b = inputs
        shape, strides_a, strides_b = broadcast(a.shape, b.shape)
        if self.coarse:
            if max(scale_of(a), scale_of(b)) >= 1:
                raise CannotQuantizeError(f"a comparison of scales {scale_of(a):g} and {scale_of(b):g}; both under 1")
            (multiplier_a, shift_a), (multiplier_b, shift_b) = (quantize_multiplier(scale_of(x)) for x in inputs)
        else:
            _, (multiplier_a, shift_a), (multiplier_b, shift_b) = common_scale(a, b)
        return CompareParams(
            shape=shape,
            strides_a=strides_a,
            strides_b=strides_b,
            zero_point_a=a.zero_point,
            zero_point_b=b.zero_point,
            multiplier_a=multiplier_a,
            multiplier_b=multiplier_b,
            shift_a=shift_a,
            shift_b=shift_b,
            left_shift=COARSE if self.coarse else FINE,
            relation=list(RELATIONS).index(self.relation),
        )
