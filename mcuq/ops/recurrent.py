"""What layers that run step by step share: states beside their output, products of gates in 16 bits."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.accumulator import bias_or_zero, channel_multipliers, check_accumulator, check_room
from mcuq.ops.base import Op, Operand, Real, scale_of
from mcuq.ops.int16 import GATE_SCALE
from mcuq.tensor import Array, QConstant, QTensor, Shape

STATE_POWERS = range(-15, -8)  # of the scale of what is remembered in 16 bits: TFLite's tanh shifts by 12 more


class RecurrentOp(Op):
    """An operator that computes one step after the other, each from its input and what the last one left."""


class GatedOp(RecurrentOp):
    """One whose step is functions of W x + b and R h, h the hidden state.

    Operands are x [1, T, I], what is remembered before the first step, [1, U] each and the hidden state first, weights
    W [G U, I] and R [G U, U] of G gates one after the other, and biases [G U]: of W x, then of R h where it has one of
    its own. Outputs are the hidden states of all steps, [1, T, U], and the last of those of ``last``, [1, U] each.
    """

    remembered: ClassVar[int] = 1  # operands after x
    gates: ClassVar[int]
    last: ClassVar[tuple[int, ...]] = ()  # which of what is remembered is an output
    biases: ClassVar[int] = 1  # at most

    @abstractmethod
    def step(self, fed: Real, states: Sequence[Real], recurrent: Real, *bias: Real) -> tuple[Real, ...]:
        """Compute a step.

        Args:
            fed: W x with its bias, [samples, G U].
            states: what the last step left, [samples, U] each.
            recurrent: R.
            bias: of R h, [G U], or none.

        Returns:
            What is remembered now.
        """

    @property
    def weights_at(self) -> int:
        """Which operand W is; R, and the biases, follow."""
        return 1 + self.remembered

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, T, I], [1, U] times ``remembered``, [G U, I], [G U, U] (, [G U]) to [1, T, U]; C1."""
        return self.infer_shapes(*inputs)[0]

    def infer_shapes(self, *inputs: Shape) -> tuple[Shape, ...]:
        """See :meth:`Op.infer_shapes`: [1, T, U], and [1, U] for what is in ``last``; C1."""
        at = self.weights_at
        (batch, steps, input_c), states, (weights, recurrent, *biases) = inputs[0], inputs[1:at], inputs[at:]
        units = recurrent[-1]
        channels = self.gates * units
        wanted = (*((1, units),) * self.remembered, (channels, input_c), (channels, units))
        if batch != 1 or (*states, weights, recurrent) != wanted:
            raise ValueError(f"batch 1 and shapes {wanted} are needed for {units} units")
        if bad := [math.prod(bias) for bias in biases if math.prod(bias) != channels]:
            raise ValueError(f"the bias has {bad[0]} elements for {channels} channels")
        if len(biases) > self.biases:
            raise ValueError(f"{len(biases)} biases, at most {self.biases} are taken")
        return (1, steps, units), *((1, units),) * len(self.last)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return self.forward_all(*inputs)[0]

    def forward_all(self, *inputs: Real) -> tuple[Real, ...]:
        """See :meth:`Op.forward_all`."""
        return self._outputs(self._course(*inputs))

    def observe(self, *inputs: Real) -> tuple[tuple[Real, ...], tuple[Real, ...]]:
        """See :meth:`Op.observe`: what is remembered, before the first step and after every one."""
        with np.errstate(all="ignore"):
            course = self._course(*inputs)
        hidden = course[0] if np.any(course[0][:, 0]) else course[0][:, 1:]
        return self._outputs(course), (hidden, *(course[k] for k in self.last))

    def _outputs(self, course: Sequence[Real]) -> tuple[Real, ...]:
        return course[0][:, np.newaxis, 1:], *(course[k][:, np.newaxis, -1] for k in self.last)

    def _course(self, *inputs: Real) -> list[Real]:
        """Return what is remembered before the first step and after every one, [samples, 1 + T, U] each."""
        at = self.weights_at
        x, (weights, recurrent, *biases) = inputs[0], inputs[at:]
        units = recurrent.shape[-1]
        states = [np.broadcast_to(state.reshape(-1, units), (len(x), units)) for state in inputs[1:at]]
        fed = x[:, 0] @ weights.T + (biases[0].ravel() if biases else 0.0)
        rows: list[Sequence[Real]] = [states]
        for step in range(x.shape[2]):
            rows.append(self.step(fed[:, step], rows[-1], recurrent, *(bias.ravel() for bias in biases[1:])))
        return [np.stack([row[k] for row in rows], axis=1) for k in range(self.remembered)]

    def macs(self, *inputs: Shape) -> int:
        """Both products, for every step."""
        return inputs[0][1] * (math.prod(inputs[self.weights_at]) + math.prod(inputs[self.weights_at + 1]))


class Products(NamedTuple):
    """The sums of products of all gates, in 16 bits at the scale of their functions' input."""

    weights: Array
    bias: Array
    multiplier: Array
    shift: Array


def gate_products(x: Operand, weights: QConstant, *bias: QConstant) -> Products:
    """Return how products with an int8 operand become Q3.12; the bias takes in the operand's zero point.

    Raises:
        CannotQuantizeError: for sums that can leave int32, requantized or not, scales along another dimension than 0.
    """
    if weights.scale.size > 1 and weights.axis != 0:
        raise CannotQuantizeError(f"weights have scales along dimension {weights.axis}; it must be 0")
    channels = len(weights.values)
    tensor = x if isinstance(x, QTensor) else QTensor(x.shape, scale_of(x), x.zero_point)
    own = bias_or_zero(bias, channels)
    multiplier, shift = channel_multipliers(tensor, weights, QTensor((), GATE_SCALE, 0))
    check_room(check_accumulator(weights.values, own, tensor), multiplier, shift)
    folded = own - tensor.zero_point * weights.values.astype(np.int64).sum(axis=1)
    return Products(
        weights.values.astype(np.int8),
        folded.astype(np.int32),
        np.broadcast_to(multiplier, channels).copy(),
        np.broadcast_to(shift, channels).copy(),
    )


def check_hidden(hidden: Operand, output: QTensor) -> None:
    """Refuse a hidden state that is quantized otherwise as it goes in than as it comes out."""
    if (scale_of(hidden), hidden.zero_point) != (output.scale, output.zero_point):
        raise CannotQuantizeError(
            f"the hidden state has scale {scale_of(hidden):g} and zero point {hidden.zero_point}, the output "
            f"{output.scale:g} and {output.zero_point}; they must be equal"
        )


def power_of(state: Operand) -> int | None:
    """Return the power of two that is a state's scale; None for another scale, or a zero point."""
    mantissa, exponent = math.frexp(scale_of(state))
    return exponent - 1 if mantissa == 0.5 and state.zero_point == 0 else None


def real_logistic(x: Real) -> Real:
    """Return the logistic function of real values."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
