"""The last strip of an addition had few elements: the portable kernel, which was taken for cheap."""

from __future__ import annotations

from pathlib import Path

from mcuq import loading, pipeline
from mcuq.fit.latency import latency_on
from mcuq.target.board import load_board

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits" / "digits.tflite"


def test_strips_stay_within_the_limit_by_the_counted_instructions():
    graph, board = loading.load(DIGITS), load_board("esp32dev")
    plans = [pipeline.compile(graph, board, io_in_arena=None, slower=percent) for percent in (0, 5)]
    whole, strips = (latency_on(plan, board, "arduino").instructions for plan in plans)
    assert plans[1].strips.chains
    assert strips <= 1.05 * whole
