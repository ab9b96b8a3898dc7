"""What a search has measured so far, on disk: after a kill it goes on from there.

JSON lines: what is searched, then one line per measured candidate. Each line is appended by one write and flushed to
the disk; one that a kill has torn is the last, has no end, and is cut off.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcuq.errors import UsageError
from mcuq.reading import content_of
from mcuq.search.candidate import Candidate, Measurement


class Journal:
    """The measurements of one model on one set of samples, for one board.

    Args:
        path: of the file; created if missing.
        about: content hashes and options, by what they are; a journal about anything else is refused.

    Raises:
        UsageError: for another search's journal, a damaged one, or a file that cannot be written.
    """

    def __init__(self, path: Path, about: Mapping[str, str]) -> None:
        self.path, self.about = path, dict(about)
        self.measurements: dict[Candidate, Measurement] = {}
        self.instructions: dict[Candidate, int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = _whole_lines(path)
            if lines:
                self._read(lines)
            else:
                self._append({"search": self.about})
        except OSError as error:
            raise UsageError(f"{path}: cannot keep a journal there ({os.strerror(error.errno or 0)})") from None

    def add(self, candidate: Candidate, measurement: Measurement) -> None:
        """Keep a measurement."""
        self.measurements[candidate] = measurement
        self._append(self._named(candidate) | {"measured": dataclasses.asdict(measurement)})

    def add_instructions(self, candidate: Candidate, instructions: int) -> None:
        """Keep how many instructions a candidate takes."""
        self.instructions[candidate] = instructions
        self._append(self._named(candidate) | {"instructions": instructions})

    def _named(self, candidate: Candidate) -> dict[str, Any]:
        return {"key": self._key(candidate), "candidate": candidate.to_dict()}

    def _key(self, candidate: Candidate) -> str:
        text = json.dumps([self.about, candidate.to_dict()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _append(self, line: Mapping[str, Any]) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")
            os.fsync(file.fileno())

    def _read(self, lines: list[bytes]) -> None:
        try:
            about = dict(json.loads(lines[0])["search"])
            entries = [json.loads(line) for line in lines[1:]]
        except (ValueError, KeyError, TypeError, RecursionError, IndexError):
            raise UsageError(f"{self.path}: damaged, or not a journal of mcuq search; remove it") from None
        if other := [what for what in (*self.about, *about) if about.get(what) != self.about.get(what)]:
            if entries:
                raise UsageError(f"{self.path}: is the journal of another {other[0]}; remove it, or give another --out")
            self.path.unlink()  # of a search that ended before it measured anything
            self._append({"search": self.about})
        for number, entry in enumerate(entries, 2):
            self._take(entry, number)

    def _take(self, entry: Any, number: int) -> None:
        try:
            candidate = Candidate.from_dict(entry["candidate"])
            if entry["key"] != self._key(candidate):
                raise ValueError
            if "instructions" in entry:
                self.instructions[candidate] = int(entry["instructions"])
            else:
                self.measurements[candidate] = Measurement(**entry["measured"])
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise UsageError(f"{self.path}: line {number} is damaged; remove it, or the whole file") from None


def _whole_lines(path: Path) -> list[bytes]:
    """Return the lines of a file, and cut off a torn last one."""
    if not path.exists():
        return []
    content = content_of(path)
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    return content[:whole].splitlines()
