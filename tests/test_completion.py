"""Completion in real shells: verbs, options, choices, boards and files, for everything that the parser has."""

import re
import subprocess

import pytest
from requirements import require, require_tool

from mcuq.target.board import board_ids


@pytest.fixture
def bash(run, tmp_path):
    """Complete a line in bash; return what is offered."""
    script = run("completion", "bash")[1]
    (tmp_path / "a model.tflite").touch()
    (tmp_path / "folder").mkdir()
    bash = require_tool("bash", "apt-get install bash")

    def completed(*words: str) -> list[str]:
        given = " ".join(f"'{word}'" for word in words)
        ask = (
            f"{script}\nCOMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; _mcuq; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
        done = subprocess.run([bash, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.split("\n")[:-1]

    return completed


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mcuq qu", ["quantize"]),
        ("mcuq com", ["compare", "completion"]),
        ("mcuq build --stre", ["--stream"]),
        ("mcuq build m.tflite --arena ", ["static", "heap", "psram"]),
        ("mcuq check --board esp32-c3-devkitm", ["esp32-c3-devkitm-1"]),
        ("mcuq check --require ", ["any", "all"]),
        ("mcuq build --framework e", ["espidf"]),
        ("mcuq completion ", ["bash", "zsh", "fish"]),
        ("mcuq build a", ["a model.tflite"]),
        ("mcuq build --out f", ["folder"]),
        ("mcuq build --bits ", [""]),
        ("mcuq boards x", [""]),
    ],
)
def test_bash(bash, line, offered):
    assert [word for word in bash(*line.split(" ")) if word not in {"-h", "--help"}] == offered


def test_every_option_of_every_verb_is_offered(bash, run):
    """As ``--help`` names them."""
    for verb in re.findall(r"^    ([a-z]+)(?: |$)", run("--help")[1], re.MULTILINE):
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", run(verb, "--help")[1].partition("example:")[0]))
        assert named <= {*bash("mcuq", verb, "--")}, verb
    assert set(board_ids()) <= {*bash("mcuq", "build", "--board", "")}


def test_bash_takes_it_as_users_do(tmp_path, run):
    """``eval`` of the script registers the completion."""
    done = subprocess.run(
        [require_tool("bash", "apt-get install bash"), "-c", f"{run('completion', 'bash')[1]}\ncomplete -p mcuq"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "complete -F _mcuq mcuq\n"


def test_fish(run, tmp_path):
    require("fish")
    (tmp_path / "c.fish").write_text(run("completion", "fish")[1])

    def completed(line: str) -> set[str]:
        ask = f"source c.fish; complete -C '{line}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return {text.split("\t")[0] for text in done.stdout.splitlines()}

    assert completed("mcuq quant") == {"quantize"}
    assert completed("mcuq build --arena ") == {"static", "heap", "psram"}
    assert "esp32dev" in completed("mcuq check --board esp32d")
    assert "--calibration" in completed("mcuq build --cal")
    assert completed("mcuq completion z") == {"zsh"}


def test_zsh(run, tmp_path):
    """It is read, and knows the verbs; what a terminal would show needs one."""
    require("zsh")
    (tmp_path / "_mcuq").write_text(run("completion", "zsh")[1])
    ask = """
        autoload -Uz compinit && compinit -D -u && source ./_mcuq && print -r -- $_comps[mcuq]
        _arguments() { print -rl -- "$@" }
        _describe() { print -rl -- $verbs }
        words=(mcuq ''); CURRENT=2; _mcuq; words=(mcuq build ''); CURRENT=3; _mcuq
    """
    done = subprocess.run(["zsh", "-f", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)

    lines = done.stdout.splitlines()
    assert done.stderr == "" and lines[0] == "_mcuq"
    assert any(line.startswith("build:check a model") for line in lines)
    assert any(line.startswith("*--arena[") and line.endswith(":value:(static heap psram)") for line in lines)
    assert "*:file:_files" in lines
