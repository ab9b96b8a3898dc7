"""Without an optional part the tests that need it are skipped, and each says what to install."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MISSING = 'raise ModuleNotFoundError("No module named \'torch\'", name="torch")\n'


def doctests(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the doctests of mcuq.qat where torch cannot be imported."""
    (folder / "torch.py").write_text(MISSING)
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-p", "no:xdist", "mcuq/qat"]
    environment = os.environ | {"MCUQ_REQUIRE_ALL": "0", "PYTHONPATH": str(folder)} | environment
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_doctests_that_need_torch_are_skipped_without_it(tmp_path):
    """Those of the same package that need nothing run."""
    done = doctests(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "torch is missing: make frameworks" in done.stdout
    assert " passed, " in done.stdout and " skipped" in done.stdout


def test_where_all_is_required_they_fail(tmp_path):
    done = doctests(tmp_path, MCUQ_REQUIRE_ALL="1")
    assert done.returncode != 0
    assert "torch is missing: make frameworks (3 GB) (MCUQ_REQUIRE_ALL=1)" in done.stdout


@pytest.mark.parametrize("required", ["0", "1"])
def test_what_is_missing_is_listed_line_by_line(tmp_path, required):
    """`make optional`: no program at all on the path."""
    environment = os.environ | {"PATH": str(tmp_path), "MCUQ_REQUIRE_ALL": required}
    command = [sys.executable, str(ROOT / "tests/requirements.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    line = "optional, missing: qemu-system-xtensa; its tests are skipped. To have it: apt-get install qemu-system-misc"
    assert done.returncode == int(required), done.stderr
    assert line in done.stdout.splitlines()
