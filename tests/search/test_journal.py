"""The journal: what was measured is there after a kill, and only for the search that it belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcuq.errors import UsageError
from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.formats import Choice
from mcuq.search.journal import Journal

ABOUT = {"model": "m", "set of samples": "s"}
FIRST = Candidate.of({"a": Choice("4")}), Measurement(10, 20, 30, 0.1, "f0", "d")
SECOND = (
    Candidate.of({"a": Choice("4", 8, "8"), "b": Choice("cb4")}),
    Measurement(11, 21, 31, 1 / 3, "0f", "e", "too big"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "m.mcuq.journal"
    journal = Journal(path, ABOUT)
    journal.add(*FIRST)
    journal.add_instructions(FIRST[0], 12345)
    journal.add(*SECOND)
    return path


def test_what_was_written_is_read(path: Path) -> None:
    before = path.read_bytes()
    journal = Journal(path, ABOUT)
    assert journal.measurements == dict([FIRST, SECOND])
    assert journal.instructions == {FIRST[0]: 12345}
    assert path.read_bytes() == before
    assert len(before.splitlines()) == 4


def test_a_torn_last_line_is_cut_off(path: Path) -> None:
    """Wherever it is torn: that measurement is done again."""
    whole = path.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        journal = Journal(path, ABOUT)
        assert journal.measurements == dict([FIRST])
        journal.add(*SECOND)
        assert path.read_bytes() == whole


def test_a_torn_first_line_is_a_new_journal(path: Path) -> None:
    first = path.read_bytes().splitlines()[0]
    for end in (0, 1, len(first)):
        path.write_bytes(first[:end])
        assert Journal(path, ABOUT).measurements == {}
        assert path.read_bytes() == first + b"\n"


@pytest.mark.parametrize("what", list(ABOUT))
def test_another_search(path: Path, what: str) -> None:
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"is the journal of another {what}; remove it, or give another --out"):
        Journal(path, {**ABOUT, what: "other"})
    assert path.read_bytes() == before


def test_a_line_of_another_search_or_changed_by_hand(path: Path) -> None:
    lines = path.read_text().splitlines()
    entry = json.loads(lines[3])
    entry["candidate"]["b"] = "2"
    for line in (json.dumps(entry), "{", "[]", '{"key": "k"}', '{"key": "k", "candidate": [], "measured": {}}'):
        path.write_text("\n".join([*lines[:2], line, *lines[2:]]) + "\n")
        with pytest.raises(UsageError, match="damaged"):
            Journal(path, ABOUT)


def test_no_journal_and_no_place_for_one(tmp_path: Path) -> None:
    for content in (b"GIF89a\n", b"{}\n", b"[1]\n", b'{"search": 7}\n', b"\xff\xfe\n"):
        other = tmp_path / "other.journal"
        other.write_bytes(content)
        with pytest.raises(UsageError, match="not a journal of mcuq search"):
            Journal(other, ABOUT)
        assert other.read_bytes() == content
    with pytest.raises(UsageError, match="is a folder, not a file"):
        Journal(tmp_path, ABOUT)
    with pytest.raises(UsageError, match="cannot keep a journal there"):
        Journal(tmp_path / "other.journal" / "m.journal", ABOUT)
