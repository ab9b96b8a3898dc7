"""2-bit layers of the digits took 6 times the instructions of int8 on the ESP32 (2,544,783; 409,699 with 4 bits) and
twice on the C3: products of few bits are large next to a step of the output, so that channels needed a left shift, or
none, which no fast kernel does; one such channel sent a whole layer to the portable kernel."""

import numpy as np
import pytest
from float_nets import Builder, samples

import mcuq
from mcuq.quantization import Options, quantize

PORTABLE = "conv2d_s8_packed"


def coarse_net():
    """Convolutions, one without a bias, whose sums of a few 2-bit products are about as large as one product."""
    b = Builder((1, 6, 6, 8)).conv(8, 1).depthwise().conv(12, 1)
    nodes = [
        node if node.name != "conv2d_2" else type(node)(node.name, node.op, node.inputs[:2], node.outputs)
        for node in b.nodes
    ]
    b.nodes = nodes
    return b.dense(4).graph()


@pytest.mark.parametrize("options", [{"bits": 2}, {"bits": 2, "corrections": ()}, {"bits": 3, "clip": True}], ids=str)
@pytest.mark.parametrize("board", ["esp32dev", "esp32-c3-devkitm-1"])
def test_fast_kernels_take_products_of_few_bits(options, board):
    net = coarse_net()
    graph = quantize(net, samples(net, 20), Options(**options)).graph
    plan, x = mcuq.compile(graph, board), samples(net, 5, seed=2)

    assert PORTABLE not in [step.params.kernel for step in plan.steps]
    np.testing.assert_array_equal(mcuq.simulate(plan, x), mcuq.simulate(mcuq.compile(graph), x))


def test_only_products_that_need_it_are_finer():
    net = coarse_net()
    fractions = {
        bits: [c.fraction for c in quantize(net, samples(net, 20), Options(bits=bits)).graph.constants.values()]
        for bits in (2, 8)
    }
    assert max(fractions[2]) > 0 and max(fractions[8]) == 0
