"""Neural networks for ESP32 boards: integer-only C, proven to fit, predicted byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
_HOMES = {  # where every public name lives
    "mcuq.errors": ("McuqError",),
    "mcuq.evaluation": ("Evaluation",),
    "mcuq.fit": ("FitReport",),
    "mcuq.float_graph": ("FloatGraph",),
    "mcuq.graph": ("Graph",),
    "mcuq.loading": ("load", "quantize"),
    "mcuq.pipeline": ("check_fit", "compile", "simulate", "write_project"),
    "mcuq.passes.frames": ("take_frames",),
    "mcuq.passes.stream": ("stream",),
    "mcuq.passes.stateful": ("stateful",),
    "mcuq.plan": ("Plan",),
    "mcuq.quantization.arrays": ("kmeans_quantize", "linear_quantize", "sqnr"),
    "mcuq.quantization.options": ("Options",),
    "mcuq.target.board": ("Board",),
    "mcuq.target.setup": ("Setup",),
    "mcuq.verbs": ("evaluate", "fewest_bits", "save", "verify"),
    "mcuq.verbs.comparing": ("Comparison", "compare"),
    "mcuq.verbs.gating": ("Gate", "gate"),
    "mcuq.verbs.reporting": ("write_report",),
    "mcuq.verification": ("Verification",),
}
__all__ = [
    "Board",
    "Comparison",
    "Evaluation",
    "FitReport",
    "FloatGraph",
    "Gate",
    "Graph",
    "McuqError",
    "Options",
    "Plan",
    "Setup",
    "Verification",
    "check_fit",
    "compare",
    "compile",
    "evaluate",
    "fewest_bits",
    "gate",
    "kmeans_quantize",
    "linear_quantize",
    "load",
    "quantize",
    "save",
    "simulate",
    "sqnr",
    "stateful",
    "stream",
    "take_frames",
    "verify",
    "write_project",
    "write_report",
]

if TYPE_CHECKING:
    from mcuq.errors import McuqError
    from mcuq.evaluation import Evaluation
    from mcuq.fit import FitReport
    from mcuq.float_graph import FloatGraph
    from mcuq.graph import Graph
    from mcuq.loading import load, quantize
    from mcuq.passes.frames import take_frames
    from mcuq.passes.stateful import stateful
    from mcuq.passes.stream import stream
    from mcuq.pipeline import check_fit, compile, simulate, write_project  # noqa: A004
    from mcuq.plan import Plan
    from mcuq.quantization.arrays import kmeans_quantize, linear_quantize, sqnr
    from mcuq.quantization.options import Options
    from mcuq.target.board import Board
    from mcuq.target.setup import Setup
    from mcuq.verbs import evaluate, fewest_bits, save, verify
    from mcuq.verbs.comparing import Comparison, compare
    from mcuq.verbs.gating import Gate, gate
    from mcuq.verbs.reporting import write_report
    from mcuq.verification import Verification


def __getattr__(name: str) -> Any:
    """Import a verb when it is first used, so that ``mcuq --help`` need not wait for numpy."""
    import importlib

    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'mcuq' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
