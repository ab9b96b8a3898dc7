"""A generated project under a real PlatformIO, without its registry: builds, runs and tests on the emulated chip."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from models import small_graph
from platformio_offline import PlatformIO, offline_platformio
from requirements import require, require_module

from mcuq import emit, loading, pipeline
from mcuq.archive import Archive
from mcuq.engines.emulator import ISAS
from mcuq.target.board import board_ids, load_board

ROOT = Path(__file__).parents[1]
PLATFORM = ROOT / "firmware" / "emulator" / "platform"
PASSED = "mcuq: PASS digits 4 of 4 vectors equal"


@pytest.fixture(scope="module")
def pio(tmp_path_factory) -> PlatformIO:
    require("picolibc", "qemu-system-riscv32")
    return offline_platformio(tmp_path_factory.mktemp("core"))


@pytest.fixture(scope="module")
def built(tmp_path_factory, pio) -> Path:
    """The digits example's project, built for the emulated chip."""
    folder = tmp_path_factory.mktemp("digits")
    pipeline.write_project(loading.open_model(ROOT / "examples/digits/digits.tflite"), "esp32dev", folder)
    output = pio.succeeds("run", "-e", "emulated", cwd=folder)
    assert "[SUCCESS]" in output
    return folder


@pytest.fixture
def project(built, tmp_path) -> Path:
    """A copy of it, as if checked out somewhere else."""
    return Path(shutil.copytree(built, tmp_path / "elsewhere" / "my digits"))


def plant_wrong_byte(project: Path) -> None:
    kernel = project / "lib/mcuq/src/mcuq_mac16_channel.h"
    good = kernel.read_text()
    kernel.write_text(good.replace("+ zero_point, min", "+ zero_point + 1, min"))
    assert kernel.read_text() != good


def test_exec_runs_the_self_test_and_ends(pio, built):
    output = pio.succeeds("run", "-e", "emulated", "-t", "exec", cwd=built)

    assert len(re.findall(r"^mcuq: digits vector \d equal, \d+ instructions$", output, re.MULTILINE)) == 4
    assert PASSED in output


def test_the_computer_in_place_of_a_chip(pio, project):
    require("g++")
    output = pio.succeeds("run", "-e", "native", "-t", "exec", cwd=project)
    tested = pio.succeeds("test", "-e", "native", cwd=project)
    plant_wrong_byte(project)
    failed = pio.run("run", "-e", "native", "-t", "exec", cwd=project)

    assert output.count(" equal") == 5 and PASSED in output
    assert "4 test cases: 4 succeeded" in tested
    assert failed.returncode != 0 and "mcuq: FAIL digits 0 of 4 vectors equal" in failed.stdout


def test_a_project_works_wherever_it_is_checked_out(pio, project, tmp_path):
    """No path of the machine that wrote it, and no mcuq, is needed."""
    output = pio.succeeds("run", "-d", project, "-e", "emulated", "-t", "exec", cwd=tmp_path)

    assert PASSED in output
    assert str(ROOT) not in "".join(p.read_text() for p in (project / "lib/mcuq/emulator").rglob("*.[pjc]*"))


def test_exec_fails_on_a_wrong_byte(pio, project):
    plant_wrong_byte(project)
    done = pio.run("run", "-e", "emulated", "-t", "exec", cwd=project)

    assert done.returncode != 0
    assert "differs at byte" in done.stdout
    assert "mcuq: FAIL digits 0 of 4 vectors equal" in done.stdout


def test_exec_fails_when_the_firmware_stops(pio, project):
    """A store to address 4 before anything is printed."""
    source = project / "lib/mcuq/src/mcuq_self_test.c"
    start = "int32_t mcuq_self_test(const mcuq_model *model) {"
    source.write_text(source.read_text().replace(start, f"{start}\n    *(volatile int *)4 = 1;"))
    done = pio.run("run", "-e", "emulated", "-t", "exec", cwd=project)

    assert done.returncode != 0
    assert "the emulated chip stopped: cause 0x00000007" in done.stdout


def test_two_models_in_one_firmware(pio, project, rng):
    """The second model is added; both are tested, and one failure is a failure."""
    pipeline.write_project(Archive(small_graph(rng, "second")), "esp32dev", project)
    output = pio.succeeds("run", "-e", "emulated", "-t", "exec", cwd=project)

    assert PASSED in output
    assert "mcuq: PASS second 4 of 4 vectors equal" in output
    model = project / "lib/second/src/second.c"
    model.write_text(model.read_text().replace("mcuq_add_s8(", "(void)sizeof(", 1))
    done = pio.run("run", "-e", "emulated", "-t", "exec", cwd=project)
    assert done.returncode != 0
    assert PASSED in done.stdout
    assert "mcuq: FAIL second" in done.stdout


def test_pio_test_reports_every_vector(pio, project):
    output = pio.succeeds("test", "-e", "emulated", cwd=project)

    assert "4 test cases: 4 succeeded" in output
    plant_wrong_byte(project)
    done = pio.run("test", "-e", "emulated", "-v", cwd=project)
    assert done.returncode != 0
    assert "4 test cases: 4 failed, 0 succeeded" in done.stdout


def test_pio_test_fails_when_the_program_stops(pio, project):
    test = project / "test/test_digits/test_digits.cpp"
    test.write_text("int main() { return 3; }\n")
    done = pio.run("test", "-e", "emulated", cwd=project)

    assert done.returncode != 0
    assert "the program stopped (status 3) before its self-test was over" in done.stdout


def test_a_main_of_the_users_own(pio, project):
    """Sources that are for the emulated chip are built instead of mcuq's main function."""
    ini = project / "platformio.ini"
    ini.write_text(ini.read_text().replace("build_src_filter = -<*>", "build_src_filter = +<mine.c>"))
    (project / "src/mine.c").write_text(
        '#include "digits.h"\n#include "mcuq_app.h"\nint main(void) { return mcuq_self_test(&digits_model); }\n'
    )
    assert PASSED in pio.succeeds("run", "-e", "emulated", "-t", "exec", cwd=project)


def test_what_is_missing_is_named(pio, project, tmp_path):
    """A compiler: how to install it. A model: how to make one."""
    bare = tmp_path / "bin"
    bare.mkdir()
    done = pio.run("run", "-e", "emulated", cwd=project, PATH=str(bare))
    assert done.returncode != 0
    assert "riscv64-unknown-elf-gcc is missing: apt-get install" in done.stdout
    assert "Traceback" not in done.stdout
    shutil.rmtree(project / "lib/digits")
    done = pio.run("run", "-e", "emulated", cwd=project)
    assert done.returncode != 0
    assert "`mcuq build` writes one there" in done.stdout


def test_project_config_is_what_was_written(pio, built):
    output = pio.succeeds("project", "config", cwd=built)

    assert re.search(r"^platform += +espressif32@", output, re.MULTILINE)
    assert "lib/mcuq/emulator/platform" in output
    assert "gnore unknown" not in output


@pytest.mark.parametrize("board", board_ids())
def test_every_board_and_framework_parses(board, tmp_path):
    """PlatformIO's own reader knows every option in platformio.ini."""
    require("platformio")
    reader = require_module("platformio.project.config").ProjectConfig
    known = load_board(board)
    for framework in known.frameworks:
        path = tmp_path / f"{framework}.ini"
        path.write_bytes(
            emit.emit_project(small_graph(np.random.default_rng(0)), known, framework, 4)["platformio.ini"]
        )
        config = reader(str(path))
        config.validate(silent=True)

        assert config.warnings == []
        assert config.envs() == [board, "emulated", "native"]
        assert config.default_envs() == [board]
        assert config.get(f"env:{board}", "framework") == [framework]
        assert config.get(f"env:{board}", "test_framework") == "custom"
        assert config.get("env:emulated", "platform") == f"symlink://{Path.cwd()}/lib/mcuq/emulator/platform"
        assert config.get("env:native", "platform") == f"symlink://{Path.cwd()}/lib/mcuq/emulator/native/platform"
        assert all(config.get(f"env:{name}", "build_src_filter") == ["-<*>"] for name in ("emulated", "native"))


def test_platform_and_engine_agree():
    """`pio run -e emulated` and `mcuq verify --engine rv32` use one chip: the platform cannot import the engine."""
    isa = ISAS["rv32"]
    platform = (PLATFORM / "platform.py").read_text()
    builder = (PLATFORM / "builder" / "main.py").read_text()

    assert all(f'"{flag}"' in platform for flag in isa.emulator)
    assert all(f'"{flag}"' in builder for flag in isa.flags)
    assert isa.chip in builder
    assert isa.install in platform
    assert isa.compiler.startswith(re.search(r'PREFIX = "(.*)"', builder)[1])
