"""Boards and chips as data: ``boards/<platformio board id>.toml`` and ``boards/chips/<chip>.toml``.

Every number that is a size is an :class:`Amount`, ``{ bytes = …, source = "…" }`` in the file; one without a source
is refused. A board may also be a file of the user's own, in the same format.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from mcuq.errors import UsageError
from mcuq.resources import resource
from mcuq.sourced import Amount, Table, read_sourced

T = TypeVar("T")

FRAMEWORKS = ("arduino", "espidf")
FLASH_MODES = ("qio", "qout", "dio", "dout")


@dataclass(frozen=True)
class Partition:
    """A partition table (a CSV file): its first application partition and the flash it needs."""

    table: str
    app: Amount
    flash: Amount


@dataclass(frozen=True)
class Sdk:
    """What one framework, as one PlatformIO platform pins it, leaves to an application on one chip.

    ``static_limit`` is the linker segment of static data, ``base_static`` what an empty application uses of it.
    ``base_iram`` is IRAM code in the same memory (None: IRAM has its own), of which the first ``iram_apart`` bytes
    cost the segment nothing. ``heap_block`` is the largest block malloc gives at boot.
    """

    framework: str
    version: str
    platform: str
    static_limit: Amount
    base_static: Amount
    base_image: Amount
    task: str
    task_stack: Amount
    base_iram: Amount | None = None
    iram_apart: Amount | None = None
    heap_block: Amount | None = None

    @property
    def iram_spill(self) -> int:
        """Bytes of the static segment that an empty application's IRAM code takes away."""
        apart = self.iram_apart.bytes if self.iram_apart else 0
        return max(0, self.base_iram.bytes - apart) if self.base_iram else 0


@dataclass(frozen=True)
class Chip:
    """A SoC. ``isa`` picks the column of ``kernels.json``; ``const_window`` is how much constant data flash can map."""

    id: str
    name: str
    isa: str
    const_window: Amount
    code_shares_const_window: bool
    sdks: tuple[Sdk, ...]


@dataclass(frozen=True)
class Board:
    """A board as PlatformIO knows it. ``frameworks[0]`` is the default; ``flash_frequency`` is in Hz."""

    id: str
    name: str
    chip: Chip
    platform: str
    frameworks: tuple[str, ...]
    flash: Amount
    flash_mode: str
    flash_frequency: int
    monitor_speed: int
    partitions: Mapping[str, Partition]

    def framework(self, wanted: str = "") -> str:
        """Return the framework asked for, or the board's default.

        Raises:
            UsageError: the board does not have it.
        """
        if wanted and wanted not in self.frameworks:
            raise UsageError(f"{self.id} has no framework {wanted}; it has {', '.join(self.frameworks)}")
        return wanted or self.frameworks[0]

    def sdk(self, framework: str = "") -> Sdk:
        """Return the figures of a framework, as this board's platform pins it."""
        wanted = self.framework(framework)
        return next(s for s in self.chip.sdks if (s.framework, s.platform) == (wanted, self.platform))

    def partition(self, framework: str = "", table: str = "") -> Partition:
        """Return the board's partition table for a framework, or another one by name.

        Raises:
            UsageError: an unknown table, or one that needs more flash than the board has.
        """
        framework = self.framework(framework)
        own = self.partitions[framework]
        if table in {"", own.table}:
            return own
        found = _named(table, known_partitions(framework), "partition table")
        if found.flash.bytes > self.flash.bytes:
            raise UsageError(f"{table} needs {found.flash.bytes} bytes of flash, {self.id} has {self.flash.bytes}")
        return found


def board_ids() -> tuple[str, ...]:
    """Return the ids of all boards that mcuq knows, sorted."""
    return tuple(sorted(path.stem for path in resource("boards").glob("*.toml")))


def load_board(board: str | Path) -> Board:
    """Read a board by its PlatformIO id, or from a ``.toml`` file of the user's.

    Raises:
        UsageError: an unknown id (with the closest ones), or a file that is not a board.
    """
    if isinstance(board, Path) or board.endswith(".toml"):
        return _board(Path(board))
    ids = board_ids()
    return _board(_named(board, {i: resource("boards") / f"{i}.toml" for i in ids}, "board"))


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
        const_window=table.amount("const_window"),
        code_shares_const_window=table.flag("code_shares_const_window"),
        sdks=tuple(_sdk(sdk) for sdk in table.tables("sdk")),
    )
    table.close()
    return result


@cache
def known_partitions(framework: str) -> Mapping[str, Partition]:
    """Return the partition tables that a framework ships, by the name of their CSV file."""
    table = read_sourced(resource("boards") / "partitions" / f"{framework}.toml")
    return {name: _partition(name, table.table(name)) for name in table.names}


def _board(path: Path) -> Board:
    table = read_sourced(path)
    chip, platform = load_chip(table.text("chip"), table.where), table.text("platform")
    frameworks = table.texts("frameworks", FRAMEWORKS)
    for framework in frameworks:
        if not any((s.framework, s.platform) == (framework, platform) for s in chip.sdks):
            table.fail(f"no figures for {framework} of {platform} on {chip.name}; see boards/chips/{chip.id}.toml")
    partitions = table.table("partitions")
    result = Board(
        id=path.stem,
        name=table.text("name"),
        chip=chip,
        platform=platform,
        frameworks=frameworks,
        flash=table.amount("flash"),
        flash_mode=table.text("flash_mode", FLASH_MODES),
        flash_frequency=table.number("flash_frequency"),
        monitor_speed=table.number("monitor_speed"),
        partitions={f: _board_partition(partitions, f) for f in frameworks},
    )
    partitions.close()
    table.close()
    return result


def _board_partition(tables: Table, framework: str) -> Partition:
    """Read a table's name, or ``{ table = …, app = …, flash = … }`` for one of the user's own."""
    if tables.has_table(framework):
        own = tables.table(framework)
        return _partition(own.text("table"), own)
    return _named(tables.text(framework), known_partitions(framework), "partition table", tables.where)


def _partition(name: str, table: Table) -> Partition:
    result = Partition(name, table.amount("app"), table.amount("flash"))
    table.close()
    return result


def _sdk(table: Table) -> Sdk:
    result = Sdk(
        framework=table.text("framework", FRAMEWORKS),
        version=table.text("version"),
        platform=table.text("platform"),
        static_limit=table.amount("static_limit"),
        base_static=table.amount("base_static"),
        base_image=table.amount("base_image"),
        task=table.text("task"),
        task_stack=table.amount("task_stack"),
        base_iram=table.optional_amount("base_iram"),
        iram_apart=table.optional_amount("iram_apart"),
        heap_block=table.optional_amount("heap_block"),
    )
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
