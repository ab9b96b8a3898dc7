"""After a crash at any point a project is the old one, or the new one, or one that all notice and the next finishes."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models import small_graph
from requirements import require_tool

import mcuq
from mcuq import archive, cli, files, pipeline
from mcuq.archive import Archive
from mcuq.emit.library import GUARD
from mcuq.errors import UsageError
from mcuq.files import hold, renames, write_file, write_files, write_held
from mcuq.files.locks import LOCK, locked
from mcuq.files.renames import JOURNAL, STAGE

DIGITS = Path(__file__).parents[2] / "examples/digits/digits.tflite"
BOARD = "esp32dev"
TOUCHES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "shutil.rmtree"}
posix = pytest.mark.skipif(os.name == "nt", reason="fork, modes and devices are Unix's")


def old(folder: Path) -> None:
    """A model that needs other kernels than the one that takes its place."""
    pipeline.write_project(small_graph(np.random.default_rng(0), "model"), BOARD, folder)


def new(folder: Path) -> None:
    pipeline.write_project(mcuq.load(DIGITS), BOARD, folder, name="model")


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """How these two write their files into a folder, without computing them again."""
    written = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "write_held", lambda *given: [written.append(given), write_held(*given)][1])
        folder = tmp_path_factory.mktemp("builds")
        old(folder)
        new(folder)

    def writer(base, content, remove, guard):
        gone = [path.relative_to(base) for path in remove]

        def write(folder):
            with hold(folder):
                write_held(folder, content, [p for name in gone if (p := folder / name).exists()], guard)

        return write

    return [writer(*given) for given in written]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def crashes(write, folder: Path, point: int, power_fails: bool = False) -> bool:
    """Run something in a process that dies just before it touches the folder's files for the n-th time.

    Where the power fails too, also just after the end, new files that were not brought to the disk are empty then.
    """
    child = os.fork()
    if child == 0:
        left = point
        inside = str(folder.resolve())
        safe = {path.stat().st_ino for path in folder.rglob("*")}
        fsync = os.fsync

        def synced(descriptor):
            fsync(descriptor)
            safe.add(os.fstat(descriptor).st_ino)

        def die(status):
            nonlocal left
            left = 1 << 30
            for path in folder.rglob("*") if power_fails else ():
                if path.is_file() and path.stat().st_ino not in safe:
                    os.truncate(path, 0)
            os._exit(status)

        os.fsync = synced

        def touched(event, arguments):
            nonlocal left
            if event in TOUCHES and str(arguments[0]).startswith(inside) and (event != "open" or arguments[2] & 3):
                left -= 1
                if left < 0:
                    die(9)

        sys.addaudithook(touched)
        try:
            write(folder)
            die(0)
        finally:
            os._exit(7)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), status
    return status == 9


def compiles(folder: Path) -> tuple[bool, str]:
    require_tool("gcc", "apt-get install gcc")
    folders = [folder / "lib/mcuq/src", folder / "lib/model/src"]
    includes = [f"-I{f}" for f in folders]
    done = subprocess.run(
        ["gcc", "-fsyntax-only", *includes, str(folders[1] / "model.c")], capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stderr


def same_but(state: dict[str, bytes], *others: dict[str, bytes]) -> bool:
    """Whether a folder's files, apart from mcuq's own, are one of these."""
    plain = {name: content for name, content in state.items() if not name.startswith((STAGE, LOCK))}
    return plain in others


@posix
@pytest.mark.parametrize("phase", [0, 1, pytest.param(None, marks=pytest.mark.slow)])
def test_a_build_that_is_killed_at_any_point(tmp_path, builds, phase):
    """In CI every 24th point of two rows of them; all points with the slow tests."""
    old, new = builds
    start, end = tmp_path / "start", tmp_path / "end"
    for folder in (start, end):
        old(folder)
    new(end)
    before, after = contents(start), contents(end)
    assert before != after
    step, point, mixed = (1, 0, 0) if phase is None else (24, 13 * phase, 0)
    while True:
        folder = tmp_path / f"crash{point}"
        shutil.copytree(start, folder)
        crashed = crashes(new, folder, point)
        if not (folder / STAGE / JOURNAL).exists():
            assert same_but(contents(folder), before, after), point
        elif not same_but(contents(folder), before, after):
            mixed += 1
            good, said = compiles(folder)
            assert not good and "mcuq build" in said and "#error" in said, (point, said)
        (files.finish if point % 2 else new)(folder)
        assert same_but(contents(folder), before, after), point
        new(folder)
        assert contents(folder) == after, point
        assert not [p for p in folder.rglob("*") if p.is_dir() and not any(p.iterdir())]
        shutil.rmtree(folder)
        if not crashed:
            break
        point += step
    assert point > 71
    assert mixed >= 2


@posix
@pytest.mark.parametrize("start", [0, pytest.param(None, marks=pytest.mark.slow)])
def test_a_build_when_the_power_fails(tmp_path, builds, start):
    """In CI every 41st point: what a journal or a finished build speaks of is on the disk."""
    old, new = builds
    for folder in (tmp_path / "start", tmp_path / "end"):
        old(folder)
    new(tmp_path / "end")
    before, after = contents(tmp_path / "start"), contents(tmp_path / "end")
    point, crashed = 0, True
    while crashed:
        folder = tmp_path / f"crash{point}"
        shutil.copytree(tmp_path / "start", folder)
        crashed = crashes(new, folder, point, power_fails=True)
        if not (folder / STAGE / JOURNAL).exists():
            assert same_but(contents(folder), before, after), point
        files.finish(folder)
        new(folder)
        assert contents(folder) == after, point
        shutil.rmtree(folder)
        point += 1 if start is None else 41


@posix
def test_a_first_build_that_is_killed(tmp_path, builds):
    _, new = builds
    new(tmp_path / "whole")
    after = contents(tmp_path / "whole")
    for point in range(0, 400, 31):
        folder = tmp_path / f"crash{point}"
        if not crashes(new, folder, point):
            break
        new(folder)
        assert contents(folder) == after
    assert point > 71


@posix
def test_every_verb_that_reads_a_project_finishes_it(tmp_path, run, monkeypatch):
    old(tmp_path / "start")
    shutil.copytree(tmp_path / "start", tmp_path / "end")
    with monkeypatch.context() as patch:  # nothing is renamed, but all lies ready
        patch.setattr(renames, "carry_out", lambda *_: None)
        new(tmp_path / "start")
    assert (tmp_path / "start" / STAGE / JOURNAL).exists()
    new(tmp_path / "end")
    after = contents(tmp_path / "end")
    np.savez(tmp_path / "x.npz", X=np.zeros((2, 6, 5, 3), np.int8), Y=np.zeros(2, np.int64))
    searched = ["search", "--data", tmp_path / "x.npz", "--out", tmp_path / "found.mcuq", "--board", BOARD]
    reading = (
        *(["inspect"], ["check", "--board", BOARD], ["verify"], ["simulate", "--input", tmp_path / "x.npz"]),
        *(["evaluate", "--data", tmp_path / "x.npz"], searched),
        ["quantize", "--calibration", tmp_path / "x.npz", "--out", tmp_path / "other.mcuq"],
    )
    for verb in (*reading, ["build"]):
        folder = tmp_path / verb[0]
        shutil.copytree(tmp_path / "start", folder)
        assert crashes(files.finish, folder, 6)
        assert not same_but(contents(folder), after)
        model = folder if verb[0] == "verify" else folder / "model.mcuq"
        extra = ["--board", BOARD, "--out", folder] if verb == ["build"] else []
        run(verb[0], model, *verb[1:], *extra)
        assert contents(folder).keys() == after.keys(), verb
        assert verb == ["build"] or contents(folder) == after, verb


@posix
@pytest.mark.parametrize("verb", [["inspect"], ["check", "--board", BOARD]])
def test_a_model_that_only_lies_ready_is_found(tmp_path, run, monkeypatch, verb):
    """The first build into a folder was killed before its archive got into place."""
    with monkeypatch.context() as patch:
        patch.setattr(renames, "carry_out", lambda *_: None)
        new(tmp_path / "p")
    assert not (tmp_path / "p/model.mcuq").exists()
    assert run(verb[0], tmp_path / "p/model.mcuq", *verb[1:])[0] == 0
    assert (tmp_path / "p/model.mcuq").exists() and not (tmp_path / "p" / STAGE).exists()


@posix
def test_what_did_not_change_keeps_its_time(tmp_path):
    old(tmp_path)
    before = contents(tmp_path)
    for path in tmp_path.rglob("*"):
        os.utime(path, ns=(1, 10**18 + 1234567))
    new(tmp_path)
    kept = [name for name, content in contents(tmp_path).items() if before.get(name) == content]
    assert GUARD[0] in kept and len(kept) > 20
    assert all((tmp_path / name).stat().st_mtime_ns == 10**18 + 1234567 for name in kept)


def test_builds_of_two_models_at_once_are_as_one_after_the_other(tmp_path):
    """Each needs kernels that the other does not; lib/mcuq has to hold them all."""
    for folder in (tmp_path / "after", tmp_path / "at_once"):
        pipeline.write_project(small_graph(np.random.default_rng(0), "third"), BOARD, folder)
    pipeline.write_project(small_graph(np.random.default_rng(1), "one"), BOARD, tmp_path / "after")
    pipeline.write_project(replace(mcuq.load(DIGITS), name="two"), BOARD, tmp_path / "after")
    graphs = small_graph(np.random.default_rng(1), "one"), replace(mcuq.load(DIGITS), name="two")
    threads = [threading.Thread(target=pipeline.write_project, args=(g, BOARD, tmp_path / "at_once")) for g in graphs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert contents(tmp_path / "at_once") == contents(tmp_path / "after")


def test_who_waits_too_long_is_told(tmp_path):
    message = "another mcuq is writing there"
    with hold(tmp_path / "x"), pytest.raises(UsageError, match=message), locked(tmp_path / "x", 0.1):
        pass
    assert not (tmp_path / "x").exists()
    (tmp_path / LOCK).write_bytes(b"")  # a killed process's
    write_file(tmp_path / "a", b"1")
    assert contents(tmp_path) == {"a": b"1"}


@pytest.mark.parametrize("kind", ["folder", "file", "link", "beside"])
def test_leftovers_are_swept(tmp_path, kind):
    elsewhere = tmp_path / "elsewhere"
    write_files(tmp_path / "p", {"lib/a.c": b"1"})
    elsewhere.mkdir()
    (elsewhere / "precious").write_bytes(b"1")
    stage = tmp_path / "p" / STAGE
    if kind == "folder":
        stage.mkdir()
        (stage / "0").write_bytes(b"half")
    elif kind == "file":
        stage.write_bytes(b"1")
    elif kind == "link":
        stage.symlink_to(elsewhere)
    else:
        (tmp_path / f"p/lib/a.c{STAGE}").write_bytes(b"an earlier version's")
    write_files(tmp_path / "p", {"lib/a.c": b"1"})

    assert contents(tmp_path / "p") == {"lib/a.c": b"1"}
    assert contents(elsewhere) == {"precious": b"1"}


def refused(tmp_path: Path, message: str) -> None:
    """Nothing may be written, and nothing stay behind, not even an empty folder."""
    state = [(p, p.lstat().st_mtime_ns if p.is_file() else 0) for p in sorted(tmp_path.rglob("*"))]
    with pytest.raises(UsageError, match=message) as caught:
        write_files(tmp_path / "p", {"a": b"2", "lib/m/new.c": b"2", "lib/m/src/model.c": b"2"}, [])
    assert "\n" not in str(caught.value)
    assert state == [(p, p.lstat().st_mtime_ns if p.is_file() else 0) for p in sorted(tmp_path.rglob("*"))]


def test_a_folder_where_a_file_should_be(tmp_path):
    (tmp_path / "p/lib/m/src/model.c").mkdir(parents=True)
    refused(tmp_path, r"model\.c: cannot write \(a folder is where a file should be")


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "p/lib/m").mkdir(parents=True)
    (tmp_path / "p/lib/m/src").write_bytes(b"mine")
    refused(tmp_path, r"src: cannot write \(a file is where a folder should be")


@posix
def test_a_device_or_fifo(tmp_path):
    (tmp_path / "p/lib/m/src").mkdir(parents=True)
    os.mkfifo(tmp_path / "p/lib/m/src/model.c")
    refused(tmp_path, "no regular file")
    with pytest.raises(UsageError, match="no regular file"):
        write_file(Path("/dev/null"), b"x")


def test_a_read_only_file_is_not_replaced_in_silence(tmp_path):
    write_files(tmp_path / "p", {"lib/m/src/model.c": b"1"})
    path = tmp_path / "p/lib/m/src/model.c"
    path.chmod(stat.S_IRUSR)
    refused(tmp_path, r"model\.c: cannot write \(it is read-only")
    write_files(tmp_path / "p", {"lib/m/src/model.c": b"1"})  # the same content writes nothing


@posix
def test_modes_stay(tmp_path):
    write_file(tmp_path / "a.py", b"1")
    (tmp_path / "a.py").chmod(0o750)
    write_file(tmp_path / "a.py", b"2")
    assert stat.S_IMODE((tmp_path / "a.py").stat().st_mode) == 0o750


@pytest.mark.parametrize("link", ["lib", "lib/m", "lib/m/src", "lib/m/src/model.c", "a"])
def test_no_symbolic_link_leads_out(tmp_path, link):
    (tmp_path / "victim").mkdir()
    path = tmp_path / "p" / link
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / ("victim/x" if link in ("a", "lib/m/src/model.c") else "victim"))
    refused(tmp_path, "a symbolic link leads out of")
    assert not any((tmp_path / "victim").iterdir())


def test_a_link_that_stays_inside_is_followed(tmp_path):
    write_file(tmp_path / "p/real.c", b"1")
    (tmp_path / "p/link.c").symlink_to("real.c")
    (tmp_path / "q").symlink_to("p")
    write_file(tmp_path / "q/link.c", b"2")
    assert (tmp_path / "p/link.c").is_symlink()
    assert (tmp_path / "p/real.c").read_bytes() == b"2"


def test_removal_stays_inside_and_takes_empty_folders_along(tmp_path):
    write_files(tmp_path / "p", {"lib/old/src/a.c": b"1", "b": b"1"})
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/a.c").write_bytes(b"1")
    (tmp_path / "p/out").symlink_to(tmp_path / "victim")
    with pytest.raises(UsageError, match="leads out"):
        write_files(tmp_path / "p", {}, [tmp_path / "p/out/a.c"])
    (tmp_path / "p/out").unlink()
    write_files(tmp_path / "p", {"b": b"2"}, [tmp_path / "p/lib/old/src/a.c"])
    assert [p.name for p in (tmp_path / "p").iterdir()] == ["b"]
    assert (tmp_path / "victim/a.c").exists()


def journal(project: Path, renames: list[list[str]], remove: list[str]) -> None:
    (project / STAGE).mkdir(parents=True)
    (project / STAGE / JOURNAL).write_text(json.dumps({"format": 1, "renames": renames, "remove": remove}))


def test_a_hostile_journal_reaches_nothing_outside(tmp_path):
    """Of a project that somebody else sent."""
    (tmp_path / "victim").write_bytes(b"mine")
    evil = hashlib.sha256(b"evil").hexdigest()
    attempts = [
        ([["0", "../victim", evil]], []),
        ([["0", str(tmp_path / "victim"), evil]], []),
        ([["../../victim", "x", hashlib.sha256(b"mine").hexdigest()]], []),
        ([], ["../victim"]),
        ([], [str(tmp_path / "victim")]),
        ([], ["."]),
        ([["0", ".", evil]], []),
    ]
    for number, (moved, remove) in enumerate(attempts):
        project = tmp_path / f"p{number}"
        journal(project, moved, remove)
        (project / STAGE / "0").write_bytes(b"evil")
        with pytest.raises(UsageError) as caught:
            write_file(project / "a", b"1")
        assert "\n" not in str(caught.value)
        assert (tmp_path / "victim").read_bytes() == b"mine", number
    for number, text in enumerate(["", "[]", "{", '{"format": 2, "renames": [], "remove": []}', '{"renames": 3}']):
        project = tmp_path / f"q{number}"
        journal(project, [], [])
        (project / STAGE / JOURNAL).write_text(text)
        with pytest.raises(UsageError, match="cannot be finished"):
            files.finish(project)


def test_a_journal_whose_files_were_changed_is_not_finished(tmp_path):
    journal(tmp_path, [["0", "a", hashlib.sha256(b"new").hexdigest()]], [])
    (tmp_path / STAGE / "0").write_bytes(b"other")
    with pytest.raises(UsageError, match=r"remove .*\.mcuq-partial, then build every model"):
        write_file(tmp_path / "b", b"1")
    assert not (tmp_path / "a").exists()


def test_what_does_not_fit_leaves_no_folder(tmp_path):
    path = tmp_path / "m.mcuq"
    path.write_bytes(archive.dump(Archive(mcuq.load(DIGITS))))
    arguments = ["build", str(path), "--board", BOARD, "--app-ram", "9999999", "--out", str(tmp_path / "a/b")]
    assert cli.main(arguments) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m.mcuq"]
