"""The MLPerf Tiny models on an ESP32-S3: memory, scratch inside, next to what the same command gives for an ESP32."""

from __future__ import annotations

import pytest

from mcuq import loading, pipeline
from mcuq.fit.chains import needed

MODELS = ("kws_dscnn_int8", "ic_resnet8_int8", "vww_mbv1_025_int8", "ad01_int8", "sww_int8")
S3, ESP32 = "esp32-s3-devkitc-1", "esp32dev"
MOST = 1.12  # times the ESP32's


@pytest.mark.parametrize("inside", [None, True], ids=["anywhere", "inside"])
@pytest.mark.parametrize("slower", [None, 0], ids=["with chains", "without"])
@pytest.mark.parametrize("name", MODELS)
def test_memory_is_near_that_of_an_esp32(shared, name, slower, inside):
    """Arena, input and output: of plans of the least memory, some have input and output in the arena, some do not."""
    graph = loading.load(shared / "models" / "mlperf" / f"{name}.tflite")
    ours, theirs = (pipeline.compile(graph, board, slower=slower, io_in_arena=inside) for board in (S3, ESP32))
    assert needed(ours) <= MOST * needed(theirs)
    assert ours.arena_bytes <= MOST * theirs.arena_bytes
