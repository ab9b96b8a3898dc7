"""Chips as data, ``boards/chips/<chip>.toml``: the kernels for them, and what each framework leaves an application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from mcuq.resources import resource
from mcuq.target import consistency
from mcuq.target.board_names import named
from mcuq.target.cache import Cache, read_cache
from mcuq.target.sdk import Sdk, read_sdk
from mcuq.target.sourced_toml import Amount, Table, read_sourced


@dataclass(frozen=True)
class Chip:
    """A SoC.

    ``isa`` is what compiles for it, and picks the column of ``kernels.json``; ``kernels`` are the families of
    ``mcuq.kernels`` that it has, the best first, and ``without`` says of families that others of its isa have why it
    has not. ``board`` is PlatformIO's plain board with the chip. ``const_window`` is how much constant data flash can
    map, ``psram_window`` how much PSRAM. ``iram`` is memory for code alone (None: it shares that of static data).
    ``cache`` lies between a CPU and the constants in flash.
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
    cache: Cache
    sdks: tuple[Sdk, ...]

    @property
    def emulated(self) -> Literal["rv32", "xtensa", "s3"]:
        """The emulated chip that executes its instructions, as the engines call it."""
        if self.isa == "xtensa":
            return "s3" if "s3" in self.kernels else "xtensa"
        return "rv32"

    def sdk(self, framework: str, platform: str) -> Sdk | None:
        """Return the figures of a framework of a platform; None where that platform has it not for this chip."""
        return next((s for s in self.sdks if (s.framework, s.platform) == (framework, platform)), None)


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
    table = read_sourced(named(chip, paths, "chip", where))
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
        cache=read_cache(table.table("cache")),
        sdks=_sdks(table),
    )
    table.close()
    for problem in consistency.of_sdks(result.sdks):
        table.fail(problem)
    return result


def _sdks(chip: Table) -> tuple[Sdk, ...]:
    """Read every ``[[sdk]]``; one that is ``like`` an earlier one takes from it what it does not say itself."""
    said: dict[str, dict[str, Any]] = {}
    found = []
    for table in chip.tables("sdk"):
        like = table.optional_text("like")
        if like and like not in said:
            table.fail(f"like is {like!r}; before it there are {', '.join(said) or 'none'}")
        table.values = _over(said.get(like, {}), table.values)
        said[f"{table.values.get('framework')} {table.values.get('version')}"] = dict(table.values)
        found.append(read_sdk(table))
    return tuple(found)


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables of a base with what is said anew, also within ``heap``, ``wifi`` and the like."""
    tables = {
        key: {**base[key], **own[key]} for key in ("heap", "wifi", "ble", "wifi_ble") if key in base and key in own
    }
    return {**base, **own, **tables}


def _reasons(chip: Table) -> dict[str, str]:
    if not chip.has_table("without"):
        return {}
    table = chip.table("without")
    return {family: table.text(family) for family in table.names}
