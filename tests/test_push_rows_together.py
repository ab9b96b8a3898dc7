"""Pushed rows with a state, beside other models in one arena, and in arenas of the application's, on every engine."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from requirements import require
from strip_graphs import Net
from test_push_rows import ENGINES, ON_HOST

from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.engines.host import compiler
from mcuq.engines.sources import library_folders, library_sources
from mcuq.graph import Graph, Node, State
from mcuq.ops.add import Add
from mcuq.ops.mean import Mean
from mcuq.plan.arrivals import MARK_BYTES
from mcuq.resources import resource
from mcuq.simulator import simulate
from mcuq.target.setup import Setup
from mcuq.tensor import QConstant, QTensor
from mcuq.verification import FLAGS, verify_project

BOARDS = {"host": "esp32dev", "rv32": "esp32-c3-devkitm-1", "xtensa": "esp32dev"}
NAMES = ("plain", "remembering", "small")
DRIVER = Path(__file__).with_name("pushed_rows_together.c")
SAMPLES = 3


def image(name: str, rows: int, channels: int) -> Graph:
    """An image of so many rows through two layers of 3 x 3, then a mean over all pixels."""
    net, y = Net(np.random.default_rng(rows), rows), "x"
    net.b.values["x"] = QTensor((1, rows, 6, 3), 0.05, net.zero_point)
    for _ in range(2):
        y = net.conv(y, channels, same=True)
    return replace(net.graph(net.add(Mean((1, 2)), y)), name=name)


def remembering() -> Graph:
    """The same; the mean is added to that of the images before."""
    graph = image("remembering", 20, 16)
    (mean,) = graph.outputs
    tensor = graph.values[mean]
    return replace(
        graph,
        nodes=(*graph.nodes, Node("sum", Add(), (mean, "before"), ("now",))),
        outputs=("now",),
        values={**graph.values, "before": tensor, "now": tensor},
        constants={**graph.constants, "first": QConstant(np.full(tensor.shape, 5, np.int8), np.ones(1))},
        states=(State("before", "now", "first"),),
    ).verify()


def built(folder: Path, board: str, **setup) -> dict[str, pipeline.Written]:
    """A project of a model whose rows are pushed and that remembers, a smaller one, and one with a whole input."""
    pushed = Setup(push_rows=True, slower=100, **setup)
    models = {
        "plain": (image("plain", 4, 4), Setup(**setup)),
        "remembering": (remembering(), pushed),
        "small": (image("small", 10, 4), pushed),
    }
    made = {name: pipeline.write_project(Archive(graph), board, folder, setup=s) for name, (graph, s) in models.items()}
    assert [made[name].plan.rows_arrive for name in NAMES] == [False, True, True]
    return made


@pytest.mark.parametrize("setup", [{}, {"arena": "heap"}, {"share_arena": False}], ids=["shared", "heap", "own"])
@pytest.mark.parametrize("engine", ENGINES)
def test_n4_every_model_of_a_project(engine, setup, tmp_path):
    """Sample by sample and layer by layer; on the host under sanitizers."""
    require(*ENGINES[engine][1:])
    built(tmp_path, BOARDS[engine], **setup)
    results = verify_project(tmp_path, engine, flags=(*STRICT, *SANITIZERS) if engine == "host" else FLAGS)
    assert [(result.different, result.first, result.self_test) for result in results] == [(0, None, True)] * 3


def test_the_arena_that_is_shared_says_whose_run_it_holds(tmp_path):
    written = built(tmp_path, "esp32dev")
    most = max(made.plan.arena_bytes for made in written.values())
    header = (tmp_path / "lib/mcuq/src/mcuq_shared_arena.h").read_text()
    assert f"MCUQ_SHARED_ARENA_BYTES {most + MARK_BYTES}\n" in header
    counted = dict(written["small"].report.row("static RAM").breakdown)
    assert counted["arena of small and plain and remembering"] == most + MARK_BYTES


def program_of(engine: str, project: Path, folder: Path, inputs: dict[str, np.ndarray]) -> list[str]:
    """Compile the driver with a project's libraries; return the command that runs it."""
    folders = library_folders(project, NAMES)
    suffixes = (".c",) if engine == "host" else (".c", ".S")
    application = {path.name for path in (resource("firmware") / "app").iterdir()}
    application |= {f"{name}_model.c" for name in NAMES}
    sources = [path for path in library_sources(folders, suffixes) if path.name not in application]
    text = DRIVER.read_text()
    for name, values in inputs.items():
        text = text.replace(f"{name}}}", f"{', '.join(map(str, values.ravel()))}}}")
    main, program = folder / "main.c", folder / "main"
    main.write_text(text)
    flags = [f"-DSAMPLES={SAMPLES}", *(f"-I{path}" for path in (*folders, resource("firmware") / "app"))]
    if engine == "host":
        (folder / "port.c").write_text(ON_HOST)
        subprocess.run(
            [compiler(), *STRICT, *SANITIZERS, *flags, main, folder / "port.c", *sources, "-o", program], check=True
        )
        return [str(program)]
    compile_emulated(engine, [main, *sources], ["-O2", *flags], program)
    return emulator_command(engine, program)


@pytest.mark.parametrize("engine", ENGINES)
def test_runs_that_get_in_each_others_way(engine, rng, tmp_path):
    """Rows are refused as soon as another model has had the arena, and what is given up leaves the state alone."""
    require(*ENGINES[engine][1:])
    written = built(tmp_path, BOARDS[engine])
    plans = {name: made.plan for name, made in written.items()}
    assert plans["small"].arena_bytes < plans["remembering"].arena_bytes > plans["plain"].arena_bytes
    counts = {"remembering": SAMPLES, "plain": 1, "small": 1}
    x = {
        name: rng.integers(-128, 128, (n, *plans[name].graph.values["x"].shape)).astype(np.int8)
        for name, n in counts.items()
    }
    (expected,) = simulate(plans["remembering"], {"x": x["remembering"]}).values()
    sums = [y.tobytes() for y in expected]
    plain, small = (next(iter(simulate(plans[n], {"x": x[n]}).values())).tobytes() for n in ("plain", "small"))
    inputs = {"INPUT": x["remembering"], "IMAGE": x["plain"], "FEW": x["small"]}

    command = program_of(engine, tmp_path, tmp_path, inputs)
    said = subprocess.run(command, input=b"", capture_output=True, check=True).stdout

    assert int.from_bytes(said[-4:], "little") == 0, "line of the driver"
    own = [sums[0], plain, small, small, small, sums[1], sums[2], plain, sums[0], sums[1], sums[0], *sums]
    assert said[:-4] == b"".join(own)
