"""Models that remember: every run finds what the last one left, in the simulator, the plan, C and the archive."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from hypothesis import given, settings
from hypothesis import strategies as st
from models import remembering_graph, small_graph

from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.engines.host import build_host
from mcuq.errors import MalformedModelError
from mcuq.graph import Graph, Node, State, without_states
from mcuq.ops.add import Add
from mcuq.ops.reshape import Reshape
from mcuq.plan import Plan, states
from mcuq.plan.builder import build_plan
from mcuq.simulator import after, simulate, trace
from mcuq.target.setup import Setup
from mcuq.tensor import QConstant, QTensor
from mcuq.verification import verify_project

STEPS = 9


@pytest.fixture
def graph(rng):
    return remembering_graph(rng)


def steps_of(rng: np.random.Generator, graph: Graph, count: int = STEPS) -> dict[str, np.ndarray]:
    return {n: rng.integers(-128, 128, (count, *graph.values[n].shape)).astype(np.int8) for n in graph.inputs}


def given_everything(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run the same model without states: what it remembers is an input and an output, carried on by hand."""
    plan = build_plan(without_states(graph))
    kept = {state.read: graph.constants[state.initial].values[np.newaxis] for state in graph.states}
    results = []
    for step in range(len(inputs[graph.inputs[0]])):
        given = {name: x[step : step + 1] for name, x in inputs.items()} | kept
        known = given | simulate(plan, given)
        kept = {state.read: known[state.write] for state in graph.states}
        results.append([known[name] for name in graph.outputs])
    return {name: np.concatenate(parts) for name, parts in zip(graph.outputs, zip(*results, strict=True), strict=True)}


def run_in_memory(plan: Plan, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Execute a plan as the chip does: an arena that is poisoned before every run, and bytes that stay."""
    graph = plan.graph
    kept = np.full(plan.state_bytes, 0x5A, np.int8)
    for state in graph.states:
        buffer = plan.buffers[state.read]
        kept[buffer.offset : buffer.end] = graph.constants[state.initial].values.ravel()
    results: dict[str, list[np.ndarray]] = {name: [] for name in graph.outputs}
    for run in range(len(inputs[graph.inputs[0]])):
        outside = {name: np.full(b.bytes, 0x5A, np.int8) for name, b in plan.buffers.items()}
        outside |= {name: inputs[name][run].ravel() for name in graph.inputs}
        regions = {"arena": np.full(max(plan.arena_bytes, 1), 0x5A, np.int8), "state": kept}

        def memory(value, outside=outside, regions=regions):
            buffer, start = plan.locate(value)
            root = plan.views[value].buffer if value in plan.views else value
            base = regions[buffer.region][buffer.offset :] if buffer.region in regions else outside[root]
            return base[start : start + graph.values[value].elements]

        for step in plan.steps:
            result = step.params.run(*(memory(v).copy()[np.newaxis] for v in step.inputs))
            memory(step.outputs[0])[:] = result.ravel()
        for name in graph.outputs:
            results[name].append(memory(name).copy())
    return {name: np.stack(parts).reshape(-1, *graph.values[name].shape) for name, parts in results.items()}


def assert_equal(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, array in expected.items():
        np.testing.assert_array_equal(got[name], array, name)


def test_a_run_goes_on_where_the_last_one_ended(graph, rng):
    x = steps_of(rng, graph)
    expected = given_everything(graph, x)
    plan = build_plan(graph)

    assert_equal(simulate(plan, x), expected)
    assert_equal(run_in_memory(plan, x), expected)


def test_a_sequence_may_be_run_in_parts(graph, rng):
    x = steps_of(rng, graph)
    plan = build_plan(graph)
    first, rest = ({n: a[part] for n, a in x.items()} for part in (slice(None, 4), slice(4, None)))
    whole = simulate(plan, x)["scores"]

    np.testing.assert_array_equal(simulate(plan, first)["scores"], whole[:4])
    np.testing.assert_array_equal(simulate(plan, rest, kept=after(plan, first))["scores"], whole[4:])


def test_the_trace_of_a_step_begins_with_what_is_remembered(graph, rng):
    x = steps_of(rng, graph)
    plan = build_plan(graph)
    before, one = {n: a[:5] for n, a in x.items()}, {n: a[5:6] for n, a in x.items()}
    traced = {step.outputs[0]: out for step, out in trace(plan, one, after(plan, before))}

    np.testing.assert_array_equal(traced["scores"].view(np.int8), simulate(plan, x)["scores"][5].reshape(1, -1))


@st.composite
def graphs(draw) -> Graph:
    """Random additions over the input and states; what a state becomes is any value at all."""
    size, count, nodes_count = draw(st.integers(1, 9)), draw(st.integers(1, 5)), draw(st.integers(1, 8))
    tensor = QTensor((1, size), 0.1, 0)
    reads = [f"s_{i}" for i in range(count)]
    names, nodes = ["x", *reads], []
    for i in range(nodes_count):
        if draw(st.integers(0, 5)) == 0:
            node = Node(f"n_{i}", Reshape((1, size)), (draw(st.sampled_from(names)),), (f"n_{i}",))
        else:
            node = Node(f"n_{i}", Add(), (draw(st.sampled_from(names)), draw(st.sampled_from(names))), (f"n_{i}",))
        nodes.append(node)
        names.append(f"n_{i}")
    made = [node.outputs[0] for node in nodes]
    outputs = tuple(dict.fromkeys([*draw(st.lists(st.sampled_from(made), max_size=3)), made[-1]]))
    states = tuple(State(read, draw(st.sampled_from(names)), f"{read}_initial") for read in reads)
    seeds = np.random.default_rng(draw(st.integers(0, 1000)))
    initial = {s.initial: QConstant(seeds.integers(-99, 99, (1, size)).astype(np.int8), np.ones(1)) for s in states}
    values = dict.fromkeys(names, tensor)
    return Graph("random", ("x",), outputs, tuple(nodes), values, initial, states=states).verify()


@settings(max_examples=150, deadline=None)
@given(graphs(), st.integers(0, 99), st.booleans())
def test_random_models_remember_what_they_must(graph, seed, io_in_arena):
    """Against the model that is given all states, in memory where live bytes that are overwritten show."""
    x = steps_of(np.random.default_rng(seed), graph, 5)
    expected = given_everything(graph, x)
    plan = build_plan(graph, io_in_arena=io_in_arena)

    assert_equal(simulate(plan, x), expected)
    if not io_in_arena:
        assert_equal(run_in_memory(plan, x), expected)


def test_states_lie_apart_and_cost_no_more_than_their_bytes(graph):
    plan = build_plan(graph)

    assert plan.state_bytes == 5 * 15 + 5  # a multiple of 16
    with pytest.raises(AssertionError):
        states.verify(replace(plan, buffers={n: replace(b, offset=0) for n, b in plan.buffers.items()}))


def test_n3_compiled_c_equals_simulator(graph, rng, tmp_path):
    written = pipeline.write_project(graph, "esp32dev", tmp_path)
    x = steps_of(rng, graph)
    with build_host(tmp_path, [graph.name], (*STRICT, *SANITIZERS)) as program:
        assert "PASS remembering 16 of 16" in program.self_test()
        assert_equal(program.run(written.plan, x).outputs, simulate(written.plan, x))
        assert_equal(program.run(written.plan, x).outputs, simulate(written.plan, x))


@pytest.mark.parametrize("setup", [Setup(arena="heap"), Setup(io_in_arena=True), Setup(arena="heap", io_in_arena=True)])
def test_n3_wherever_arena_and_border_lie(graph, setup, tmp_path):
    pipeline.write_project(graph, "esp32dev", tmp_path, setup=setup)

    (result,) = verify_project(tmp_path, flags=(*STRICT, *SANITIZERS))
    assert result.passed


def test_the_first_difference_names_step_layer_and_element(graph, tmp_path):
    """A step that is wrong only after one input: the run after it is named, and found again from a reset."""
    written = pipeline.write_project(graph, "esp32dev", tmp_path)
    source = tmp_path / "lib/remembering/src/remembering.c"
    _break_after(source, written.plan, archive.read(tmp_path / "remembering.mcuq").samples["x"][4])
    (result,) = verify_project(tmp_path)

    assert not result.passed
    assert result.different > 1  # what it says is remembered too
    assert str(result.first).startswith("first difference: step 5, layer add_1 (mcuq_add_s8), element 3: expected ")


def _break_after(source: Path, plan: Plan, x: np.ndarray) -> None:
    """Let a layer's fourth byte be wrong in the run after the input x, which the state "before" then holds."""
    before = plan.buffers["before"].offset
    conditions = " && ".join(f"state[{before + i}] == {value}" for i, value in enumerate(x.ravel().tolist()))
    buffer, offset = plan.locate("sum")
    wrong = f"if ({conditions}) {{ arena[{buffer.offset + offset + 3}] ^= 1; }}\n    MCUQ_AFTER_STEP(1,"
    text = source.read_text()
    assert text.count("MCUQ_AFTER_STEP(1,") == 1
    source.write_text(text.replace("MCUQ_AFTER_STEP(1,", wrong))


def test_check_counts_the_state(graph):
    plan = pipeline.compile(graph, "esp32dev")
    report = pipeline.check_fit(plan, "esp32dev")

    assert dict(report.row("static RAM").breakdown)["state"] == plan.state_bytes == 80


def test_archives_hold_states(graph, tmp_path, rng):
    path = tmp_path / "remembering.mcuq"
    path.write_bytes(archive.dump(Archive(graph)))
    read = archive.read(path).graph
    x = steps_of(rng, graph)

    assert read.states == graph.states
    assert archive.digest(read) == archive.digest(graph)
    assert archive.digest(replace(graph, states=graph.states[:-1])) != archive.digest(graph)
    assert_equal(simulate(build_plan(read), x), simulate(build_plan(graph), x))


def header_of(content: bytes) -> bytes:
    return content[content.index(b'"format":') :][:12]


def test_an_archive_has_the_lowest_format_that_holds_it(graph, rng):
    assert header_of(archive.dump(Archive(graph))) == b'"format": 2,'
    assert header_of(archive.dump(Archive(small_graph(rng)))) == b'"format": 1,'


def test_archives_of_a_newer_mcuq_are_refused_by_number(graph, run, tmp_path):
    path = tmp_path / "newer.mcuq"
    path.write_bytes(archive.dump(Archive(graph)).replace(b'"format": 2', b'"format": 3'))
    path = _with_right_checksums(path)
    status, _, err = run("inspect", path)

    assert status == 2
    assert "has format 3, mcuq 0.1.0 reads up to 2; install a newer mcuq" in err


def _with_right_checksums(path: Path) -> Path:
    """Rewrite a zip whose members were changed in place."""
    import zipfile
    import zlib

    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        infos = file.infolist()
    for info in infos:
        head = info.header_offset
        start = head + 30 + len(info.filename)
        checksum = zlib.crc32(content[start : start + info.file_size]).to_bytes(4, "little")
        content[head + 14 : head + 18] = checksum
        central = content.index(info.filename.encode(), start + info.file_size if info is infos[-1] else start)
        while content[central - 46 : central - 42] != b"PK\1\2":
            central = content.index(info.filename.encode(), central + 1)
        content[central - 30 : central - 26] = checksum
    path.write_bytes(content)
    return path


ONE = QTensor((1, 3, 5), 0.1, 2)

MISTAKES = {
    "two writers": (lambda g: replace(g, states=(*g.states, g.states[0])), "state level is written twice"),
    "no initial value": (
        lambda g: replace(g, states=(State("level", "level_next", "nothing"),)),
        "state level is not described, or has no initial value",
    ),
    "never computed": (
        lambda g: replace(g, states=(*g.states[:-1], State("said", "nothing", "said_initial"))),
        "state nothing is never computed",
    ),
    "an input": (
        lambda g: replace(g, inputs=("x", "level")),
        "state level is an input or output of the model too",
    ),
    "another shape": (
        lambda g: replace(
            g, constants={**g.constants, "said_initial": QConstant(np.zeros((1, 4), np.int8), np.ones(1))}
        ),
        r"state said is int8\[1, 3, 5\], its initial value int8\[1, 4\]",
    ),
    "another scale": (
        lambda g: replace(g, values={**g.values, "level": replace(ONE, scale=0.2)}),
        r"state level is int8\[1, 3, 5\] of scale 0.2 .*, what is written to it int8\[1, 3, 5\] of scale 0.1",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_cannot_be_remembered_is_refused(graph, mistake):
    change, message = MISTAKES[mistake]
    with pytest.raises(MalformedModelError, match=message):
        change(graph).verify()
