"""Neural networks for ESP32 boards: integer-only C, proven to fit, predicted byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Board", "check_fit", "compile", "load", "simulate", "write_project"]

if TYPE_CHECKING:
    from mcuq.board import Board
    from mcuq.pipeline import check_fit, compile, load, simulate, write_project  # noqa: A004


def __getattr__(name: str) -> Any:
    """Import a verb when it is first used, so that ``mcuq --help`` need not wait for numpy."""
    if name not in __all__:
        raise AttributeError(f"module 'mcuq' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module("mcuq.board" if name == "Board" else "mcuq.pipeline"), name)
