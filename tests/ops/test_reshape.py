"""Reshape: a view wherever possible, a copy between the model's borders."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.reshape import Reshape, ReshapeParams
from mcuq.plan.builder import build_plan
from mcuq.tensor import QConstant, QTensor


def build(code="RESHAPE", dtype="int8", y_scale=0.1, wrap=False):
    """One reshape of [1, 4, 1, 6]; with ``wrap``, between two rectifiers."""
    builder = ModelBuilder()
    x = builder.tensor((1, 4, 1, 6), dtype, scale=0.1)
    target = {"RESHAPE": (1, 24), "SQUEEZE": (1, 4, 6), "EXPAND_DIMS": (1, 4, 1, 1, 6)}[code]
    y = builder.tensor(target, dtype, scale=y_scale)
    source, result = x, y
    if wrap:
        source = builder.tensor((1, 4, 1, 6), scale=0.1)
        result = builder.tensor(target, scale=0.1)
        builder.op("RELU", [x], [source])
    operands = {
        "RESHAPE": [source, builder.tensor((len(target),), "int32", data=target)],
        "SQUEEZE": [source],
        "EXPAND_DIMS": [source, builder.tensor((1,), "int32", data=[3])],
    }[code]
    options = (f"{code.title()}Options",) if code != "EXPAND_DIMS" else ("ExpandDimsOptions",)
    builder.op(code, operands, [y], *options, **({"squeezeDims": [2]} if code == "SQUEEZE" else {}))
    if wrap:
        builder.op("RELU", [y], [result])
    return builder.finish([x], [result])


@pytest.mark.parametrize("code", ["RESHAPE", "SQUEEZE", "EXPAND_DIMS"])
@pytest.mark.parametrize("wrap", [False, True])
def test_n5_equals_tflm(rng, code, wrap):
    assert_equals_tflm(build(code, wrap=wrap), samples(rng, 3, (1, 4, 1, 6)))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_close_to_forward(rng, dtype):
    assert_close_to_forward(build(dtype=dtype), samples(rng, 3, (1, 4, 1, 6), dtype), steps=0)


def test_inside_a_model_it_is_a_view():
    plan = build_plan(read(build(wrap=True)))
    assert [step.op.name for step in plan.steps] == ["relu", "relu"]
    assert plan.arena_bytes == 24


def test_from_input_to_output_it_is_a_copy():
    plan = build_plan(read(build()))
    assert [step.params.kernel for step in plan.steps] == ["reshape_s8"]


def test_n2_kernel_equals_run(rng):
    cases = [
        Case(ReshapeParams(n), [samples(rng, 4, (n,), dtype)]) for n in (1, 7, 64) for dtype in (np.int8, np.uint8)
    ]
    assert_kernels_equal_run(cases)


def test_c1_element_counts_must_agree():
    with pytest.raises(ValueError, match="24 elements do not fill shape"):
        Reshape((1, 25)).infer_shape((1, 4, 1, 6))


@pytest.mark.parametrize("wrap", [False, True])
def test_c2_quantization_must_not_change(wrap):
    """Also where the reshape is a view and never runs."""
    with pytest.raises(CannotQuantizeError, match=r"reshape_\d: .*scale 0.1 .* to .*scale 0.2 "):
        build_plan(read(build(y_scale=0.2, wrap=wrap)))


def test_c2_holds_for_constants():
    constant = QConstant(np.zeros((2, 3), np.int8), np.array([0.5]), 3)
    assert Reshape((6,)).lower([constant], QTensor((6,), 0.5, 3)).elements == 6
    with pytest.raises(CannotQuantizeError, match="uint8"):
        Reshape((6,)).lower([constant], QTensor((6,), 0.5, 3, "uint8"))
