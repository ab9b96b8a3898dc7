"""Generated C and its headers under the compilers, standards and warnings of the frameworks that compile it.

Their compilers are GCC 8.4 (Arduino 2) to 15 (ESP-IDF 6), none of which is to be had here: GCC 11 and 12 stand for the
older standards, Clang 19 for C23. The flags are those of arduino-esp32's platform.txt (2.0.17, 3.3), of ESP-IDF's
tools/cmake/build.cmake and component.cmake (5.5, 6.0), and of ESPHome 2026.6's generated platformio.ini.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from models import multi_border_graph, small_graph
from requirements import require_tool
from test_frameworks import STUBS

from mcuq import pipeline
from mcuq.archive import Archive

ROOT = Path(__file__).parents[1]
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
ARDUINO = ("-Wall", "-Wextra", "-Werror=all", "-DARDUINO=10812")
ESPRESSIF = ("-Wall", "-Wextra", "-Werror", "-Wwrite-strings", "-Wno-unused-parameter", "-Wno-sign-compare")


@dataclass(frozen=True)
class Framework:
    """How a framework compiles: flags of both languages, then those of C and of C++ alone."""

    stubs: str
    idf: int
    flags: tuple[str, ...]
    c: tuple[str, ...]
    cpp: tuple[str, ...]


FRAMEWORKS = {
    "arduino-2": Framework("arduino", 4, ARDUINO, ("-std=gnu99",), ("-std=gnu++11", "-fno-rtti")),
    "arduino-3": Framework("arduino", 5, ARDUINO, ("-std=gnu17",), ("-std=gnu++2b", "-fno-rtti")),
    "idf-5.5": Framework("espidf", 5, (*ESPRESSIF, "-Wno-enum-conversion"), ("-std=gnu17",), ("-std=gnu++2b",)),
    "idf-6.0": Framework("espidf", 6, ESPRESSIF, ("-std=gnu2x", "-Wstrict-prototypes"), ("-std=gnu++2b",)),
    "esphome": Framework("espidf", 5, ESPRESSIF, ("-std=gnu17",), ("-std=gnu++20", "-Wno-nonnull-compare")),
}
NEWER = re.compile(r"__builtin_\w+|__has_\w+|_Float16|_BitInt|typeof_unqual|#embed|#elifn?def|constexpr|nullptr")
OLD = {"__builtin_trap", "__builtin_clz", "__has_include"}  # GCC 8.4 has them


@pytest.fixture(scope="module")
def projects(tmp_path_factory) -> dict[str, Path]:
    """For every kind of chip a project whose model has several inputs, and one of a plain model."""
    found = {}
    for framework, board, graph in (
        ("arduino", "esp32dev", small_graph(np.random.default_rng(0))),
        ("espidf", "esp32-c3-devkitm-1", multi_border_graph(np.random.default_rng(0))),
    ):
        folder = tmp_path_factory.mktemp(framework)
        pipeline.write_project(Archive(graph), board, folder, framework)
        found[framework] = folder
    return found


def files(project: Path, suffix: str) -> list[str]:
    found = sorted(path for part in ("lib", "src") for path in (project / part).rglob(f"*{suffix}"))
    return [str(path) for path in found if "emulator" not in path.parts]


def headers(project: Path) -> list[str]:
    return sorted(f"-I{path}" for path in (project / "lib").glob("*/src"))


def silent(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("version", ["11", ""])
def test_a_project_compiles_as_its_framework_does(projects, name, version):
    """src/ and the libraries, in C and C++."""
    chosen, suffix = FRAMEWORKS[name], f"-{version}" if version else ""
    project = projects[chosen.stubs]
    stubs = [f"-I{STUBS / stub}" for stub in dict.fromkeys((chosen.stubs, "espidf"))]  # Arduino's stand on ESP-IDF's
    common = ["-DESP_PLATFORM", f"-DSTUB_IDF_MAJOR={chosen.idf}", "-fsyntax-only", *chosen.flags, *stubs]
    silent(require_tool(f"gcc{suffix}"), *chosen.c, *common, *headers(project), *files(project, ".c"))
    silent(require_tool(f"g++{suffix}"), *chosen.cpp, *common, *headers(project), *files(project, ".cpp"))


@pytest.mark.parametrize("standard", ["gnu99", "gnu11", "gnu17", "gnu23"])
def test_c_of_every_standard(projects, standard):
    """Clang 19, whose C23 is the final one."""
    for project in projects.values():
        stubs = [f"-I{STUBS / name}" for name in ("arduino", "espidf")]
        sources = [path for path in files(project, ".c") if "/src/main.c" not in path]
        flags = [*STRICT, "-DESP_PLATFORM", "-DSTUB_IDF_MAJOR=6", *stubs, *headers(project)]
        silent(require_tool("clang-19"), f"-std={standard}", "-fsyntax-only", *flags, *sources)


@pytest.mark.parametrize("standard", ["c++11", "c++14", "c++17", "c++20", "c++23"])
@pytest.mark.parametrize("compiler", ["g++", "g++-11", "clang-19"])
def test_what_a_user_includes(projects, tmp_path, compiler, standard):
    """The model's header and the application's, in C++, with warnings that people's own projects have."""
    for project in projects.values():
        names = [
            path.name for path in (project / "lib").glob("*/src/*.h") if not re.search(r"_tables|mcuq_", path.name)
        ]
        source = tmp_path / "user.cpp"
        source.write_text("".join(f'#include "{name}"\n' for name in (*sorted(names), "mcuq_app.h")))
        pedantic = ["-Wpedantic", "-Wcast-align", "-Wold-style-cast", "-Wcast-qual", "-Wzero-as-null-pointer-constant"]
        command = [require_tool(compiler), "-xc++", f"-std={standard}", "-fsyntax-only", *STRICT, *pedantic]
        silent(*command, *headers(project), str(source))


def test_nothing_that_gcc_8_lacks(projects):
    """In what is generated, and in every kernel that could be."""
    sources = [
        path for project in projects.values() for suffix in (".c", ".h", ".cpp") for path in files(project, suffix)
    ]
    sources += [str(path) for path in (ROOT / "firmware").rglob("*.[ch]")]
    assert len(sources) > 100
    used = {name for path in sources for name in NEWER.findall(Path(path).read_text("utf-8"))}
    assert used <= OLD
