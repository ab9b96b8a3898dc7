"""The MLPerf Tiny models on an ESP32-S3: arena, scratch inside, next to what the same command gives for an ESP32."""

from __future__ import annotations

import pytest

from mcuq import loading, pipeline

MODELS = ("kws_dscnn_int8", "ic_resnet8_int8", "vww_mbv1_025_int8", "ad01_int8", "sww_int8")
S3, ESP32 = "esp32-s3-devkitc-1", "esp32dev"
MOST = 1.12  # times the ESP32's
BEYOND = {("ic_resnet8_int8", None): 1.14}  # a smaller chain reads weights again: longer than a default may take


@pytest.mark.parametrize("slower", [None, 0], ids=["with chains", "without"])
@pytest.mark.parametrize("name", MODELS)
def test_arena_is_near_that_of_an_esp32(shared, name, slower):
    graph = loading.load(shared / "models" / "mlperf" / f"{name}.tflite")
    ours, theirs = (pipeline.compile(graph, board, slower=slower).arena_bytes for board in (S3, ESP32))
    assert ours <= BEYOND.get((name, slower), MOST) * theirs, (ours, theirs)
