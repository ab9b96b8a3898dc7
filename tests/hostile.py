"""Files that try to run code, and what must come of them: one line, exit status 2, no file, no process.

The payload creates a file in the test's folder; ``assert_harmless`` looks for it.
"""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Edit = Callable[[bytes], bytes]


def rewritten(source: Path, target: Path, edits: Mapping[str, Edit | bytes], *, root: str = "") -> Path:
    """Copy a zip archive; members that end in a key are edited, and a key that none ends in is a new member."""
    with zipfile.ZipFile(source) as file:
        members = {info.filename: file.read(info) for info in file.infolist()}
    for end, edit in edits.items():
        name = next((name for name in members if name.endswith(end)), root + end)
        members[name] = edit if isinstance(edit, bytes) else edit(members[name])
    with zipfile.ZipFile(target, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return target


def assert_harmless(run, path: Path, match: str, options: Sequence[str] = ()) -> None:
    """The command says in one line what is wrong with the file, and nothing of the file ran."""
    before = sorted(path.parent.rglob("*"))
    status, out, err = run("inspect", path, *options)
    assert (status, out) == (2, ""), err
    assert err.count("\n") == 1 and err[:-1].isprintable() and len(err) < 600, err
    assert match in err, err
    assert sorted(path.parent.rglob("*")) == before
