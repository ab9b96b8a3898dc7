"""Buffers never collide, views cost nothing, and ``verify`` catches a plan that lies."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import small_graph

from mcuq.errors import CannotQuantizeError
from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.ops.reshape import Reshape
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate, trace
from mcuq.tensor import QTensor


def shapes_graph(edges, size) -> Graph:
    """Random DAG of additions over vectors of one size."""
    values = {"x": QTensor((1, size), 0.1, 0)}
    nodes = []
    for i, (a, b) in enumerate(edges):
        names = ["x", *(f"add_{k}" for k in range(i))]
        values[f"add_{i}"] = QTensor((1, size), 0.1, 0)
        nodes.append(Node(f"add_{i}", Add(), (names[a % len(names)], names[b % len(names)]), (f"add_{i}",)))
    used = {name for node in nodes for name in node.inputs}
    outputs = tuple(node.outputs[0] for node in nodes if node.outputs[0] not in used)
    return Graph("random", ("x",), outputs, tuple(nodes), values).verify()


def run_in_arena(plan, x: np.ndarray) -> dict[str, np.ndarray]:
    """Execute a plan in one poisoned byte array, as the chip does: live data that is overwritten shows."""
    arena = np.full(max(plan.arena_bytes, 1), 0x5A, np.int8)
    outside = {name: np.full(b.bytes, 0x5A, np.int8) for name, b in plan.buffers.items() if b.region != "arena"}
    constants = {name: plan.graph.constants[name].values for name, b in plan.buffers.items() if b.region == "flash"}
    outside |= {name: values.ravel().view(np.int8) for name, values in constants.items()}

    def memory(value):
        buffer, start = plan.locate(value)
        root = plan.views[value].buffer if value in plan.views else value
        base = arena[buffer.offset :] if buffer.region == "arena" else outside[root]
        return base[start : start + plan.graph.tensor(value).elements]

    memory(plan.graph.inputs[0])[:] = x.ravel()
    for step in plan.steps:
        result = step.params.run(*(memory(v).copy()[np.newaxis] for v in step.inputs))
        memory(step.outputs[0])[:] = result.ravel()
    return {name: memory(name).copy() for name in plan.graph.outputs}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=30), st.integers(1, 40))
def test_poisoned_arena_equals_unshared_buffers(edges, size):
    graph = shapes_graph(edges, size)
    plan = build_plan(graph)
    x = np.random.default_rng(0).integers(-128, 128, (1, 1, size)).astype(np.int8)
    expected = simulate(plan, {"x": x})
    got = run_in_arena(plan, x)
    for name in graph.outputs:
        np.testing.assert_array_equal(got[name], expected[name].ravel())


def test_arena_reaches_the_bound_on_a_chain(rng):
    plan = build_plan(small_graph(rng))

    assert plan.arena_bytes == plan.arena_bound == 2 * 6 * 5 * 4  # add writes over an operand


def test_verify_catches_two_live_buffers_in_one_place(rng):
    plan = build_plan(small_graph(rng))
    moved = {n: replace(b, offset=0) for n, b in plan.buffers.items()}
    with pytest.raises(AssertionError):
        replace(plan, buffers=moved).verify()


def test_verify_catches_a_buffer_that_is_too_small(rng):
    plan = build_plan(small_graph(rng))
    shrunk = {n: replace(b, bytes=b.bytes - 1) for n, b in plan.buffers.items()}
    with pytest.raises(AssertionError):
        replace(plan, buffers=shrunk).verify()


def reshape_graph(*steps: tuple[str, str, tuple[int, ...]], outputs) -> Graph:
    values = {"x": QTensor((1, 12), 0.1, 0)}
    nodes = []
    for name, source, shape in steps:
        values[name] = QTensor(shape, 0.1, 0)
        nodes.append(Node(name, Reshape(shape), (source,), (name,)))
    return Graph("views", ("x",), outputs, tuple(nodes), values).verify()


def test_reshape_from_input_to_output_is_a_copy():
    """A view is impossible there: input and output are two of the caller's buffers."""
    plan = build_plan(reshape_graph(("reshape_0", "x", (3, 4)), outputs=("reshape_0",)))

    assert [step.name for step in plan.steps] == ["reshape_0"]


def test_a_view_that_would_change_the_scale_is_refused():
    """A view has no step, its constraints hold all the same."""
    graph = reshape_graph(("reshape_0", "x", (3, 4)), ("reshape_1", "reshape_0", (12,)), outputs=("reshape_1",))
    values = {**graph.values, "reshape_0": QTensor((3, 4), 0.2, 0)}
    with pytest.raises(CannotQuantizeError, match="reshape_0: a reshape cannot change"):
        build_plan(replace(graph, values=values))


def test_two_outputs_that_are_one_value_are_copied():
    graph = reshape_graph(
        ("reshape_0", "x", (3, 4)), ("reshape_1", "reshape_0", (2, 6)), outputs=("reshape_0", "reshape_1")
    )
    plan = build_plan(graph)
    x = np.arange(12, dtype=np.int8).reshape(1, 1, 12)
    outputs = simulate(plan, {"x": x})

    assert len(plan.steps) == 2
    for name in graph.outputs:
        np.testing.assert_array_equal(outputs[name].ravel(), x.ravel())
        np.testing.assert_array_equal(run_in_arena(plan, x)[name], x.ravel())


def test_trace_yields_every_step(rng):
    graph = small_graph(rng)
    plan = build_plan(graph)
    x = rng.integers(-128, 128, (3, 1, 6, 5, 3)).astype(np.int8)
    steps = list(trace(plan, {"image": x}))

    assert [step.name for step, _ in steps] == [node.name for node in graph.nodes]
    np.testing.assert_array_equal(steps[-1][1].view(np.int8), simulate(plan, {"image": x})["scores"].reshape(3, -1))
