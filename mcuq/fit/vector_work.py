"""What the kernels of the ESP32-S3's vector unit have to do, as :mod:`mcuq.fit.strip_costs` weighs it."""

from __future__ import annotations

from collections.abc import Mapping

from mcuq.kernels.s3.conv2d import Conv2d1x1S3Params
from mcuq.kernels.s3.conv2d_window import Conv2dS3Params
from mcuq.kernels.s3.depthwise_conv2d import DepthwiseConv2dS3Params
from mcuq.kernels.s3.elements import PIECE, ElementsS3Params
from mcuq.kernels.s3.mul import MulS3Params
from mcuq.kernels.s3.pixel_sums import AT_ONCE, PixelSumsS3Params
from mcuq.kernels.s3.pool import MaxPoolS3Params
from mcuq.kernels.s3.records import LANES, LONG, MIDDLE, NARROW, SIGNED, WIDE, forms
from mcuq.kernels.s3.rows import RowsS3Params
from mcuq.kernels.s3.strips import StripParams
from mcuq.ops.base import Params
from mcuq.tensor import Array

FORMS = {NARROW: "narrow", MIDDLE: "middle", SIGNED: "signed", WIDE: "wide", LONG: "long"}


def amounts(params: Params) -> Mapping[str, float]:  # noqa: PLR0911 - one per kernel
    """Return what a kernel has to do beside reading its inputs and writing its outputs; nothing for other kernels."""
    match params:
        case Conv2d1x1S3Params():
            return _pointwise(params)
        case Conv2dS3Params():
            return _windows(params)
        case DepthwiseConv2dS3Params():
            return _depthwise(params)
        case MaxPoolS3Params() as p:
            windows = p.output_h * p.output_w * p.channels // LANES
            taps = windows * p.filter_h * p.filter_w
            return {"pixels": p.output_h * p.output_w, "windows": windows, "taps": taps}
        case MulS3Params() as p:
            return _elements(p, p.rows) | _vectors(p.record, 0, p.rows * -(-p.elements // LANES))
        case ElementsS3Params() as p:
            return _elements(p, 1)
        case PixelSumsS3Params():
            return _sums(params)
        case RowsS3Params() as p:
            loaded = "shifted" if p.offset % LANES else "copied"
            return {loaded: p.bytes // LANES, "bytes": p.bytes % LANES}
    return {}


def _pointwise(p: Conv2d1x1S3Params) -> Mapping[str, float]:
    """Return what the 1x1 convolution does: for rows, for pixels, and for vectors of 16 outputs by their form."""
    pixels = p.output_h * p.output_w
    vectors = _vectors(p.records, p.input_c, pixels)
    total = sum(vectors.values())
    return {
        "rows": p.output_h,
        "pixels": pixels,
        "blocks": pixels * p.input_c // LANES,
        "taps": total * p.input_c,
    } | vectors


def _windows(p: Conv2dS3Params) -> Mapping[str, float]:
    """Return what the convolution does, rows of its windows and cuts of long sums included."""
    pixels, row_taps = p.output_h * p.output_w, LANES * p.parts * p.blocks + p.rest
    vectors = _vectors(p.records, p.window_rows * row_taps, pixels)
    total = sum(vectors.values())
    cuts = p.parts * p.window_rows if p.blocks else 1
    lines = total * p.window_rows
    done = {"lines": lines, "long_lines": lines if p.blocks else 0, "taps": lines * row_taps}
    return _strips(p) | done | {"cuts": vectors["long"] * cuts} | vectors


def _depthwise(p: DepthwiseConv2dS3Params) -> Mapping[str, float]:
    """Return what the depthwise convolution does, of which inputs that lie at no multiple of 16 cost more."""
    pixels, taps = p.output_h * p.output_w, p.window_rows * p.columns
    vectors = _vectors(p.records, taps, pixels)
    total = sum(vectors.values())
    steps = (p.input_step if p.output_w > 1 else 0) | p.column_step | p.row_step | p.origin
    loaded = "odd_taps" if steps % LANES else "taps"
    lines = 1 if p.columns == 1 else p.window_rows
    return _strips(p) | {loaded: total * taps, "lines": total * lines} | vectors


def _sums(p: PixelSumsS3Params) -> Mapping[str, float]:
    """Return what sums that grow cost: vectors of inputs, sums in vectors, in fours and one by one, in each piece."""
    pieces, groups, rest = -(-p.pixels // AT_ONCE), -(-p.channels // LANES), p.channels % LANES
    return {
        "groups": pieces * groups,
        "odd_taps" if rest else "taps": groups * p.pixels,
        "fours": pieces * (rest // 4),
        "ones": pieces * (rest % 4),
    }


def _elements(p: ElementsS3Params, rows: int) -> dict[str, float]:
    """Return what a layer element by element does: blocks where they lie, blocks and pieces that are copied."""
    copied = p.elements - p.direct
    return {
        "direct": rows * (p.direct > 0),
        "blocks": rows * -(-p.elements // LANES),
        "copied": rows * -(-copied // LANES),
        "pieces": rows * -(-copied // PIECE),
    }


def _vectors(records: Array, taps: int, pixels: int) -> dict[str, float]:
    """Return the vectors of outputs by the form of their group."""
    found = dict.fromkeys(FORMS.values(), 0.0)
    for form in forms(records, taps):
        found[FORMS[form]] += pixels
    return found


def _strips(p: StripParams) -> dict[str, float]:
    """Return what a strip of rows costs: vectors that move on in it, rows and vectors that are copied into it."""
    step = min(p.stride_h, p.strip_rows)
    fresh = p.strip_rows + (p.output_h - 1) * step
    moved = (p.output_h - 1) * (p.strip_rows - step) * p.pitch // LANES
    copied = fresh * -(-p.row_bytes // LANES)
    packed = p.output_h * p.output_w * -(-p.output_c // LANES) if p.buffered else 0
    pixels = p.output_h * p.output_w
    filled = p.strip_rows * p.pitch // LANES
    return {
        **{"rows": p.output_h, "pixels": pixels, "fresh": fresh, "moved": moved, "copied": copied, "filled": filled},
        "packed": packed,
    }
