"""A concatenation that is a model output: its second part was written over its first (the offset was not emitted)."""

import numpy as np

from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.engines.host import build_host
from mcuq.graph import Graph, Node
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.relu import Relu
from mcuq.simulator import simulate
from mcuq.tensor import QTensor


def test_both_parts_arrive(rng, tmp_path):
    part = QTensor((1, 3, 4), 0.1, 0)
    values = {"x": part, "relu_0": part, "leaky_relu_1": part, "y": QTensor((1, 6, 4), 0.1, 0)}
    nodes = (
        Node("relu_0", Relu(), ("x",), ("relu_0",)),
        Node("leaky_relu_1", LeakyRelu(0.5), ("x",), ("leaky_relu_1",)),
        Node("concatenation_2", Concatenation(1), ("relu_0", "leaky_relu_1"), ("y",)),
    )
    graph = Graph("joined", ("x",), ("y",), nodes, values).verify()
    written = pipeline.write_project(Archive(graph), "esp32dev", tmp_path)
    x = rng.integers(-128, 128, (5, 1, 3, 4)).astype(np.int8)
    with build_host(tmp_path, ["joined"]) as firmware:
        got = firmware.run(written.plan, {"x": x}).outputs["y"]

    np.testing.assert_array_equal(got, simulate(written.plan, {"x": x})["y"])
