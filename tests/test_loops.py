"""Turns of a chain that are alike: written once in C, counted once, and the same steps in the same order."""

from fractions import Fraction

import numpy as np
import pytest
from strip_graphs import Net, random_chain

from mcuq import emit
from mcuq.archive import Archive
from mcuq.fit import footprint
from mcuq.ops.add import Add
from mcuq.passes.chains import Chain
from mcuq.passes.strips import in_strips
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.plan.loops import loops, place_of, places
from mcuq.tensor import QTensor


@pytest.fixture(scope="module")
def plan() -> Plan:
    """An image of 40 rows through two layers of 3 x 3 with a shortcut, a row at a time."""
    net = Net(np.random.default_rng(3))
    net.b.values["x"] = QTensor((1, 40, 6, 4), 0.05, net.zero_point)
    y = net.conv("x", same=True)
    graph = net.graph(net.add(Add(), y, net.conv(y, same=True)))
    strips, made = in_strips(graph, [Chain(0, 2, Fraction(1))])
    return build_plan(strips, strips=made)


def assert_are_all_steps(plan: Plan) -> None:
    """The loops, done turn by turn, are the plan's steps with the places that these have."""
    index = 0
    for loop in loops(plan):
        assert loop.first == index
        for turn in range(loop.turns):
            for step, moves in zip(loop.steps, loop.moves, strict=True):
                first, now = plan.steps[step], plan.steps[index]
                assert (first.params.kernel, len(first.inputs)) == (now.params.kernel, len(now.inputs))
                moved = [p._replace(offset=p.offset + turn * m) for p, m in zip(places(plan, step), moves, strict=True)]
                assert moved == places(plan, index)
                index += 1
    assert index == len(plan.steps)


def test_turns_that_are_alike_are_one_loop(plan):
    assert len(plan.steps) > 150
    assert max(loop.turns for loop in loops(plan)) > 25
    assert_are_all_steps(plan)


@pytest.mark.parametrize("seed", range(8))
def test_random_chains(seed):
    graph = random_chain(np.random.default_rng(seed))
    assert_are_all_steps(build_plan(graph, io_in_arena=True))


def test_c_has_what_is_alike_once(plan):
    x = np.zeros((1, *plan.graph.values["x"].shape), np.int8)
    text = emit.emit_library(plan, Archive(plan.graph, {"x": x}))["lib/chain/src/chain.c"]
    code = text.decode() if isinstance(text, bytes) else text
    written = sum(loop.length for loop in loops(plan))
    assert code.count("MCUQ_AFTER_STEP(") == written < len(plan.steps) // 4
    assert "for (int32_t turn = 0; turn < " in code
    assert dict(footprint.code(plan, "rv32imc"))["calls"] < len(plan.steps) * 20


def test_places(plan):
    step = plan.steps[0]
    assert place_of(plan, step.inputs[0]).base == "x"
    assert place_of(plan, step.outputs[0]).base == "arena"
