"""What surrounds a model in a firmware, as `check` judges it and `build` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

Arena = Literal["static", "heap", "psram"]
ARENAS: tuple[Arena, ...] = get_args(Arena)
SLOWER = 5  # percent more instructions that less memory may cost, unless faster kernels were asked for
CHOSEN = {"io_in_arena": bool, "slower": int}  # options that None leaves to mcuq, and what else they may be


@dataclass(frozen=True)
class Setup:
    """Where the arena lies, which partition table (empty: the board's), and what the user's application takes.

    ``app_ram`` is static data, ``app_flash`` code and constants, in bytes. With ``io_in_arena`` the model's inputs and
    outputs lie in the arena too, instead of in memory of the caller's; None: where that takes less memory in all. With
    ``speed`` layers get kernels that are faster and take more flash, as far as the board has the memory. With
    ``slower`` layers are computed in strips of rows where that saves memory, for so many percent more instructions at
    most (None: ``percent``; 0: none are); with ``ram`` instead so that arena, state, inputs and outputs take so many
    bytes at most. With ``push_rows`` the rows of the input come from outside, and it never lies anywhere as a whole.
    ``platform`` is where the framework comes from (empty: the board's own choice). With ``share_arena`` a static arena
    serves all such models of a project in turn. ``partition_text`` is the table's file where it is the user's own.
    """

    arena: Arena = "static"
    partition: str = ""
    partition_text: str = ""
    wifi: bool = False
    ble: bool = False
    app_ram: int = 0
    app_flash: int = 0
    io_in_arena: bool | None = None
    share_arena: bool = True
    speed: bool = False
    slower: int | None = None
    ram: int = 0
    push_rows: bool = False
    platform: str = ""

    @property
    def percent(self) -> int:
        """Percent more instructions that less memory may cost."""
        if self.slower is not None:
            return self.slower
        return 0 if self.speed else SLOWER

    @property
    def radio(self) -> str:
        """The name of the SDK's figures for the radios in use; empty without."""
        return "_".join(name for name in ("wifi", "ble") if getattr(self, name))

    @property
    def options(self) -> tuple[str, ...]:
        """The options of ``mcuq build`` that make this setup of a plain one."""
        given = [f for f in fields(self) if f.name != "partition_text"]  # which comes with the partition's file
        changed = {f.name: getattr(self, f.name) for f in given if getattr(self, f.name) != f.default}
        return tuple(_option(name.replace("_", "-"), value) for name, value in changed.items())

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> Setup:
        """Return the setup from plain values, as JSON holds them; what is missing is as in a plain setup.

        One without ``slower`` was written when nothing was cut into strips, and stays so.

        Raises:
            ValueError: for an unknown member, or a value of another type.
        """
        known = {f.name: f.default for f in fields(cls)}
        plain = {"slower": 0, **plain} if plain else {}
        for name, value in plain.items():
            if name not in known or type(value) not in (type(known[name]), CHOSEN.get(name)):
                raise ValueError(f"{name!r} cannot be {value!r} in a setup")
        if plain.get("arena", "static") not in ARENAS or any(
            (plain.get(name) or 0) < 0 for name in ("app_ram", "app_flash", "slower", "ram")
        ):
            raise ValueError("a setup has an unknown arena, or negative bytes")
        return cls(**plain)

    def updated(self, given: Mapping[str, Any]) -> Setup:
        """Return the setup with the given options in place; None stands for one that was not given."""
        changed = {name: value for name, value in given.items() if value is not None}
        if changed.get("partition", self.partition) != self.partition:  # it is not in the old one's file
            changed.setdefault("partition_text", "")
        return replace(self, **changed)


def _option(name: str, value: bool | int | str) -> str:
    """Return an option and its value as they are given on the command line.

    >>> _option("wifi", True), _option("io-in-arena", False), _option("app-ram", 1)
    ('--wifi', '--no-io-in-arena', '--app-ram 1')
    """
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {value}"


PLAIN = Setup()
