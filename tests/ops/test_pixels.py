"""Frames of a camera against a plain definition, pixel by pixel; the kernel against it too."""

import itertools
import math

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from hypothesis import given, settings
from hypothesis import strategies as st
from requirements import require
from single_op import graph_of, run

from mcuq.errors import CannotQuantizeError
from mcuq.ops.pixels import FORMATS, Pixels, nearest
from mcuq.tensor import QTensor

CHIPS = {"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}


def frame_of(height: int, width: int, form: str) -> QTensor:
    return QTensor((1, height, width, FORMATS[form]), 1.0, 0, "uint8")


def whole(height: int, width: int, form: str, channels: int, **scales) -> Pixels:
    return Pixels(form, channels, nearest(0, height, height), nearest(0, width, width), **scales)


def plain_color(row: bytes, x: int, form: str) -> tuple[int, int, int]:
    """Red, green and blue of a pixel, by the definition in words."""
    if form == "gray8":
        return (row[x],) * 3
    if form in ("rgb888", "bgr888"):
        color = tuple(row[3 * x : 3 * x + 3])
        return color if form == "rgb888" else color[::-1]
    if form == "rgb565":
        word = row[2 * x] * 256 + row[2 * x + 1]
        red, green, blue = word // 2048, word // 32 % 64, word % 32
        return red * 8 + red // 4, green * 4 + green // 16, blue * 8 + blue // 4
    first = x - x % 2
    y, u, v = row[2 * x] - 16, row[2 * first + 1] - 128, row[2 * first + 3] - 128
    sums = 298 * y + 409 * v, 298 * y - 100 * u - 208 * v, 298 * y + 516 * u
    return tuple(max(0, min(255, math.floor((total + 128) / 256))) for total in sums)


def plain_gray(row: bytes, x: int, form: str) -> int:
    if form == "yuv422":
        return row[2 * x]
    r, g, b = plain_color(row, x, form)
    return r if form == "gray8" else (19595 * r + 38470 * g + 7471 * b + 32768) // 65536


def plain(frame: np.ndarray, op: Pixels, crop, size, y: QTensor) -> np.ndarray:
    """The whole layer: crop is (top, left, height, width), size what it becomes."""
    top, left, height, width = crop
    result = np.empty((*size, op.channels), y.dtype)
    for i, j in np.ndindex(*size):
        row = frame[top + math.floor((i + 0.5) * height / size[0])].tobytes()
        x = left + math.floor((j + 0.5) * width / size[1])
        grays = (plain_gray(row, x, op.format),)
        for c, value in enumerate(grays if op.channels == 1 else plain_color(row, x, op.format)):
            mean, std = op.mean[c % len(op.mean)], op.std[c % len(op.std)]
            result[i, j, c] = y.quantize(np.array((value - mean) / std))
    return result


@st.composite
def layers(draw):
    form, channels = draw(st.sampled_from(list(FORMATS))), draw(st.sampled_from([1, 3]))
    height, width = draw(st.integers(1, 12)), 2 * draw(st.integers(1, 8))
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    crop = (top, left, draw(st.integers(1, height - top)), draw(st.integers(1, width - left)))
    size = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    real = st.floats(-300, 300).filter(lambda value: abs(value) > 0.01)
    mean, std = (tuple(draw(st.lists(real, min_size=n, max_size=n))) for n in (1, channels))
    op = Pixels(form, channels, nearest(top, crop[2], size[0]), nearest(left, crop[3], size[1]), mean, std)
    seed, dtype = draw(st.integers(0, 1000)), draw(st.sampled_from(["int8", "uint8"]))
    return op, frame_of(height, width, form), crop, size, seed, dtype


@given(layers())
@settings(max_examples=150)
def test_table_is_the_definition_for_any_size(layer):
    op, x, crop, size, seed, dtype = layer
    frames = np.random.default_rng(seed).integers(0, 256, (2, *x.shape[1:])).astype(np.uint8)
    y = QTensor((1, *size, op.channels), 0.02, 3, dtype)
    got = op.lower([x], y).run(frames.reshape(2, -1)).reshape(2, *size, op.channels).view(dtype)
    for frame, one in zip(frames, got, strict=True):
        np.testing.assert_array_equal(one, plain(frame, op, crop, size, y))


@pytest.mark.parametrize("channels", [1, 3])
def test_table_of_all_words_of_rgb565(channels):
    words = np.arange(1 << 16, dtype=">u2")
    op = whole(256, 256, "rgb565", channels)
    y = QTensor((1, 256, 256, channels), 1.0, 0, "uint8")
    got = op.lower([frame_of(256, 256, "rgb565")], y).run(words.view(np.uint8).reshape(1, -1)).view(np.uint8)
    r, g, b = words >> 11 << 3, words >> 5 << 2 & 0xFF, words << 3 & 0xFF  # the bits in front are those that follow too
    colors = np.stack([r | r >> 5, g | g >> 6, b | b >> 5], -1).astype(np.uint8)
    assert colors[0].tolist() == [0, 0, 0] and colors[-1].tolist() == [255, 255, 255]
    if channels == 1:
        colors = np.round(colors @ np.array([0.299, 0.587, 0.114]))[..., None]
        assert np.abs(got.reshape(-1, 1) - colors).max() <= 1
    else:
        np.testing.assert_array_equal(got.reshape(-1, 3), colors)


def test_table_is_what_the_real_values_are_quantized_to(rng):
    """A frame gives the bytes that its real values, made on a computer, give."""
    op = whole(16, 16, "rgb888", 3, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    graph = graph_of(op, frame_of(16, 16, "rgb888"), scale=0.0187, zero_point=114)
    frames = rng.integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    real = (frames - np.array(op.mean)) / np.array(op.std)
    np.testing.assert_array_equal(run(graph, frames), graph.values["y"].quantize(real)[:, None])
    np.testing.assert_allclose(op.forward(frames[:, None].astype(float))[:, 0], real)


SIZES = [(1, (5, 6), (5, 6)), (3, (7, 10), (3, 4)), (3, (4, 4), (9, 7)), (1, (9, 8), (2, 3))]


def cases(rng) -> list[Case]:
    found = []
    for form, (channels, (height, width), size) in itertools.product(FORMATS, SIZES):
        rows, columns = nearest(1, height - 1, size[0]), nearest(1, width - 2, size[1])
        op = Pixels(form, channels, rows, columns, (9.0,), (2.0,))
        params = op.lower([frame_of(height, width, form)], QTensor((1, *size, channels), 0.5, -7))
        found.append(Case(params, [rng.integers(0, 256, (3, height * width * FORMATS[form])).astype(np.uint8)]))
    return found


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run(cases(rng))


@pytest.mark.parametrize("isa", CHIPS)
def test_n4_kernel_equals_run_on_an_emulated_chip(rng, isa):
    require(*CHIPS[isa])
    assert_emulated_equals_run(cases(rng), isa)


@pytest.mark.parametrize(("form", "shape"), [
    ("rgb565", (1, 4, 4, 3)), ("rgb888", (1, 4, 4, 2)), ("yuv422", (1, 4, 5, 2)), ("gray8", (2, 4, 4, 1)),
    ("gray8", (1, 4, 40000, 1)),
])  # fmt: skip
def test_c1_frames_have_the_bytes_of_their_format(form, shape):
    with pytest.raises(ValueError, match="no frame of"):
        whole(4, 4, form, 3).infer_shape(shape)


@pytest.mark.parametrize(
    "rows",
    [(5, 1, 0, 1), (2, 2, 3, 1), (0, 1, 0, 1), (2, -1, 3, 1), (2, 1, 0, 0), (2, 1, 0, 70000), (1, 1 << 30, 0, 1)],
)
def test_c2_what_is_picked_lies_in_the_frame(rows):
    for op in (Pixels("gray8", 1, rows, (4, 1, 0, 1)), Pixels("gray8", 1, (4, 1, 0, 1), rows)):
        with pytest.raises(ValueError, match="picked by"):
            op.infer_shape((1, 4, 4, 1))


@pytest.mark.parametrize(("channels", "scales"), [
    (2, {}), (3, {"mean": (1.0, 2.0)}), (1, {"std": (1.0, 2.0, 3.0)}), (3, {"std": (1.0, 0.0, 3.0)}), (3, {"mean": ()})
])  # fmt: skip
def test_c3_channels_means_and_deviations_agree(channels, scales):
    with pytest.raises(ValueError, match=r"means and|deviation is 0"):
        whole(4, 4, "rgb888", channels, **scales).infer_shape((1, 4, 4, 3))


def test_table_of_tiny_deviations_saturates():
    op = whole(4, 4, "gray8", 1, mean=(100.0,), std=(1e-310,))
    table = op.lower([frame_of(4, 4, "gray8")], QTensor((1, 4, 4, 1), 1.0, 3)).table
    assert table.tolist() == [-128] * 100 + [3] + [127] * 155


@pytest.mark.parametrize("x", [QTensor((1, 4, 4, 1), 1.0, 0), QTensor((1, 4, 4, 1), 0.5, 0, "uint8")])
def test_c4_a_frame_is_bytes(x):
    with pytest.raises(CannotQuantizeError, match="must be uint8"):
        whole(4, 4, "gray8", 1).lower([x], QTensor((1, 4, 4, 1), 1.0, 0))
