"""Boards as data: ``boards/<platformio board id>.toml``.

Every number that is a size is an :class:`Amount`, ``{ bytes = …, source = "…" }`` in the file; one without a source
is refused. A board may also be a file of the user's own, in the same format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mcuq.errors import UsageError
from mcuq.reading import printable
from mcuq.resources import resource
from mcuq.target import consistency
from mcuq.target.board_names import find_board, named
from mcuq.target.chip import Chip, load_chip
from mcuq.target.partition_csv import read_partitions
from mcuq.target.platforms import Platform, known_platforms, platform_of
from mcuq.target.sdk import FRAMEWORKS, Sdk
from mcuq.target.sourced_toml import Amount, Table, file_text, parse_sourced, read_sourced

FLASH_MODES = ("qio", "qout", "dio", "dout")
FURTHER = ("flash_mode", "flash_frequency", "monitor_speed", "partitions")  # keys that a board's file must have
PSRAM_MODES = ("quad", "octal", "hex")


@dataclass(frozen=True)
class Partition:
    """A partition table (a CSV file): its first application partition and the flash it needs."""

    table: str
    app: Amount
    flash: Amount


@dataclass(frozen=True)
class Board:
    """A board.

    ``frameworks[0]`` is the default; ``platforms`` are those that have each, the board's own choice first;
    ``flash_frequency`` is in Hz. ``platformio`` is what PlatformIO calls the board, or the one that it is built as;
    ``text`` is the file of a board of the user's own, which travels with its projects.
    """

    id: str
    name: str
    chip: Chip
    platforms: Mapping[str, tuple[Platform, ...]]
    frameworks: tuple[str, ...]
    flash: Amount
    flash_mode: str
    flash_frequency: int
    monitor_speed: int
    partitions: Mapping[str, Partition]
    psram: Amount | None = None
    psram_mode: str = ""
    platformio: str = ""
    text: str = ""

    def on(self, platform: str, framework: str = "") -> Board:
        """Return the board as one platform alone has it; as it is, if that is empty.

        Raises:
            UsageError: that platform has not the board, or not that framework for it; with the ones that have.
        """
        if not platform:
            return self
        named(platform, known_platforms(), "platform")
        asked = [framework] if framework else list(self.frameworks)
        there = {f: tuple(p for p in self.platforms.get(f, ()) if p.name == platform) for f in self.frameworks}
        if not any(there.get(f) for f in asked):
            have = dict.fromkeys(p.name for f in asked for p in self.platforms.get(f, ()))
            what = f"{framework} for {self.id}" if framework else self.id
            has = "have" if len(have) > 1 else "has"
            raise UsageError(f"{platform} has no {what}; {' and '.join(have) or 'no platform'} {has} it")
        frameworks = tuple(f for f in self.frameworks if there[f])
        return replace(self, platforms=there, frameworks=frameworks)

    def framework(self, wanted: str = "") -> str:
        """Return the framework asked for, or the board's default.

        Raises:
            UsageError: the board does not have it.
        """
        if wanted and wanted not in self.frameworks:
            has = ", ".join(self.frameworks)
            raise UsageError(f"{self.id} has no framework {printable(wanted, 60)}; it has {has}")
        return wanted or self.frameworks[0]

    def platform(self, framework: str = "") -> Platform:
        """Return where the framework comes from."""
        return self.platforms[self.framework(framework)][0]

    def sdk(self, framework: str = "") -> Sdk:
        """Return the figures of a framework, as this board's platform pins it."""
        found = self.chip.sdk(self.framework(framework), self.platform(framework).name)
        assert found, "a board has no platform without figures"
        return found

    def partition(self, framework: str = "", table: str = "", text: str = "") -> Partition:
        """Return the board's partition table for a framework, or another one by name, or from the text of its file.

        Raises:
            UsageError: an unknown table, or one that needs more flash than the board has.
        """
        framework = self.framework(framework)
        own = self.partitions[framework]
        if not text and table in {"", own.table}:
            return own
        if text:  # which goes into the project under that name, whoever else has it
            app, end = (Amount(count, table) for count in read_partitions(text, table))
            found = Partition(table, app, end)
        else:
            found = named(table, known_partitions(framework), "partition table")
        if found.flash.bytes > self.flash.bytes:
            raise UsageError(f"{table} needs {found.flash.bytes} bytes of flash, {self.id} has {self.flash.bytes}")
        return found


def board_ids() -> tuple[str, ...]:
    """Return the ids of all boards that mcuq knows, sorted."""
    return tuple(sorted(path.stem for path in resource("boards").glob("*.toml")))


def load_board(board: str | Path) -> Board:
    """Read a board by its PlatformIO id or what people call it, or from a ``.toml`` file of the user's.

    Raises:
        UsageError: an unknown id (with those it could be), or a file that is not a board.
    """
    if isinstance(board, Path) or board.endswith(".toml"):
        return board_from(file_text(Path(board)), Path(board).stem, str(board))
    known = board if board in board_ids() else find_board(board, _board_names())
    path = resource("boards") / f"{known}.toml"
    return _board(read_sourced(path), known)


def board_from(text: str, board_id: str, where: str) -> Board:
    """Read a board of the user's own.

    Args:
        text: of its file, which the board keeps.
        board_id: its id, that of the PlatformIO environment too.
        where: names the file in errors.

    Raises:
        UsageError: for a text or an id that cannot be a board's.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", board_id):
        raise UsageError(f"{where[:200]!r}: the file of a board is named with letters, digits, - and _ only")
    return replace(_board(parse_sourced(text, where), board_id), text=text)


@cache
def _board_names() -> Mapping[str, tuple[str, ...]]:
    """Return what every board is called, by id."""
    tables = {board_id: read_sourced(resource("boards") / f"{board_id}.toml").values for board_id in board_ids()}
    return {board_id: (values["name"], *values.get("aliases", ())) for board_id, values in tables.items()}


@cache
def known_partitions(framework: str) -> Mapping[str, Partition]:
    """Return the partition tables that a framework ships, by the name of their CSV file."""
    table = read_sourced(resource("boards") / "partitions" / f"{framework}.toml")
    return {name: _partition(name, table.table(name)) for name in table.names}


def _board(table: Table, board_id: str) -> Board:
    table.require("name", "chip", "frameworks", "flash", *FURTHER)
    chip = load_chip(table.text("chip"), table.where)
    frameworks = table.texts("frameworks", FRAMEWORKS)
    platforms = _platforms(table, frameworks, chip)
    psram = table.optional_amount("psram")
    partitions = table.table("partitions")
    result = Board(
        id=board_id,
        name=table.text("name"),
        chip=chip,
        platforms=platforms,
        frameworks=frameworks,
        flash=table.amount("flash"),
        flash_mode=table.text("flash_mode", FLASH_MODES),
        flash_frequency=table.number("flash_frequency"),
        monitor_speed=table.number("monitor_speed"),
        partitions={f: _board_partition(partitions, f) for f in frameworks},
        psram=psram,
        psram_mode=table.text("psram_mode", PSRAM_MODES) if psram else "",
        platformio=table.optional_word("board") or (board_id if board_id in board_ids() else chip.board),
    )
    table.values.pop("aliases", None)  # for people: see ``_board_names``
    partitions.close()
    table.close()
    for problem in _contradictions(result):
        table.fail(problem)
    return result


def _contradictions(board: Board) -> Iterator[str]:
    """Yield what a board's file says of its memories that cannot be."""
    yield from consistency.of_numbers(board.flash, board.psram, board.flash_frequency, board.monitor_speed)
    if board.psram and not board.chip.psram_window:
        yield f"psram: {board.chip.name} cannot have any"
    for framework, table in board.partitions.items():
        found = consistency.of_partitions(table.app.bytes, table.flash.bytes, board.flash.bytes, board.sdk(framework))
        yield from (f"partitions: {framework}: {table.table}: {problem}" for problem in found)


def _platforms(table: Table, frameworks: tuple[str, ...], chip: Chip) -> dict[str, tuple[Platform, ...]]:
    """Read ``platforms``, of which each framework takes those that have it, or ``platform``.

    That is one for all frameworks, or ``{ arduino = …, espidf = … }``: by name, or as ``platformio.ini`` calls it.
    """
    if "platforms" in table.values:
        listed = [known_platforms()[name] for name in table.texts("platforms", known_platforms())]
        found = {f: tuple(p for p in listed if chip.sdk(f, p.name)) for f in frameworks}
        names = dict.fromkeys(frameworks, ", ".join(p.name for p in listed))
    else:
        table.require("platform")
        each = table.table("platform") if table.has_table("platform") else None
        names = {f: each.word(f) for f in frameworks} if each else dict.fromkeys(frameworks, table.word("platform"))
        if each:
            each.close()
        meant = {f: platform_of(name) for f, name in names.items()}
        found = {f: (p,) if p and chip.sdk(f, p.name) else () for f, p in meant.items()}
    for framework, there in found.items():
        if not there:
            where = f"{framework} of {names[framework]} on {chip.name}"
            table.fail(f"no figures for {where}; see boards/chips/{chip.id}.toml")
    return found


def _board_partition(tables: Table, framework: str) -> Partition:
    """Read a table's name, or ``{ table = …, app = …, flash = … }`` for one of the user's own."""
    if tables.has_table(framework):
        own = tables.table(framework)
        return _partition(own.word("table"), own)
    return named(tables.text(framework), known_partitions(framework), "partition table", tables.where)


def _partition(name: str, table: Table) -> Partition:
    result = Partition(name, table.amount("app"), table.amount("flash"))
    table.close()
    return result
