"""ONNX layers that are run step by step: LSTM, GRU and RNN, in either direction or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation, constant_of
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.gru import Gru
from mcuq.ops.lstm import Lstm
from mcuq.ops.recurrent import GatedOp
from mcuq.ops.requantize import Requantize
from mcuq.ops.rnn import Rnn
from mcuq.ops.slice import Slice
from mcuq.tensor import Array, Shape

Inputs = Sequence[Entry | None]

DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
LENGTHS, HIDDEN, CELL, PEEPHOLES = 4, 5, 6, 7  # operands


class Kind(NamedTuple):
    """What an operator of the file computes."""

    op: GatedOp
    order: tuple[int, ...]  # which of the file's gates each of the op's is
    activations: tuple[str, ...]


def read(b: Builder, node: OnnxNode, inputs: Inputs) -> Sequence[Entry]:
    """Read LSTM, GRU or RNN: one node for each direction; all outputs, in the file's order of dimensions."""
    kind = _kind(node)
    given = [*inputs, *[None] * (8 - len(inputs))]
    x, directions = activation(given[0]), DIRECTIONS.get(node.text("direction", "forward"), ())
    layout = node.integer("layout", 0)
    if len(x.shape) != 3 or not directions or layout not in (0, 1):
        raise MalformedModelError(f"an input of shape {x.shape}, direction or layout that it has not")
    steps, batch = x.shape[layout], x.shape[1 - layout]
    if batch != 1:
        raise UnsupportedOperatorError(f"has a batch of {batch}; export with a batch of 1")
    _refuse(node, given, kind, len(directions), steps)
    sequence = b.reshape(x, (1, steps, x.shape[2]))
    states = given[HIDDEN : HIDDEN + kind.op.remembered]
    made = [
        _direction(b, kind, sequence, _Weights.of(given, kind, place), [_part(b, s, place) for s in states], back)
        for place, back in enumerate(directions)
    ]
    count, units = len(made), made[0][0].shape[2]
    after = (count, 1, units) if layout == 0 else (1, count, units)
    whole = (steps, count, 1, units) if layout == 0 else (1, steps, count, units)
    rows, last, *cells = ([parts[k] for parts in made] for k in range(len(made[0])))
    return [_joined(b, rows, whole), _joined(b, last, after), *(_joined(b, parts, after) for parts in cells)]


def _kind(node: OnnxNode) -> Kind:
    if node.kind == "LSTM":
        return Kind(Lstm(), (0, 2, 3, 1), ("Sigmoid", "Tanh", "Tanh"))
    if node.kind == "GRU":
        return Kind(Gru(bool(node.integer("linear_before_reset", 0))), (0, 1, 2), ("Sigmoid", "Tanh"))
    return Kind(Rnn(), (0,), ("Tanh",))


def _refuse(node: OnnxNode, given: Inputs, kind: Kind, directions: int, steps: int) -> None:
    """Refuse what changes the formula, naming it."""
    wanted = list(kind.activations) * directions
    activations = node.attributes.get("activations") or wanted
    names = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in activations]
    if [name.lower() for name in names[: len(wanted)]] != [name.lower() for name in wanted]:
        raise UnsupportedOperatorError(
            f"activations {', '.join(names[:6])[:100]}; mcuq has {', '.join(kind.activations)}: train it with these"
        )
    if node.real("clip", 0.0):
        raise UnsupportedOperatorError("its sums are clipped; export it without clip")
    if node.integer("input_forget", 0):
        raise UnsupportedOperatorError("its input and forget gates are coupled; export a plain LSTM")
    if given[PEEPHOLES] is not None:
        raise UnsupportedOperatorError("it has peephole weights; export a plain LSTM")
    lengths = given[LENGTHS]
    if lengths is not None and not (isinstance(lengths, Constant) and np.all(lengths.values == steps)):
        raise UnsupportedOperatorError(
            f"sequences of different lengths (padded or masked); export it for {steps} steps, without lengths"
        )


class _Weights(NamedTuple):
    """The constants of one direction, gates in the op's order."""

    weights: Array  # [G U, I]
    recurrent: Array  # [G U, U]
    bias: Array  # [G U]
    apart: Array | None  # [G U], where the product with the state has a bias of its own

    @classmethod
    def of(cls, given: Inputs, kind: Kind, place: int) -> _Weights:
        weights, recurrent = (constant_of(given[k], "the weights").real() for k in (1, 2))
        gates = len(kind.order)
        if weights.ndim != 3 or recurrent.ndim != 3 or place >= len(weights):
            raise MalformedModelError(f"weights of shapes {weights.shape} and {recurrent.shape}")
        units = recurrent.shape[2]
        bias = np.zeros((place + 1, 2 * gates * units), np.float32)
        if given[3] is not None:
            bias = constant_of(given[3], "the bias").real().reshape(-1, 2 * gates * units)
        fed, back = (_ordered(half, kind.order) for half in np.split(bias[place], 2))
        apart = None
        if isinstance(kind.op, Gru) and kind.op.reset_after:
            apart = np.where(np.arange(len(back)) >= 2 * units, back, np.float32(0))
            back = back - apart
        fed_by, kept_by = (_ordered(part[place], kind.order) for part in (weights, recurrent))
        return cls(fed_by, kept_by, fed + back, apart)

    @property
    def entries(self) -> list[Constant]:
        return [Constant(array) for array in self if array is not None]


def _ordered(gates: Array, order: Sequence[int]) -> Array:
    """Return arrays of gates, one after the other, in another order."""
    parts = np.split(gates, len(order))
    return np.concatenate([parts[k] for k in order])


def _part(b: Builder, state: Entry | None, place: int) -> Entry | None:
    """Return what one direction remembers at first, [1, U]; None: zeros."""
    if state is None:
        return None
    units = state.shape[-1]
    if isinstance(state, Constant):
        return Constant(state.real().reshape(-1, 1, units)[place])
    flat = b.reshape(state, (1, int(np.prod(state.shape))))
    return flat if flat.shape[1] == units else b.emit(Slice((0, place * units), (1, units)), flat)


def _direction(  # noqa: PLR0917
    b: Builder, kind: Kind, x: Value, weights: _Weights, states: Sequence[Entry | None], back: bool
) -> list[Value]:
    """Emit one direction; return its outputs: all hidden states, the last one, and what else it remembers at last."""
    units, steps = weights.recurrent.shape[1], x.shape[1]
    first = [state or Constant(np.zeros((1, units), np.float32)) for state in states]
    wide = kind.op.wide_operands
    operands = [b.emit(Requantize(), s) if k in wide and isinstance(s, Value) else s for k, s in enumerate(first, 1)]
    rows, *last = b.emit_all(kind.op, _turned(b, x, back), *operands, *weights.entries)
    end = b.emit(Slice((0, steps - 1, 0), (1, 1, units)), rows)
    cells = [b.emit(Requantize(), cell) for cell in last] if kind.op.remembered > 1 else []
    return [_turned(b, rows, back), b.reshape(end, (1, units)), *cells]


def _turned(b: Builder, x: Value, back: bool) -> Value:
    """Return a sequence from its last step to its first."""
    steps = x.shape[1]
    return b.emit(Slice((0, steps - 1, 0), x.shape, (1, -1, 1)), x) if back and steps > 1 else x


def _joined(b: Builder, parts: Sequence[Value], shape: Shape) -> Value:
    """Put what the directions made side by side, along the last dimension."""
    whole = parts[0] if len(parts) == 1 else b.emit(Concatenation(len(parts[0].shape) - 1), *parts)
    return b.reshape(whole, shape)
