"""What a kernel may know of the layer that it is offered, and what a family of kernels is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from mcuq.ops.accumulator import refined
from mcuq.ops.base import Operand, Params
from mcuq.ops.packing import MAX_PACKED_BITS
from mcuq.tensor import QConstant, QTensor

P_co = TypeVar("P_co", bound=Params, covariant=True)
Q = TypeVar("Q", bound=Params)


@dataclass(frozen=True)
class Layer(Generic[P_co]):
    """One layer, lowered.

    Attributes:
        params: as the portable kernel takes it, which every kernel must equal.
        inputs: its operands, weights and bias included.
        at_border: an address of its input or output cannot be chosen: in memory of the caller's, or at an odd place in
            another value. No alignment but 1 is to be had there.
    """

    params: P_co
    inputs: Sequence[Operand]
    at_border: bool

    def of(self, params: Q) -> Layer[Q]:
        """Return the same layer under other parameters, as another kind of layer or known to be of one."""
        return Layer(params, self.inputs, self.at_border)

    @property
    def few_bits(self) -> QConstant | None:
        """The weights, in the unit of the bias, where they are to be stored in 1, 2 or 4 bits; else None."""
        constants = [operand for operand in self.inputs[1:] if isinstance(operand, QConstant)]
        if not constants:
            return None
        weights = refined(constants[0], constants[1:])
        return weights if weights.bits <= MAX_PACKED_BITS else None

    @property
    def takes_signs(self) -> bool:
        """Whether the input is of -1 and 1."""
        x = self.inputs[0]
        return isinstance(x, QTensor) and x.bits == 1


class Faster(NamedTuple):
    """A kernel to take instead of another one, and the instructions of an inference that it saves: an estimate."""

    params: Params
    saved: int


def _none_faster(params: Params) -> Faster | None:
    return None


class Family(NamedTuple):
    """Kernels for chips that have what they need.

    ``kernel`` returns the parameters of the best one for a layer, or None. ``faster`` is given a kernel's parameters
    as they were chosen, and returns one for the same layer that takes more flash and fewer instructions, or None.
    """

    kernel: Callable[[Layer[Params]], Params | None]
    faster: Callable[[Params], Faster | None] = _none_faster


def first(layer: Layer[Q], *takers: Callable[[Layer[Q]], Params | None]) -> Params | None:
    """Return what the first taker makes of a layer that takes it, or None.

    Args:
        layer: the layer.
        takers: kernels, the best first; each returns its parameters, or None for shapes and values it does not take.
    """
    return next((params for take in takers if (params := take(layer))), None)
