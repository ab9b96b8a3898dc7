"""Shared fixtures: where the reference models are."""

import os
from pathlib import Path

import numpy as np
import pytest

from mcuq import cli

SHARED = Path(os.environ.get("MCUQ_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference models, golden outputs and data."""
    if not (SHARED / "models").is_dir():
        pytest.skip(f"no reference models at {SHARED} (set MCUQ_SHARED)")
    return SHARED


@pytest.fixture
def run(capsys):
    """Run a command; return exit status, stdout, stderr."""

    def command(*arguments) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = cli.main([str(a) for a in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        out = capsys.readouterr()
        return status, out.out, out.err

    return command
