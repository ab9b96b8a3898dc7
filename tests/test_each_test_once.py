"""Continuous integration runs a test once: what its first part saw pass, its last part leaves out, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = "tests/test_subjects.py"


def pytest_says(**environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MCUQ_PASSED"))}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", TESTS]
    done = subprocess.run(command, env=inherited | environment, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout


def test_what_has_passed_is_left_out(tmp_path):
    passed = tmp_path / "passed"
    pytest_says(MCUQ_PASSED=str(passed))
    names = passed.read_text().splitlines()
    assert len(names) == len(set(names)) > 1 and all(TESTS in name for name in names)
    passed.write_text("\n".join(names[1:]) + "\n")  # as if the first had been skipped
    said = pytest_says(MCUQ_PASSED_BEFORE=str(passed), PYTEST_ADDOPTS="-rA")
    assert f"PASSED {names[0].strip(chr(39))}" in said
    assert all(f"PASSED {name.strip(chr(39))}" not in said for name in names[1:])
