"""What a kernel computes in numpy was prepared again for every few samples, on every chip but the generic one.

300 samples of MLPerf's MobileNet took 1.6 s on an ESP32's plan and 4.6 s with chains, instead of 0.5 and 0.8.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcuq import loading, pipeline, simulator
from mcuq.ops.products import Products

DIGITS = Path(__file__).parents[2] / "examples/digits/digits.tflite"


@pytest.mark.parametrize("slower", [0, None], ids=["whole", "chains"])
@pytest.mark.parametrize("board", ["esp32dev", "esp32-c3-devkitm-1", "esp32-s2-saola-1"])
def test_a_second_call_prepares_nothing(monkeypatch, rng, board, slower):
    plan = pipeline.compile(loading.load(DIGITS), board, slower=slower)
    inputs = {plan.graph.inputs[0]: rng.integers(-128, 128, (2, 1, 8, 8, 1)).astype(np.int8)}
    prepared, prepare = [], Products.__init__

    def counted(self, *args):
        prepared.append(self)
        prepare(self, *args)

    monkeypatch.setattr(Products, "__init__", counted)
    simulator.simulate(plan, inputs)
    assert prepared

    prepared.clear()
    simulator.simulate(plan, inputs)
    assert not prepared
