"""A scale or a zero point that no arithmetic survives is refused by every verb alike, of weights as of activations."""

from dataclasses import replace

import numpy as np
import pytest
from hostile import assert_harmless

from mcuq import archive
from mcuq.archive import Archive
from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.tensor import QConstant, QTensor


def graph_with(constant=(0.05, 0), activation=(0.05, 0)) -> Graph:
    values = {"x": QTensor((1, 6), *activation), "y": QTensor((1, 6), 0.05, 0)}
    c = QConstant(np.arange(6, dtype=np.int8).reshape(1, 6), np.array([constant[0]]), constant[1])
    return Graph("net", ("x",), ("y",), (Node("add_0", Add(), ("x", "c"), ("y",)),), values, {"c": c})


@pytest.mark.parametrize("where", ["constant", "activation"])
@pytest.mark.parametrize("scale", [1.75e19, 1e300, 0.0, -1.0])
def test_scales(tmp_path, run, where, scale):
    path = tmp_path / "net.mcuq"
    path.write_bytes(archive.dump(Archive(graph_with(**{where: (scale, 0)}))))
    assert_harmless(run, path, "scale")


@pytest.mark.parametrize("where", ["constant", "activation"])
@pytest.mark.parametrize("zero_point", [1 << 31, 10**30, -(10**30)])
def test_zero_points(tmp_path, run, where, zero_point):
    path = tmp_path / "net.mcuq"
    path.write_bytes(archive.dump(Archive(graph_with(**{where: (0.05, zero_point)}))))
    assert_harmless(run, path, "zero point")


def test_biases_may_be_finer_and_coarser_than_weights():
    graph = graph_with()
    bias = QConstant(np.zeros(6, np.int32), np.array([1e25]))
    assert replace(graph, constants={**graph.constants, "bias": bias}).verify()
