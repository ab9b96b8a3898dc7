"""Platforms as data, ``boards/platforms/all.toml``: where a framework comes from, and in which version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from mcuq.resources import resource
from mcuq.target.sourced_toml import read_sourced


@dataclass(frozen=True)
class Platform:
    """A platform: its name for ``--platform``, what ``platformio.ini`` says (empty: not for PlatformIO), in words."""

    name: str
    spec: str
    text: str


@cache
def known_platforms() -> Mapping[str, Platform]:
    """Return every platform by its name, the best-known first."""
    table = read_sourced(resource("boards") / "platforms" / "all.toml")
    found: dict[str, Platform] = {}
    for name in table.names:
        entry = table.table(name)
        found[name] = Platform(name, entry.optional_text("spec"), entry.text("text"))
        entry.close()
    return MappingProxyType(found)


def platform_of(text: str) -> Platform | None:
    """Return the platform that a board's file means, by its name or by what ``platformio.ini`` calls it."""
    known = known_platforms()
    return known.get(text) or next((p for p in known.values() if p.spec and p.spec == text), None)
