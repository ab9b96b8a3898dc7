"""A fixture for pytest: what comes of the limits of a repository. It costs other tests nothing but this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mcuq.verbs.gating import Gate


@pytest.fixture(scope="session")
def mcuq_gate(request: pytest.FixtureRequest) -> Gate:
    """Measure the model that ``mcuq.toml`` or ``pyproject.toml`` in pytest's root folder names."""
    from mcuq.verbs.gating import gate

    return gate(request.config.rootpath)
