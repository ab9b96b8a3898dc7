"""ESPHome in an environment of its own: configurations, what it generates, and programs of this computer from that."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from requirements import ESPHOME, require

from mcuq import archive
from mcuq.archive import Archive
from mcuq.graph import Graph, Node
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.logistic import Logistic
from mcuq.ops.softmax import Softmax
from mcuq.tensor import QConstant, QTensor

COMPONENTS = Path(__file__).parents[1] / "esphome/components"
HEAD = f"external_components:\n  - source: {{type: local, path: {COMPONENTS}}}\nesphome: {{name: device}}\n"
# What ESPHome says of configurations, each read in the same process; what it prints is all that is asked for.
READ = """
import contextlib, io, json, sys
from pathlib import Path
from esphome import loader
from esphome.config import read_config
from esphome.core import CORE
if "without mcuq" in sys.argv: sys.modules["mcuq"] = None
if "another mcuq" in sys.argv: import mcuq.verbs.esphome as found; found.INTERFACE += 1
said = []
for path in json.load(sys.stdin):
    CORE.reset(); loader.clear_component_meta_finders(); CORE.config_path = Path(path)
    with contextlib.redirect_stdout(io.StringIO()) as text: valid = read_config({}) is not None
    said.append([valid, text.getvalue()])
json.dump(said, sys.stdout)
"""


def dense_graph(rng: np.random.Generator, name: str, inputs: int, outputs: int) -> Graph:
    """A fully connected layer; behind it a softmax, or a logistic where there is one output."""
    values = {
        "x": QTensor((1, inputs), 0.05, -3),
        "sums": QTensor((1, outputs), 0.1, 4),
        "scores": QTensor((1, outputs), 1 / 256, -128),
    }
    weights = rng.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    biases = rng.integers(-500, 500, outputs).astype(np.int32)
    constants = {"w": QConstant(weights, np.full(outputs, 0.01)), "b": QConstant(biases, np.ones(1))}
    last = Softmax() if outputs > 1 else Logistic()
    nodes = (
        Node("dense", FullyConnected(), ("x", "w", "b"), ("sums",)),
        Node("last", last, ("sums",), ("scores",)),
    )
    return Graph(name, ("x",), ("scores",), nodes, values, constants).verify()


def write_model(path: Path, graph: Graph, classes: Sequence[str] = ()) -> Path:
    path.write_bytes(archive.dump(Archive(graph, classes=tuple(classes))))
    return path


def esphome(*arguments: str) -> None:
    """Run ESPHome's command."""
    require("esphome")
    environment = os.environ | {"ESPHOME_NOGITIGNORE": "1"}
    done = subprocess.run(
        [str(ESPHOME / "esphome"), *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr


def generated(yaml: Path, name: str = "device") -> Path:
    """Let ESPHome write its sources; return their folder."""
    esphome("compile", "--only-generate", str(yaml))
    return yaml.parent / ".esphome/build" / name / "src"


def said_of(yamls: Sequence[Path], *how: str) -> list[tuple[bool, str]]:
    """Whether configurations are valid, and what ESPHome prints of each, without colours."""
    require("esphome")
    command = [str(ESPHOME / "python"), "-c", READ, *how]
    paths = json.dumps([str(path) for path in yamls])
    done = subprocess.run(command, input=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [(valid, re.sub(r"\033\[[\d;]*m", "", text)) for valid, text in json.loads(done.stdout)]


def flags_of(sources: Path) -> list[str]:
    """The flags of both languages that ESPHome gives PlatformIO, linker's and standards left out."""
    ini = (sources.parent / "platformio.ini").read_text()
    block = re.search(r"^build_flags =\n((?:    .*\n)+)", ini.partition("[env:")[2], re.MULTILINE)
    return [flag for flag in block[1].split() if re.match(r"-[DWf](?!l,)", flag)]


def program(sources: Path, folder: Path) -> Path:
    """Compile all that ESPHome generated for a host, with what its headers say compiled once, and link it."""
    require("gcc", "g++")
    flags = [*flags_of(sources), f"-I{sources}"]
    header = folder / "esphome.h"
    run(["g++", "-std=gnu++20", *flags, "-x", "c++-header", str(sources / "esphome.h"), "-o", f"{header}.gch"])
    languages = {".c": ["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror"], ".cpp": ["g++", "-std=gnu++20"]}
    found = sorted(path for path in sources.rglob("*") if path.suffix in languages)

    def compiled(numbered: tuple[int, Path]) -> str:
        number, source = numbered
        target = str(folder / f"{number}.o")
        shared = ["-include", str(header)] if source.suffix == ".cpp" else []
        run([*languages[source.suffix], *flags, *shared, "-c", str(source), "-o", target])
        return target

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compiled, enumerate(found)))
    run(["g++", *objects, "-o", str(folder / "program"), "-pthread"])
    return folder / "program"


def run(command: Sequence[str]) -> str:
    """Run a command; return what it says on standard error, which no failure may be."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def written(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write configurations; return their paths."""
    paths = [folder / f"{name}.yaml" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text)
    return paths
