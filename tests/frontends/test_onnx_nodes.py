"""ONNX's own node tests: what mcuq reads computes what ONNX says, and what it does not read it refuses in a line."""

import re
from collections import Counter

import pytest
from onnx_nodes import node_tests, verdict
from onnx_operators import CASES
from operator_claims import claimed, is_elsewhere

from mcuq.frontends import onnx as reader

LEAST = 595  # of 1,202 in onnx 1.23.2 are read; none is wrong

# What is refused, and why: the parts of messages that stand for a reason, with the fewest words that tell them apart.
REASONS = (
    r"mcuq has no .*; (`mcuq ops`|the model is quantized)",
    r"is a model input: there is nothing to compute",
    r"does not depend on an input",
    r"is never computed",  # an output beside the first: masks, means, indices
    r"has ONNX opset",
    r"is not a tensor of known shape",
    r"must be constant|where one number belongs|scales per (channel|block)",
    r"only .* (is|are) supported|are supported$|is supported$",
    r"takes \[1, C|has a batch of|not shape",
    r"training mode|changes quantized constants|its operand is a constant",
    r"coordinate_transformation_mode|keep_aspect_ratio_policy|needs output_padding",
    r"parts of |nothing is left|at most .* are possible|slopes of shape|indices of several dimensions",
    r"holds NaN or infinite|malformed|does not fill|holds texts|a cast of an activation",
)


@pytest.fixture(autouse=True)
def batches(monkeypatch):
    """The first dimension of a node test's input is no batch."""
    monkeypatch.setattr(reader, "refuse_batch", lambda *arguments: None)


def test_what_is_read_is_right():
    tests = list(node_tests())
    verdicts = {test.name: verdict(test) for test in tests}
    assert {name: text for name, text in verdicts.items() if text.startswith("wrong")} == {}
    kinds = Counter(text.split(":")[0] for text in verdicts.values())
    assert kinds["right"] >= LEAST, kinds
    refused = {name: text for name, text in verdicts.items() if text.startswith("refused")}
    unknown = {name: text for name, text in refused.items() if not any(re.search(r, text) for r in REASONS)}
    assert unknown == {}
    assert all("\n" not in text for text in refused.values())
    read = set().union(*(test.read for test in tests))
    assert {pair for pair in claimed("onnx") if not is_elsewhere(pair[1])} <= read | set(CASES)
