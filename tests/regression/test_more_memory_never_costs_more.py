"""The first chain that met ``--ram`` was taken, whatever its kernels then cost with the scratch that was left."""

from __future__ import annotations

from mcuq import loading, pipeline
from mcuq.fit.strip_costs import instructions_of


def test_pushed_rows_in_more_memory(shared):
    graph = loading.load(shared / "models/mlperf/vww_mbv1_025_int8.tflite")
    plans = [pipeline.compile(graph, "esp32dev", push_rows=True, ram=ram) for ram in (16640, 15616)]
    more, less = map(instructions_of, plans)
    assert more < less


def test_a_kernel_of_one_size_is_tried_as_it_is(shared):
    """What is spare beside a fully connected layer is a guess: those whose scratch fits all the same keep it."""
    graph = loading.load(shared / "models/mlperf/ad01_int8.tflite")
    least = pipeline.compile(graph, "esp32dev", io_in_arena=False, ram=1592)
    whole = pipeline.compile(graph, "esp32dev", io_in_arena=False, slower=0)
    assert instructions_of(least) <= 1.9 * instructions_of(whole)
