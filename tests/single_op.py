"""Graphs of one operator, made without a file: against TensorFlow Lite Micro, their kernel and real numbers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from harness import Case
from oracle import samples
from tflite_builder import tflm

from mcuq.graph import Graph, Node
from mcuq.ops.base import Op, Params
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QConstant, QTensor

EVERY_BYTE = np.arange(-128, 128).astype(np.int8).reshape(1, 1, 256)


def graph_of(op: Op, x: QTensor, *constants: QConstant, scale=None, zero_point=None) -> Graph:
    """Return the model ``y = op(x, *constants)``; y has the quantization of x unless told. Scales become float32's."""
    x = replace(x, scale=float(np.float32(x.scale)))
    names = [f"c_{i}" for i in range(len(constants))]
    shape = op.infer_shape(x.shape, *(c.shape for c in constants))
    y = QTensor(shape, float(np.float32(scale or x.scale)), x.zero_point if zero_point is None else zero_point, x.dtype)
    node = Node(op.name, op, ("x", *names), ("y",))
    return Graph("single", ("x",), ("y",), (node,), {"x": x, "y": y}, dict(zip(names, constants, strict=True))).verify()


def run(graph: Graph, x: np.ndarray) -> np.ndarray:
    """Simulate samples [samples, *shape]."""
    return simulate(build_plan(graph), {"x": x})["y"]


def params_of(graph: Graph) -> Params:
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(name) for name in node.inputs], graph.values["y"])


def case_of(graph: Graph, rng: np.random.Generator, count: int = 5) -> Case:
    """One kernel call on random bytes, extremes included."""
    x = graph.values["x"]
    return Case(params_of(graph), [samples(rng, count, (x.elements,), x.dtype)])


def assert_graph_equals_tflm(graph: Graph, model: bytes, x: np.ndarray) -> None:
    """Contract N5: byte for byte, the model being the same layer as a TFLite file."""
    np.testing.assert_array_equal(run(graph, x), tflm(model, x))


def real_result(graph: Graph, x: np.ndarray) -> np.ndarray:
    """What the layer computes in real numbers, float64 [samples, *shape]."""
    (node,) = graph.nodes
    tensor = graph.values["x"]
    real = (x.astype(np.float64) - tensor.zero_point) * tensor.scale
    return node.op.forward(real, *(graph.constants[name].real() for name in node.inputs[1:]))


def assert_close(graph: Graph, x: np.ndarray, steps: float) -> None:
    """The integers are within ``steps`` of the quantized real result."""
    wanted = graph.values["y"].quantize(real_result(graph, x)).astype(np.int32)
    assert np.abs(wanted - run(graph, x).astype(np.int32)).max() <= steps


def assert_table(op: Op, formula, quantizations: Sequence) -> None:
    """Every byte becomes the formula's real result, divided by the scale and rounded half away from zero, saturated.

    Args:
        op: the operator.
        formula: the same function, scalar and written independently (``math`` only).
        quantizations: ((scale, zero point) of the input, of the output), one by one.
    """
    for (x_scale, x_zero), (y_scale, y_zero) in quantizations:
        graph = graph_of(op, QTensor((1, 256), x_scale, x_zero), scale=y_scale, zero_point=y_zero)
        x, y = graph.values["x"], graph.values["y"]
        got = run(graph, EVERY_BYTE).ravel()
        for q, value in zip(range(-128, 128), got.tolist(), strict=True):
            steps = max(-1e6, min(1e6, formula((q - x_zero) * x.scale) / y.scale))  # infinite ones saturate too
            tie = abs(abs(steps) % 1 - 0.5) < 1e-9  # where another order of operations may round the other way
            wanted = {max(-128, min(127, y_zero + round(steps + e))) for e in ((-1e-8, 1e-8) if tie else (0,))}
            assert value in wanted, (op, q, x, y, steps)
