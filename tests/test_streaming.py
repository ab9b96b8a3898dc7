"""``mcuq build --stream``: from the command line to C that remembers, and bad input in one line."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from requirements import require
from stream_graphs import Causal

from mcuq import archive, loading
from mcuq.archive import Archive
from mcuq.passes.stream import stream
from mcuq.target.record import read_record, record_path


@pytest.fixture
def model(rng, tmp_path):
    """A causal net of 24 frames and stride 2, with two samples."""
    net = Causal(rng, 24, width=3)
    y = net.conv(net.conv("x", 5, 3, 2, 1, 2, "wide"), 6, 3, dilation=2, front=4)
    graph = net.graph(y)
    x = rng.integers(-128, 128, (2, *graph.values["x"].shape)).astype(np.int8)
    path = tmp_path / "causal.mcuq"
    path.write_bytes(archive.dump(Archive(graph, {"x": x})))
    return path


def test_build_streams_verifies_and_remembers_it(run, model, tmp_path):
    project = tmp_path / "project"
    status, out, err = run("build", model, "--board", "esp32dev", "--out", project, "--stream", "1")
    assert (status, err) == (0, "")
    assert "streams 2 frames per call instead of 24; outputs are the whole model's from the first call on" in out
    assert "--stream 1" in out
    built = archive.read(project / "causal.mcuq")
    assert built.graph.values["x"].shape == (1, 2, 3, 4)
    assert len(built.samples["x"]) == 16
    assert "causal_reset(" in (project / "lib/causal/src/causal.h").read_text()
    status, out, _ = run("verify", project, "--json")
    assert status == 0
    before = (project / "causal.mcuq").read_bytes()
    for again in (model, project / "causal.mcuq"):
        status, out, err = run("build", again, "--board", "esp32dev", "--out", project, "--json")
        assert (status, err) == (0, "")
        assert {*json.loads(out)["changed"]} <= {f"lib/causal/{name}" for name in ("build.json", "report.html")}
        assert (project / "causal.mcuq").read_bytes() == before
        assert read_record(record_path(project, "causal")).stream == "1"
    status, _, _ = run("build", model, "--board", "esp32dev", "--out", project, "--stream", "1:6")
    assert status == 0
    assert archive.read(project / "causal.mcuq").graph.values["x"].shape == (1, 6, 3, 4)


BAD = {
    "1:5": "5 frames per call: the model's strides need a multiple of 2, up to 24",
    "0": "stream axis 0 is the batch",
    "7": "stream axis 7 is not there: input x has shape (1, 24, 3, 4), axes 1 to 3",
    "3": "cannot be streamed along axis 3",
    "one": "'one' is not AXIS or AXIS:FRAMES",
    "1:0": "'1:0' is not AXIS or AXIS:FRAMES",
}


@pytest.mark.parametrize("stream", BAD)
def test_bad_streams_are_one_line(run, model, tmp_path, stream):
    project = tmp_path / "project"
    status, out, err = run("build", model, "--board", "esp32dev", "--out", project, "--stream", stream)
    assert (status, out) == (2, "")
    assert BAD[stream] in err.splitlines()[-1]
    assert not (project / "causal.mcuq").exists()


def test_a_streaming_model_is_not_streamed_again(run, model, tmp_path):
    project = tmp_path / "project"
    run("build", model, "--board", "esp32dev", "--out", project, "--stream", "1")
    built = project / "causal.mcuq"
    status, _, err = run("build", built, "--board", "esp32dev", "--out", tmp_path / "p", "--stream", "1")
    assert status == 2
    assert "causal remembers already" in err


def test_a_damaged_record_is_one_line(run, model, tmp_path):
    project = tmp_path / "project"
    run("build", model, "--board", "esp32dev", "--out", project, "--stream", "1")
    path = record_path(project, "causal")
    path.write_text(path.read_text().replace('"stream": "1"', '"stream": "1:x"'))
    status, _, err = run("build", model, "--board", "esp32dev", "--out", project)
    assert status == 2
    assert "stream '1:x' is not AXIS or AXIS:FRAMES" in err


@pytest.mark.parametrize(
    ("engine", "board", "at_least"), [("rv32", "esp32-c3-devkitm-1", 13), ("xtensa", "esp32dev", 11.5)]
)
def test_a_frame_of_the_wake_word_model_takes_a_fraction_of_its_instructions(shared, engine, board, at_least):
    """One frame per call, of 30 that the whole model sees: its multiplications allow 1/17.9."""
    require(
        *{"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}[engine]
    )
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    from streaming import instructions

    graph = loading.load(shared / "models/mlperf/sww_int8.tflite")
    whole, frame = (instructions(g, engine, board) for g in (graph, stream(graph, 1, 1).graph))

    assert whole >= at_least * frame
