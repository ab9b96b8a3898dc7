"""absorb_requantize: layers write what the next one was trained to read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from float_graphs import GraphBuilder, assert_same, names

from mcuq.float_graph import FloatGraph
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.pad import Pad
from mcuq.ops.relu import Relu
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.passes.absorb_requantize import absorb_requantize
from mcuq.tensor import QTensor

MOVES = [Reshape((1, 8, 10)), MaxPool((2, 2)), Pad((0, 1, 0, 0), (0, 0, 1, 0))]


def trained(b: GraphBuilder, x: str, bits: int = 4, scale: float = 0.1) -> str:
    """Requantize a value as a trained layer reads it."""
    y = b.add(Requantize(), x)
    b.known[y] = QTensor(b.shapes[y], scale, 0, bits=bits)
    return y


def net() -> tuple[GraphBuilder, str]:
    """Return a builder and a convolution's output, [1, 4, 5, 4]."""
    b = GraphBuilder()
    return b, b.conv(b.input((1, 6, 7, 2)), 4)


def bits(graph: FloatGraph) -> list[int | None]:
    """Return the known bits of every node's output."""
    known = [graph.known.get(node.outputs[0]) for node in graph.nodes]
    return [tensor.bits if tensor else None for tensor in known]


def end(b: GraphBuilder, x: str) -> str:
    return b.conv(x, 3, 1) if len(b.shapes[x]) == 4 else b.dense(x, 3)


def test_the_layer_before_writes_it() -> None:
    b, y = net()
    before = b.graph(end(b, trained(b, y)))
    after = absorb_requantize(before)
    assert_same(before, after)
    assert names(after) == ["conv2d", "conv2d"] and bits(after) == [4, None]


@pytest.mark.parametrize("op", MOVES, ids=lambda op: op.name)
def test_through_what_only_moves(op: Op) -> None:
    b, y = net()
    before = b.graph(end(b, trained(b, b.add(op, y))))
    after = absorb_requantize(before)
    assert_same(before, after, 0.02)  # 0 is a step like any other: rounding before is rounding behind
    assert names(after) == ["conv2d", op.name, names(before)[-1]] and bits(after) == [4, 4, None]


def test_through_a_concatenation_of_two() -> None:
    b, y = net()
    other = b.conv("x0", 4)
    before = b.graph(end(b, trained(b, b.add(Concatenation(), y, other))))
    assert bits(absorb_requantize(before)) == [4, 4, 4, None]


def test_an_average_is_rounded_behind() -> None:
    b, y = net()
    before = b.graph(end(b, trained(b, b.add(AveragePool((2, 2)), y))))
    assert absorb_requantize(before).nodes == before.nodes


def test_equal_readers_share_it() -> None:
    b, y = net()
    before = b.graph(*(end(b, trained(b, y)) for _ in range(2)))
    after = absorb_requantize(before)
    assert_same(before, after)
    assert names(after) == ["conv2d"] * 3 and bits(after) == [4, None, None]


@pytest.mark.parametrize("difference", [{"bits": 3}, {"scale": 0.2}])
def test_other_readers_keep_theirs(difference: dict[str, float]) -> None:
    b, y = net()
    first, second = trained(b, y), trained(b, y, **difference)  # type: ignore[arg-type]
    before = b.graph(end(b, first), end(b, second))
    assert absorb_requantize(before).nodes == before.nodes


def test_a_reader_that_was_not_trained_reads_8_bits() -> None:
    b, y = net()
    before = b.graph(end(b, trained(b, y)), b.add(Relu(), y))
    assert absorb_requantize(before).nodes == before.nodes
    b, y = net()
    pooled = b.add(MaxPool((2, 2)), y)
    before = b.graph(end(b, trained(b, pooled)), b.add(Add(), y, y))
    assert absorb_requantize(before).nodes == before.nodes


def test_an_input_keeps_8_bits() -> None:
    for count, left in ((8, ["reshape", "fully_connected"]), (4, ["reshape", "requantize", "fully_connected"])):
        b = GraphBuilder()
        x = b.input((1, 6, 2))
        before = b.graph(end(b, trained(b, b.add(Reshape((1, 12)), x), count)))
        after = absorb_requantize(before)
        assert names(after) == left
        assert after.known[x] == QTensor((1, 6, 2), 0.1, 0)


def test_outputs_and_values_of_known_quantization_stay() -> None:
    b, y = net()
    before = b.graph(trained(b, y))
    assert absorb_requantize(before).nodes == before.nodes
    b, y = net()
    before = b.graph(end(b, trained(b, b.know(y, 0.3, 1))))
    assert absorb_requantize(before).nodes == before.nodes
    assert absorb_requantize(replace(before, known={})).nodes == before.nodes
