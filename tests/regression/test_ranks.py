"""Scalars, vectors and batches: rank 0 builds, no dimension 0 is a batch once the batch is gone, others are refused."""

import warnings

import numpy as np
import pytest
from onnx_models import model, node, oracle
from tflite_builder import ModelBuilder

from mcuq import float_run, loading, pipeline
from mcuq.archive import Archive
from mcuq.data import write_outputs
from mcuq.engines.host import build_host
from mcuq.errors import McuqError, UnsupportedOperatorError
from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.onnx import graph_of
from mcuq.frontends.tflite import model_of
from mcuq.passes.prepare import prepare
from mcuq.quantization import quantize

VECTOR, IMAGE = {"x": (1, 6)}, {"x": (1, 3, 5, 4)}
WEIGHTS = {"w": np.random.default_rng(0).normal(size=(6, 1)).astype(np.float32)}
SCALARS = {
    "squeeze of all": ([node("MatMul", "x w", "a"), node("Squeeze", "a", "y")], VECTOR, WEIGHTS),
    "mean of all": ([node("ReduceMean", "x", "y", keepdims=0)], VECTOR, {}),
    "mean of an image": ([node("ReduceMean", "x", "a", keepdims=0), node("Relu", "a", "y")], IMAGE, {}),
    "sum of all": ([node("ReduceSum", "x", "y", keepdims=0)], VECTOR, {}),
    "gathered": ([node("Squeeze", "x", "a"), node("Gather", "a i", "y")], VECTOR, {"i": np.array(2)}),
    "then layers": (
        [
            node("ReduceMean", "x", "a", keepdims=0),
            node("Sigmoid", "a", "b"),
            node("Add", "b a", "c"),
            node("Mul", "c k", "y"),
        ],
        VECTOR,
        {"k": np.array(3, np.float32)},
    ),
    "vector times vector": (
        [node("Squeeze", "x", "a"), node("MatMul", "a v", "y")],
        VECTOR,
        {"v": WEIGHTS["w"].ravel()},
    ),
    "back to a batch": (
        [node("ReduceMean", "x", "a", keepdims=0), node("Reshape", "a s", "y")],
        VECTOR,
        {"s": np.array([1, 1])},
    ),
}  # fmt: skip


def integers(proto, rng):
    """Return the quantized model, the samples and what onnxruntime computes of them."""
    graph = graph_of(proto, "net")
    x = rng.uniform(-3, 3, (64, *graph.shapes["x"])).astype(np.float32)
    return (
        quantize(
            prepare(graph),
            x,
        ).graph,
        x,
        oracle(proto, [x])[0],
    )


@pytest.mark.parametrize("case", SCALARS)
def test_scalar_is_built_and_simulated(case, rng, tmp_path):
    graph, x, wanted = integers(model(*SCALARS[case]), rng)
    written = pipeline.write_project(Archive(graph), "esp32dev", tmp_path)
    got = pipeline.simulate(written.plan, x)
    y = graph.values["y"]

    assert y.shape == wanted.shape[1:]
    assert got.shape == (len(wanted), *wanted.shape[2:])
    assert np.abs(y.dequantize(got).reshape(wanted.shape) - wanted).max() <= 4 * y.scale
    with build_host(tmp_path, ["net"]) as firmware:
        x8 = graph.values["x"].quantize(x.transpose(0, *(1 + a for a in graph.layouts.get("x", range(x.ndim - 1)))))
        np.testing.assert_array_equal(firmware.run(written.plan, {"x": x8}).outputs["y"].ravel(), got.ravel())
    write_outputs(tmp_path / "y.npy", graph, {"y": got}, real=False)
    assert np.load(tmp_path / "y.npy").shape == ((64,) if not y.shape else (64, *y.shape[1:]))


VECTORS = {
    "slice": ([node("Squeeze", "x", "a"), node("Slice", "a b e", "y")], {"b": np.array([2]), "e": np.array([5])}),
    "gather, slice": (
        [node("Gather", "x i", "a", axis=0), node("Slice", "a b e", "y")],
        {"i": np.array(0), "b": np.array([1]), "e": np.array([6])},
    ),
    "pad": ([node("Squeeze", "x", "a"), node("Pad", "a p", "y")], {"p": np.array([2, 1])}),
    "concatenation": ([node("Squeeze", "x", "a"), node("Relu", "a", "b"), node("Concat", "a b", "y", axis=0)], {}),
    "split": ([node("Squeeze", "x", "a"), node("Split", "a s", "y z", axis=0)], {"s": np.array([4, 2])}),
    "softmax": ([node("Squeeze", "x", "a"), node("Softmax", "a", "y", axis=0)], {}),
    "matrix, transposed": (
        [node("Reshape", "x s", "a"), node("Transpose", "a", "y", perm=[1, 0])],
        {"s": np.array([2, 3])},
    ),
    "matrix, transposed product": (
        [node("Reshape", "x s", "a"), node("Gemm", "a w", "y", transA=1)],
        {"s": np.array([2, 3]), "w": WEIGHTS["w"].reshape(2, 3)},
    ),
    "rows of a matrix": (
        [node("Reshape", "x s", "a"), node("Slice", "a b e", "y")],
        {"s": np.array([3, 2]), "b": np.array([1]), "e": np.array([3])},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", VECTORS)
def test_dimension_0_is_any_once_the_batch_is_gone(case, rng):
    nodes, constants = VECTORS[case]
    graph, x, wanted = integers(model(nodes, VECTOR, constants), rng)
    y = graph.values["y"]

    assert np.abs(y.dequantize(pipeline.simulate(pipeline.compile(graph), x)) - wanted).max() <= 4 * y.scale


MOVING = ["transpose", "gemm", "squeeze", "unsqueeze", "slice", "reduce_mean", "softmax", "flatten", "concat_1d"]


@pytest.mark.parametrize("name", MOVING)
@pytest.mark.parametrize("batch", [True, False])
def test_onnx_node_tests_are_right_or_refused(name, batch):
    """ONNX's own tests of operators that move dimensions, of their shapes and of one that a batch of 1 leads to."""
    read = 0
    for case, inputs, outputs in node_tests(name, batch):
        try:
            graph = graph_of(case, "net")
            prepare(graph)
        except McuqError:
            continue
        got = float_run.run(graph, {graph.inputs[0]: inputs})
        for found, wanted in zip(graph.outputs, outputs, strict=True):
            assert got[found].shape[1:] == wanted.shape, case.graph.name
            np.testing.assert_allclose(got[found][0], wanted, rtol=1e-3, atol=1e-5, err_msg=case.graph.name)
        read += 1
    assert read or not batch, name


def node_tests(name, batch):
    """Yield ONNX's tests of operators whose names begin so: model, first input, outputs; the others are constants."""
    import onnx
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    for case in cases:
        if not case.name.startswith(f"test_{name}") or not case.model or "expanded" in case.name:
            continue
        (x, *others), outputs = case.data_sets[0]
        proto = onnx.ModelProto()
        proto.CopyFrom(case.model)
        given, *rest = (value.name for value in proto.graph.input)
        for constant, array in zip(rest, others, strict=True):
            proto.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), constant))
        if batch:
            shape = onnx.numpy_helper.from_array(np.array(x.shape, np.int64), "own_shape")
            proto.graph.initializer.append(shape)
            proto.graph.node.insert(0, onnx.helper.make_node("Reshape", ["with_batch", "own_shape"], [given]))
            wanted = onnx.helper.make_tensor_value_info("with_batch", onnx.TensorProto.FLOAT, (1, *x.shape))
            proto.graph.input[0].CopyFrom(wanted)
            x = x[np.newaxis]
        yield proto, np.asarray(x, np.float32)[np.newaxis], outputs


@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 8, 8), (3, 5, 6), (7, 1)])
def test_batch_of_an_onnx_model_is_refused_whatever_the_layer(shape):
    for kind in ("Relu", "Identity", "Softmax"):
        nodes = [node(kind, "x", "a"), node("Relu", "a", "y")]
        with pytest.raises(UnsupportedOperatorError, match=rf"input 'x' has a batch of {shape[0]}, shape .*batch of 1"):
            graph_of(model(nodes, {"x": shape}), "net")


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_batch_of_a_tflite_model_is_refused(dtype):
    builder = ModelBuilder()
    x, y = (builder.tensor((4, 6), dtype, 0.1 if dtype == "int8" else None) for _ in range(2))
    builder.op("RELU", [x], [y])
    with pytest.raises(UnsupportedOperatorError, match="input 'tensor_0' has a batch of 4"):
        model_of(parse(builder.finish([x], [y])), "net")


@pytest.mark.parametrize("shape", [(6,), (16, 1, 6)])
def test_vectors_and_sequences_with_the_batch_second_are_no_batch(shape, rng):
    graph, x, wanted = integers(model([node("Relu", "x", "y")], {"x": shape}), rng)
    y = graph.values["y"]

    assert np.abs(y.dequantize(pipeline.simulate(pipeline.compile(graph), x)) - wanted).max() <= 2 * y.scale


def test_case_of_a_user(shared):
    with pytest.raises(UnsupportedOperatorError, match="input 'x' has a batch of 4"):
        loading.load(shared / "cases/readers/mlp_batch4.onnx")


@pytest.mark.parametrize(
    ("name", "samples"),
    [("scalar_out", "x6"), ("scalar_reducemean", "x6"), ("conv_squeeze_all", "x255"), ("rank1_gather_slice", "")],
)
def test_cases_of_users_end(run, shared, tmp_path, rng, name, samples):
    folder, data = shared / "cases/readers", tmp_path / "x.npy"
    np.save(data, np.load(folder / f"{samples}.npy") if samples else rng.normal(size=(20, 17)).astype(np.float32))
    model, out = folder / f"{name}.onnx", tmp_path / "project"
    for command in (
        ["check", model, "--board", "esp32dev"],
        ["build", model, "--board", "esp32dev", "--calibration", data, "--out", out],
        ["verify", out],
        ["quantize", model, "--calibration", data, "--out", tmp_path / "m.mcuq"],
        ["simulate", tmp_path / "m.mcuq", "--input", data],
        ["evaluate", tmp_path / "m.mcuq", "--data", data],
        ["inspect", tmp_path / "m.mcuq"],
    ):
        status, _, error = run(*command)
        assert status == 0, (command, error)
