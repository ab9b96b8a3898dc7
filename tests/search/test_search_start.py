"""mcuq search --weight-bytes: bits by estimate are the beginning, and are refined."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from requirements import require

DIGITS = Path(__file__).parents[2] / "examples/digits"
DROP = 1.5


@pytest.fixture
def arguments(tmp_path):
    """Of a search on two hundred of the digits, which ends with the number of bytes."""
    arrays = np.load(DIGITS / "holdout.npz")
    np.savez(tmp_path / "few.npz", X=arrays["X"][:200], Y=arrays["Y"][:200])
    files = [DIGITS / "digits_float.tflite", "--data", tmp_path / "few.npz", "--out", tmp_path / "m.mcuq"]
    more = [
        "--calibration",
        DIGITS / "calibration.npz",
        "--board",
        "esp32-c3-devkitm-1",
        "--max-drop",
        DROP,
        "--jobs",
        "1",
    ]
    return [*map(str, [*files, *more]), "--margin", "0", "--formats", "8,4,2", "--json", "--weight-bytes"]


def test_they_are_refined(run, arguments, tmp_path):
    """No layer was looked at alone in every format, and the limits hold."""
    require("joblib", "threadpoolctl")
    status, out, err = run("search", *arguments, "50%")
    assert (status, err) == (0, "")
    result = json.loads(out)
    (taken,) = (row for row in result["rows"] if row["taken"])
    assert taken["lost"] <= DROP and taken["weights"] < 0.55 * result["rows"][0]["weights"]
    lines = map(json.loads, (tmp_path / "m.mcuq.journal").read_text().splitlines()[1:])
    measured = [line["candidate"] for line in lines if "measured" in line]
    assert measured[0] == {} and len(measured) == result["measured"]
    assert not [candidate for candidate in measured if len(candidate) == 1]


@pytest.mark.parametrize(
    ("limit", "message"), [("lots", "'lots' is no number of bytes"), ("1%", "weights take at least")]
)
def test_limits_that_are_none_are_one_line(run, arguments, limit, message):
    require("joblib", "threadpoolctl")
    status, out, err = run("search", *arguments, limit)
    assert (status, out) == (2, "") and message in err and err.count("\n") == 1
