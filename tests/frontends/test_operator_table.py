"""The table of operators is true: every name is in a small model that is read as its operator, and computes the same.

Most of ONNX's names are in its node tests: test_onnx_nodes.py.
"""

import importlib.util
import re

import numpy as np
import pytest
from onnx_models import agree, graph_of, model, node
from onnx_operators import CASES as ONNX
from operator_claims import ELSEWHERE, claimed, is_elsewhere
from requirements import absent
from test_tflite_float import IMAGE, ONE, Net, read
from tflite_builder import ModelBuilder

import mcuq
from mcuq import float_run, ops
from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends import onnx_ops, onnx_qdq, tflite_ops, tflite_recurrent
from mcuq.frontends.flatbuffer import parse
from mcuq.passes.prepare import prepare
from mcuq.report.formats import READ, formats

TOLERANCE = 1e-4  # of the largest output
WIRING = {"BatchNormalization", "CastLike", "Dropout", "Identity", "Mean", "com.microsoft.QuickGelu"}  # no operator's


def operators_of(graph, output):
    """Return the names of the operators that an output depends on."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    found, left = {}, [output]
    while left:
        node = makers.get(left.pop())
        if node and node.name not in found:
            found[node.name] = node.op.name
            left += node.inputs
    return set(found.values())


def arrays(rng, image):
    given = (rng.normal(size=image), rng.uniform(0.5, 3.5, image), rng.normal(size=(1, 3, 6)))
    return [x.astype(np.float32) for x in given]


def assert_read(graph, names, given, wanted, fmt):
    """Every output, by name, is the framework's own, and depends on the operators that the table says."""
    inputs = {
        name: (x.transpose(graph.layouts[name]) if name in graph.layouts else x)[np.newaxis]
        for name, x in zip(graph.inputs, given, strict=True)
    }
    results = float_run.run(graph, inputs)
    read_as = {}
    for name, output, y in zip(names, graph.outputs, wanted, strict=True):
        got, y = results[output][0], np.asarray(y)  # noqa: PLW2901
        assert got.shape == y.shape, name
        np.testing.assert_allclose(got, y, rtol=0, atol=TOLERANCE * max(np.abs(y).max(), 1), err_msg=name)
        read_as[name] = operators_of(graph, output)
    pairs = {(op, name) for name, found in read_as.items() for op in found}
    missing = claimed(fmt) - pairs
    assert {pair for pair in missing if not is_elsewhere(pair[1])} == set()


def test_every_operator_has_a_row():
    assert list(READ) == [op.name for op in ops.ALL]
    made = ["binarize", "mean_of_sums", "pixel_sums", "pixels", "rows", "running_mean", "slide"]  # by passes and layers
    assert [op for op in READ if not formats(op)] == made


def test_every_reader_has_a_name():
    codes = {*tflite_ops.FLOAT_READERS, *tflite_recurrent.READERS, "WHILE"}
    assert {name for _, name in claimed("tflite")} == codes
    kinds = {*onnx_ops.READERS, *onnx_qdq.READERS} - WIRING
    assert {name for _, name in claimed("onnx")} == {kind for kind in kinds if kind not in onnx_qdq.READERS} | {
        "QuantizeLinear"
    }


def test_tests_elsewhere_exist():
    assert [name for name in ELSEWHERE if not is_elsewhere(name)] == []


@pytest.mark.parametrize("pair", ONNX, ids=" ".join)
def test_onnx(rng, pair):
    graph = prepare(agree(ONNX[pair], rng))
    assert pair[0] in {node.op.name for node in graph.nodes}


def test_pytorch(rng):
    torch = pytest.importorskip("torch")
    from torch_operators import CASES, Operators

    given = arrays(rng, (1, 4, 6, 6))
    net = Operators().eval()
    wanted = [y.numpy() for y in net(*map(torch.from_numpy, given))]
    assert_read(mcuq.load(net, tuple(given)), CASES, given, wanted, "torch")


@pytest.mark.xdist_group("tensorflow")
def test_keras_and_tflite(rng):
    if not importlib.util.find_spec("tensorflow"):
        absent("tensorflow", 'pip install "mcuq[keras]"')
    from keras_operators import OPS
    from keras_operators import model as operators

    from mcuq.frontends import keras, tflite

    net, given = operators(), arrays(rng, (1, 6, 6, 4))
    wanted = net(given)
    file = keras._converted(net)
    graph = prepare(tflite.model_of(file, "operators"))
    names = [name if name.startswith("tf.") or "." in name else f"ops.{name}" for name in OPS]
    assert_read(graph, names, given, wanted, "keras")
    read_as = tflite_pairs(file, tflite.model_of(file, "operators"))
    for code, shape, operands, options, fields in ONE:
        one = Net(rng, IMAGE)
        content = one.then(code, shape, *operands(one), options=options, **fields).finished()
        read_as |= tflite_pairs(parse(content), read(content))
    assert {pair for pair in claimed("tflite") - read_as if not is_elsewhere(pair[1])} == set()


def tflite_pairs(file, graph):
    """Return operators with the codes of the file that they are read from: a node's name has that one's number."""
    codes = {operator.index: operator.code for operator in file.operators}
    numbers = ((node.op.name, re.match(rf"{node.op.name}_(\d+)", node.name)) for node in graph.nodes)
    return {(name, codes[int(found[1])]) for name, found in numbers if found}


def test_convolutions_of_three_dimensions_are_refused():
    """In one line, by name; PyTorch's are ONNX's, Keras' are TFLite's."""
    weights = np.zeros((2, 3, 1, 1, 1), np.float32)
    proto = model([node("Conv", "x w", "y")], {"x": (1, 3, 4, 4, 4)}, {"w": weights})
    with pytest.raises(UnsupportedOperatorError, match=r"node 0 Conv: takes \[1, C, H, W\] or \[1, C, L\], not shape"):
        graph_of(proto, "test")
    builder = ModelBuilder()
    x, y = (builder.tensor((1, 4, 4, 4, c), "float32") for c in (3, 2))
    filters = builder.tensor((1, 1, 1, 3, 2), "float32", data=np.zeros((1, 1, 1, 3, 2)))
    builder.op("CONV_3D", [x, filters], [y], "Conv3DOptions")
    with pytest.raises(UnsupportedOperatorError, match=r"mcuq has no CONV_3D \(1\)"):
        read(builder.finish([x], [y]))
