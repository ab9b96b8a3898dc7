"""pyproject.toml said torch >= 2.8, messages 2.9. Files of 2.8 hold pickled weights, and it reads no rebuilt ones."""

import tomllib
from pathlib import Path

import pytest
from requirements import require_module

from mcuq.errors import ToolMissingError
from mcuq.frontends.extras import TORCH, TORCH_SINCE

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]


def test_messages_and_the_extra_say_the_same():
    assert f"torch>={TORCH_SINCE}" in PROJECT["optional-dependencies"]["torch"]
    assert f"torch >= {TORCH_SINCE} " in TORCH


@pytest.mark.parametrize(
    ("version", "taken"), [("2.8.0+cpu", False), (TORCH_SINCE, True), ("2.9.1", True), ("2.10.0", True)]
)
def test_a_torch_below_the_bound_is_named(monkeypatch, version, taken):
    torch = require_module("torch")
    require_module("onnxscript")
    from mcuq.frontends.torch import read_torch

    monkeypatch.setattr(torch, "__version__", torch.torch_version.TorchVersion(version))
    model, example = torch.nn.Linear(3, 2), torch.zeros(1, 3)
    if taken:
        assert read_torch(model, example).nodes
        return
    with pytest.raises(
        ToolMissingError, match=rf"^torch 2\.8\.0\+cpu is too old: PyTorch models need torch >= {TORCH_SINCE}"
    ):
        read_torch(model, example)
