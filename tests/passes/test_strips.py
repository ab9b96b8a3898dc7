"""Chains in strips of rows: every byte of the whole layers', in memory that is shared and poisoned."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from requirements import require
from strip_graphs import Net, random_chain
from test_plan import run_in_arena

from mcuq import emit
from mcuq.archive import Archive
from mcuq.engines.host import build_host
from mcuq.errors import UnsupportedOperatorError
from mcuq.files import write_files
from mcuq.graph import Graph
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Overlap
from mcuq.ops.mean import Mean
from mcuq.ops.relu import Relu
from mcuq.passes.chains import Chain, links, scheduled, windows
from mcuq.passes.strips import in_strips
from mcuq.plan import Plan, near_pairs
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.target.chip import load_chip
from mcuq.verification import simulate_on

SAMPLE = 60
SANITIZED = ("-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RATES = (Fraction(1), Fraction(2), Fraction(3), Fraction(1, 2), Fraction(100))
EMULATED = {
    "rv32": ("esp32c3", "picolibc", "qemu-system-riscv32"),
    "xtensa": ("esp32", "xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
    "s3": ("esp32s3", "xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
}


def random_chains(rng: np.random.Generator, graph: Graph) -> list[Chain]:
    """One chain or two, each from a layer as far as it can go, or a little less."""
    found, first = [], int(rng.integers(0, 2))
    while first < len(graph.nodes) and len(found) < 2:
        possible = [last for last in range(first, len(graph.nodes)) if is_chain(graph, first, last)]
        if possible:
            last = possible[-1] if rng.integers(3) else int(rng.choice(possible))
            found.append(Chain(first, last, RATES[rng.integers(len(RATES))], apart=bool(rng.integers(2))))
            first = last
        first += 1
    return found


def is_chain(graph: Graph, first: int, last: int) -> bool:
    try:
        links(graph, first, last)
    except UnsupportedOperatorError:
        return False
    return True


def planned(seed: int, chip: str) -> tuple[Plan, Plan, np.ndarray]:
    """A random graph without and with chains, and inputs."""
    rng = np.random.default_rng(seed)
    graph, families = random_chain(rng), load_chip(chip).kernels
    strips, made = in_strips(graph, random_chains(rng, graph))
    inside = bool(rng.integers(2))
    x = rng.integers(-128, 128, (5, *graph.values["x"].shape)).astype(np.int8)
    return build_plan(graph, families, inside), build_plan(strips, families, inside, strips=made), x


@pytest.mark.parametrize("seed", range(SAMPLE))
def test_random_chains_equal_the_whole_layers(seed):
    whole, plan, x = planned(seed, ("esp32", "esp32c3", "esp32s3")[seed % 3])
    expected, got = simulate(whole, {"x": x}), simulate(plan, {"x": x})
    poisoned = run_in_arena(plan, x[:1])
    for name in plan.graph.outputs:
        np.testing.assert_array_equal(got[name], expected[name])
        np.testing.assert_array_equal(poisoned[name], expected[name][0].ravel())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SAMPLE, 400))
def test_many_random_chains_equal_the_whole_layers(seed):
    test_random_chains_equal_the_whole_layers(seed)


def assert_engine_equals(engine: str, seed: int, chip: str) -> None:
    whole, plan, x = planned(seed, chip)
    outputs = simulate_on(engine, plan, {"x": x}).outputs
    for name, expected in simulate(whole, {"x": x}).items():
        np.testing.assert_array_equal(outputs[name].reshape(expected.shape), expected)


@pytest.mark.parametrize("seed", range(3))
def test_n3_generated_c_equals_the_whole_layers(seed):
    assert_engine_equals("host", seed, "esp32c3")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_n3_generated_c_under_sanitizers(seed, tmp_path):
    """From the second sample on, the arena holds what the one before has left."""
    whole, plan, x = planned(seed, ("esp32", "esp32c3", "esp32s3")[seed % 3])
    write_files(tmp_path, emit.emit_library(plan, Archive(plan.graph, {"x": x})))
    with build_host(tmp_path, [plan.graph.name], SANITIZED) as firmware:
        outputs = firmware.run(plan, {"x": x}).outputs
    for name, expected in simulate(whole, {"x": x}).items():
        np.testing.assert_array_equal(outputs[name].reshape(expected.shape), expected)


@pytest.mark.parametrize("engine", EMULATED)
@pytest.mark.parametrize("seed", range(2))
def test_n4_emulated_chips_equal_the_whole_layers(seed, engine):
    chip, *tools = EMULATED[engine]
    require(*tools)
    assert_engine_equals(engine, seed, chip)


def test_the_sample_has_chains_of_every_kind():
    """Else the comparison would prove little: windows, branches, pools and several strips occur."""
    plans = [planned(seed, "esp32")[1] for seed in range(SAMPLE)]
    kernels = {step.params.kernel for plan in plans for step in plan.steps}
    assert {"rows_s8", "pixel_sums_s8", "mean_of_sums_s8"} <= kernels
    strips = [(step, plan) for plan in plans for step in plan.steps if step.name in plan.strips.layers]
    assert sum(step.op.name == "conv_transpose2d" for step, _ in strips) > SAMPLE
    assert sum(step.op.name == "pad" for step, _ in strips) > SAMPLE
    assert sum(step.inputs[0] in plan.graph.constants for step, plan in strips if step.op.name == "pad") > SAMPLE // 4
    on_vectors = {step.params.kernel for seed in range(4) for step in planned(seed, "esp32s3")[1].steps}
    assert {"rows_s8_s3", "pixel_sums_s8_s3"} <= on_vectors
    assert sum(len(plan.strips.layers) > 20 for plan in plans) > SAMPLE // 6
    assert sum(len(plan.strips.chains) > 1 for plan in plans) > 5
    saved = [any(memory.endswith(".kept") for memory in plan.strips.memory.values()) for plan in plans]
    assert SAMPLE // 6 < sum(saved) < SAMPLE * 5 // 6


def residual(rows: int = 40) -> Graph:
    """An image of 40 x 20 x 8 through layers of 3 x 3 with a shortcut, then a mean."""
    net = Net(np.random.default_rng(3))
    net.b.values["x"] = net.b.values["x"].__class__((1, rows, 20, 8), 0.05, net.zero_point)
    a = net.conv("x", same=True)
    b = net.conv(a, same=True)
    return net.graph(net.add(Mean((1, 2)), net.add(Add(), a, b)))


def test_memory_holds_a_few_rows():
    graph = residual()
    strips, made = in_strips(graph, [Chain(0, 3, Fraction(1))])
    whole, plan = build_plan(graph), build_plan(strips, strips=made)

    assert whole.arena_bytes >= 2 * 40 * 20 * 8
    assert plan.arena_bytes < 16 * 20 * 8
    assert plan.arena_bytes == plan.arena_bound


def test_windows_take_turns_where_rows_that_stay_lie_apart():
    """What is held of five values at a time are the rows that stay, and the windows of a layer's input and output."""
    net = Net(np.random.default_rng(3))
    net.b.values["x"] = net.b.values["x"].__class__((1, 40, 20, 8), 0.05, net.zero_point)
    value, row = "x", 20 * 8
    for _ in range(6):
        value = net.conv(value, same=True)
    graph = net.graph(value)
    chain = Chain(0, 5, Fraction(4), apart=True)
    strips, made = in_strips(graph, [chain])
    plan = build_plan(strips, strips=made)
    found = links(graph, 0, 5)
    held = list(windows(found, scheduled(found, chain.rows)).values())
    together = max(a.rows + b.rows for a, b in pairwise(held))
    assert plan.arena_bytes == plan.arena_bound <= (sum(h.stay for h in held) + together) * row
    assert plan.arena_bytes < 0.8 * sum(h.rows for h in held) * row


def test_a_window_lies_where_the_rows_it_is_made_of_come_from():
    """A layer that may write over its input does so in strips too, behind the rows that come back in front."""
    net = Net(np.random.default_rng(3))
    net.b.values["x"] = net.b.values["x"].__class__((1, 40, 20, 8), 0.05, net.zero_point)
    graph = net.graph(net.conv(net.add(Relu(), net.conv("x", same=True)), same=True))
    strips, made = in_strips(graph, [Chain(0, 2, Fraction(4), apart=True)])
    plan = build_plan(strips, strips=made)
    near = near_pairs(plan.steps, plan.buffers, plan.views)
    in_front = plan.views["relu_1_strip_5"].offset
    assert in_front > 0
    assert near["conv2d_0_strip_5", "relu_1_window_2"][1] == Overlap(in_front, None)
    x = np.random.default_rng(0).integers(-128, 128, (1, *graph.values["x"].shape)).astype(np.int8)
    (name,) = graph.outputs
    np.testing.assert_array_equal(run_in_arena(plan, x)[name], simulate(build_plan(graph), {"x": x})[name].ravel())


def test_the_result_lies_where_rows_of_the_input_were():
    """Two layers of 3 x 3 on an image in the arena: it takes a few rows more than the image alone."""
    net = Net(np.random.default_rng(3))
    net.b.values["x"] = net.b.values["x"].__class__((1, 40, 20, 8), 0.05, net.zero_point)
    graph = net.graph(net.conv(net.conv("x", same=True), same=True))
    strips, made = in_strips(graph, [Chain(0, 1, Fraction(1))])
    plan = build_plan(strips, io_in_arena=True, strips=made)
    (name,) = graph.outputs

    assert plan.arena_bytes < (40 + 18) * 20 * 8
    assert plan.buffers[name].offset <= plan.buffers["x"].offset < plan.buffers[name].end
    x = np.random.default_rng(0).integers(-128, 128, (1, *graph.values["x"].shape)).astype(np.int8)
    expected = simulate(build_plan(graph), {"x": x})[name]
    np.testing.assert_array_equal(run_in_arena(plan, x)[name], expected.ravel())


def test_no_row_is_computed_twice():
    strips, made = in_strips(residual(), [Chain(0, 3, Fraction(3))])
    for layer in ("conv2d_0", "conv2d_1", "add_2"):
        parts = [n for n in strips.nodes if made.layers.get(n.name) == layer and n.op.name == layer[:-2]]
        assert sum(strips.values[n.outputs[0]].shape[1] for n in parts) == 40
        assert max(strips.values[n.outputs[0]].shape[1] for n in parts) == 3


def test_strips_of_one_shape_share_their_parameters():
    from mcuq.plan.tables import distinct_params

    strips, made = in_strips(residual(), [Chain(0, 3, Fraction(1))])
    plan = build_plan(strips, strips=made)
    names = {params for step, params in distinct_params(plan).items() if made.layers.get(step) == "conv2d_1"}
    assert len([s for s in plan.steps if made.layers.get(s.name) == "conv2d_1"]) == 40
    assert len(names) <= 8  # top, middle, bottom, for two sizes of memory


def test_what_cannot_be_a_chain_is_named():
    graph = residual()
    with pytest.raises(UnsupportedOperatorError, match="conv2d_1: its values are used beside the chain"):
        links(graph, 0, 1)
    net = Net(np.random.default_rng(0))
    x = net.add(AveragePool((net.shape("x")[1], 1)), "x")
    graph = net.graph(net.conv(net.add(Mean((3,), keep_dims=True), x)))
    with pytest.raises(UnsupportedOperatorError, match="mean_1: mean has no rows: it cannot be computed in strips"):
        links(graph, 0, 2)
