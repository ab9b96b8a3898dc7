"""Convolutions, pools and resizes of ONNX against onnxruntime, over their attributes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from onnx_models import agree, kinds, model, node

from mcuq import float_run
from mcuq.frontends.onnx import graph_of

RNG = np.random.default_rng(0)
FEW = settings(max_examples=60, deadline=None, derandomize=True)
OPSETS = st.sampled_from([11, 13, 18, 21])


def weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


@st.composite
def windows(draw, *, dilations: bool = True) -> tuple[list[int], list[int], dict[str, Any]]:
    """Size, window and attributes of a sliding window in one or two dimensions."""
    rank = draw(st.sampled_from([1, 2]))
    several = lambda low, high: draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank))  # noqa: E731
    size, window, strides = several(4, 9), several(1, 4), several(1, 3)
    dilation = several(1, 2) if dilations else [1] * rank
    attributes: dict[str, Any] = {"strides": strides} | ({"dilations": dilation} if dilations else {})
    how = draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if how == "NOTSET":
        reach = [(k - 1) * d for k, d in zip(window, dilation, strict=True)]
        limits = reach if dilations else [k - 1 for k in window]
        attributes["pads"] = [draw(st.integers(0, limit)) for limit in (*limits, *limits)]
    else:
        attributes["auto_pad"] = how
    if how.startswith("SAME"):  # what onnxruntime can do
        assume(set(dilation) == {1} and all(k >= s for k, s in zip(window, strides, strict=True)))
    before = attributes.get("pads", [0] * 2 * rank)
    for axis in range(rank):
        padded = size[axis] + before[axis] + before[axis + rank]
        assume(how.startswith("SAME") or padded >= (window[axis] - 1) * dilation[axis] + 1)
    return size, window, attributes


@FEW
@given(windows(), st.sampled_from([(1, 3, 4), (2, 4, 6), (4, 4, 4), (3, 3, 6), (1, 1, 2)]), st.booleans(), OPSETS)
def test_conv(shape, groups_inputs_outputs, bias, opset) -> None:
    size, window, attributes = shape
    groups, c, o = groups_inputs_outputs
    constants = {"w": weights(o, c // groups, *window)} | ({"b": weights(o)} if bias else {})
    conv = node("Conv", "x w b" if bias else "x w", "y", group=groups, **attributes)
    graph = agree(model([conv], {"x": (1, c, *size)}, constants, opset=opset), RNG)
    assert kinds(graph) == ["depthwise_conv2d" if groups == c > 1 else "conv2d"]


@FEW
@given(windows(dilations=False), st.booleans(), OPSETS)
def test_max_pool(shape, ceil, opset) -> None:
    size, window, attributes = shape
    pool = node("MaxPool", "x", "y", kernel_shape=window, ceil_mode=int(ceil), **attributes)
    agree(model([pool], {"x": (1, 3, *size)}, opset=opset), RNG)


@FEW
@given(windows(dilations=False), st.booleans(), st.booleans(), OPSETS)
def test_average_pool(shape, ceil, count_padding, opset) -> None:
    size, window, attributes = shape
    flags = {"ceil_mode": int(ceil), "count_include_pad": int(count_padding)}
    pool = node("AveragePool", "x", "y", kernel_shape=window, **flags, **attributes)
    agree(model([pool], {"x": (1, 3, *size)}, opset=opset), RNG)


@pytest.mark.parametrize("kind", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", [(1, 3, 5, 4), (1, 3, 7)])
def test_global_pools(kind, shape) -> None:
    agree(model([node(kind, "x", "y")], {"x": shape}), RNG)


@st.composite
def transposed(draw) -> tuple[list[int], list[int], dict[str, Any]]:
    rank = draw(st.sampled_from([1, 2]))
    several = lambda low, high: draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank))  # noqa: E731
    size, window, strides, dilations = several(2, 5), several(2, 4), several(1, 3), several(1, 2)
    attributes: dict[str, Any] = {"strides": strides, "dilations": dilations}
    how = draw(st.sampled_from(["pads", "SAME_UPPER", "SAME_LOWER", "VALID", "output_shape"]))
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilations, strict=True)]
    if how == "pads":
        attributes["pads"] = [draw(st.integers(0, 1)) for _ in range(2 * rank)]
        attributes["output_padding"] = [draw(st.integers(0, s - 1)) for s in strides]
    elif how == "output_shape":
        attributes["output_shape"] = [
            (n - 1) * s + r - draw(st.integers(0, 1)) for n, s, r in zip(size, strides, reach, strict=True)
        ]
    else:
        attributes["auto_pad"] = how
        assume(how == "VALID" or all(r >= s for r, s in zip(reach, strides, strict=True)))
    return size, window, attributes


@FEW
@given(transposed(), st.sampled_from([(1, 3, 4), (2, 4, 3), (4, 4, 1)]), st.booleans(), OPSETS)
def test_conv_transpose(shape, groups_inputs_outputs, bias, opset) -> None:
    size, window, attributes = shape
    groups, c, o = groups_inputs_outputs
    constants = {"w": weights(c, o, *window)} | ({"b": weights(o * groups)} if bias else {})
    conv = node("ConvTranspose", "x w b" if bias else "x w", "y", group=groups, **attributes)
    graph = agree(model([conv], {"x": (1, c, *size)}, constants, opset=opset), RNG)
    assert kinds(graph) == ["conv_transpose2d"]


MODES = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"]
NOTHING = {"nothing": np.empty(0, np.float32)}  # opset 11 does not leave operands out
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@pytest.mark.parametrize("opset", [11, 13, 18, 21])
@pytest.mark.parametrize("coordinates", MODES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("factors", [(2, 2), (2, 3), (0.5, 0.5), (1, 2), (1, 1.6)])
def test_resize_nearest(coordinates, rounding, factors, opset) -> None:
    """Read as mcuq's, where mcuq has such coordinates, else as sums; onnxruntime rounds lengths where ONNX does not."""
    constants = {"s": np.array([1, 1, *factors], np.float32)} | NOTHING
    resize = node("Resize", "x nothing s", "y", coordinate_transformation_mode=coordinates, nearest_mode=rounding)
    proto = model([resize], {"x": (1, 2, 4, 6)}, constants, opset=opset)
    if coordinates == "align_corners" and factors == (1, 1.6):
        agree_with_onnx(proto, (1, 2, 4, 6))
    else:
        agree(proto, RNG)


def agree_with_onnx(proto, shape) -> None:
    """Assert that mcuq's graph computes what ONNX's reference implementation does."""
    x = RNG.uniform(-3, 3, shape).astype(np.float32)
    (wanted,) = ReferenceEvaluator(proto).run(None, {"x": x})
    got = float_run.run(graph_of(proto, "test"), {"x": x[np.newaxis]})["y"][0]
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("coordinates", [*MODES, "half_pixel_symmetric"])
@pytest.mark.parametrize("factors", [(0.6, 0.6), (1.7, 2.3), (1, 0.9), (0.3, 1)])
def test_resize_linear_by_scales_that_are_no_quotients(coordinates, factors) -> None:
    constants = {"s": np.array([1, 1, *factors], np.float32)}
    resize = node("Resize", "x _ s", "y", coordinate_transformation_mode=coordinates, mode="linear")
    agree_with_onnx(model([resize], {"x": (1, 2, 4, 6)}, constants, opset=19), (1, 2, 4, 6))


@pytest.mark.parametrize("opset", [11, 13, 18, 21])
@pytest.mark.parametrize("coordinates", MODES)
@pytest.mark.parametrize("size", [(8, 12), (5, 7), (2, 3), (4, 6)])
def test_resize_linear(coordinates, size, opset) -> None:
    constants = {"n": np.array([1, 2, *size], np.int64)} | NOTHING
    resize = node("Resize", "x nothing nothing n", "r", coordinate_transformation_mode=coordinates, mode="linear")
    graph = agree(model([resize, node("Relu", "r", "y")], {"x": (1, 2, 4, 6)}, constants, opset=opset), RNG)
    assert kinds(graph) == (["relu"] if size == (4, 6) else ["resize_bilinear", "relu"])


def test_resize_of_a_sequence_and_of_some_axes() -> None:
    scales = {"s": np.array([1, 1, 2], np.float32)}
    agree(model([node("Resize", "x _ s", "y", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
                {"x": (1, 2, 5)}, scales), RNG)  # fmt: skip
    constants = {"n": np.array([8, 12], np.int64)}
    agree(
        model([node("Resize", "x _ _ n", "y", axes=[2, 3], mode="linear")], {"x": (1, 2, 4, 6)}, constants, opset=18),
        RNG,
    )


def test_upsample() -> None:
    constants = {"s": np.array([1, 1, 2, 2], np.float32)}
    agree(model([node("Upsample", "x s", "y", mode="nearest")], {"x": (1, 2, 4, 6)}, constants, opset=9), RNG)
