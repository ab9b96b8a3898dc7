"""Every declared overlap holds in C at its exact limit, and a plan that goes one byte beyond is caught."""

import math
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import INCLUDE, SANITIZERS, STRICT, kernel_files
from hypothesis import given, settings
from hypothesis import strategies as st
from models import small_graph
from overlap_layers import IMAGE, operands, overlapping, weights
from requirements import require

from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.emit.c_source import struct_text, table_text
from mcuq.engines.host import build_host
from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.plan import ARENA_ALIGNMENT
from mcuq.plan.builder import build_plan
from mcuq.plan.tables import distinct_tables
from mcuq.simulator import simulate
from mcuq.tensor import QTensor


def runs(rng) -> list:
    """(params, inputs, distance of the output from operand 0) at each limit, in both directions."""
    found = []
    for params in overlapping(rng):
        inputs = operands(rng, params)
        overlap, step = params.overlap(0), math.lcm(params.distance, params.operand_alignment)
        found.append((params, inputs, -(-(-overlap.before // step) * step)))
        if overlap.after is not None:
            found.append((params.reversed(), inputs, -(-overlap.after // step) * step))
    return found


def program(cases) -> str:
    """One arena per run: operand 0 and the output in it, further operands apart."""
    kernels = sorted({params.kernel for params, _, _ in cases})
    lines = ["#include <stdio.h>", "#include <string.h>", '#include "mcuq.h"']
    lines += [f'#include "mcuq_{kernel}.h"' for kernel in kernels]
    body = []
    known: dict = {}
    for i, (params, inputs, distance) in enumerate(cases):
        names = {}
        for member, name, is_new in distinct_tables(f"case_{i}", params, known):
            names[member.name] = name
            if is_new:
                lines.append(table_text(member.ctype, name, getattr(params, member.name), alignment=ARENA_ALIGNMENT))
        lines.append(struct_text(f"case_{i}", params, names))
        for k, array in enumerate(inputs):
            lines.append(table_text("int8_t", f"input_{i}_{k}", array, alignment=ARENA_ALIGNMENT))
        size, output = inputs[0].size, params.run(*inputs).size
        start = -(-max(0, -distance) // params.alignment) * params.alignment
        others = "".join(f", input_{i}_{k}" for k in range(1, len(inputs)))
        body += [
            "    {",
            f"        MCUQ_ALIGNED({ARENA_ALIGNMENT}) int8_t arena[{max(start + size, start + distance + output)}];",
            f"        MCUQ_ALIGNED({ARENA_ALIGNMENT}) int32_t scratch[{max(-(-params.scratch_bytes // 4), 1)}];",
            "        memset(arena, 0x5A, sizeof arena);",
            f"        memcpy(arena + {start}, input_{i}_0, {size});",
            f"        mcuq_{params.kernel}(&case_{i}, arena + {start}{others}, arena + {start + distance}, scratch);",
            f"        fwrite(arena + {start + distance}, 1, {output}, stdout);",
            "    }",
        ]
    return "\n".join([*lines, "int main(void)", "{", *body, "    return 0;", "}", ""])


def execute(cases) -> list[np.ndarray]:
    require("gcc sanitizers")
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "overlap.c"), Path(folder, "overlap")
        source.write_text(program(cases))
        files = kernel_files({params.kernel for params, _, _ in cases})
        subprocess.run(["gcc", *STRICT, *SANITIZERS, *INCLUDE, str(source), *files, "-o", str(binary)], check=True)
        raw = subprocess.run([str(binary)], capture_output=True, check=True).stdout
    sizes = [params.run(*inputs).size for params, inputs, _ in cases]
    return np.split(np.frombuffer(raw, np.int8), np.cumsum(sizes)[:-1])


def test_kernels_at_the_exact_limit(rng):
    cases = runs(rng)
    for i, (got, (params, inputs, distance)) in enumerate(zip(execute(cases), cases, strict=True)):
        np.testing.assert_array_equal(got, params.run(*inputs).ravel(), f"{i} {params} at {distance}")


def test_nearer_than_the_limit_some_result_is_wrong(rng):
    """The limits are not merely careful: a row nearer, convolutions overwrite what they still need."""
    nearer = []
    for params, inputs, distance in runs(rng):
        if params.kernel == "conv2d_s8" and params.filter_h == 3:
            row = params.output_w * params.output_c
            nearer.append((params, inputs, distance - row if params.is_reversed else distance + row))
    wrong = [not np.array_equal(got, p.run(*x).ravel()) for got, (p, x, _) in zip(execute(nearer), nearer, strict=True)]

    assert all(wrong)


def chain(rng, *ops) -> Graph:
    """A model of one layer after the other on IMAGE, with a relu at both ends so that both buffers lie in the arena."""
    values, constants, nodes = {"x": IMAGE, "relu_0": IMAGE}, {}, [Node("relu_0", Relu(), ("x",), ("relu_0",))]
    for i, (op, make) in enumerate([*ops, (Relu(), None)], start=1):
        name, source = f"{op.name}_{i}", nodes[-1].outputs[0]
        inputs = [source]
        if make:
            constants[f"{name}_w"] = make(values[source].shape[-1])
            inputs.append(f"{name}_w")
        shape = op.infer_shape(*(values[n].shape if n in values else constants[n].shape for n in inputs))
        values[name] = QTensor(shape, 0.05, -3)
        nodes.append(Node(name, op, tuple(inputs), (name,)))
    return Graph("chain", ("x",), (nodes[-1].outputs[0],), tuple(nodes), values, constants).verify()


LAYERS = {
    "pointwise": lambda rng: (Conv2d(), lambda c: weights(rng, 4, 1, 1, c)),
    "growing": lambda rng: (Conv2d(), lambda c: weights(rng, 8, 1, 1, c)),
    "3x3": lambda rng: (Conv2d(padding=(1, 1, 1, 1)), lambda c: weights(rng, 4, 3, 3, c)),
    "strided": lambda rng: (Conv2d((2, 2), padding=(1, 1, 1, 1)), lambda c: weights(rng, 4, 3, 3, c)),
    "depthwise": lambda rng: (DepthwiseConv2d(padding=(1, 1, 1, 1)), lambda c: weights(rng, 1, 3, 3, c, axis=3)),
    "pool": lambda rng: (MaxPool((2, 2), (1, 1)), None),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_verify_catches_one_byte_beyond(rng, layer):
    plan = build_plan(chain(rng, LAYERS[layer](rng)))
    step = plan.steps[1]
    source, target = plan.buffers[step.inputs[0]], plan.buffers[step.outputs[0]]
    overlap, name = step.params.overlap(0), step.outputs[0]
    shared = target.offset < source.end and source.offset < target.end
    assert shared, "the plan does not use the overlap"
    limit = overlap.after if step.params.is_reversed else -overlap.before
    base = 1000
    for distance, fine in ((limit, True), (limit - 1 if step.params.is_reversed else limit + 1, False)):
        moved = {
            **plan.buffers,
            step.inputs[0]: replace(source, offset=base),
            name: replace(target, offset=base + distance),
        }
        if fine:
            replace(plan, buffers=moved).verify()
        else:
            with pytest.raises(AssertionError):
                replace(plan, buffers=moved).verify()


def random_graph(rng: np.random.Generator, length: int) -> Graph:
    """A random model of layers, shortcuts, reshapes and joins over small images."""
    values, constants, nodes = {"x": QTensor((1, 6, 5, 4), 0.05, -3)}, {}, []

    def add(op, *inputs, quantization=(0.05, -3)):
        name = f"{op.name}_{len(nodes)}"
        shapes = [values[n].shape if n in values else constants[n].shape for n in inputs]
        values[name] = QTensor(op.infer_shape(*shapes), *quantization)
        nodes.append(Node(name, op, inputs, (name,)))
        return name

    def constant(array):
        constants[f"c_{len(constants)}"] = array
        return f"c_{len(constants) - 1}"

    images = ["x", add(Relu(), "x")]
    for _ in range(length):
        source = images[-1] if rng.random() < 0.7 else images[rng.integers(len(images))]
        c = values[source].shape[3]
        match rng.integers(8):
            case 0 | 1:
                filters = int(rng.choice([2, 4, 8]))
                images.append(add(Conv2d(), source, constant(weights(rng, filters, 1, 1, c))))
            case 2:
                images.append(add(Conv2d(padding=(1, 1, 1, 1)), source, constant(weights(rng, 4, 3, 3, c))))
            case 3:
                op = DepthwiseConv2d(padding=(1, 1, 1, 1))
                images.append(add(op, source, constant(weights(rng, 1, 3, 3, c, axis=3))))
            case 4:
                images.append(add(Relu(), source))
            case 5:
                images.append(add(MaxPool((3, 3), padding=(1, 1, 1, 1)), source))
            case 6:
                same_shape = [n for n in images if values[n].shape == values[source].shape]
                images.append(add(Add(), source, same_shape[rng.integers(len(same_shape))]))
            case _:
                other = images[rng.integers(len(images))]
                if other != source:
                    joined = add(Concatenation(1 if values[other].shape[3] == c else 3), source, other)
                    flat = add(Reshape((1, 6, 5, values[joined].elements // 30)), joined)
                    images.append(flat)
    used = {name for node in nodes for name in node.inputs}
    outputs = tuple(n.outputs[0] for n in nodes if n.outputs[0] not in used)
    return Graph("random_graph", ("x",), outputs, tuple(nodes), values, constants).verify()


SLOW = [pytest.param(s, marks=pytest.mark.slow) for s in range(6, 120) if s != 20]


@pytest.mark.parametrize("seed", [*range(6), 20, *SLOW])  # 20: a join whose last part is written first
def test_random_graphs_in_c_equal_unshared_buffers(tmp_path, seed):
    """The arena is poisoned and shared; the simulator has a buffer for every value."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 25)))
    boards = ("esp32-s3-devkitc-1", "esp32-c3-devkitm-1", "esp32dev", "esp32-s2-saola-1")
    written = pipeline.write_project(Archive(graph), boards[seed % len(boards)], tmp_path)
    x = rng.integers(-128, 128, (3, *graph.values["x"].shape)).astype(np.int8)
    flags = ("-std=c99", "-O1", *SANITIZERS)
    with build_host(tmp_path, ["random_graph"], flags) as firmware:
        got = firmware.run(written.plan, {"x": x}).outputs
    expected = simulate(written.plan, {"x": x})
    for name in graph.outputs:
        np.testing.assert_array_equal(got[name], expected[name])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_random_plans_verify(seed, length):
    """``build_plan`` verifies itself; sharing never costs bytes, and the bound holds."""
    plan = build_plan(random_graph(np.random.default_rng(seed), length))
    arena = [b for b in plan.buffers.values() if b.region == "arena"]
    unshared = max((sum(b.bytes for b in arena if b.first <= i <= b.last) for i in range(len(plan.steps))), default=0)

    assert plan.arena_bound <= plan.arena_bytes
    assert plan.arena_bound <= unshared


def test_joined_values_cost_no_copy(rng):
    """Concatenation along the outermost dimension is no step: its inputs are written where the output has them."""
    values = dict.fromkeys(("x", "relu_0", "relu_1"), IMAGE) | {"y": QTensor((1, 14, 6, 4), 0.05, -3)}
    nodes = (
        Node("relu_0", Relu(), ("x",), ("relu_0",)),
        Node("relu_1", Relu(), ("x",), ("relu_1",)),
        Node("concatenation_2", Concatenation(1), ("relu_0", "relu_1"), ("y",)),
    )
    graph = Graph("joined", ("x",), ("y",), nodes, values).verify()
    plan = build_plan(graph)

    assert [step.name for step in plan.steps] == ["relu_0", "relu_1"]
    assert plan.locate("relu_1")[1] == IMAGE.elements
    assert plan.arena_bytes == 0
    x = rng.integers(-128, 128, (2, *IMAGE.shape)).astype(np.int8)
    result = simulate(plan, {"x": x})["y"]
    np.testing.assert_array_equal(result[:, 0, :7], result[:, 0, 7:])


def test_small_graph_is_in_place(rng):
    plan = build_plan(small_graph(rng))

    assert plan.arena_bytes == plan.arena_bound
