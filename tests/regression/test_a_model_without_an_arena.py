"""A layer that needs no arena divided by its size where chains were looked for: a ZeroDivisionError."""

import numpy as np
import pytest
from channel_graphs import Builder

from mcuq import pipeline
from mcuq.errors import DoesNotFitError
from mcuq.fit.chains import needed


@pytest.mark.parametrize("options", [{}, {"slower": 50}, {"ram": 3000}])
def test_a_layer_between_the_callers_buffers(options):
    builder = Builder(np.random.default_rng(0), (1, 1200), -3)
    graph = builder.graph(builder.dense("x", 300))

    plan = pipeline.compile(graph, "esp32-c3-devkitm-1", io_in_arena=False, **options)
    assert (plan.arena_bytes, needed(plan)) == (0, 1500)


def test_that_there_is_less_memory_is_said():
    builder = Builder(np.random.default_rng(0), (1, 1200), -3)
    graph = builder.graph(builder.dense("x", 300))

    with pytest.raises(DoesNotFitError, match="needs at least 1,500 bytes of RAM, of 1,400; layer fully_connected_0"):
        pipeline.compile(graph, "esp32-c3-devkitm-1", io_in_arena=False, ram=1400)
