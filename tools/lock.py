"""Resolve what pyproject.toml asks for into locks/*.txt, with hashes, and write the bill of materials.

    make lock                    versions that are locked stay where they may; what is new is added
    make lock LOCK=--upgrade     everything at its newest

users.txt is what mcuq brings, with its extras but for the frameworks; dev.txt the tools to work on it, with the same
versions; lowest.txt the lower bounds of pyproject.toml. All are for the machine of continuous integration: Python 3.11
on Linux, x86-64. tests/test_locks.py says when they are stale.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import sbom

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "locks"
UV = ROOT / "build" / "uv" / "bin" / "uv"
PLATFORM = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28", "--no-build")
LOCKS = {  # in this order: the second is bound to the first
    "users.txt": ("--extra", "search", "--extra", "solver", "--extra", "dask"),
    "dev.txt": ("--group", "dev", "--constraints", "locks/users.txt"),
    "lowest.txt": ("--extra", "search", "--extra", "solver", "--group", "test", "--resolution", "lowest-direct"),
}


def resolve(name: str, options: tuple[str, ...]) -> str:
    """Return the text of one lock."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / name
        if (FOLDER / name).is_file() and name != "lowest.txt":
            target.write_bytes((FOLDER / name).read_bytes())  # its versions are kept
        command = [str(UV), "pip", "compile", "--quiet", "--generate-hashes", "--custom-compile-command", "make lock"]
        command += [*PLATFORM, *LOCKS[name], *options, "--output-file", str(target), "pyproject.toml"]
        subprocess.run(command, cwd=ROOT, check=True)
        return target.read_text("utf-8")


def main() -> int:
    """Write all; return the exit status."""
    FOLDER.mkdir(exist_ok=True)
    for name in LOCKS:
        (FOLDER / name).write_text(resolve(name, tuple(sys.argv[1:])), "utf-8")
    return sbom.main()


if __name__ == "__main__":
    sys.exit(main())
