"""recognize_masks: minus infinity in front of a softmax takes nothing of the scores' precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names

import mcuq
from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.ops.add import Add
from mcuq.ops.matmul import Matmul
from mcuq.ops.mul import Mul
from mcuq.ops.relu import Relu
from mcuq.ops.select import Select
from mcuq.ops.softmax import Softmax
from mcuq.passes.prepare import prepare
from mcuq.passes.recognize_masks import finite_masks, recognize_masks
from mcuq.tensor import Array

TOKENS, WIDTH = 6, 4
CAUSAL = np.triu(np.ones((TOKENS, TOKENS), bool), 1)
LEAST = float(np.finfo(np.float32).min)  # what readers make of minus infinity


def attention(mask: Array, *, by_select: bool = False) -> FloatGraph:
    """The shares of [1, 2, 6, 6] that two heads give to tokens; the mask is added to the scores, or selected by."""
    b = GraphBuilder()
    query, key = b.input((1, 2, TOKENS, WIDTH)), b.input((1, 2, TOKENS, WIDTH))
    scores = b.add(Matmul(transpose_b=True), query, key)
    if by_select:  # torch.masked_fill
        return b.graph(b.add(Softmax(), b.add(Select(), CAUSAL.astype(np.float32), np.full(1, mask.min()), scores)))
    return b.graph(b.add(Softmax(), b.add(Add(), scores, mask)))


@pytest.mark.parametrize("least", [-1e4, -1e9, LEAST])
def test_a_sum_becomes_a_selection(least: float) -> None:
    graph = attention(np.where(CAUSAL, least, 0))
    after = recognize_masks(graph)
    assert_same(graph, after)
    assert names(after) == ["matmul", "select", "softmax"]


def test_what_else_is_added_stays() -> None:
    """A bias by distance."""
    distance = np.abs(np.subtract.outer(np.arange(TOKENS), np.arange(TOKENS)))
    graph = attention(np.where(CAUSAL, LEAST, -0.5 * distance))
    after = recognize_masks(graph)
    assert_same(graph, after)
    assert names(after) == ["matmul", "add", "select", "softmax"]


def test_minus_infinity_is_finite_where_it_is_a_mask() -> None:
    b = GraphBuilder()
    masked = b.add(Add(), b.input((1, 3)), np.zeros(3))
    b.add(Mul(), masked, np.full(3, 2))
    graph = b.graph(b.nodes[-1].name)
    infinite = {name: np.full(3, -np.inf, np.float32) for name in graph.constants}
    after = finite_masks(replace(graph, constants=infinite))
    summand, factor = (after.constants[node.inputs[1]] for node in after.nodes)
    assert np.all(summand == LEAST) and np.all(np.isneginf(factor))


@pytest.mark.parametrize("case", ["small", "everywhere", "read by others", "known"])
def test_what_stays(case: str) -> None:
    b = GraphBuilder()
    mask = {"small": np.where(CAUSAL, -50, 0), "everywhere": np.full((TOKENS, TOKENS), -1e9)}
    y = b.add(Add(), b.input((1, TOKENS, TOKENS)), mask.get(case, np.where(CAUSAL, -1e9, 0)))
    if case == "known":
        b.know(y, 0.1, 0)
    outputs = [b.add(Softmax(), y)] + ([b.add(Relu(), y)] if case == "read by others" else [])
    graph = b.graph(*outputs)
    assert recognize_masks(graph).nodes == graph.nodes


@pytest.mark.parametrize("by_select", [False, True])
@pytest.mark.parametrize("size", [0.1, 1.0, 2.0])
def test_integers_of_masked_attention(size: float, by_select: bool) -> None:
    """Nothing goes to what is masked, and the rest gets its share, whether scores are all alike or far apart."""
    graph = attention(np.where(CAUSAL, LEAST, 0), by_select=by_select)
    rng = np.random.default_rng(1)
    x = {name: size * rng.normal(size=(200, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}
    quantized = mcuq.quantize(prepare(graph), x)
    shares = mcuq.simulate(mcuq.compile(quantized), x)
    (tensor,) = (quantized.values[name] for name in quantized.outputs)
    real = tensor.dequantize(np.asarray(shares)).reshape(200, 2, TOKENS, TOKENS)
    expected = float_run.run(graph, x)[graph.outputs[0]].reshape(real.shape)
    assert np.all(real[..., CAUSAL] == 0)
    assert np.abs(real - expected).max() < (0.05 if size < 2 else 0.2)
