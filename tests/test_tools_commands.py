"""Commands in papers that are not mcuq's own: each is run by a test, or what it names is there, or it needs a board.

Those of mcuq are run by tests/test_commands.py. A command of a kind that nothing here knows is a failure.
"""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAPERS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
PROGRAM = re.compile(r"(?:make|python3?|pip|esphome|pio|idf\.py|arduino-cli|git|apt-get|uv|npm) ")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# What stands by itself in a paper and is no command: a line that was printed, and a formula.
NO_COMMANDS = ("bits within 50% of weight bytes", "cycles = instructions")
NEEDS_A_BOARD = ("pio run -t upload", "pio device monitor")
NEEDS_A_HISTORY = ("git log",)
# What a test runs, and the words by which it is found there.
RUN_BY = {
    "pio run": ("test_platformio.py", '"run", "-e"'),
    "pio run -e emulated": ("test_platformio.py", '"run", "-e", "emulated"'),
    "pio test -e native": ("test_platformio.py", '"test", "-e", "native"'),
    "esphome config": ("test_esphome.py", 'esphome("config"'),
    "esphome compile --only-generate": ("esphome_builds.py", 'esphome("compile", "--only-generate"'),
}


def commands(text: str) -> set[str]:
    """What a paper says to run beside mcuq: lines and sessions by themselves, and words among others."""
    lines = re.findall(r"^    (\S.*)$", FENCE.sub("", text), re.MULTILINE) + re.findall(
        r"^\$ (.*)$", text, re.MULTILINE
    )
    parts = {part.strip() for line in lines for part in re.split(r" +# ", line)[0].split(" && ")}
    inline = {words for words in re.findall(r"`([^`\n]+)`", text) if PROGRAM.match(words)}
    return {
        part for part in parts if not part.startswith(("mcuq ", "cd ", *NO_COMMANDS)) and not is_python(part)
    } | inline


def is_python(line: str) -> bool:
    """Whether this is a statement that uses mcuq."""
    try:
        return "mcuq." in line and bool(ast.parse(line))
    except SyntaxError:
        return False


def wrong(command: str) -> str:
    """What a command names and is not there; empty: nothing is wrong."""
    if command in NEEDS_A_BOARD or command in NEEDS_A_HISTORY:
        return ""
    if command in RUN_BY:
        test, words = RUN_BY[command]
        return "" if words in (ROOT / "tests" / test).read_text("utf-8") else f"no longer in {test}"
    program, *words = shlex.split(command)
    kinds = {"make": make, "python": python, "pip": pip}
    return kinds[program](words) if program in kinds else "no test knows it"


def make(words: list[str]) -> str:
    """Targets, and variables that the Makefile reads; options for a benchmark are asked for there."""
    text = (ROOT / "Makefile").read_text()
    for word in words:
        name, is_set, value = word.partition("=")
        if not (
            re.search(rf"\$\({name}\)|\$\(or \$\({name}\)|ifdef {name}", text) if is_set else f"\n{name}: " in text
        ):
            return f"the Makefile has no {name}"
        if name == "BENCH" and (problem := python(["benchmarks/bench.py", *shlex.split(value)])):
            return problem
    return ""


def python(words: list[str]) -> str:
    """A script of the repository, or a module, with options that it takes; with pytest, files of tests."""
    words = [word for word in words if word != "-P"]
    if words[:2] == ["-m", "pytest"]:
        return next((f"no {path}" for path in words[2:] if not list(ROOT.glob(pattern(path)))), "")
    options = [word for word in words if word.startswith("--") and word != "--help"]
    if words[0] == "-m":
        target, path = words[:2], [*ROOT.glob(f"**/{words[1].replace('.', '/')}.py")]
    else:
        target, path = words[:1], [*ROOT.glob(words[0])]
    if not path:
        return f"no {target[-1]}"
    if target[-1] == "tools/readme.py":  # which knows no other words
        return next((f"no {option}" for option in options if f'"{option}"' not in path[0].read_text()), "")
    return next((f"no {option}" for option in options if option not in help_of(tuple(target))), "")


def pattern(path: str) -> str:
    """A name in <> may be any, and ... is what the reader chooses."""
    return re.sub(r"<\w+>", "*", path).replace("...", "*")


@cache
def help_of(target: tuple[str, ...]) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "tests"), str(ROOT)))}
    command = [sys.executable, *target, "--help"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def pip(words: list[str]) -> str:
    """A checkout, an extra of mcuq's, or a file of locked versions."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in words[1:]:
        extra = re.fullmatch(r"mcuq\[(\w+)\]", word)
        if extra and extra[1] in extras:
            continue
        if word not in ("-r", "--require-hashes", ".", "../mcuq") and not (ROOT / word).is_file():
            return f"no {word}"
    return "" if words[0] == "install" else f"no pip {words[0]}"


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.stem)
def test_every_command_is_known(paper):
    found = {command: wrong(command) for command in commands(paper.read_text("utf-8"))}
    assert {command: problem for command, problem in found.items() if problem} == {}


def test_commands_are_found():
    """In blocks, in sessions and among words; what is no command is left out."""
    found = set().union(*(commands(paper.read_text("utf-8")) for paper in PAPERS))
    assert len(found) > 40
    assert {
        "make quickstart",
        "pio device monitor",
        "python tools/readme.py --operators",
        "pip install ../mcuq",
    } <= found
    assert set(RUN_BY) | set(NEEDS_A_BOARD) | set(NEEDS_A_HISTORY) <= found
    text = (
        "    rm -r build    # clean\n\n```c\n    int x;\n```\n\n    x = mcuq.load(1)\n\nNo `make sense`, `mcuq ops`.\n"
    )
    assert commands(text) == {"rm -r build", "make sense"}


@pytest.mark.parametrize(
    "command",
    [
        "rm -r build",
        "make sense",
        "make bench SPEED=1",
        "make bench BENCH='--turbo'",
        "python tools/no.py",
        "python tools/readme.py --turbo",
        "python -m fuzz.equality --turbo",
        "python -m pytest tests/no_<name>.py",
        "pip install 'mcuq[turbo]'",
        "pip install -r locks/no.txt",
        "pip download .",
        "pio run -e turbo",
        "esphome run",
    ],
)
def test_what_is_not_there_is_found(command):
    assert wrong(command)
