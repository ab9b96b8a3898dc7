"""A board's C and C++ without its framework: compiled against stubs with the real declarations, and run over fakes.

No framework can be downloaded here. `stubs/` declares what is called exactly as the real headers do (each stub says
which); `fake.c` and `fake.cpp` behave as the serial line does, so that the templates' main functions and both ports
run and answer requests on this computer.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from models import small_graph
from requirements import PARTS, require, require_tool

from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.engines.byte_stream import ProcessLine
from mcuq.engines.firmware import Firmware
from mcuq.errors import McuqError
from mcuq.simulator import simulate
from mcuq.target.setup import Arena, Setup

ROOT = Path(__file__).parents[1]
STUBS = ROOT / "tests" / "stubs"
STRICT = ("-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
XTENSA = ("-ffreestanding", f"-I{STUBS / 'freestanding'}")
RV32 = ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs")


@dataclass(frozen=True)
class Target:
    """A framework as one of its versions and configurations compiles."""

    framework: str
    flags: tuple[str, ...]

    @property
    def includes(self) -> tuple[str, ...]:
        """Arduino's headers stand on ESP-IDF's."""
        folders = ["arduino", "espidf"] if self.framework == "arduino" else ["espidf"]
        return tuple(f"-I{STUBS / folder}" for folder in folders)


TARGETS = {
    "arduino": Target("arduino", ("-DARDUINO=10812", "-DESP_PLATFORM", "-DSTUB_IDF_MAJOR=4")),
    "arduino-usb": Target("arduino", ("-DARDUINO=10812", "-DESP_PLATFORM", "-DSTUB_IDF_MAJOR=5", "-DSTUB_USB")),
    "espidf4": Target("espidf", ("-DESP_PLATFORM", "-DSTUB_IDF_MAJOR=4")),
    "espidf5": Target("espidf", ("-DESP_PLATFORM", "-DSTUB_IDF_MAJOR=5")),
    "espidf6-jtag": Target("espidf", ("-DESP_PLATFORM", "-DSTUB_IDF_MAJOR=6", "-DSTUB_CONSOLE_USB_SERIAL_JTAG")),
    "espidf5-cdc": Target("espidf", ("-DESP_PLATFORM", "-DSTUB_IDF_MAJOR=5", "-DSTUB_CONSOLE_USB_CDC")),
}
COMPILERS = {
    "host": ("", ()),
    "rv32": ("riscv64-unknown-elf-", RV32),
    "xtensa": ("xtensa-lx106-elf-", XTENSA),
}


def project(folder: Path, target: Target, arena: Arena = "static") -> pipeline.Written:
    graph = small_graph(np.random.default_rng(0))
    board = "esp32-c3-devkitm-1" if arena != "psram" else "lolin_s3"
    return pipeline.write_project(Archive(graph), board, folder, target.framework, setup=Setup(arena))


def sources(folder: Path, suffix: str) -> list[str]:
    """A project's files but for the emulated chip's, which are compiled where they run."""
    found = [p for name in ("lib", "src", "test") for p in sorted((folder / name).glob(f"**/*{suffix}"))]
    return [str(path) for path in found if "emulator" not in path.parts]


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


def includes(folder: Path, target: Target) -> list[str]:
    return [*target.includes, f"-I{folder}/lib/mcuq/src", f"-I{folder}/lib/small/src"]


# The USB CDC console is reached through <unistd.h>, which is the C library's: xtensa has none here.
PAIRS = [(t, c) for t in TARGETS for c in COMPILERS if (t, c) != ("espidf5-cdc", "xtensa")]


@pytest.mark.parametrize(("target", "compiler"), PAIRS)
def test_every_file_compiles_without_warnings(tmp_path, target, compiler):
    """lib/, src/ and test/, in C99 and C++11: the oldest that the frameworks' compilers use."""
    prefix, machine = COMPILERS[compiler]
    chosen = TARGETS[target]
    install = PARTS[f"{prefix}gcc"].install if prefix else PARTS["g++"].install
    gcc, gxx = (require_tool(f"{prefix}{name}", install) for name in ("gcc", "g++"))
    project(tmp_path, chosen)
    common = [*machine, *STRICT, *chosen.flags, *includes(tmp_path, chosen), "-fsyntax-only"]
    c_files, cpp_files = (sources(tmp_path, suffix) for suffix in (".c", ".cpp"))
    assert {"mcuq_app.c", "mcuq_port_espidf.c", "small.c"} <= {Path(name).name for name in c_files}
    assert "mcuq_port_arduino.cpp" in {Path(name).name for name in cpp_files}
    run([gcc, "-std=gnu99", *common, *c_files])
    run([gxx, "-std=gnu++11", *common, *cpp_files])


def firmware(tmp_path: Path, target: str, arena: Arena) -> tuple[pipeline.Written, Firmware]:
    """Build the template's main, the port and the model over fakes."""
    require("gcc", "g++")
    chosen = TARGETS[target]
    written = project(tmp_path, chosen, arena)
    flags = [*chosen.flags, *includes(tmp_path, chosen)]
    files = [name for s in (".c", ".cpp") for name in sources(tmp_path, s) if "/test/" not in name]
    fake = STUBS / chosen.framework / ("fake.cpp" if chosen.framework == "arduino" else "fake.c")
    objects = [tmp_path / f"{index}.o" for index in range(len(files) + 1)]
    for source, target_object in zip([*files, str(fake)], objects, strict=True):
        compiler = ["g++", "-std=gnu++11"] if source.endswith(".cpp") else ["gcc", "-std=gnu99"]
        run([*compiler, "-O1", *flags, "-c", source, "-o", str(target_object)])
    program = str(tmp_path / "firmware")
    run(["g++", *map(str, objects), "-o", program])
    return written, Firmware(lambda: ProcessLine([program]), starts=True)


@pytest.mark.parametrize("arena", ["static", "heap"])
@pytest.mark.parametrize("target", TARGETS)
def test_the_firmware_answers(tmp_path, target, arena, rng):
    """The template's main and the port: self-test, then a hundred samples over a line that moves small pieces."""
    written, chip = firmware(tmp_path, target, arena)
    inputs = {"image": rng.integers(-128, 128, (100, 1, 6, 5, 3), dtype=np.int8)}
    got = chip.run(written.plan, inputs)
    np.testing.assert_array_equal(got.outputs["scores"], simulate(written.plan, inputs)["scores"])
    assert np.all(got.cycles > 0)
    with chip.connect() as device:
        assert "mcuq: PASS small 4 of 4 vectors equal" in device.text
        memory = device.memory()
    assert memory == (200000, 1192 if TARGETS[target].framework == "arduino" else 1096)


@pytest.mark.parametrize("target", ["arduino", "espidf5"])
def test_a_board_without_the_memory_for_the_arena_says_so(tmp_path, target):
    """The fakes have no PSRAM."""
    written, chip = firmware(tmp_path, target, "psram")
    with chip.connect() as device:
        assert "mcuq: no memory for the arena of small" in device.text
        assert "mcuq: FAIL small 0 of 4 vectors equal" in device.text
        with pytest.raises(McuqError, match="no memory for the arena"):
            device.run(0, bytes(written.plan.graph.values["image"].bytes))


@pytest.mark.parametrize("target", ["arduino", "arduino-usb", "espidf5", "espidf6-jtag"])
def test_main_is_short(tmp_path, target):
    """The main that a project starts with is read, not skipped."""
    project(tmp_path, TARGETS[target])
    (main,) = (tmp_path / "src").glob("main.*")
    code = [line for line in main.read_text().splitlines() if line.strip() and not line.startswith("#include")]

    assert len(code) <= 12
