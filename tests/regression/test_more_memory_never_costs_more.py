"""The first chain that met ``--ram`` was taken, whatever its kernels then cost with the scratch that was left."""

from __future__ import annotations

from mcuq import loading, pipeline
from mcuq.fit.strip_costs import instructions_of


def test_pushed_rows_in_more_memory(shared):
    graph = loading.load(shared / "models/mlperf/vww_mbv1_025_int8.tflite")
    plans = [pipeline.compile(graph, "esp32dev", push_rows=True, ram=ram) for ram in (16640, 15616)]
    more, less = map(instructions_of, plans)
    assert more < less
