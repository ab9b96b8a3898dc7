"""Rows from outside: pushed a few at a time or pulled, every byte of the run with the whole input, in less memory."""

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from requirements import require
from strip_graphs import Net, random_chain
from test_loops import assert_are_all_steps
from test_plan import run_in_arena

from mcuq import archive, emit, pipeline
from mcuq.archive import Archive
from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.engines.host import compiler
from mcuq.engines.sources import library_folders, library_sources
from mcuq.errors import DoesNotFitError, UnsupportedOperatorError
from mcuq.fit.chains import needed
from mcuq.graph import Graph, Node, State
from mcuq.ops.add import Add
from mcuq.ops.mean import Mean
from mcuq.ops.reshape import Reshape
from mcuq.page.arena import arena_of
from mcuq.passes.arrivals import with_arrivals
from mcuq.passes.chains import Chain, links
from mcuq.passes.strips import in_strips
from mcuq.plan import Plan
from mcuq.plan.arrivals import is_arrival, stages
from mcuq.plan.builder import build_plan
from mcuq.plan.loops import loops
from mcuq.report.memory_map import memory_map
from mcuq.resources import resource
from mcuq.simulator import simulate
from mcuq.target.chip import load_chip
from mcuq.tensor import QConstant, QTensor
from mcuq.verification import simulate_on

SAMPLE = 30
BOARD = "esp32-c3-devkitm-1"
RATES = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(2))
NEEDS_NO_ROW = 111  # a graph whose output is all padding: nothing takes rows in there
TALL = (5, 8, 10, 13, 28)  # seeds of images of many rows
ENGINES = {
    "host": ("esp32", "gcc sanitizers"),
    "rv32": ("esp32c3", "picolibc", "qemu-system-riscv32"),
    "xtensa": ("esp32", "xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
}
DRIVER = Path(__file__).with_name("pushed_rows.c")
OUTPUTS = 10  # that the driver writes
ON_HOST = """
#include <stdio.h>
#include "mcuq_port.h"
void mcuq_port_write(const void *data, int32_t bytes) { fwrite(data, 1, (size_t)bytes, stdout); }
"""


def pushed(graph: Graph, rate: Fraction, chip: str = "esp32", *, apart: bool = False) -> Plan:
    """A graph whose input arrives in rows, which a chain as long as possible takes in, if one can."""
    graph = with_arrivals(graph)
    possible = [last for last in range(len(graph.nodes)) if is_chain(graph, last)]
    chains = [Chain(0, possible[-1], rate, apart)] if possible else []
    strips, made = in_strips(graph, chains)
    return build_plan(strips, load_chip(chip).kernels, strips=made)


def is_chain(graph: Graph, last: int) -> bool:
    try:
        links(graph, 0, last)
    except UnsupportedOperatorError:
        return False
    return True


def planned(seed: int, chip: str) -> tuple[Plan, Plan, np.ndarray]:
    """A random graph with its whole input and with rows that arrive, and inputs."""
    rng = np.random.default_rng(seed)
    graph = random_chain(rng)
    x = rng.integers(-128, 128, (5, *graph.values["x"].shape)).astype(np.int8)
    rate, apart = RATES[rng.integers(len(RATES))], bool(rng.integers(2))
    return build_plan(graph, load_chip(chip).kernels), pushed(graph, rate, chip, apart=apart), x


@pytest.fixture
def graph() -> Graph:
    """An image of 32 x 24 x 4 through layers of 16 channels, then a mean over all pixels."""
    net = Net(np.random.default_rng(5))
    net.b.values["x"] = QTensor((1, 32, 24, 4), 0.05, net.zero_point)
    y = net.conv(net.conv("x", 16, same=True), depthwise=True, same=True)
    return net.graph(net.add(Mean((1, 2)), net.conv(y, 16, same=True)))


@pytest.mark.parametrize("seed", range(SAMPLE))
def test_random_graphs_equal_the_whole_input(seed):
    whole, plan, x = planned(seed, ("esp32", "esp32c3")[seed % 2])
    expected, got = simulate(whole, {"x": x}), simulate(plan, {"x": x})
    poisoned = run_in_arena(plan, x[:1])
    for name in plan.graph.outputs:
        np.testing.assert_array_equal(got[name], expected[name])
        np.testing.assert_array_equal(poisoned[name], expected[name][0].ravel())
    assert_are_all_steps(plan)


def test_rows_that_arrive_are_all_that_is_read_of_the_input():
    plans = [planned(seed, "esp32")[1] for seed in range(SAMPLE)]
    for plan in plans:
        assert plan.rows_arrive
        assert all(is_arrival(step) == ("x" in (plan.views[v].buffer if v in plan.views else v for v in step.inputs))
                   for step in plan.steps)  # fmt: skip
        assert len(stages(plan)) == 1 + sum(map(is_arrival, plan.steps))
    assert max(len(stages(plan)) for plan in plans) > 20
    assert sum(len(stages(plan)) > 3 for plan in plans) > SAMPLE // 3
    assert any(loop.turns > 1 and is_arrival(plan.steps[loop.first]) for plan in plans for loop in loops(plan))


@pytest.mark.parametrize("seed", TALL[:2])
def test_n3_generated_c_equals_the_whole_input(seed):
    """The application pushes other numbers of rows in every run."""
    whole, plan, x = planned(seed, "esp32c3")
    outputs = simulate_on("host", plan, {"x": x}).outputs
    for name, expected in simulate(whole, {"x": x}).items():
        np.testing.assert_array_equal(outputs[name].reshape(expected.shape), expected)


def driven(engine: str, plan: Plan, x: np.ndarray, folder: Path) -> tuple[bytes, int]:
    """Compile the driver with a plan's C for an engine; return the outputs that it writes, and the wrong line."""
    plan = replace(plan, graph=replace(plan.graph, name="net"))
    for path, content in emit.emit_library(plan, Archive(plan.graph, {"x": x[np.newaxis]})).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    application = {path.name for path in (resource("firmware") / "app").iterdir()} | {"net_model.c"}
    folders = library_folders(folder, ["net"])
    suffixes = (".c",) if engine == "host" else (".c", ".S")
    sources = [path for path in library_sources(folders, suffixes) if path.name not in application]
    main, program = folder / "main.c", folder / "main"
    main.write_text(DRIVER.read_text().replace("INPUT}", f"{', '.join(map(str, x.ravel()))}}}"))
    includes = [f"-I{path}" for path in (*folders, resource("firmware") / "app")]
    if engine == "host":
        (folder / "port.c").write_text(ON_HOST)
        flags = [*STRICT, *SANITIZERS, *includes]
        subprocess.run([compiler(), *flags, main, folder / "port.c", *sources, "-o", program], check=True)
        command = [str(program)]
    else:
        compile_emulated(engine, [main, *sources], ["-O2", *includes], program)
        command = emulator_command(engine, program)
    said = subprocess.run(command, input=b"", capture_output=True, check=True).stdout
    return said[:-4], int.from_bytes(said[-4:], "little")


@pytest.mark.parametrize(("engine", "seed"), [*(("host", n) for n in (3, *TALL)), ("rv32", 8), ("xtensa", 5)])
def test_any_number_of_rows_and_every_misuse(engine, seed, tmp_path):
    chip, *tools = ENGINES[engine]
    require(*tools)
    rng = np.random.default_rng(seed)
    graph = random_chain(rng)
    x = rng.integers(-128, 128, graph.values["x"].shape).astype(np.int8)
    expected = simulate(build_plan(graph), {"x": x[np.newaxis]})[graph.outputs[0]]

    said, wrong_line = driven(engine, pushed(graph, RATES[seed % 3], chip, apart=seed % 2 == 1), x, tmp_path)

    assert wrong_line == 0
    assert said == expected.tobytes() * OUTPUTS


@pytest.mark.slow
@pytest.mark.parametrize("seed", [n for n in range(20, 120) if n != NEEDS_NO_ROW])
def test_many_graphs_on_the_host(seed, tmp_path):
    test_any_number_of_rows_and_every_misuse("host", seed, tmp_path)


def test_the_planner_holds_a_few_rows(graph):
    whole = pipeline.compile(graph, BOARD, io_in_arena=None, slower=0)
    plan = pipeline.compile(graph, BOARD, push_rows=True)
    less = pipeline.compile(graph, BOARD, push_rows=True, slower=100)
    assert plan.strips.chains[0].first == less.strips.chains[0].first == 0
    assert needed(less) <= needed(plan) and needed(less) < needed(whole) / 2
    assert needed(less) == less.arena_bytes < 32 * 24 * 16 / 2
    assert max(step.params.bytes for step in less.steps if is_arrival(step)) < 32 * 24 * 4 / 2


def test_an_amount_of_memory(graph):
    with pytest.raises(DoesNotFitError, match="needs at least") as short:
        pipeline.compile(graph, BOARD, push_rows=True, ram=100)
    least = int(str(short.value).split("at least ")[1].split(" ")[0].replace(",", ""))
    assert needed(pipeline.compile(graph, BOARD, push_rows=True, ram=least)) == least


def test_a_project_keeps_it(graph, run, tmp_path):
    """Built, recorded, and verified with the C compiler of this computer, layer by layer."""
    model, project = tmp_path / "model.mcuq", tmp_path / "project"
    model.write_bytes(archive.dump(Archive(graph)))
    assert run("build", model, "--board", BOARD, "--out", project, "--push-rows")[0] == 0
    header = (project / "lib/chain/src/chain.h").read_text()
    assert "#define CHAIN_ROWS 32\n#define CHAIN_ROW_BYTES 96\n" in header
    status, out, _ = run("build", model, "--board", BOARD, "--out", project)
    assert status == 0
    assert "--push-rows" in out
    assert "nothing changed" in out
    assert run("verify", project)[0] == 0


def test_what_cannot_be_pushed(graph):
    net = Net(np.random.default_rng(5))
    flat = net.graph(net.add(Reshape((1, int(np.prod(net.shape("x"))))), "x"))
    with pytest.raises(UnsupportedOperatorError, match="layer reshape_0 needs all rows of the input at once"):
        pipeline.compile(flat, BOARD, push_rows=True)
    values = {**graph.values, "x": replace(graph.values["x"], shape=(1, 40))}
    with pytest.raises(UnsupportedOperatorError, match="without rows that could be pushed"):
        with_arrivals(replace(graph, values=values))
    with pytest.raises(UnsupportedOperatorError, match="has 2 inputs"):
        with_arrivals(replace(graph, inputs=("x", "x")))


def test_a_model_that_remembers(graph, rng):
    """The mean of an image is added to that of the ones before."""
    (mean,) = graph.outputs
    tensor = graph.values[mean]
    add = Node("sum", Add(), (mean, "before"), ("now",))
    remembering = replace(
        graph,
        nodes=(*graph.nodes, add),
        outputs=("now",),
        values={**graph.values, "before": tensor, "now": tensor},
        constants={**graph.constants, "first": QConstant(np.full(tensor.shape, 5, np.int8), np.ones(1))},
        states=(State("before", "now", "first"),),
    ).verify()
    x = {"x": rng.integers(-128, 128, (6, *graph.values["x"].shape)).astype(np.int8)}
    expected = simulate(build_plan(remembering), x)["now"]
    plan = pipeline.compile(remembering, BOARD, push_rows=True)
    assert plan.state_bytes == 16
    assert len(np.unique(expected[:, 0, 0])) > 1
    got = simulate_on("host", plan, x).outputs["now"]
    np.testing.assert_array_equal(got.reshape(expected.shape), expected)


def test_the_page_and_the_map_name_what_lies_in_the_arena(graph):
    plan = pipeline.compile(graph, BOARD, push_rows=True, slower=100)
    names = [box.name for box in arena_of(plan).boxes]
    assert "how far the rows have come" in names
    assert "rows of x_arrived" in names
    assert memory_map(plan).arena == plan.arena_bytes
