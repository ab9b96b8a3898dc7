"""recognize_activations: every usual way to write an activation becomes that layer, and nothing else does."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ops.add import Add
from mcuq.ops.base import Op
from mcuq.ops.clip import LARGEST, Clip
from mcuq.ops.gelu import Gelu
from mcuq.ops.hard_sigmoid import HardSigmoid
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.mul import Mul
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.ops.silu import Silu
from mcuq.ops.sub import Sub
from mcuq.ops.tanh import Tanh
from mcuq.passes.recognize_activations import recognize_activations

Form = Callable[[GraphBuilder, str], str]
SIXTH = np.full((1, 1), 1 / 6)


def tanh_gelu(b: GraphBuilder, x: str) -> str:
    cube = b.add(Mul(), b.add(Mul(), x, x), x)
    inner = b.add(Mul(), b.add(Add(), x, b.add(Mul(), cube, 0.044715)), math.sqrt(2 / math.pi))
    return b.add(Mul(), b.add(Mul(), x, b.add(Add(), 1.0, b.add(Tanh(), inner))), 0.5)


def tanh_gelu_in_another_order(b: GraphBuilder, x: str) -> str:
    inner = b.add(Mul(), x, b.add(Add(), b.add(Mul(), b.add(Mul(), x, x), 0.035677408), 0.7978845608))
    return b.add(Mul(), b.add(Mul(), 0.5, x), b.add(Add(), b.add(Tanh(), inner), 1.0))


FORMS: list[tuple[Op, Form]] = [
    (Silu(), lambda b, x: b.add(Mul(), x, b.add(Logistic(), x))),
    (Silu(), lambda b, x: b.add(Mul(), b.add(Logistic(), x), x)),
    (HardSwish(), lambda b, x: b.add(Mul(), x, b.add(HardSigmoid(0.16666667, 0.5), x))),
    (HardSwish(), lambda b, x: b.add(Mul(), b.add(Mul(), x, b.add(Relu6(), b.add(Add(), x, 3.0))), SIXTH)),
    (HardSwish(), lambda b, x: b.add(Mul(), b.add(Mul(), x, 1 / 6), b.add(Clip(0, 6), b.add(Add(), 3.0, x)))),
    (HardSwish(), lambda b, x: b.add(Mul(), x, b.add(Mul(), b.add(Relu6(), b.add(Add(), x, 3.0)), 1 / 6))),
    (HardSwish(), lambda b, x: b.add(Mul(), x, b.add(Clip(0, 1), b.add(Add(), b.add(Mul(), x, 1 / 6), 0.5)))),
    (HardSigmoid(1 / 6, 0.5), lambda b, x: b.add(Mul(), b.add(Clip(0, 6), b.add(Add(), x, 3.0)), 1 / 6)),
    (HardSigmoid(1 / 6, 0.5), lambda b, x: b.add(Mul(), b.add(Add("relu6"), x, 3.0), 1 / 6)),
    (HardSigmoid(0.2, 0.5), lambda b, x: b.add(Clip(0, 1), b.add(Add(), b.add(Mul(), x, 0.2), 0.5))),
    (Gelu("tanh"), tanh_gelu),
    (Gelu("tanh"), tanh_gelu_in_another_order),
    (Relu(), lambda b, x: b.add(Clip(low=0), x)),
    (Relu(), lambda b, x: b.add(Mul("relu"), x, 1.0)),
    (Relu6(), lambda b, x: b.add(Clip(0, 6), x)),
    (Relu6(), lambda b, x: b.add(Clip(high=6), b.add(Relu(), x))),
    (Relu6(), lambda b, x: b.add(Relu(), b.add(Clip(high=6), x))),
    (Clip(-1, 1), lambda b, x: b.add(Clip(high=1), b.add(Clip(low=-1), x))),
    (Clip(-LARGEST, 2.5), lambda b, x: b.add(Clip(high=2.5), b.add(Clip(high=3), x))),
    (
        LeakyRelu(0.1),
        lambda b, x: b.add(Sub(), b.add(Relu(), x), b.add(Mul(), b.add(Relu(), b.add(Mul(), x, -1)), 0.1)),
    ),
    (Tanh(), lambda b, x: b.add(Sub(), b.add(Mul(), b.add(Logistic(), b.add(Mul(), x, 2.0)), 2.0), 1.0)),
]


@pytest.mark.parametrize(("op", "form"), FORMS, ids=[f"{i}-{op.name}" for i, (op, _) in enumerate(FORMS)])
def test_forms(op: Op, form: Form) -> None:
    b = GraphBuilder()
    graph = b.graph(form(b, b.dense(b.input((1, 8)), 40)))
    after = recognize_activations(graph)
    assert_same(graph, after)
    assert len(after.nodes) == 2
    found = after.nodes[1].op
    assert type(found) is type(op)
    for name, value in vars(op).items():
        assert getattr(found, name) == (pytest.approx(value) if isinstance(value, float) else value)


OTHERS: list[Form] = [
    lambda b, x: b.add(Mul(), x, b.add(Logistic(), b.add(Mul(), x, 1.702))),  # near GELU, but another function
    lambda b, x: b.add(Mul(), x, b.add(HardSigmoid(0.2, 0.5), x)),
    lambda b, x: b.add(Add(), b.add(Mul(), x, 1.0), 0.0),
    lambda b, x: b.add(Mul(), x, b.add(Logistic(), b.dense(x, 40))),
    lambda b, x: b.add(Mul(), x, b.add(Logistic(), b.add(Mul(), x, b.random(40)))),
    lambda b, x: b.add(Mul(), x, b.add(Logistic(), b.add(Requantize(), x))),
    lambda b, x: b.add(Clip(0, 5.9), x),
]


@pytest.mark.parametrize("form", OTHERS)
def test_other_functions_stay(form: Form) -> None:
    b = GraphBuilder()
    graph = b.graph(form(b, b.dense(b.input((1, 8)), 40)))
    assert recognize_activations(graph).nodes == graph.nodes


def test_pieces_that_others_read_stay_for_them() -> None:
    b = GraphBuilder()
    x = b.dense(b.input((1, 8)), 40)
    gate = b.add(Logistic(), x)
    graph = b.graph(b.add(Mul(), x, gate), b.add(Mul(), gate, gate))
    after = recognize_activations(graph)
    assert_same(graph, after)
    assert sorted(names(after)) == ["fully_connected", "logistic", "mul", "silu"]


def test_known_pieces_and_outputs_stay() -> None:
    b = GraphBuilder()
    x = b.dense(b.input((1, 8)), 40)
    gate = b.know(b.add(Logistic(), x), 1 / 256, -128)
    y = b.know(b.add(Mul(), x, gate), 0.5, 0)
    graph = b.graph(y)
    assert recognize_activations(graph).nodes == graph.nodes
    b.known.pop(gate)
    assert names(recognize_activations(b.graph(y))) == ["fully_connected", "silu"]
    assert recognize_activations(b.graph(y, gate)).nodes == graph.nodes


def test_one_activation_after_another() -> None:
    b = GraphBuilder()
    y = b.dense(b.input((1, 8)), 40)
    for _ in range(3):
        y = b.add(Mul(), y, b.add(Logistic(), y))
    graph = b.graph(y)
    after = recognize_activations(graph)
    assert_same(graph, after)
    assert names(after) == ["fully_connected", "silu", "silu", "silu"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-2, 2), st.integers(0, 9)), min_size=1, max_size=8))
def test_random_functions_keep_their_values(steps: list[tuple[int, float, int]]) -> None:
    b = GraphBuilder()
    values = [b.dense(b.input((1, 8)), 40)]
    for kind, constant, other in steps:
        x, y = values[-1], values[other % len(values)]
        unary = [Relu(), Logistic(), Clip(-1, 3)]
        values.append(
            b.add(unary[kind], x)
            if kind < 3
            else b.add([Add(), Mul(), Sub(), Add("relu6")][kind - 3], x, y if other % 2 else constant)
        )
    graph = b.graph(values[-1])
    assert_same(graph, recognize_activations(graph))
