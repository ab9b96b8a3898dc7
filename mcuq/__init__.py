"""Neural networks for ESP32 boards: integer-only C, proven to fit, predicted byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Board",
    "check_fit",
    "compile",
    "kmeans_quantize",
    "linear_quantize",
    "load",
    "quantize",
    "simulate",
    "sqnr",
    "write_project",
]
_HOMES = {"Board": "mcuq.target.board", "load": "mcuq.loading", "quantize": "mcuq.loading"} | dict.fromkeys(
    ("kmeans_quantize", "linear_quantize", "sqnr"), "mcuq.quantization.arrays"
)

if TYPE_CHECKING:
    from mcuq.loading import load, quantize
    from mcuq.pipeline import check_fit, compile, simulate, write_project  # noqa: A004
    from mcuq.quantization.arrays import kmeans_quantize, linear_quantize, sqnr
    from mcuq.target.board import Board


def __getattr__(name: str) -> Any:
    """Import a verb when it is first used, so that ``mcuq --help`` need not wait for numpy."""
    if name not in __all__:
        raise AttributeError(f"module 'mcuq' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES.get(name, "mcuq.pipeline")), name)
