"""What an emulator counts was called microseconds and cycles, in text, JSON and the firmware's line."""

import json
import re

import pytest
from models import small_graph
from requirements import require

from mcuq import archive
from mcuq.verification import reach

BOARDS = {"rv32": "esp32-c3-devkitm-1", "xtensa": "esp32dev"}


@pytest.fixture(params=["host", "rv32", "xtensa"])
def engine(request):
    if request.param == "rv32":
        require("riscv64-unknown-elf-gcc", "picolibc", "qemu-system-riscv32")
    if request.param == "xtensa":
        require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    return request.param


def test_only_a_board_has_time_and_cycles(run, rng, tmp_path, engine):
    model, project = tmp_path / "small.mcuq", tmp_path / "project"
    model.write_bytes(archive.dump(archive.Archive(small_graph(rng))))
    assert run("build", model, "--board", BOARDS.get(engine, "esp32dev"), "--out", project)[0] == 0
    text = run("verify", project, "--engine", engine)[1]
    (result,) = json.loads(run("verify", project, "--engine", engine, "--json")[1])["models"]
    with reach(project, ["small"], engine) as firmware:
        lines = re.findall(r"^mcuq: small vector \d+ equal(.*)$", firmware.self_test().replace("\r", ""), re.MULTILINE)

    assert (result["microseconds"], result["cycles"]) == (None, None)
    assert not re.search(r"\bcycles\b|microseconds|\bus\b", text)
    if engine == "host":
        assert (result["instructions"], lines) == (None, [""] * 4)
        return
    counted = result["instructions"]["median"]
    assert f"instructions {counted:,} (median)" in text
    assert all(re.fullmatch(r", \d+ instructions", line) for line in lines)
    assert abs(int(lines[0].split()[1]) - counted) < 0.02 * counted + 500
