"""Helpers that run one TFLite model three ways: simulator, TensorFlow Lite Micro, real numbers."""

import numpy as np
from tflite_builder import tflm

from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.tflite import graph_of
from mcuq.graph import Graph
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QConstant


def read(model: bytes) -> Graph:
    """Read a TFLite model from bytes."""
    return graph_of(parse(model), "model")


def run(model: bytes, *inputs: np.ndarray) -> np.ndarray:
    """Simulate samples ([samples, *shape] per input); the first output."""
    graph = read(model)
    plan = build_plan(graph)
    return simulate(plan, dict(zip(graph.inputs, inputs, strict=True)))[graph.outputs[0]]


def assert_equals_tflm(model: bytes, *inputs: np.ndarray) -> None:
    """Contract N5: byte for byte."""
    np.testing.assert_array_equal(run(model, *inputs), tflm(model, *inputs))


def assert_close_to_forward(model: bytes, *inputs: np.ndarray, steps: float = 2) -> None:
    """The integers of a single-op model are within ``steps`` of the quantized real result."""
    graph = read(model)
    (node,) = graph.nodes
    given = dict(zip(graph.inputs, inputs, strict=True))
    real = []
    for name in node.inputs:
        tensor = graph.tensor(name)
        real.append(tensor.real() if isinstance(tensor, QConstant) else _real(tensor, given[name]))
    output = graph.values[node.outputs[0]]
    wanted = output.quantize(node.op.forward(*real)).astype(np.int32)
    got = run(model, *inputs).astype(np.int32)
    assert np.abs(wanted.reshape(got.shape) - got).max() <= steps


def _real(tensor, q: np.ndarray) -> np.ndarray:
    return (q.astype(np.float64) - tensor.zero_point) * tensor.scale


def samples(rng: np.random.Generator, count: int, shape, dtype=np.int8) -> np.ndarray:
    """Random samples [count, *shape]; the first two are the type's minimum and maximum."""
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max + 1, (count, *shape)).astype(dtype)
    x[0] = info.min
    if count > 1:
        x[1] = info.max
    return x
