"""A pushed model too large for its board was refused for a layer that its rows could not be pushed through.

Other boards were asked for a plan of the strips, in place of one of the model.
"""

import numpy as np
from strip_graphs import Net

from mcuq import fit, pipeline
from mcuq.fit.regions import Extra, Place
from mcuq.fit.suggestions import suggestions
from mcuq.ops.mean import Mean
from mcuq.passes.arrivals import with_arrivals, without_arrivals
from mcuq.target.board import load_board
from mcuq.target.setup import Setup
from mcuq.tensor import QTensor


def image_net(channels: int = 16, *, depthwise: bool = True):
    net = Net(np.random.default_rng(5))
    net.b.values["x"] = QTensor((1, 32, 24, 4), 0.05, net.zero_point)
    y = net.conv(net.conv("x", channels, same=True), depthwise=depthwise, same=True)
    return net.graph(net.add(Mean((1, 2)), y))


def test_other_boards_are_asked_for_the_model():
    setup = Setup(push_rows=True)
    plan = pipeline.compile(image_net(), "esp32-c3-devkitm-1", push_rows=True)
    board = load_board("esp32-c3-devkitm-1")
    place = Place(board, board.framework(""), setup, Extra(0, 330_000))
    report = fit.estimate(plan, place)
    assert not report.fits
    assert any("--board" in found.change for found in suggestions(plan, place, report))


def test_fewer_bits_are_for_layers_not_for_their_strips():
    graph = image_net(96, depthwise=False)
    plan = pipeline.compile(graph, "esp32-c3-devkitm-1", push_rows=True)
    board = load_board("esp32-c3-devkitm-1")
    place = Place(board, board.framework(""), Setup(push_rows=True))
    free = fit.estimate(plan, place).row("app partition").free
    place = Place(board, board.framework(""), Setup(push_rows=True), Extra(free + 50, 0))
    changes = [found.change for found in suggestions(plan, place, fit.estimate(plan, place))]
    named = [change.split()[2].removesuffix("=4") for change in changes if "--layer-bits" in change]
    assert named and {*named} <= {node.name for node in graph.nodes}


def test_arrivals_can_be_taken_away():
    graph = image_net()
    assert without_arrivals(with_arrivals(graph)) == graph
