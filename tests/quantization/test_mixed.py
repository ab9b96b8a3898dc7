"""Bits of layers within a number of bytes: what fits, and what is worth its bytes."""

import numpy as np
import pytest
from float_nets import Builder, samples, separable_net

from mcuq import loading
from mcuq.errors import UsageError
from mcuq.fit import footprint
from mcuq.graph import Node, State
from mcuq.ops.add import Add
from mcuq.ops.fully_connected import FullyConnected
from mcuq.plan.builder import build_plan
from mcuq.quantization import Options, quantize
from mcuq.quantization.mixed import Rungs, fitting


def test_the_layer_that_costs_least_by_the_byte_is_lowered_first():
    layers = {
        "a": Rungs((2, 4, 8), (10, 20, 40), (0.4, 0.1, 0.0)),
        "b": Rungs((2, 4, 8), (10, 20, 40), (0.9, 0.2, 0.0)),
    }

    assert fitting(layers, 80) == {"a": 8, "b": 8}
    assert fitting(layers, 60) == {"a": 4, "b": 8}
    assert fitting(layers, 40) == {"a": 4, "b": 4}
    assert fitting(layers, 30) == {"a": 2, "b": 4}
    with pytest.raises(UsageError, match="at least 20 bytes"):
        fitting(layers, 19)


def test_room_that_is_left_raises_layers_again():
    """Lowering the large layer saves more than is needed."""
    layers = {"large": Rungs((4, 8), (500, 1000), (0.01, 0.0)), "small": Rungs((4, 8), (5, 10), (1e-5, 0.0))}

    assert fitting(layers, 1000) == {"large": 4, "small": 8}


def test_of_all_bits_that_fit_those_of_the_least_error_are_chosen():
    """Going down by error per byte ends at 2 bits for "a"; two small layers make the room at less."""
    layers = {
        "a": Rungs((2, 4), (100, 200), (0.5, 0.0)),
        "b": Rungs((2, 4), (20, 40), (0.15, 0.0)),
        "c": Rungs((2, 4), (20, 40), (0.15, 0.0)),
    }

    assert fitting(layers, 240) == {"a": 4, "b": 2, "c": 2}
    assert fitting(layers, 239) == {"a": 2, "b": 4, "c": 4}


def test_many_bytes_stay_within_their_limit():
    """More than there are columns in the table, and no whole number of units."""
    sizes = {f"layer_{k}": 300_001 + 7_919 * k for k in range(9)}
    layers = {name: Rungs((2, 4, 8), (n // 4, n // 2, n), (0.4, 0.1, 0.0)) for name, n in sizes.items()}
    limit = sum(sizes.values()) // 2 + 1

    bits = fitting(layers, limit)

    assert 0.9 * limit < sum(own.sizes[own.bits.index(bits[name])] for name, own in layers.items()) <= limit


def two_branches(share: float):
    """Twice the same layer behind the input, whose outputs are added, one of them times ``share``."""
    net = Builder((1, 16)).dense(16)
    first, (weights, bias) = net.last, net.constants.values()
    net.add(FullyConnected(), share * weights, share * bias, source="x")
    net.nodes.append(Node("add", Add(), (first, net.last), ("sum",)))
    net.shapes["sum"], net.last = (1, 16), "sum"
    return net.graph()


@pytest.mark.parametrize(("share", "bits"), [(0.1, [8, 2]), (10.0, [2, 8])])
def test_bits_go_where_the_outputs_need_them(share, bits):
    """The layers' own outputs are wrong by the same share."""
    graph = two_branches(share)

    result = quantize(graph, samples(graph, 60), Options(weight_bytes="70%"))

    assert list(result.options.layer_bits.values()) == bits


def test_one_sample_chooses_too():
    graph = separable_net(softmax=False)
    result = quantize(graph, samples(graph, 1), Options(weight_bytes="60%"))
    assert len(result.options.layer_bits) == 4


def test_a_model_that_remembers_gets_bits_too():
    """What it remembers is the float model's, step by step, whatever the bits."""
    net = Builder((1, 8)).dense(8, "relu6")
    net.shapes |= {"before": (1, 8), "now": (1, 8)}
    net.constants["zeros"] = np.zeros((1, 8), np.float32)
    net.nodes.append(Node("add", Add(activation="relu6"), (net.last, "before"), ("now",)))
    net.last = "now"
    graph = net.dense(4).graph(states=(State("before", "now", "zeros"),))

    result = quantize(graph, samples(graph, 40), Options(weight_bytes="60%"))

    assert set(result.options.layer_bits) == {"fully_connected_0", "fully_connected_2"}


def made(limit: str, **options):
    graph = separable_net(softmax=False)
    return quantize(graph, samples(graph, 60), Options(weight_bytes=limit, **options))


def stored(result) -> int:
    return footprint.weight_bytes(build_plan(result.graph))


@pytest.mark.parametrize(("limit", "share"), [("75%", 0.75), ("60%", 0.6), ("40%", 0.4), ("200", None)])
def test_weights_stay_within_their_bytes(limit, share):
    """With what goes with them: the table of levels, and the byte that each channel begins with."""
    whole = stored(quantize(separable_net(softmax=False), samples(separable_net(), 60)))
    result = made(limit)

    most = whole * share if share else 200
    assert 0.8 * most < stored(result) <= most
    assert set(result.options.layer_bits) == {"conv2d_0", "depthwise_conv2d_1", "conv2d_2", "fully_connected_4"}


def test_bits_that_somebody_chose_stay():
    result = made("60%", layer_bits={"conv2d_0": 2})

    assert result.graph.constants["conv2d_0_weights"].bits == result.options.layer_bits["conv2d_0"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_bytes": "1%"}, "weights take at least"),
        ({"weight_bytes": "half"}, "'half' is no number of bytes"),
        ({"weight_bytes": "120%"}, "'120%' is no number of bytes"),
        ({"weight_bytes": "50%", "bits": 4}, "weight_bytes chooses the bits"),
        ({"weight_bytes": "50%", "codebook": 4}, "weight_bytes chooses the bits"),
    ],
)
def test_wrong_limits_are_one_line(options, message):
    graph = separable_net()
    with pytest.raises(UsageError, match=message) as error:
        quantize(graph, samples(graph, 20), Options(**options))
    assert "\n" not in str(error.value)


def test_what_was_chosen_is_said():
    graph = separable_net()
    content = loading.quantize_float(graph, samples(graph, 40), {"weight_bytes": "50%"})
    (line,) = (note for note in content.notes if "weight bytes" in note)
    assert line.startswith("bits within 50% of weight bytes: ") and "conv2d_0" in line
