"""Transformers as people write them, trained on real data: the integers are as right, and the same bytes everywhere."""

import sys
from pathlib import Path

import numpy as np
import pytest
from requirements import require, require_module

torch = require_module("torch")
require_module("onnxscript")  # that torch exports with
sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import transformers  # noqa: E402 - lies beside the tests

POINTS = 1.5  # of accuracy that the integers may lose
TOOLS = {"host": ("gcc",), "rv32": ("riscv64-unknown-elf-gcc", "qemu-system-riscv32")}
TOOLS["xtensa"] = ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")


@pytest.fixture(scope="module")
def vision():
    """PyTorch's vision transformer, trained by ``benchmarks/transformers.py``."""
    model = transformers.VisionTransformer()
    held = np.load(Path(__file__).with_name("vision_transformer.npz"))
    model.load_state_dict({name: torch.from_numpy(values.astype(np.float32)) for name, values in held.items()})
    return model.eval(), transformers.digits()


def assert_as_right(measured):
    assert measured["float"] >= 90
    assert measured["integers"] >= measured["float"] - POINTS
    assert all(measured["equal"].values())


def test_a_trained_vision_transformer(vision):
    """Its integers, on the host too; what frameworks write around products has gone into them."""
    model, data = vision
    assert_as_right(transformers.measure(model, data, ["host"]))


@pytest.mark.parametrize("engine", ["rv32", "xtensa"])
def test_n4_a_vision_transformer_on_a_chip(vision, engine):
    for tool in TOOLS[engine]:
        require(tool)
    model, data = vision
    quantized = transformers.quantized(model, data)
    assert transformers.equal_bytes(quantized, data.test_x[:2], engine)


@pytest.mark.slow
@pytest.mark.parametrize("net", transformers.NETS)
def test_trained_here(net):
    """All four, on every engine."""
    if "encoder" in net and transformers.japanese_vowels.folder() is None:
        pytest.skip(transformers.japanese_vowels.INSTALL)
    if "keras" in net:
        require_module("tensorflow")
    for tool in sum(TOOLS.values(), ()):
        require(tool)
    assert_as_right(transformers.measure(*transformers.NETS[net](0), list(TOOLS)))
