"""A project's own ``platformio.ini``: what in it disagrees with what a model was checked for. Nothing is changed."""

from __future__ import annotations

import configparser
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
    own = board.partition(framework).table
    return tuple(line for name, env in ours.items() for line in _lines(path, name, env, framework, table, own))


def _lines(path: Path, name: str, env: Mapping[str, str], framework: str, table: str, own: str) -> Iterator[str]:  # noqa: PLR0917
    frameworks = env.get("framework", "").replace(",", " ").split()
    if frameworks and framework not in frameworks and not any("$" in name for name in frameworks):
        yield f"{path}: env:{name} has framework = {', '.join(frameworks)}; the model was checked with {framework}"
    given = env.get("board_build.partitions", own).strip()
    if "$" not in given and Path(given).name != Path(table).name:
        yield f"{path}: env:{name} has the partition table {given}; the model was checked with {table}"


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
