"""Small ONNX models for tests, and onnxruntime as the oracle for what they compute."""

from collections.abc import Mapping, Sequence

import numpy as np
from requirements import require_module

onnx = require_module("onnx", 'pip install "mcuq[onnx]"')
onnxruntime = require_module("onnxruntime", "pip install onnxruntime (the oracle)")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from mcuq import float_run  # noqa: E402
from mcuq.float_graph import FloatGraph  # noqa: E402
from mcuq.frontends.onnx import graph_of  # noqa: E402

MICROSOFT = "com.microsoft"


def node(kind: str, inputs: str, outputs: str, domain: str = "", **attributes) -> "onnx.NodeProto":
    """One operator; names are separated by spaces, "_" leaves an optional operand out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(kind, names, outputs.split(), domain=domain, **attributes)


def model(
    nodes: Sequence["onnx.NodeProto"],
    inputs: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, np.ndarray] | None = None,
    outputs: Sequence[str] = ("y",),
    *,
    opset: int = 17,
    dtype: int = TensorProto.FLOAT,
    output_dtype: int | None = None,
) -> "onnx.ModelProto":
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, dtype, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, output_dtype or dtype, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def oracle(proto: "onnx.ModelProto", samples: Sequence[np.ndarray], *, optimize: bool = True) -> list[np.ndarray]:
    """Return every output for samples [samples, *shape] of every input, as onnxruntime computes it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    names = [given.name for given in session.get_inputs()]
    rows = [session.run(None, dict(zip(names, row, strict=True))) for row in zip(*samples, strict=True)]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def agree(proto: "onnx.ModelProto", rng: np.random.Generator, low: float = -3, high: float = 3) -> FloatGraph:
    """Assert that mcuq's graph computes what onnxruntime does, within 1e-5 of the range; return the graph."""
    graph = graph_of(proto, "test")
    samples = [rng.uniform(low, high, (3, *graph.shapes[name])).astype(np.float32) for name in graph.inputs]
    results = float_run.run(graph, dict(zip(graph.inputs, samples, strict=True)))
    for name, want in zip(graph.outputs, oracle(proto, samples), strict=True):
        assert results[name].shape == want.shape, name
        assert np.abs(results[name] - want).max(initial=0) <= 1e-5 * max(np.abs(want).max(initial=0), 1), name
    return graph


def kinds(graph: FloatGraph) -> list[str]:
    """Names of the operators, in order, those of layouts left out."""
    return [node.op.name for node in graph.nodes if node.op.name not in ("transpose", "reshape")]
