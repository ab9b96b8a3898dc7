"""A project's own ``platformio.ini``: what in it disagrees with what a model was checked for. Nothing is changed."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mcuq.target.board import Board

NAME = "platformio.ini"


def disagreements(folder: Path, board: Board, framework: str, table: str) -> tuple[str, ...]:
    """Return in a line each what a project's file says otherwise; nothing without such a file.

    Args:
        folder: of the project.
        board: that the model was checked for.
        framework: with which.
        table: the partition table.
    """
    path = folder / NAME
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    parser = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=(";",))
    try:
        parser.read_string(text)
    except configparser.Error as error:
        return (f"{path}: cannot be read ({str(error).splitlines()[0]}), so it is not compared with {board.id}",)
    environments = {name: env for name, env in _environments(parser).items() if "board" in env}
    ours = {n: env for n, env in environments.items() if board.id == n or env["board"] in (board.id, board.platformio)}
    if not environments:
        return ()
    if not ours:
        found = ", ".join(f"{env['board']} (env:{name})" for name, env in environments.items())
        return (f"{path}: is for {found}; the model was checked for {board.id}",)
    lines = (_lines(env, board, framework, table) for env in ours.values())
    return tuple(f"{path}: env:{name} {line}" for name, said in zip(ours, lines, strict=True) for line in said)


def _lines(env: Mapping[str, str], board: Board, framework: str, table: str) -> Iterator[str]:
    """Yield what an environment has otherwise."""
    frameworks = env.get("framework", "").replace(",", " ").split()
    if frameworks and framework not in frameworks and not any("$" in name for name in frameworks):
        yield f"has framework = {', '.join(frameworks)}; the model was checked with {framework}"
    platform, checked = _platform(env.get("platform", "")), board.platform(framework).name
    if platform and platform != checked:
        yield f"has the platform {platform}; the model was checked for {checked}: --platform {platform}"
    given = env.get("board_build.partitions", board.partition(framework).table).strip()
    if "$" not in given and Path(given).name != Path(table).name:
        yield f"has the partition table {given}; the model was checked with {table}"


def _platform(spec: str) -> str:
    """Return which platform it is, in whatever version; empty for one that mcuq does not know.

    >>> _platform("platformio/espressif32@^6.9.0"), _platform("https://github.com/tasmota/platform-espressif32.git")
    ('official', '')
    """
    if "pioarduino" in spec:
        return "pioarduino"
    return "official" if re.fullmatch(r"(platformio/)?espressif32(\s*@.*)?", spec.strip()) else ""


def _environments(parser: configparser.ConfigParser) -> dict[str, dict[str, str]]:
    """Return the environments that ``pio run`` builds, by name, with what they inherit."""
    every = {name.removeprefix("env:"): name for name in parser.sections() if name.startswith("env:")}
    default = parser.get("platformio", "default_envs", fallback="").replace(",", " ").split()
    chosen = [name for name in default if name in every] or list(every)
    common = dict(parser["env"]) if parser.has_section("env") else {}
    return {name: common | _inherited(parser, every[name], ()) for name in chosen}


def _inherited(parser: configparser.ConfigParser, section: str, seen: tuple[str, ...]) -> dict[str, str]:
    """Return a section's options over those of what it extends."""
    if section in seen or not parser.has_section(section):
        return {}
    options: dict[str, str] = {}
    for parent in parser[section].get("extends", "").replace(",", " ").split():
        options |= _inherited(parser, parent, (*seen, section))
    return options | dict(parser[section])
