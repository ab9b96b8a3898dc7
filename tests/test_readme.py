"""The papers tell the truth: sessions print what they say, what is generated is current, what they name exists."""

import importlib
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from requirements import require

from mcuq import loading, pipeline
from mcuq.report import build

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import readme  # noqa: E402

NAMES = [path.relative_to(ROOT).as_posix() for path in (*readme.PAPERS, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md")]
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in NAMES}
SESSIONS = {name: readme.SESSION.findall(text) for name, text in TEXTS.items()}
FEW_BITS = "docs/few_bits.md"
SOLVER_HINT = '; pip install "mcuq[solver]" may close the gap'  # the papers are written with OR-tools
papers = pytest.mark.parametrize("name", NAMES)


def run(command: str) -> str:
    """Run one `mcuq …` line of a paper in the repository's root; return its output."""
    program, *arguments = shlex.split(command)
    assert program == "mcuq"
    done = subprocess.run(
        [sys.executable, "-m", "mcuq", *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [name for name, session in SESSIONS.items() if session and name != FEW_BITS])
def test_sessions_print_what_they_say(name):
    """In order: the second command uses what the first has written."""
    for command, expected in SESSIONS[name]:
        text, wanted = run(command).replace(SOLVER_HINT, ""), expected
        if command.startswith("mcuq build"):  # a second run of this test changes nothing
            text, wanted = (re.sub(r"\d+ files written|nothing changed", "…", t) for t in (text, expected))
            text = re.sub(r"left as they are.*\n", "", text)
        if command.startswith(("mcuq quantize", "mcuq evaluate")):
            # float sums differ a little from machine to machine
            assert_nearly_equal(text, wanted)
        else:
            assert text == wanted, command


@pytest.mark.parametrize("there", [True, False])
def test_the_solver_is_named_where_it_is_missing(monkeypatch, there):
    plan = pipeline.compile(loading.load(ROOT / "examples/digits/digits.tflite"), "esp32dev")
    monkeypatch.setattr(build, "_has_solver", lambda: there)
    assert build.arena(replace(plan, arena_bound=plan.arena_bytes - 4)).endswith(SOLVER_HINT) is not there
    assert not build.arena(replace(plan, arena_bound=plan.arena_bytes)).endswith(SOLVER_HINT)


def test_search_prints_what_it_says():
    """It counts instructions where the emulated chip is there."""
    require("joblib", "threadpoolctl", "riscv64-unknown-elf-gcc", "picolibc", "qemu-system-riscv32")
    ((command, expected),) = SESSIONS[FEW_BITS]
    (ROOT / "build/digits_few.mcuq.journal").unlink(missing_ok=True)  # of an earlier search
    assert_nearly_equal(run(command), expected)


def test_the_readme_has_a_session():
    assert [command.split()[1] for command, _ in SESSIONS["README.md"]] == ["build", "verify", "simulate"]


def assert_nearly_equal(text: str, wanted: str) -> None:
    """The same words, and numbers within 2 %, or half a unit."""
    number = r"(?<![\w.])[\d,]+(?:\.\d+)?"
    assert re.sub(r" +", " ", re.sub(number, "#", text)) == re.sub(r" +", " ", re.sub(number, "#", wanted))
    for given, expected in zip(re.findall(number, text), re.findall(number, wanted), strict=True):
        a, b = (float(n.replace(",", "") or 0) for n in (given, expected))
        assert abs(a - b) <= max(0.5, 0.02 * b), (given, expected)


def test_operators_are_generated():
    assert readme.main(["--check"]) == 0


def test_the_check_of_operators_can_fail(tmp_path, monkeypatch):
    """And writing them runs no session: the papers are left alone."""
    paper = tmp_path / "operators.md"
    paper.write_text(readme.operators().replace("| add |", "| ad |"))
    monkeypatch.setattr(readme, "OPERATORS", paper)
    monkeypatch.setattr(readme, "session", None)
    assert readme.main(["--check"]) == 1
    assert readme.main(["--operators"]) == 0
    assert readme.main(["--check"]) == 0


def test_the_readme_is_short():
    assert len(TEXTS["README.md"].split()) <= 1500


@pytest.mark.parametrize("command", ["make quickstart", "make test"])
def test_the_two_commands_are_named(command):
    assert f"    {command} " in TEXTS["README.md"]


def anchors(text: str) -> set[str]:
    """What a heading is called in a link."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@papers
def test_links_lead_somewhere(name):
    for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", TEXTS[name]):
        target = (ROOT / name).parent / link if link else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), f"{link}#{anchor}"


FOLDERS = "mcuq|firmware|templates|boards|tests|tools|benchmarks|examples|docs"
PATH = re.compile(rf"(?<![\w/.<\-])((?:{FOLDERS})/[\w./<>*{{}},-]*|\.ci/run|mcuq_\w+\.[ch]\b)")


def missing(text: str) -> list[str]:
    """Files and folders that a text names and that are not there; a name in <> may be any."""
    found = []
    for path in {match.rstrip(".,-") for match in PATH.findall(text)}:
        pattern = re.sub(r"<\w+>", "*", path)
        inside = pattern if "/" in pattern else f"firmware/**/{pattern}"
        if not any(ROOT.glob(inside.rstrip("/"))):
            found.append(path)
    return sorted(found)


def unknown(text: str) -> list[str]:
    """Modules and public names that a text writes with their dots, such as mcuq.qat.prepare, and that are not there."""
    names = set(re.findall(r"(?<![\w/.])mcuq(?:\.[A-Za-z]\w*)+\b(?!/)", text)) - {"mcuq.h", "mcuq.toml"}
    return sorted(name for name in names if not is_module(name) and not is_member(*name.rsplit(".", 1)))


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def is_member(module: str, name: str) -> bool:
    return is_module(module) and name in {
        *dir(found := importlib.import_module(module)),
        *getattr(found, "__all__", ()),
    }


@papers
def test_what_is_named_exists(name):
    assert missing(TEXTS[name]) == []
    assert unknown(TEXTS[name]) == []


def test_what_is_not_there_is_found():
    text = (
        "`mcuq/ops/abs.py`, mcuq/ops/sba.py. (firmware/kernels/<family>/mcuq_<kernel>.c), boards/no/*.toml, "
        "lib/mcuq/src, `mcuq_add_s8.c` and `mcuq_dad_s8.c`; mcuq.qat.prepare, "
        "mcuq.qat.repair, mcuq.plan.builder, mcuq.plan.burglar."
    )
    assert missing(text) == ["boards/no/*.toml", "mcuq/ops/sba.py", "mcuq_dad_s8.c"]
    assert unknown(text) == ["mcuq.plan.burglar", "mcuq.qat.repair"]


@papers
def test_make_has_what_is_named(name):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^    |\$ )make ([a-z-]+)", TEXTS[name], re.MULTILINE)) <= targets


VERBS = "build quantize search evaluate check inspect simulate verify report compare gate boards ops doctor completion"
HELP = dict.fromkeys(VERBS.split(), "")


def help_of(verb: str) -> str:
    HELP[verb] = HELP[verb] or run(f"mcuq {verb} --help")
    return HELP[verb]


@papers
def test_every_command_has_its_options(name):
    for verb, rest in re.findall(r"\bmcuq ([a-z]+)(?=([^`\n|#&]*))", TEXTS[name]):
        if verb in HELP:
            wanted = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest.partition("mcuq ")[0]))
            assert wanted <= set(re.findall(r"--[a-z][a-z-]*", help_of(verb))), (verb, rest)


def test_options_of_their_own_exist():
    """Papers on one verb name its options without it."""
    options = {
        option for name in ("docs/fit.md", "docs/quantizing.md", FEW_BITS)
        for option in re.findall(r"`(--[a-z-]+)", TEXTS[name])
    }  # fmt: skip
    known = {option for verb in HELP for option in re.findall(r"--[a-z][a-z-]*", help_of(verb))}
    assert len(options) > 20
    assert options - {"--chip"} <= known  # of a benchmark


def test_the_readme_lists_every_verb():
    verbs = set(re.findall(r"^    ([a-z]+)(?: |$)", run("mcuq --help"), re.MULTILINE))
    assert verbs == set(HELP)
    assert all(f"`mcuq {verb}" in TEXTS["README.md"] for verb in verbs)


def test_digits_accuracy_is_what_the_example_says():
    """538 of 540 held-out digits, as TensorFlow Lite Micro scored when the model was trained."""
    out = run("mcuq simulate examples/digits/digits.tflite --input examples/digits/holdout.npz")

    assert "538 of 540 correct" in out
    assert "538 of 540" in (ROOT / "examples/digits/README.md").read_text()
