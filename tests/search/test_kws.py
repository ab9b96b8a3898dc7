"""KWS: within a point of int8 at 60 % of its weight bytes, or fewer (issue 7, "must show")."""

from __future__ import annotations

import json

import numpy as np
import pytest
from requirements import require, require_module

from mcuq.cli.search import FORMATS


@pytest.mark.parametrize("formats", ["8,4", pytest.param(FORMATS, marks=pytest.mark.slow)])
def test_kws(run, shared, tmp_path, formats):
    """Calibrated on 100 samples, scored on the other 900."""
    require("joblib", "threadpoolctl")
    require_module("tensorflow", 'pip install "mcuq[keras]"')
    data = np.load(shared / "data/kws01.npz")
    x = ((data["X"].astype(np.float32) - 83) * np.float32(0.5847029))[:, np.newaxis]
    np.savez(tmp_path / "kws.npz", X=x, Y=data["Y"])
    model, board = shared / "models/mlperf/kws_savedmodel", "esp32-c3-devkitm-1"
    command = ("--data", tmp_path / "kws.npz", "--board", board, "--max-drop", "1.0", "--out", tmp_path / "k.mcuq")
    result = json.loads(run("search", model, *command, "--formats", formats, "--json")[1])
    (taken,) = (row for row in result["rows"] if row["taken"])

    assert result["samples"] == 900 and result["int8_accuracy"] >= 0.905
    assert taken["lost"] <= 1.0
    assert taken["weights"] <= 0.6 * result["rows"][0]["weights"]
