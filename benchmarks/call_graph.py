"""Call graphs with stack frames, as GCC 10 and later write them (-fcallgraph-info=su): the deepest chain of calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

INDIRECT = "__indirect_call"
NODE = re.compile(r'node: \{ title: "([^"]+)" label: "[^"]*?(?:\\n(\d+) bytes \((\w+)\)[^"]*)?"')
ASSEMBLY = re.compile(
    r"^[0-9a-f]+ <(\w+)>:\n[^\n:]*:\s+(?:(?:addi\s+(?:a1|sp), ?(?:a1|sp), ?-|entry\s+a1, ?)(\d+))?", re.M
)
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')


class CallGraph(NamedTuple):
    """Stack frames in bytes and callees by function. A static function's name starts with its file.

    What is called but not compiled here (memcpy, arithmetic helpers) has no frame: these are leaves of a few bytes.
    """

    frames: Mapping[str, int]
    calls: Mapping[str, frozenset[str]]

    @property
    def callees(self) -> set[str]:
        """Names of what is called."""
        return {name for callees in self.calls.values() for name in callees}

    @property
    def functions(self) -> list[str]:
        """Names of the functions with external linkage, sorted."""
        return sorted(name for name in self.frames if ":" not in name)

    def depth(self, function: str) -> int:
        """Return the stack of a function and what it calls; indirect calls count nothing.

        Raises:
            SystemExit: calls are recursive.
        """
        return self._deepest(function)[0]

    def depth_at_indirect_call(self, function: str) -> int:
        """Return the most stack in use when something below a function makes an indirect call."""
        return max(self._deepest(function)[1], 0)

    def _deepest(self, function: str) -> tuple[int, int]:
        """Return the stack of the deepest chain, and of the deepest chain to an indirect call (negative: none)."""
        active: set[str] = set()

        @cache
        def below(name: str) -> tuple[int, int]:
            if name == INDIRECT:
                return 0, 0
            if name in active:
                raise SystemExit(f"{name}: calls itself")
            active.add(name)
            parts = [below(callee) for callee in sorted(self.calls.get(name, ()))]
            active.remove(name)
            frame = self.frames.get(name, 0)
            indirect = max((at for _, at in parts), default=-1)
            return frame + max((depth for depth, _ in parts), default=0), frame + indirect if indirect >= 0 else -1

        return below(function)


def read(files: Iterable[Path], listings: Iterable[str] = ()) -> CallGraph:
    """Join the ``.ci`` files of several object files.

    Args:
        files: what the compiler wrote.
        listings: disassembled functions that were written in assembly: no calls, the frame is their first instruction.

    Raises:
        SystemExit: a frame's size is not fixed.
    """
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    for path in files:
        text = path.read_text()
        for name, size, kind in NODE.findall(text):
            if kind not in {"", "static"}:
                raise SystemExit(f"{path}: the stack frame of {name} has no fixed size")
            if size:
                frames[name] = int(size)
        for caller, callee in EDGE.findall(text):
            calls.setdefault(caller, set()).add(callee)
    for text in listings:
        frames |= {name: int(frame or 0) for name, frame in ASSEMBLY.findall(text)}
    return CallGraph(frames, {name: frozenset(callees) for name, callees in calls.items()})
