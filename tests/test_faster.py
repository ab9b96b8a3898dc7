"""`--speed`: which layers get faster kernels, what that costs, and that every command compiles the same plan."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mcuq import archive, cli, pipeline
from mcuq.archive import Archive
from mcuq.fit import compare, footprint
from mcuq.fit.check import check_fit
from mcuq.fit.footprint import total
from mcuq.graph import Graph, Node
from mcuq.ops.conv2d import Conv2d
from mcuq.report import fit
from mcuq.simulator import simulate
from mcuq.target.board import load_board
from mcuq.target.setup import PLAIN, Setup
from mcuq.tensor import QConstant, QTensor

C3, CLASSIC = "esp32-c3-devkitm-1", "esp32dev"
WINOGRAD = "conv2d_winograd_s8_lanes"
SPEED = Setup(speed=True)


def chain(rng, size=8, depths=(16, 16, 32, 8)) -> Graph:
    """Return 3x3 layers one after the other."""
    values, constants, nodes = {"x": QTensor((1, size, size, depths[0]), 0.05, -3)}, {}, []
    for i, (depth, filters) in enumerate(pairwise(depths)):
        weights = rng.integers(-127, 128, (filters, 3, 3, depth)).astype(np.int8)
        constants[f"w_{i}"] = QConstant(weights, rng.uniform(0.002, 0.004, filters))
        values[f"y_{i}"] = QTensor((1, size, size, filters), 0.5, 3)
        source = f"y_{i - 1}" if i else "x"
        nodes.append(Node(f"conv2d_{i}", Conv2d(padding=(1, 1, 1, 1)), (source, f"w_{i}"), (f"y_{i}",)))
    return Graph("chain", ("x",), (nodes[-1].outputs[0],), tuple(nodes), values, constants).verify()


def kernels(plan):
    return [step.params.kernel for step in plan.steps]


def compiled(graph, setup, board=C3):
    return pipeline.compile_for(Archive(graph), load_board(board), "", setup)


def free_flash(graph, setup=PLAIN):
    """What the plain plan leaves in the app partition."""
    return pipeline.check_fit(compiled(graph, setup), C3, setup=setup).row("app partition").free


def test_every_layer_that_gains(rng):
    graph = chain(rng)
    plain, fast = pipeline.compile(graph, C3), pipeline.compile(graph, C3, speed=True)

    assert WINOGRAD not in kernels(plain)
    assert kernels(fast) == [WINOGRAD] * 3
    assert plain.speedup is None
    assert sorted(fast.speedup.layers) == ["conv2d_0", "conv2d_1", "conv2d_2"]
    assert fast.speedup.kept_back == ()
    x = rng.integers(-128, 128, (3, 1, 8, 8, 16)).astype(np.int8)
    np.testing.assert_array_equal(simulate(fast, {"x": x})["y_2"], simulate(plain, {"x": x})["y_2"])


def test_costs_are_those_of_the_fit_report(rng):
    graph = chain(rng)
    rows = {
        speed: {row.region: row.needed for row in pipeline.check_fit(compiled(graph, setup), C3, setup=setup).rows}
        for speed, setup in ((False, PLAIN), (True, SPEED))
    }
    speedup = compiled(graph, SPEED).speedup

    assert speedup.flash == rows[True]["app partition"] - rows[False]["app partition"] > 0
    assert speedup.arena == rows[True]["static RAM"] - rows[False]["static RAM"]
    assert speedup.instructions > 0


def test_flash_that_runs_out_keeps_the_least_gain_per_byte_back(rng):
    """With every byte less, never more layers; those taken are always the first of one order."""
    graph = chain(rng)
    free = free_flash(graph)
    order = pipeline.compile(graph, C3, speed=True).speedup.layers
    counts = []
    for left in (free, 60_000, 40_000, 30_000, 20_000, 10_000, 5000, 3000, 0):
        setup = replace(SPEED, app_flash=free - left)
        plan = compiled(graph, setup)
        speedup = plan.speedup
        assert pipeline.check_fit(plan, C3, setup=setup).fits
        assert speedup.layers + speedup.kept_back == order
        assert [s.name for s in plan.steps if s.params.kernel == WINOGRAD] == sorted(speedup.layers)
        assert speedup.flash <= left
        counts.append(len(speedup.layers))
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-1]) == (3, 0)
    assert len(set(counts)) == 4


def test_the_exact_byte(rng):
    graph = chain(rng)
    free, flash = free_flash(graph), pipeline.compile(graph, C3, speed=True).speedup.flash
    for spare, layers in ((0, 3), (-1, 2)):
        assert len(compiled(graph, replace(SPEED, app_flash=free - flash - spare)).speedup.layers) == layers


def test_ram_that_runs_out_keeps_layers_back(rng):
    """Scratch makes the arena larger: a model that just fits without still fits."""
    graph = chain(rng, depths=(32, 32, 32))
    speedup = compiled(graph, SPEED).speedup
    assert speedup.arena > 0
    free = pipeline.check_fit(compiled(graph, PLAIN), C3).row("static RAM").free
    setup = replace(SPEED, app_ram=free - speedup.arena + 1)
    plan = compiled(graph, setup)

    assert len(plan.speedup.layers) < len(speedup.layers)
    assert pipeline.check_fit(plan, C3, setup=setup).fits


def test_a_model_that_does_not_fit_stays_as_it_is(rng):
    graph = chain(rng)
    setup = replace(SPEED, app_flash=free_flash(graph) + 1)
    plan = compiled(graph, setup)

    assert WINOGRAD not in kernels(plan)
    assert len(plan.speedup.kept_back) == 3
    assert not pipeline.check_fit(plan, C3, setup=setup).fits


def test_nothing_to_gain_is_said(rng):
    plan = compiled(chain(rng), SPEED, CLASSIC)
    report = check_fit(plan, load_board(CLASSIC), setup=SPEED)

    assert plan.speedup.layers == plan.speedup.kept_back == ()
    assert plan.speedup.flash == plan.speedup.arena == plan.speedup.instructions == 0
    assert any("nothing to gain" in line for line in fit.fit(report).lines)


def test_what_was_kept_back_is_said(rng):
    graph = chain(rng)
    setup = replace(SPEED, app_flash=free_flash(graph) - 10_000)
    lines = " ".join(fit.fit(pipeline.check_fit(compiled(graph, setup), C3, setup=setup)).lines)

    assert "bytes of flash and" in lines
    assert "no memory is left for" in lines


def test_compare_asks_every_board_for_itself(rng):
    reports = {report.board: report for report in compare(chain(rng), SPEED)}

    assert len(reports[C3].speedup.layers) == 3
    assert reports[CLASSIC].speedup.layers == ()
    assert all(report.speedup is None for report in compare(chain(rng)))


def test_plans_are_repeatable(rng):
    graph = chain(rng)
    setup = replace(SPEED, app_flash=free_flash(graph) - 30_000)
    first, second = (compiled(graph, setup) for _ in range(2))

    assert first.speedup == second.speedup
    assert first.buffers == second.buffers
    assert total(footprint.constants(first)) == total(footprint.constants(second))


@pytest.fixture
def run(capsys):
    def command(*arguments):
        capsys.readouterr()
        status = cli.main([str(a) for a in arguments])
        return status, capsys.readouterr().out

    return command


@pytest.fixture
def model(rng, tmp_path):
    path = tmp_path / "chain.mcuq"
    path.write_bytes(archive.dump(Archive(chain(rng))))
    return path


def test_recorded_and_compiled_again(run, model, tmp_path, rng):
    project = tmp_path / "project"
    status, out = run("build", model, "--board", C3, "--out", project, "--speed")
    assert (status, "--speed: faster kernels for" in out) == (0, True)
    recorded = project / "chain.mcuq"
    assert archive.read(recorded).setup.speed
    assert f"mcuq_{WINOGRAD}(" in (project / "lib/chain/src/chain.c").read_text()
    assert kernels(pipeline.compile_recorded(archive.read(recorded))) == [WINOGRAD] * 3
    assert run("verify", project)[0] == 0
    np.save(tmp_path / "x.npy", rng.integers(-128, 128, (3, 8, 8, 16)).astype(np.int8))
    simulated = ("simulate", recorded, "--input", tmp_path / "x.npy", "--engine", "host")
    assert run(*simulated)[0] == 0
    arena = pipeline.compile_recorded(archive.read(recorded)).arena_bytes
    assert json.loads(run("inspect", recorded, "--memory", "--json")[1])["arena"] == arena
    assert "nothing changed" in run("build", recorded, "--board", C3, "--out", project)[1]
    run("build", recorded, "--board", C3, "--out", project, "--no-speed")
    assert WINOGRAD not in (project / "lib/chain/src/chain.c").read_text()


def test_check_says_what_it_costs(run, model):
    status, out = run("check", model, "--board", C3, "--speed", "--json")
    data = json.loads(out)

    assert status == 0
    assert len(data["speed"]["layers"]) == 3
    assert data["speed"]["flash"] > 0
    assert json.loads(run("check", model, "--board", C3, "--json")[1])["speed"] is None
