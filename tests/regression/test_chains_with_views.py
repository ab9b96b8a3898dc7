"""A reshape that a chain may go through is no step of the plan: it has no tables that strips could read again."""

import numpy as np
from strip_graphs import Net

from mcuq import pipeline
from mcuq.ops.reshape import Reshape
from mcuq.tensor import QTensor


def test_a_chain_in_front_of_a_reshape():
    net = Net(np.random.default_rng(3))
    net.b.values["x"] = QTensor((1, 40, 8, 4), 0.05, net.zero_point)
    y = net.conv(net.conv("x", 16, same=True), 4, same=True)
    graph = net.graph(net.add(Reshape((1, 40, 32)), y))
    plan = pipeline.compile(graph, "esp32-c3-devkitm-1", io_in_arena=None)
    assert [(chain.first, chain.last) for chain in plan.strips.chains] == [(0, 1)]
