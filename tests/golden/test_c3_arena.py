"""The MLPerf Tiny models on an ESP32-C3: no row of memory above what the same command gives for an ESP32."""

from __future__ import annotations

import pytest

from mcuq import loading, pipeline
from mcuq.fit.chains import needed

MODELS = ("kws_dscnn_int8", "ic_resnet8_int8", "vww_mbv1_025_int8", "ad01_int8", "sww_int8")
C3, ESP32 = "esp32-c3-devkitm-1", "esp32dev"


@pytest.mark.parametrize("slower", [None, 0], ids=["with chains", "without"])
@pytest.mark.parametrize("name", MODELS)
def test_no_more_memory_than_an_esp32(shared, name, slower):
    """Arena, input and output as the planner places them, and the arena beside input and output."""
    graph = loading.load(shared / "models" / "mlperf" / f"{name}.tflite")

    def plan(board, io_in_arena=None):
        return pipeline.compile(graph, board, slower=slower, io_in_arena=io_in_arena)

    assert needed(plan(C3)) <= needed(plan(ESP32))
    assert plan(C3, io_in_arena=False).arena_bytes <= plan(ESP32, io_in_arena=False).arena_bytes
