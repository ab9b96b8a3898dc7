"""The files that are not Python are found from a checkout, an editable install and a wheel."""

import os
import runpy
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from requirements import require_module

from mcuq.resources import resource

ROOT = Path(__file__).parents[1]
FOLDERS = ("templates", "firmware", "boards")


def shipped_files() -> set[str]:
    """What a wheel must hold beside the Python files."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file())
    return {f"mcuq/{path.relative_to(ROOT).as_posix()}" for path in files if "__pycache__" not in path.parts}


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this checkout on the path; its output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Installation:
    """A fresh virtual environment that borrows this one's dependencies, but not its mcuq."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.folder = folder
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")
        purelib = run(self.bin / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
        borrowed = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
        Path(purelib.strip(), "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")

    def install(self, *arguments: str | Path) -> None:
        pip = (sys.executable, "-m", "pip", "--python", self.bin / "python", "install", "--quiet", "--no-index")
        run(*pip, "--no-deps", "--no-build-isolation", *arguments, cwd=self.folder)

    def resources(self, elsewhere: Path) -> dict[str, Path]:
        """Where the installed package finds its folders, asked from another working directory."""
        script = f"from mcuq.resources import resource\nfor name in {FOLDERS}: print(resource(name))"
        lines = run(self.bin / "python", "-c", script, cwd=elsewhere).splitlines()
        return {name: Path(line) for name, line in zip(FOLDERS, lines, strict=True)}

    def assert_works(self, elsewhere: Path) -> None:
        found = self.resources(elsewhere)
        for folder in found.values():
            assert any(folder.iterdir()), f"{folder} is empty"
        assert (found["firmware"] / "kernels" / "shared" / "mcuq.h").is_file()
        assert "usage: mcuq" in run(self.bin / "mcuq", "--help", cwd=elsewhere).lower()


def build(kind: str, source: Path, folder: Path) -> Path:
    """Build an sdist or a wheel of this checkout."""
    require_module("build")
    require_module("hatchling")
    run(sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", folder, source, cwd=folder)
    (built,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


@pytest.mark.parametrize("name", FOLDERS)
def test_checkout(name: str) -> None:
    assert resource(name) == ROOT / name
    assert any((ROOT / name).iterdir())


def test_editable_install(tmp_path: Path) -> None:
    require_module("hatchling")
    installed = Installation(tmp_path / "venv")
    installed.install("--editable", ROOT)
    installed.assert_works(tmp_path)
    assert installed.resources(tmp_path) == {name: ROOT / name for name in FOLDERS}


def test_wheel(tmp_path: Path) -> None:
    wheel = build("wheel", ROOT, tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert shipped_files() <= names
    unexpected = {n for n in names if n.startswith(("mcuq/tests/", "tests/", "examples/", "benchmarks/"))}
    assert not unexpected
    installed = Installation(tmp_path / "venv")
    installed.install(wheel)
    installed.assert_works(tmp_path)
    for folder in installed.resources(tmp_path).values():
        assert folder.is_relative_to(installed.folder), "taken from the checkout, not from the wheel"


def test_wheel_from_sdist_equals_wheel_from_checkout(tmp_path: Path) -> None:
    """The source archive leaves nothing out."""
    folders = {name: tmp_path / name for name in ("sdist", "from_sdist", "from_checkout")}
    for folder in folders.values():
        folder.mkdir()
    sdist = build("sdist", ROOT, folders["sdist"])
    run(sys.executable, "-m", "tarfile", "--extract", sdist, folders["sdist"], cwd=tmp_path)
    source = sdist.with_name(sdist.name.removesuffix(".tar.gz"))
    contents = []
    for name, origin in (("from_sdist", source), ("from_checkout", ROOT)):
        with zipfile.ZipFile(build("wheel", origin, folders[name])) as archive:
            contents.append({entry: archive.read(entry) for entry in archive.namelist()})
    assert contents[0] == contents[1]


def test_every_extra_is_tried_alone() -> None:
    """By `make extras`; continuous integration tries one of them."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    tried = runpy.run_path(str(ROOT / "tools/each_extra.py"))["NEEDED"]

    assert set(tried) - {"none"} == set(known) - {"all"}
