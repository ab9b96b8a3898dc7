"""WHILE loops that Keras's recurrent layers become; each is recognized by what its body computes, and is one operator.

A loop has counters, a list of results, what the layer remembers, and the input step by step. Weights are found by what
they are multiplied with. Whether the body then is the layer is not read off its operators, which change with the
converter: it is run, on random values, and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.flatbuffer import DAMAGE, FileGraph, FileOperator
from mcuq.frontends.tflite_numpy import Values, evaluate
from mcuq.ops.gru import Gru
from mcuq.ops.lstm import Lstm
from mcuq.ops.recurrent import GatedOp
from mcuq.ops.rnn import Rnn
from mcuq.tensor import Array

LOOP = "WHILE loop of a recurrent layer"  # a code of mcuq's own; its options are the layer
KINDS: tuple[GatedOp, ...] = (Lstm(), Gru(), Gru(reset_after=False), Rnn())
MAX_STEPS = 10_000
TRIALS = 3  # random values that the body is run on
EXPORT = "build the layer with unroll=True, or with a batch of 1, or give mcuq the Keras model itself"


@dataclass(frozen=True, eq=False)
class Layer:
    """What a loop is: ``constants`` are the operator's weights and biases, ``rows`` whether it keeps all results."""

    op: GatedOp
    constants: tuple[Array, ...]
    rows: bool


@dataclass(frozen=True)
class _Roles:
    """Which of the loop's values are what, by their place."""

    time: int
    results: int
    states: tuple[int, ...]
    x: int


def join_loops(file: FileGraph) -> FileGraph:
    """Replace every such loop by one operator: input [T, 1, I] and states before, to results and the hidden state.

    Raises:
        UnsupportedOperatorError: for another loop.
    """
    if not any(operator.code == "WHILE" for operator in file.operators):
        return file
    operators = []
    for operator in file.operators:
        operators.append(_joined(file, operator) if operator.code == "WHILE" else operator)
    return replace(file, operators=tuple(operators))


def _joined(file: FileGraph, loop: FileOperator) -> FileOperator:
    try:
        found = next(_layers(file, loop), None)
    except DAMAGE:
        found = None
    if found is None:
        raise UnsupportedOperatorError(f"{loop}: a loop that is no LSTM, GRU or simple RNN layer of Keras; {EXPORT}")
    layer, roles = found
    inputs = tuple(loop.inputs[place] for place in (roles.x, *roles.states))
    outputs = tuple(loop.outputs[place] for place in (roles.results, roles.states[0]))
    unused = {*loop.outputs}.difference(outputs)
    if not unused.isdisjoint({*file.outputs, *(i for other in file.operators for i in other.inputs)}):
        raise UnsupportedOperatorError(f"{loop}: more than its hidden states is used after it; {EXPORT}")
    return replace(loop, code=LOOP, inputs=inputs, outputs=outputs, options=layer)


def _layers(file: FileGraph, loop: FileOperator) -> Iterator[tuple[Layer, _Roles]]:
    """Yield what the loop may be, checked."""
    body = file.subgraph(loop.options.BodySubgraphIndex())
    condition = file.subgraph(loop.options.CondSubgraphIndex())
    if not len(loop.inputs) == len(loop.outputs) == len(body.inputs) == len(body.outputs) == len(condition.inputs):
        return
    for roles in _roles(body):
        steps = body.tensors[body.inputs[roles.x]].shape[0]
        if _steps(file, loop, body, condition, roles) != steps:
            continue
        for op, constants in _candidates(body, roles):
            rows = body.tensors[body.inputs[roles.results]].shape[0]
            if rows in (1, steps) and all(_computes(body, roles, op, constants, seed) for seed in range(TRIALS)):
                yield Layer(op, constants, rows == steps), roles


def _roles(body: FileGraph) -> Iterator[_Roles]:
    """Yield what the values may be, by their types and shapes; what is passed on as it is, is the input."""
    tensors = [body.tensors[index] for index in body.inputs]
    real = [place for place, tensor in enumerate(tensors) if tensor.dtype == "float32"]
    passed = [place for place in real if body.outputs[place] == body.inputs[place] and len(tensors[place].shape) == 3]
    changed = [place for place in real if body.outputs[place] != body.inputs[place]]
    lists = [place for place in changed if len(tensors[place].shape) == 3]
    states = tuple(place for place in changed if len(tensors[place].shape) == 2)
    gathers = [op for op in body.operators if op.code == "GATHER" and {*op.inputs} <= {*body.inputs}]
    for x, results, gather in product(passed, lists, gathers):
        if gather.inputs[0] == body.inputs[x]:
            time = body.inputs.index(gather.inputs[1])
            yield from (_Roles(time, results, order, x) for order in {states, states[::-1]})


def _steps(file: FileGraph, loop: FileOperator, body: FileGraph, condition: FileGraph, roles: _Roles) -> int | None:
    """Return how often the loop runs where it counts time from 0 on, by running its condition; None: it does not."""
    counters = [place for place, index in enumerate(body.inputs) if body.tensors[index].dtype in ("int32", "int64")]
    first = {place: file.tensors[loop.inputs[place]].data for place in counters}
    values = {place: value for place, value in first.items() if value is not None}
    if len(values) != len(first) or int(values[roles.time]) != 0:
        return None
    for step in range(MAX_STEPS):
        given = {condition.inputs[place]: np.asarray(value) for place, value in values.items()}
        if not bool(evaluate(condition, given)[condition.outputs[0]]):
            return step
        given = {body.inputs[place]: np.asarray(value) for place, value in values.items()}
        after = evaluate(body, given)
        values = {place: after[body.outputs[place]] for place in counters}
        if int(values[roles.time]) != step + 1:
            return None
    return None


def _candidates(body: FileGraph, roles: _Roles) -> Iterator[tuple[GatedOp, tuple[Array, ...]]]:
    """Yield operators with the weights and biases that they have if the loop is such a layer."""
    units = body.tensors[body.inputs[roles.states[0]]].shape[-1] if roles.states else 0
    fed, recurring = _products(body, roles)
    if not units or not fed or not recurring:
        return
    for op in KINDS:
        weights, recurrent = np.concatenate(fed), np.concatenate(recurring)
        channels = op.gates * units
        if op.remembered != len(roles.states) or len(weights) != channels or len(recurrent) != channels:
            continue
        if weights.ndim == recurrent.ndim == 2 and recurrent.shape[1] == units:
            yield from ((op, (weights, recurrent, *biases)) for biases in _biases(body, op, channels))


def _products(body: FileGraph, roles: _Roles) -> tuple[list[Array], list[Array]]:
    """Return the weights that the input is multiplied with, and the others."""
    steps = {op.outputs[0] for op in body.operators if op.code == "GATHER" and op.inputs[0] == body.inputs[roles.x]}
    both: tuple[list[Array], list[Array]] = ([], [])
    for operator in body.operators:
        if operator.code == "FULLY_CONNECTED" and (weights := body.tensors[operator.inputs[1]].data) is not None:
            both[operator.inputs[0] not in steps].append(weights)
    return both


def _biases(body: FileGraph, op: GatedOp, channels: int) -> Iterator[tuple[Array, ...]]:
    """Yield what the biases may be: the constants of a layer's size, in either place; zeros where there is none."""
    used = {i for operator in body.operators if operator.code in ("ADD", "FULLY_CONNECTED") for i in operator.inputs}
    constants = [body.tensors[i].data for i in sorted(used) if i >= 0]
    found = [data.ravel() for data in constants if data is not None and data.size == channels and data.ndim < 3]
    none = np.zeros(channels, np.float32)
    if op.biases == 1:
        yield (sum(found, none),)
    elif len(found) == 1:
        yield from ((found[0], none), (none, found[0]))
    else:
        yield from ((found[0], found[1]), (found[1], found[0])) if len(found) == 2 else [(none, none)]


def _computes(body: FileGraph, roles: _Roles, op: GatedOp, constants: Sequence[Array], seed: int) -> bool:
    """Whether the body does to random values what the operator does in a step."""
    rng, (weights, recurrent, *biases) = np.random.default_rng(seed), constants
    values: Values = {}
    for index in body.inputs:
        tensor = body.tensors[index]
        values[index] = rng.normal(size=tensor.shape) if tensor.dtype == "float32" else np.zeros(tensor.shape, np.int64)
    x = values[body.inputs[roles.x]]
    time = int(rng.integers(len(x)))
    values[body.inputs[roles.time]] = np.asarray(time)
    states = [values[body.inputs[place]] for place in roles.states]
    fed = x[time] @ weights.T + (biases[0] if biases else 0.0)
    expected = op.step(fed, states, recurrent, *biases[1:])
    results = values[body.inputs[roles.results]].copy()
    results[time if len(results) > 1 else 0] = expected[0]
    after = evaluate(body, values)
    places = (roles.results, *roles.states)
    return all(
        after[body.outputs[place]].shape == wanted.shape and np.allclose(after[body.outputs[place]], wanted, atol=1e-6)
        for place, wanted in zip(places, (results, *expected), strict=True)
    )
