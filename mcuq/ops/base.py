"""The operator contract: ``Op`` is a meaning, ``Params`` is what a kernel gets.

An op's file holds the formula in real numbers (``Op.forward``), the step to integers (``Op.lower``, the last
place where a float exists) and the meaning in integers (``Params.run``), which every C kernel must equal. Kernels that
serve a layer in another way, on some chips, are in ``mcuq.kernels``.
"""

from __future__ import annotations

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from mcuq.errors import CannotQuantizeError, MalformedModelError
from mcuq.tensor import Array, QConstant, QTensor, Shape

Operand = QTensor | QConstant
Real = npt.NDArray[np.floating[Any]]

# A field's annotation is its C type: (element, None) a scalar, (element, n) an array, (element, "table") constant data.
i32 = Annotated[int, "int32_t", None]
i32x4 = Annotated[tuple[int, ...], "int32_t", 4]
i32x6 = Annotated[tuple[int, ...], "int32_t", 6]
i8_table = Annotated[Array, "int8_t", "table"]
i16_table = Annotated[Array, "int16_t", "table"]
u8_table = Annotated[Array, "uint8_t", "table"]
u16_table = Annotated[Array, "uint16_t", "table"]
i32_table = Annotated[Array, "int32_t", "table"]


class Member(NamedTuple):
    """One member of a kernel's parameter struct: name, C element type, and None, a count or "table"."""

    name: str
    ctype: str
    extent: int | str | None


class Overlap(NamedTuple):
    """How near a kernel's output may come to one of its inputs that is needed no more.

    The output's first byte lies at least ``before`` bytes ahead of the input's, or at least ``after`` bytes behind it
    (then the kernel must be told to begin with the last row). None: not nearer than disjoint on that side.
    """

    before: int | None
    after: int | None


IN_PLACE = Overlap(0, None)  # every output byte is written after the input byte of its place was read


@dataclass(frozen=True, eq=False)
class Params:
    """What one kernel call needs beside its buffers; the fields are the C struct's members, in order.

    ``kernel`` names the C function ``mcuq_<kernel>`` and its struct ``mcuq_<kernel>_params``.
    """

    kernel: ClassVar[str]
    variadic: ClassVar[bool] = False  # the kernel takes one array of input pointers
    is_view: ClassVar[bool] = False  # the output is the input's bytes in their order: a copy only where it must be
    alignment: ClassVar[int] = 1  # bytes, of operands, scratch and tables: a power of two, at most 16

    @property
    def operand_alignment(self) -> int:
        """What inputs and outputs are aligned to, where that is less than scratch and tables are."""
        return self.alignment

    @property
    def scratch_bytes(self) -> int:
        """Bytes of workspace the kernel needs during its call."""
        return 0

    @property
    def view_offset(self) -> int:
        """Where in the input a view's first byte lies."""
        return 0

    def with_scratch(self, limit: int) -> Params:
        """Return the same kernel with as much workspace as makes it faster, or the least it can do with.

        Args:
            limit: bytes of the arena beside its larger buffer: scratch, and the output's distance from its input.
        """
        return self

    def frugal(self, limit: int) -> Params:
        """Return :meth:`with_scratch`, or another kernel of the layer that does with less, where memory counts."""
        return self.with_scratch(limit)

    def overlap(self, operand: int) -> Overlap | None:
        """Return how far the output may run into an operand; None: not at all."""
        return None

    def writes_over(self, operand: int, output: int) -> bool:
        """Whether an output may have the address of an operand that is needed no more."""
        overlap = self.overlap(operand) if output == 0 else None
        return overlap is not None and overlap.before is not None and overlap.before <= 0

    @property
    def distance(self) -> int:
        """What the output's distance from an operand that it runs into must be a multiple of."""
        return 1

    def reversed(self) -> Params:
        """Return the same kernel, beginning with the last row, of one whose overlap has an ``after``."""
        return dataclasses.replace(self, reverse=1)  # type: ignore[call-arg]

    @property
    def is_reversed(self) -> bool:
        """Whether the kernel begins with the last row."""
        return bool(getattr(self, "reverse", 0))

    @abstractmethod
    def run(self, *inputs: Array) -> Array:
        """Compute the output integers.

        Args:
            inputs: one array [samples, elements] per operand, in the operand's dtype.

        Returns:
            [samples, elements of the output]; of the first one where the kernel has several.
        """

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """Compute the integers of all outputs; see :meth:`run`."""
        return (self.run(*inputs),)

    @classmethod
    @cache
    def members(cls) -> tuple[Member, ...]:
        """Return the C struct's members in order."""
        hints = get_type_hints(cls, include_extras=True)
        return tuple(Member(f.name, *get_args(hints[f.name])[1:]) for f in dataclasses.fields(cls))

    def require_int32(self) -> None:
        """Refuse scalar members that C's type cannot hold: a CannotQuantizeError names the first."""
        for member in self.members():
            if member.extent != "table":
                value = getattr(self, member.name)
                limits = np.iinfo(member.ctype.removesuffix("_t"))
                if not all(limits.min <= v <= limits.max for v in (value if isinstance(value, tuple) else (value,))):
                    raise CannotQuantizeError(f"its {member.name} is {str(value)[:60]}, no {member.ctype}")

    def tables(self) -> Iterator[tuple[Member, Array]]:
        """Yield the constant tables that lie in flash, with their members."""
        for member in self.members():
            if member.extent == "table":
                yield member, getattr(self, member.name)


@dataclass(frozen=True)
class Op:
    """What a layer computes, without knowing its place in a graph. Fields are its attributes."""

    name: ClassVar[str]
    operands: ClassVar[int | None] = 1  # how many inputs the kernel gets as buffers, in order; None = all
    takes_uint8: ClassVar[bool] = False  # input and output may be uint8 (a model's border), not only int8
    wide_operands: ClassVar[tuple[int, ...]] = ()  # those that are int16
    wide_outputs: ClassVar[tuple[int, ...]] = ()
    weights_axis: ClassVar[int | None] = None  # of the output channels of the weights, operand 1; 2: bias
    ties: ClassVar[bool] = False  # bytes are passed on: all operands have the output's quantization
    untied: ClassVar[tuple[int, ...]] = ()  # except these operands
    fine_constants: ClassVar[bool] = False  # constant operands are int32, of 24 bits, not int8
    only_moves: ClassVar[bool] = False  # every output value is an input value: signs stay signs
    of_constants: ClassVar[bool] = False  # all operands may be constants
    fixed_output: ClassVar[QTensor | None] = None  # the only quantization of the output, its shape aside

    @property
    def attribute_problem(self) -> str:
        """The first attribute that is no finite number, no int32 or no activation; empty: there is none."""
        for name, value in vars(self).items():
            if name == "activation" and value not in ACTIVATIONS:
                return f"its activation is {str(value)[:40]!r}; known are {', '.join(ACTIVATIONS)}"
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, float) and not math.isfinite(number):
                    return f"its {name} is {number}, no finite number"
                if isinstance(number, int) and not -(1 << 31) < number < 1 << 31:
                    return f"its {name} is {str(number)[:40]}, beyond int32"
        return ""

    @abstractmethod
    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the output's shape; raise ValueError (no node name) for shapes the op cannot take."""

    def is_tied(self, operand: int) -> bool:
        """Whether an operand has the output's quantization."""
        return self.ties and operand not in self.untied

    def infer_shapes(self, *inputs: Shape) -> tuple[Shape, ...]:
        """Return the shapes of all outputs."""
        return (self.infer_shape(*inputs),)

    @abstractmethod
    def forward(self, *inputs: Real) -> Real:
        """Compute in real numbers. Activations have a leading sample axis before their shape; constants do not."""

    def compute(self, *inputs: Real) -> Real:
        """Return what :meth:`forward` does, without a warning: what overflows is found, and named, where ranges are."""
        with np.errstate(all="ignore"):
            return self.forward(*inputs)

    def forward_all(self, *inputs: Real) -> tuple[Real, ...]:
        """Compute all outputs in real numbers; see :meth:`forward`."""
        return (self.forward(*inputs),)

    def observe(self, *inputs: Real) -> tuple[tuple[Real, ...], tuple[Real, ...]]:
        """Compute all outputs, and for each the values that its quantization must hold: those of all of its steps."""
        with np.errstate(all="ignore"):
            outputs = self.forward_all(*inputs)
        return outputs, outputs

    @abstractmethod
    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """Turn scales into integers, as the portable kernel takes them: the layer's definition.

        Where the op has several outputs, ``output`` is the first.

        Raises:
            CannotQuantizeError, UnsupportedOperatorError: without the layer's name, which ``plan`` adds.
        """

    def lowered(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """Return what :meth:`lower` does of operands that a file may have any number of.

        Raises:
            McuqError: for whatever is wrong with them, without the layer's name.
        """
        try:
            params = self.lower(inputs, output)
        except (ValueError, TypeError, IndexError, ArithmeticError) as error:
            raise MalformedModelError(f"{self.name} cannot take its {len(inputs)} operands: {error}") from None
        params.require_int32()
        return params

    def macs(self, *inputs: Shape) -> int:
        """Multiply-accumulates of one inference; 0 where the op has none."""
        return 0


@dataclass(frozen=True)
class PlacedOp(Op):
    """An operator that finds elements by their places in its operands: passes give it these as they are."""


def fused_limits(activation: str, output: QTensor) -> tuple[int, int]:
    """Integer limits of a fused activation, as TFLite's ``CalculateActivationRangeQuantized``.

    Args:
        activation: "none", "relu", "relu6" or "relu_n1_to_1".
        output: the tensor whose scale and zero point count; the quotient is rounded in float32.
    """
    low, high = output.limits
    real_low, real_high = ACTIVATIONS[activation]
    if real_low is not None:
        low = max(low, _to_integer(real_low, output))
    if real_high is not None:
        high = min(high, _to_integer(real_high, output))
    return low, high


ACTIVATIONS: dict[str, tuple[float | None, float | None]] = {
    "none": (None, None),
    "relu": (0.0, None),
    "relu6": (0.0, 6.0),
    "relu_n1_to_1": (-1.0, 1.0),
}


def scale_of(operand: Operand) -> float:
    """Return the one scale of an operand that is quantized per tensor.

    Raises:
        CannotQuantizeError: for a per-channel constant.
    """
    if isinstance(operand, QTensor):
        return operand.scale
    if operand.scale.size != 1:
        raise CannotQuantizeError("a constant operand must be quantized per tensor, this one is per channel")
    return float(operand.scale.flat[0])


def activate(activation: str, x: Real) -> Real:
    """Apply a fused activation to real values."""
    low, high = ACTIVATIONS[activation]
    return x if low is None else np.clip(x, low, high)


def _to_integer(real: float, output: QTensor) -> int:
    quotient = np.float32(real) / np.float32(output.scale)
    return output.zero_point + int(np.copysign(np.floor(np.abs(quotient) + np.float32(0.5)), quotient))
