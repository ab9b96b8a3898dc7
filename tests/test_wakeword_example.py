"""The example of a streaming keyword spotter: learns on the spot, and frame by frame is the whole."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from requirements import require, require_module

require_module("torch")
require_module("onnxscript")

SCRIPT = Path(__file__).parents[1] / "examples/wakeword/train.py"


@pytest.fixture
def example(monkeypatch):
    described = importlib.util.spec_from_file_location("wakeword_train", SCRIPT)
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    monkeypatch.setattr(module, "EPOCHS", 4)
    return module


def test_it_trains_streams_and_verifies(example, monkeypatch, tmp_path, capsys):
    """Four epochs and forty words instead of all: better than chance, the same bytes, and so is the C on the host."""
    require("gcc")
    import mcuq

    (x, y), (held_out, words) = example.data()
    assert (x.shape, held_out.shape) == ((800, 49, 10), (200, 49, 10))
    monkeypatch.setattr(example, "data", lambda: ((x, y), (held_out[:40], words[:40])))
    example.main(tmp_path)
    said = capsys.readouterr().out
    right = [float(part.split(" %")[0].split()[-1]) for part in said.splitlines()[0].split(",")]
    assert right[0] > 30 and right[1] == right[2] and abs(right[0] - right[1]) <= 10
    assert "the same bytes: True" in said
    (result,) = mcuq.verify(tmp_path / "project")
    assert result.passed
    with np.load(tmp_path / "holdout.npz") as file:
        assert file["X"].shape == (40, 49, 10)
