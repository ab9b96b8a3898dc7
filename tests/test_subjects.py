"""tools/subjects.py: what a commit's subject may not be, and histories that do not reach back."""

import subprocess
import sys
from pathlib import Path

import pytest
from requirements import require

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import subjects  # noqa: E402


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A history of one commit, tagged `start`."""
    require("git")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "x" * 200)
    git(tmp_path, "tag", "start")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=mcuq", "-c", "user.email=mcuq@localhost", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


@pytest.mark.parametrize("subject", ["ops: add hard swish", "Add hard swish", "y" * 72, "swipe: a wipe of the screen"])
def test_good_subjects(subject):
    assert subjects.faults(subject) == []


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("y" * 73, "73 characters, at most 72"),
        ("ops: hard swish, Work In Progress", "unfinished"),
        ("wip: hard swish", "unfinished"),
        ("fixup! ops: add hard swish", "unfinished"),
        ("Merge branch 'main'", "merge"),
    ],
)
def test_bad_subjects(subject, fault):
    (found,) = subjects.faults(subject)
    assert fault in found


def test_only_later_commits_are_judged(repository, capsys):
    commit(repository, "ops: add square\n\n" + "A body may be as wide as it likes. " * 4)
    assert subjects.check(repository, "start") == 0
    assert capsys.readouterr().out == "subjects of commits: 1 since start, 0 faults\n"


def test_each_fault_is_named(repository, capsys):
    commit(repository, "wip " + "y" * 70)
    assert subjects.check(repository, "start") == 1
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 2 and "74 characters" in err
    assert "2 faults" in out


def test_a_merge_is_known_by_its_parents(repository, capsys):
    git(repository, "switch", "--quiet", "--create", "side")
    commit(repository, "ops: add square")
    git(repository, "switch", "--quiet", "main")
    commit(repository, "ops: add cube")
    git(repository, "merge", "--quiet", "--no-ff", "--message", "ops: square and cube", "side")
    assert subjects.check(repository, "start") == 1
    assert "is a merge" in capsys.readouterr().err


def test_a_history_that_does_not_reach_back_passes_and_says_so(repository, tmp_path_factory, capsys):
    """A shallow clone, and a folder without any history."""
    commit(repository, "y" * 73)
    since = git(repository, "rev-parse", "start").strip()
    shallow, plain = (tmp_path_factory.mktemp(name) for name in ("shallow", "plain"))
    git(shallow, "clone", "--quiet", "--depth=1", f"file://{repository}", "here")
    for folder in (shallow / "here", plain):
        assert subjects.check(folder, since) == 0
        assert "not checked" in capsys.readouterr().out


def test_this_history():
    """What `.ci/run` asks."""
    assert subjects.check(ROOT, subjects.SINCE) == 0
