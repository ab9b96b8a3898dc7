"""A model's input that lay in the arena counted beside the first layer's output, as if that could not lie in it.

The first layer then got no scratch at all: MLPerf's MobileNet took 30 % more instructions on an ESP32.
"""

from __future__ import annotations

import numpy as np
from chips import families

from mcuq import loading, pipeline
from mcuq.fit.strip_costs import instructions_of
from mcuq.graph import Graph, Node
from mcuq.ops.conv2d import Conv2d
from mcuq.plan.builder import build_plan
from mcuq.tensor import QConstant, QTensor


def two_convolutions(rng: np.random.Generator) -> Graph:
    """A small first layer, and one with three times its memory behind it."""
    values, constants, nodes = {"x": QTensor((1, 24, 24, 3), 0.05, -3)}, {}, []
    for name, source, filters, op in (
        ("conv2d_0", "x", 8, Conv2d(stride=(2, 2), padding=(0, 1, 0, 1))),
        ("conv2d_1", "conv2d_0", 64, Conv2d(padding=(1, 1, 1, 1))),
    ):
        weights = rng.integers(-127, 128, (filters, 3, 3, values[source].shape[3])).astype(np.int8)
        constants[f"{name}_w"] = QConstant(weights, rng.uniform(0.001, 0.01, filters))
        constants[f"{name}_b"] = QConstant(rng.integers(-500, 500, filters).astype(np.int32), np.ones(1))
        values[name] = QTensor((1, 12, 12, filters), 0.04, -128)
        nodes.append(Node(name, op, (source, f"{name}_w", f"{name}_b"), (name,)))
    return Graph("two", ("x",), ("conv2d_1",), tuple(nodes), values, constants).verify()


def test_the_first_layer_has_what_the_arena_leaves(rng):
    inside, apart = (
        build_plan(two_convolutions(rng), families("esp32"), place).steps[0].params for place in (True, False)
    )

    assert inside.kernel == apart.kernel == "conv2d_s8_mac16"
    assert inside.tile_pixels == apart.tile_pixels == 12  # a row at least, not one pixel after the other
    assert inside.scratch_bytes >= apart.scratch_bytes


def test_mobilenet_with_its_input_inside(shared):
    graph = loading.load(shared / "models/mlperf/vww_mbv1_025_int8.tflite")
    whole, apart, default = (
        instructions_of(pipeline.compile(graph, "esp32dev", slower=slower, io_in_arena=place))
        for slower, place in ((0, True), (0, False), (None, None))
    )

    assert whole <= 1.01 * apart
    assert default <= 1.05 * apart
