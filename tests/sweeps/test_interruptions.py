"""A fixed sample of the sweeps in CI, the whole of them with the slow tests; see interruptions.py."""

import pytest
from interruptions import CASES, kills, pairs
from processes import needs_proc
from requirements import require

pytestmark = needs_proc


@pytest.mark.parametrize(
    ("verb", "count"),
    [
        ("build", 6),
        ("quantize", 6),
        *(pytest.param(*every, marks=pytest.mark.slow) for every in (("build", 200), ("quantize", 50), ("search", 50))),
    ],
)
def test_kills(tmp_path, verb, count):
    require("gcc", *{"quantize": ("onnx", "onnxruntime"), "search": ("joblib", "threadpoolctl")}.get(verb, ()))
    moments, _ = kills(tmp_path, CASES[verb](tmp_path), count)
    assert count < 50 or len(moments) >= 2, moments


@pytest.mark.parametrize("count", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_builds_at_once(tmp_path, count):
    require("gcc")
    assert sum(pairs(tmp_path, count).values()) == count
