"""What was missing came out one verb at a time; `mcuq doctor` says it at once. Bare `mcuq` was an error."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from mcuq.engines import installed


def test_bare_mcuq_prints_help(run):
    status, out, error = run()

    assert (status, error) == (0, "")
    assert out.startswith("usage: mcuq")
    assert all(verb in out for verb in ("build", "quantize", "doctor"))


def test_everything_is_named_with_what_it_serves_and_its_install_line(run):
    status, out, error = run("doctor", "--json")
    tools = {tool["name"]: tool for tool in json.loads(out)["parts"]}

    assert (status, error) == (0, "")
    assert {*installed.EXTRAS, "riscv64-unknown-elf-gcc", "qemu-system-xtensa", "platformio"} <= set(tools)
    assert all(tool["present"] == bool(tool["found"]) for tool in tools.values())
    assert all(tool["serves"] and tool["install"] for tool in tools.values())
    text = run("doctor")[1]
    for tool in tools.values():
        assert tool["name"] in text
        assert (f"for {tool['serves']}: {tool['install']}" in text) == any(
            not t["present"] and t["serves"] == tool["serves"] and t["install"] == tool["install"]
            for t in tools.values()
        )


def test_what_is_not_there_is_missing(run, monkeypatch, tmp_path):
    """An empty path, no packages."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    tools = json.loads(run("doctor", "--json")[1])["parts"]

    assert len(tools) > 10
    assert not any(tool["present"] for tool in tools)
    assert 'pip install "mcuq[torch]"' in run("doctor")[1]


def test_a_compiler_that_makes_nothing_is_missing(run, monkeypatch, tmp_path):
    """A program of that name is not enough: Debian's cross compiler without its C library has no headers."""
    for name in ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"):
        path = tmp_path / name
        path.write_text("#!/bin/sh\nexit 1\n", "utf-8")
        path.chmod(0o755)
    if shutil.which("sh") is None:
        pytest.skip("no sh: a Unix shell stands for the broken compiler")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    tools = {tool["name"]: tool for tool in json.loads(run("doctor", "--json")[1])["parts"]}

    assert not tools["riscv64-unknown-elf-gcc"]["present"]
    assert not tools["qemu-system-riscv32"]["present"]


def test_extras_are_those_of_the_package():
    project = Path(__file__).parents[2] / "pyproject.toml"
    extras = set(tomllib.loads(project.read_text("utf-8"))["project"]["optional-dependencies"])

    assert extras - {"all"} == set(installed.EXTRAS)
