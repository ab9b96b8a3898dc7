"""An output that is one and the same on the samples hinders no operator that fixes its range, and no silent ReLU."""

import warnings

import numpy as np
import pytest
from onnx_models import model, node

import mcuq
from mcuq.frontends.onnx import graph_of
from mcuq.passes.prepare import prepare

RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(4, 3)).astype(np.float32), RNG.normal(size=(40, 4)).astype(np.float32)


def net(*kinds: str, bias: float, then=()):
    """A product far on one side of 0, then operators."""
    nodes, last = [node("Gemm", "x w b", "v0")], "v0"
    for i, kind in enumerate(kinds):
        nodes.append(node(kind, last, f"v{i + 1}"))
        last = f"v{i + 1}"
    nodes += [node("MatMul", f"{last} w2", "y")] if then else [node("Identity", last, "y")]
    constants = {"w": W, "b": np.full(3, bias, np.float32)} | ({"w2": np.ones((3, 1), np.float32)} if then else {})
    return prepare(graph_of(model(nodes, {"x": (1, 4)}, constants), "net"))


@pytest.mark.parametrize(("kind", "scale"), [("Sigmoid", 1 / 256), ("Tanh", 1 / 128)])
@pytest.mark.parametrize("then", [(), ("product",)])
def test_saturated(kind, scale, then):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = mcuq.quantize(net(kind, bias=40, then=then), X)
    fixed = next(graph.values[n.outputs[0]] for n in graph.nodes if n.op.name in ("logistic", "tanh"))
    y = graph.values["y"]

    assert fixed.scale == scale
    assert np.all(np.abs(y.dequantize(mcuq.simulate(mcuq.compile(graph), X)) - (3 if then else 1)) <= 3 * scale)


def test_softmax_that_is_sure():
    proto = model([node("Gemm", "x w b", "a"), node("Softmax", "a", "y")], {"x": (1, 4)},
                  {"w": W, "b": np.array([0, 100, 0], np.float32)})  # fmt: skip
    graph = mcuq.quantize(prepare(graph_of(proto, "net")), X)

    assert np.all(mcuq.simulate(mcuq.compile(graph), X).reshape(-1, 3) == [-128, 127, -128])


@pytest.mark.parametrize("then", [(), ("product",)])
def test_silent_relu_is_a_warning(then):
    with pytest.warns(UserWarning, match=r"the output of \w+ is 0 on all 40 calibration sample\(s\)"):
        graph = mcuq.quantize(net("Relu", bias=-40, then=then), X)
    y = graph.values["y"]

    assert np.all(y.dequantize(mcuq.simulate(mcuq.compile(graph), X)) == 0)
    assert y.scale > 1e-6


def test_silent_relu_is_said_by_build_and_quantize(run, tmp_path):
    proto = model([node("Gemm", "x w b", "a"), node("Relu", "a", "y")], {"x": (1, 4)},
                  {"w": W, "b": np.full(3, -40, np.float32)})  # fmt: skip
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    np.save(tmp_path / "x.npy", X)
    data = ["--calibration", tmp_path / "x.npy"]
    for command in (["quantize", *data, "--out", tmp_path / "m.mcuq"], ["build", *data, "--board", "esp32dev", "--out",
                    tmp_path / "p"]):  # fmt: skip
        status, out, _ = run(command[0], tmp_path / "m.onnx", *command[1:])
        assert status == 0
        assert "is 0 on all 40 calibration sample(s)" in " ".join(out.split())


def test_other_constants_are_still_refused():
    proto = model([node("Clip", "x low high", "y")], {"x": (1, 4)},
                  {"low": np.array(5, np.float32), "high": np.array(6, np.float32)})  # fmt: skip
    with pytest.raises(mcuq.errors.UsageError, match="is 5 everywhere"):
        mcuq.quantize(prepare(graph_of(proto, "net")), X)


@pytest.mark.parametrize("name", ["saturated_sigmoid", "saturated_tanh"])
def test_cases_of_users(run, shared, tmp_path, name):
    folder = shared / "cases/readers"
    data = folder / "saturated_x.npy"
    status, _, error = run("quantize", folder / f"{name}.onnx", "--calibration", data, "--out", tmp_path / "m.mcuq")
    assert status == 0, error
    status, _, error = run("evaluate", tmp_path / "m.mcuq", "--data", data)
    assert (status, error) == (0, "")
