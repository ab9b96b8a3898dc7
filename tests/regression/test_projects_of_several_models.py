"""All models of a project are judged together, and share one static arena unless that is declined."""

from pathlib import Path

import numpy as np
import pytest
from models import small_graph

from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.errors import DoesNotFitError
from mcuq.target.setup import Setup
from mcuq.verification import verify_project

BOARD = "esp32dev"


def build(project: Path, name: str, **setup) -> pipeline.Written:
    return pipeline.write_project(
        small_graph(np.random.default_rng(0)), BOARD, project, name=name, setup=Setup(**setup)
    )


def static_ram(written: pipeline.Written) -> dict[str, int]:
    return dict(written.report.row("static RAM").breakdown)


def test_two_models_have_one_arena_and_the_same_bytes(tmp_path):
    one = build(tmp_path, "one")
    alone = (tmp_path / "lib/one/src/one.c").read_text()
    two = build(tmp_path, "two", io_in_arena=False)
    assert static_ram(two)["arena of two and one"] == max(one.plan.arena_bytes, two.plan.arena_bytes)
    header = (tmp_path / "lib/mcuq/src/mcuq_shared_arena.h").read_text()
    assert f"MCUQ_SHARED_ARENA_BYTES {max(one.plan.arena_bytes, two.plan.arena_bytes)}" in header
    sources = {name: (tmp_path / f"lib/{name}/src/{name}.c").read_text() for name in ("one", "two")}
    assert all("int8_t own_arena[" not in text and "int8_t arena[" not in text for text in sources.values())
    assert "own_arena[" in alone
    assert [result.passed for result in verify_project(tmp_path)] == [True, True]


def test_a_model_that_declines_keeps_its_own_arena(tmp_path):
    build(tmp_path, "one")
    two = build(tmp_path, "two", share_arena=False)
    assert static_ram(two).keys() >= {"arena of two", "arena of one"}
    assert not (tmp_path / "lib/mcuq/src/mcuq_shared_arena.c").exists()
    build(tmp_path, "two")
    assert (tmp_path / "lib/mcuq/src/mcuq_shared_arena.c").exists()
    build(tmp_path, "two", share_arena=False)
    assert not (tmp_path / "lib/mcuq/src/mcuq_shared_arena.c").exists()
    assert all(result.passed for result in verify_project(tmp_path))


def test_models_that_fit_alone_are_refused_together(tmp_path):
    build(tmp_path, "one", app_ram=0)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    plan = pipeline.compile(small_graph(np.random.default_rng(0)), BOARD)
    spare = {row.region: row.free for row in pipeline.check_fit(plan, BOARD).rows}["static RAM"]
    setup = {"share_arena": False, "app_ram": spare - plan.arena_bytes // 2}
    build(tmp_path.with_name("alone"), "two", **setup)
    with pytest.raises(DoesNotFitError, match="together with one: static RAM needs"):
        build(tmp_path, "two", **setup)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_check_judges_a_project(run, tmp_path):
    build(tmp_path, "one")
    build(tmp_path, "two")
    status, out, _ = run("check", tmp_path)
    assert status == 0 and "one and two fit esp32dev" in out
    assert "arena of one and two" in " ".join(out.split())
    status, _, err = run("check", tmp_path, "--compare")
    assert status == 2 and "not a project" in err


def test_another_board_beside_is_left_alone(tmp_path):
    build(tmp_path, "one")
    content = Archive(small_graph(np.random.default_rng(0)))
    other = pipeline.write_project(content, "esp32-c3-devkitm-1", tmp_path, name="two")
    assert "one" not in other.report.model
    assert all(result.passed for result in verify_project(tmp_path))
