"""No warning of numpy's reaches the user, whatever the values: what is infinite is named by mcuq, or means nothing."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from onnx_models import model, node

import mcuq
from mcuq import float_run
from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.frontends.onnx import graph_of
from mcuq.graph import Node
from mcuq.ops.gelu import Gelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.mish import Mish
from mcuq.ops.mul import Mul
from mcuq.ops.rsqrt import Rsqrt
from mcuq.ops.silu import Silu
from mcuq.ops.softmax import Softmax
from mcuq.ops.softplus import Softplus
from mcuq.ops.tanh import Tanh
from mcuq.passes.prepare import prepare

FAR = np.array([-3e38, -1e20, -1e4, -100, 0, 100, 1e4, 1e20, 3e38], np.float32).reshape(1, 1, 9)


@pytest.fixture(autouse=True)
def _raising():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("op", [Logistic(), Tanh(), Softplus(), Silu(), Mish(), Gelu(), Gelu("tanh"), Softmax(), Mul()])
def test_float_model_far_from_its_samples(op):
    inputs = ("x", "x") if op == Mul() else ("x",)
    nodes = (Node("layer", op, inputs, ("y",)),)
    graph = FloatGraph("net", ("x",), ("y",), nodes, {"x": (1, 9), "y": (1, 9)}).verify()

    assert float_run.run(graph, {"x": FAR})["y"].shape == (1, 1, 9)


def test_logistic_is_right_where_exp_overflows():
    np.testing.assert_array_equal(Logistic().forward(FAR[0, 0][[0, 1, 2, 4, 6, 7, 8]]), [0, 0, 0, 0.5, 1, 1, 1])


def far(bias=300.0):
    constants = {"w": 50 * np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)}
    constants["b"] = np.full(3, -bias, np.float32)
    return model([node("Gemm", "x w b", "a"), node("Sigmoid", "a", "y")], {"x": (1, 4)}, constants)


def test_quantize_and_simulate(rng):
    x = 3 * rng.normal(size=(30, 4)).astype(np.float32)
    graph = mcuq.quantize(prepare(graph_of(far(), "net")), x)

    assert mcuq.simulate(mcuq.compile(graph), 1e6 * x).shape == (30, 3)


def test_what_overflows_is_named():
    proto = model([node("Mul", "x x", "a"), node("Mul", "a a", "y")], {"x": (1, 4)})
    with pytest.raises(UsageError, match="takes NaN or infinite values"):
        mcuq.quantize(prepare(graph_of(proto, "net")), np.full((3, 4), 1e30, np.float32))


@pytest.mark.parametrize("verb", ["quantize", "evaluate"])
def test_commands(verb, shared, tmp_path):
    """In a process of its own, where a warning is an error."""
    folder, kept = shared / "cases/readers", tmp_path / "m.mcuq"
    data = folder / "far_x.npy"
    commands = [["quantize", folder / "far_sigmoid.onnx", "--calibration", data, "--out", kept],
                ["evaluate", kept, "--data", data]]  # fmt: skip
    for command in commands[: 1 + (verb == "evaluate")]:
        strict = [sys.executable, "-W", "error::RuntimeWarning", "-m", "mcuq", *map(str, command)]
        result = subprocess.run(strict, capture_output=True, text=True, check=False)
        assert (result.returncode, "Warning" in result.stderr) == (0, False), result.stderr


def test_layers_that_are_infinite_somewhere_are_no_activation():
    nodes = (Node("gelu", Gelu(), ("x",), ("g",)), Node("rsqrt", Rsqrt(), ("g",), ("y",)))
    graph = FloatGraph("net", ("x",), ("y",), nodes, dict.fromkeys("xgy", (1, 9))).verify()

    assert [node.op for node in prepare(graph).nodes] == [Gelu(), Rsqrt()]
