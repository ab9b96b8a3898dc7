"""Inputs and outputs lie in the arena where that takes less memory in all; a run has one form whatever the plan."""

import json
import subprocess

import pytest
from models import multi_border_graph, small_graph
from requirements import require

from mcuq import pipeline
from mcuq.engines.sources import library_folders, library_sources
from mcuq.simulator import simulate
from mcuq.target.board import load_board
from mcuq.target.setup import Setup

MAIN = """
#include <stdio.h>
#include <string.h>
#include "{name}.h"

static const {input_type} given[] = {{{values}}};

int main(void) {{
    {input_type} input[sizeof given / sizeof given[0]];
    {output_type} own[{prefix}_OUTPUT_SIZE];
    memcpy(input, given, sizeof given);
    {name}_run(input, own);
    if (memcmp(input, given, sizeof given)) return 3; // the caller's input is the caller's
    memcpy({name}_input(NULL), given, sizeof given);
    {name}_run({name}_input(NULL), {name}_output(NULL));
    fwrite(own, 1, sizeof own, stdout);
    fwrite({name}_output(NULL), 1, sizeof own, stdout);
    return 0;
}}
"""


def test_both_ways_to_pass_them_give_the_simulators_bytes(rng, tmp_path):
    require("gcc")
    written = pipeline.write_project(small_graph(rng), "esp32dev", tmp_path)
    plan, graph = written.plan, written.plan.graph
    assert plan.io_in_arena
    (x,), (y,) = graph.inputs, graph.outputs
    sample = rng.integers(-128, 128, (1, *graph.values[x].shape)).astype(graph.values[x].dtype)
    text = MAIN.format(
        name=graph.name,
        prefix=graph.name.upper(),
        input_type=f"{graph.values[x].dtype}_t",
        output_type=f"{graph.values[y].dtype}_t",
        values=", ".join(map(str, sample.ravel())),
    )
    folders = library_folders(tmp_path, [graph.name])
    sources = [s for s in library_sources(folders) if not s.name.startswith("mcuq_port") and "_app" not in s.name]
    sources = [s for s in sources if s.name not in ("mcuq_frame.c", "mcuq_self_test.c", f"{graph.name}_model.c")]
    main, program = tmp_path / "main.c", tmp_path / "program"
    main.write_text(text)
    includes = [f"-I{folder}" for folder in folders]
    subprocess.run(["gcc", "-std=c99", *includes, str(main), *map(str, sources), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, check=True)
    expected = simulate(plan, {x: sample})[y].tobytes()
    assert done.stdout == expected * 2


@pytest.mark.parametrize("make", [small_graph, multi_border_graph])
def test_the_default_never_takes_more_in_all(rng, make):
    board = load_board("esp32dev")
    graph = make(rng)
    totals = {
        place: pipeline.compile_for(pipeline.Archive(graph), board, "", Setup(io_in_arena=place)).total_bytes
        for place in (None, False, True)
    }
    assert totals[None] == min(totals.values())


def test_the_application_has_no_copy_of_its_own(rng, tmp_path):
    written = pipeline.write_project(small_graph(rng), "esp32dev", tmp_path)
    name = written.plan.graph.name
    assert "ram_" not in (tmp_path / f"lib/{name}/src/{name}_model.c").read_text()
    assert dict(written.report.row("static RAM").breakdown).keys() & {"input and output"} == set()


def test_reports_state_arena_and_total(rng, run, tmp_path):
    for option in ("--io-in-arena", "--no-io-in-arena"):
        written = pipeline.write_project(small_graph(rng), "esp32dev", tmp_path)
        file = tmp_path / f"{written.plan.graph.name}.mcuq"
        status, out, _ = run("check", file, "--board", "esp32dev", option, "--json")
        report = json.loads(out)
        borders = (
            0
            if option == "--io-in-arena"
            else sum(
                written.plan.graph.values[n].bytes for n in (*written.plan.graph.inputs, *written.plan.graph.outputs)
            )
        )
        assert status == 0 and report["total_bytes"] == report["arena_bytes"] + borders
        assert report["arena_bytes"] > 0
