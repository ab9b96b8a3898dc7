"""What a kernel wants its memory to be aligned to: planned, proven, emitted; refused where the caller gives less."""

import re
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from mcuq import emit, kernels, pipeline
from mcuq.archive import Archive
from mcuq.fit import footprint
from mcuq.graph import Graph, Node
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d, Conv2dParams
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.reshape import Reshape
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.tensor import QConstant, QTensor

IMAGE = QTensor((1, 3, 3, 5), 0.1, 0)  # 45 bytes
LAYERS = ("conv2d_0", "conv2d_1", "conv2d_2")


class Wide(Conv2dParams):
    """A kernel that loads 16 bytes at a time, from and to everywhere."""

    alignment: ClassVar[int] = 16

    @property
    def scratch_bytes(self) -> int:
        return 20


def three_layers(rng: np.random.Generator, weights: tuple[str, str, str] = ("w_0", "w_1", "w_2")) -> Graph:
    constants = {
        name: QConstant(rng.integers(-9, 9, (5, 1, 1, 5)).astype(np.int8), np.full(5, 0.01)) for name in weights
    }
    values = {"x": IMAGE} | dict.fromkeys(LAYERS, IMAGE)
    nodes = [
        Node(name, Conv2d(), (source, w), (name,))
        for name, source, w in zip(LAYERS, ("x", *LAYERS), weights, strict=False)
    ]
    return Graph("aligned", ("x",), (LAYERS[-1],), tuple(nodes), values, constants).verify()


def wide(graph: Graph, *names: str) -> dict[str, Wide]:
    """The same layers' kernels, wide."""
    steps = {step.name: step.params for step in build_plan(graph).steps}
    return {name: Wide(**vars(steps[name])) for name in names}


def address(plan: Plan, value: str) -> int:
    buffer, start = plan.locate(value)
    assert buffer.region == "arena"
    return buffer.offset + start


@pytest.mark.parametrize(("layer", "region"), [("conv2d_0", "input"), ("conv2d_2", "output")])
def test_memory_of_the_callers_has_no_alignment(rng, layer, region):
    """Nothing in the header asks a caller for it."""
    graph = three_layers(rng)
    with pytest.raises(AssertionError, match=f"multiple of 16.*{region}"):
        build_plan(graph, instead=wide(graph, layer))


@pytest.mark.parametrize(("layer", "io_in_arena"), [("conv2d_1", False), ("conv2d_0", True), ("conv2d_2", True)])
def test_the_arena_has(rng, layer, io_in_arena):
    graph = three_layers(rng)
    plan = build_plan(graph, io_in_arena=io_in_arena, instead=wide(graph, layer))
    (step,) = (step for step in plan.steps if step.name == layer)

    assert [address(plan, value) % 16 for value in (*step.inputs, *step.outputs)] == [0, 0]
    assert plan.buffers[step.scratch].offset % 16 == 0
    assert plan.buffers[step.scratch].bytes == 20


@pytest.mark.parametrize("what", ["conv2d_0", "conv2d_1", "conv2d_1.scratch"])
def test_verify_catches_a_byte_beside(rng, what):
    graph = three_layers(rng)
    plan = build_plan(graph, instead=wide(graph, "conv2d_1"))
    apart = {name: replace(b, offset=160 * i) for i, (name, b) in enumerate(plan.buffers.items())}
    replace(plan, buffers=apart).verify()
    moved = apart | {what: replace(apart[what], offset=apart[what].offset + 8, alignment=1)}
    with pytest.raises(AssertionError, match="multiple of 16"):
        replace(plan, buffers=moved).verify()


def layers_offered(monkeypatch, graph: Graph, **options) -> dict[str, bool]:
    """Where each kernel is told that an address cannot be chosen."""
    told = {}

    def chosen(layer, families):
        told[len(told)] = layer.at_border
        return layer.params

    monkeypatch.setattr(kernels, "chosen", chosen)
    plan = build_plan(graph, **options)
    return {step.name: at_border for step, at_border in zip(plan.steps, told.values(), strict=True)}


def test_kernels_are_told_of_the_border(rng, monkeypatch):
    graph = three_layers(rng)

    assert layers_offered(monkeypatch, graph) == {"conv2d_0": True, "conv2d_1": False, "conv2d_2": True}
    assert not any(layers_offered(monkeypatch, graph, io_in_arena=True).values())


def test_views_of_the_border_are_the_border(monkeypatch):
    flat = QTensor((1, 45), 0.1, 0)
    values = {"x": IMAGE, "flat": flat, "a": flat, "b": flat, "y": IMAGE}
    nodes = (
        Node("reshape_0", Reshape((1, 45)), ("x",), ("flat",)),
        Node("relu_0", Relu(), ("flat",), ("a",)),
        Node("relu6_1", Relu6(), ("a",), ("b",)),
        Node("reshape_1", Reshape((1, 3, 3, 5)), ("b",), ("y",)),
    )
    graph = Graph("views", ("x",), ("y",), nodes, values).verify()

    assert layers_offered(monkeypatch, graph) == {"relu_0": True, "relu6_1": True}


def joined(rng: np.random.Generator) -> Graph:
    """Two layers whose outputs lie in one value, the second one 45 bytes after the first, and a layer that reads it."""
    graph = three_layers(rng)
    both = QTensor((1, 6, 3, 5), 0.1, 0)
    nodes = (
        Node("relu_0", Relu(), ("x",), ("r",)),
        Node("conv2d_0", Conv2d(), ("r", "w_0"), ("conv2d_0",)),
        Node("conv2d_1", Conv2d(), ("r", "w_1"), ("conv2d_1",)),
        Node("concatenation_0", Concatenation(1), ("conv2d_0", "conv2d_1"), ("both",)),
        Node("conv2d_2", Conv2d(), ("both", "w_2"), ("conv2d_2",)),
        Node("relu_1", Relu(), ("conv2d_2",), ("y",)),
    )
    values = {"x": IMAGE, "r": IMAGE, "conv2d_0": IMAGE, "conv2d_1": IMAGE, "both": both, "conv2d_2": both, "y": both}
    return Graph("joined", ("x",), ("y",), nodes, values, graph.constants).verify()


def test_an_odd_place_in_another_value_is_refused_and_told(rng, monkeypatch):
    graph = joined(rng)
    build_plan(graph, instead=wide(graph, "conv2d_0", "conv2d_2"))
    with pytest.raises(AssertionError, match="multiple of 16"):
        build_plan(graph, instead=wide(graph, "conv2d_1"))
    told = layers_offered(monkeypatch, graph)

    assert [told[name] for name in LAYERS] == [False, True, False]


def alignments(plan: Plan, graph: Graph) -> dict[str, int]:
    content = Archive(graph, emit.self_test_inputs(plan))
    files = emit.emit_library(plan, content)
    text = files["lib/aligned/src/aligned_tables.h"].decode()
    return {name: int(size) for size, name in re.findall(r"MCUQ_ALIGNED\((\d+)\) const \w+ (\w+)\[", text)}


def test_tables_follow_the_kernels_that_read_them(rng):
    """One that two layers share has the alignment of the stricter one."""
    graph = three_layers(rng, ("w_0", "w_1", "w_0"))
    plan = build_plan(graph, instead=wide(graph, "conv2d_1"))
    found = alignments(plan, graph)
    tables = {member.name for member, _ in plan.steps[1].params.tables()}
    shared = {name for name in tables if f"conv2d_1_{name}" not in found}  # equal to one of conv2d_0's

    assert tables > shared > set()
    assert found == {
        name: 16 if name.startswith("conv2d_1") or name.removeprefix("conv2d_0_") in shared else 4 for name in found
    }
    assert set(alignments(build_plan(graph), graph).values()) == {4}


def test_check_counts_what_larger_alignment_may_cost(rng):
    graph = three_layers(rng)
    plain, aligned = (
        dict(footprint.constants(build_plan(graph, instead=instead))) for instead in ({}, wide(graph, "conv2d_1"))
    )
    larger = sum(size == 16 for size in alignments(build_plan(graph, instead=wide(graph, "conv2d_1")), graph).values())

    assert larger > 0
    assert aligned.get("alignment", 0) - plain.get("alignment", 0) == 12 * larger
    assert {**aligned, "alignment": 0} == {**plain, "alignment": 0}


def test_without_such_kernels_nothing_changes(rng):
    """Tables are at multiples of 4, as ever; the kernels here want no more of their buffers."""
    plan = pipeline.compile(three_layers(rng), "esp32dev")

    assert {step.params.alignment for step in plan.steps} == {1}
