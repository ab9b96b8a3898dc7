"""Nothing half-written, nothing touched that did not change."""

import os

import pytest

from mcuq.errors import UsageError
from mcuq.files import write_file, write_files


def test_writes_only_what_changed(tmp_path):
    files = {"a/b.txt": b"1", "c.txt": b"2"}

    assert write_files(tmp_path, files) == ["a/b.txt", "c.txt"]
    before = (tmp_path / "c.txt").stat().st_mtime_ns
    assert write_files(tmp_path, {**files, "a/b.txt": b"3"}) == ["a/b.txt"]
    assert (tmp_path / "c.txt").stat().st_mtime_ns == before
    assert (tmp_path / "a/b.txt").read_bytes() == b"3"


def test_removes_stale_files(tmp_path):
    old = tmp_path / "old.c"
    old.write_text("x")
    write_files(tmp_path, {"new.c": b"y"}, [old])

    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.c"]


def test_a_failure_leaves_everything_as_it_was(tmp_path):
    """The second target's folder is a file: the first must not be written either."""
    (tmp_path / "a.txt").write_bytes(b"old")
    (tmp_path / "folder").write_bytes(b"in the way")
    with pytest.raises(UsageError, match="cannot write"):
        write_files(tmp_path, {"a.txt": b"new", "folder/b.txt": b"x"})

    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "folder"]


@pytest.mark.skipif(os.name == "nt", reason="devices are files on Unix only")
def test_unwritable_place_is_one_clear_line():
    with pytest.raises(UsageError) as error:
        write_file(__import__("pathlib").Path("/proc/nothing/here.npy"), b"x")

    assert "/proc/nothing" in str(error.value)
    assert "\n" not in str(error.value)
