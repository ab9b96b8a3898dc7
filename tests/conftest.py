"""Shared fixtures: where the reference models are."""

import os
from pathlib import Path

import numpy as np
import pytest

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
