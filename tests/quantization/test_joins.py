"""Sums whose inputs differ much in range: quantizing says so, in a line."""

import pytest
from float_nets import Builder, samples

from mcuq import loading
from mcuq.graph import Node
from mcuq.ops.add import Add
from mcuq.ops.fully_connected import FullyConnected


def sums_net(shares):
    """The same layer behind the input again and again, times a share, and added to what the others gave."""
    net = Builder((1, 8)).dense(8)
    weights, bias = net.constants.values()
    total = net.last
    for share in shares:
        net.add(FullyConnected(), share * weights, share * bias, source="x")
        name = f"add_{len(net.nodes)}"
        net.nodes.append(Node(name, Add(), (total, net.last), (f"{name}_y",)))
        net.shapes[f"{name}_y"], total = (1, 8), f"{name}_y"
    net.last = total
    return net.graph()


def said(graph):
    notes = loading.quantize_float(graph, samples(graph, 30), {}).notes
    return [note for note in notes if "16 bits" in note]


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_nothing_is_said_of_ranges_that_are_alike(share):
    assert said(sums_net([share])) == []


@pytest.mark.parametrize(("share", "bits"), [(1 / 64, 6), (64.0, 6), (1e-6, 8)])
def test_a_small_input_of_a_sum_is_said(share, bits):
    (line,) = said(sums_net([share]))

    small, large = ("fully_connected_1_y", "fully_connected_0_y")[:: 1 if share < 1 else -1]
    assert line.startswith(f"add_2: {small} reaches ") and f", {large} " in line
    assert f"the smaller loses {bits} of its 8 bits: activations of 16 bits would help" in line


def test_several_are_one_line():
    (line,) = said(sums_net([1 / 64, 1 / 64, 1.0]))
    assert line.startswith("add_2: ") and line.endswith("(and in 1 more; mcuq evaluate says which)")
