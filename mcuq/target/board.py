"""Boards and chips as data: ``boards/<platformio board id>.toml`` and ``boards/chips/<chip>.toml``.

Every number that is a size is an :class:`Amount`, ``{ bytes = …, source = "…" }`` in the file; one without a source
is refused. A board may also be a file of the user's own, in the same format.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from mcuq.errors import UsageError
from mcuq.reading import printable
from mcuq.resources import resource
from mcuq.target import consistency
from mcuq.target.board_names import find_board
from mcuq.target.partition_csv import read_partitions
from mcuq.target.sdk import FRAMEWORKS, Sdk, read_sdk
from mcuq.target.sourced_toml import Amount, Table, file_text, parse_sourced, read_sourced

T = TypeVar("T")

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
class Chip:
    """A SoC.

    ``isa`` is what compiles for it, and picks the column of ``kernels.json``; ``kernels`` are the families of
    ``mcuq.kernels`` that it has, the best first, and ``without`` says of families that others of its isa have why it
    has not. ``board`` is PlatformIO's plain board with the chip. ``const_window`` is how much constant data flash can
    map, ``psram_window`` how much PSRAM. ``iram`` is memory for code alone (None: it shares that of static data).
    """

    id: str
    name: str
    isa: str
    kernels: tuple[str, ...]
    without: Mapping[str, str]
    board: str
    const_window: Amount
    code_shares_const_window: bool
    psram_window: Amount | None
    iram: Amount | None
    sdks: tuple[Sdk, ...]

    @property
    def emulated(self) -> Literal["rv32", "xtensa", "s3"]:
        """The emulated chip that executes its instructions, as the engines call it."""
        if self.isa == "xtensa":
            return "s3" if "s3" in self.kernels else "xtensa"
        return "rv32"


@dataclass(frozen=True)
class Board:
    """A board.

    ``frameworks[0]`` is the default; ``platforms`` is the PlatformIO platform of each; ``flash_frequency`` is in Hz.
    ``platformio`` is what PlatformIO calls the board, or the one that it is built as; ``text`` is the file of a board
    of the user's own, which travels with its projects.
    """

    id: str
    name: str
    chip: Chip
    platforms: Mapping[str, str]
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

    def framework(self, wanted: str = "") -> str:
        """Return the framework asked for, or the board's default.

        Raises:
            UsageError: the board does not have it.
        """
        if wanted and wanted not in self.frameworks:
            has = ", ".join(self.frameworks)
            raise UsageError(f"{self.id} has no framework {printable(wanted, 60)}; it has {has}")
        return wanted or self.frameworks[0]

    def sdk(self, framework: str = "") -> Sdk:
        """Return the figures of a framework, as this board's platform pins it."""
        wanted = self.framework(framework)
        return next(s for s in self.chip.sdks if (s.framework, s.platform) == (wanted, self.platforms[wanted]))

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
            found = _named(table, known_partitions(framework), "partition table")
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
def load_chip(chip: str, where: str = "") -> Chip:
    """Read a chip by its id, as ``boards/chips`` names it.

    Args:
        chip: its id.
        where: the file that names it, for the error.

    Raises:
        UsageError: an unknown id, or a damaged file.
    """
    paths = {path.stem: path for path in (resource("boards") / "chips").glob("*.toml")}
    table = read_sourced(_named(chip, paths, "chip", where))
    result = Chip(
        id=chip,
        name=table.text("name"),
        isa=table.text("isa"),
        kernels=table.texts("kernels"),
        without=_reasons(table),
        board=table.text("board"),
        const_window=table.amount("const_window"),
        code_shares_const_window=table.flag("code_shares_const_window"),
        psram_window=table.optional_amount("psram_window"),
        iram=table.optional_amount("iram"),
        sdks=tuple(read_sdk(sdk) for sdk in table.tables("sdk")),
    )
    table.close()
    for problem in consistency.of_sdks(result.sdks):
        table.fail(problem)
    return result


def _reasons(chip: Table) -> dict[str, str]:
    if not chip.has_table("without"):
        return {}
    table = chip.table("without")
    return {family: table.text(family) for family in table.names}


@cache
def known_partitions(framework: str) -> Mapping[str, Partition]:
    """Return the partition tables that a framework ships, by the name of their CSV file."""
    table = read_sourced(resource("boards") / "partitions" / f"{framework}.toml")
    return {name: _partition(name, table.table(name)) for name in table.names}


def _board(table: Table, board_id: str) -> Board:
    table.require("name", "chip", "platform", "frameworks", "flash", *FURTHER)
    chip = load_chip(table.text("chip"), table.where)
    frameworks = table.texts("frameworks", FRAMEWORKS)
    platforms = _platforms(table, frameworks)
    for framework, platform in platforms.items():
        if not any((s.framework, s.platform) == (framework, platform) for s in chip.sdks):
            table.fail(f"no figures for {framework} of {platform} on {chip.name}; see boards/chips/{chip.id}.toml")
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


def _platforms(table: Table, frameworks: tuple[str, ...]) -> dict[str, str]:
    """Read ``platform``, one for all frameworks or ``{ arduino = …, espidf = … }``."""
    if not table.has_table("platform"):
        return dict.fromkeys(frameworks, table.word("platform"))
    each = table.table("platform")
    platforms = {framework: each.word(framework) for framework in frameworks}
    each.close()
    return platforms


def _board_partition(tables: Table, framework: str) -> Partition:
    """Read a table's name, or ``{ table = …, app = …, flash = … }`` for one of the user's own."""
    if tables.has_table(framework):
        own = tables.table(framework)
        return _partition(own.word("table"), own)
    return _named(tables.text(framework), known_partitions(framework), "partition table", tables.where)


def _partition(name: str, table: Table) -> Partition:
    result = Partition(name, table.amount("app"), table.amount("flash"))
    table.close()
    return result


def _named(name: str, known: Mapping[str, T], kind: str, where: str = "") -> T:
    """Return what has that name.

    Raises:
        UsageError: nothing has; with the closest names, or all of them.
    """
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"closest: {', '.join(close)}" if close else f"there are {', '.join(sorted(known))}"
    raise UsageError(f"{where + ': ' if where else ''}unknown {kind} {name!r}; {hint}")
