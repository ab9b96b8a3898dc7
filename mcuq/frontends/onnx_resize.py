"""ONNX Resize and Upsample: which of mcuq's coordinates are those that the operator asks for, pixel by pixel.

Where none are, every row and every column of the result is a sum of two of the input, which a constant matrix holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation, matmul
from mcuq.frontends.onnx_shapes import axes_of, constants, first
from mcuq.graph import MAX_ELEMENTS
from mcuq.ops.resize import ResizeOp
from mcuq.ops.resize_bilinear import ResizeBilinear
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.tensor import Shape

Inputs = Sequence[Entry | None]
Positions = npt.NDArray[np.float64]

ROUNDINGS: dict[str, Callable[[Positions], Positions]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
CLOSE = 1e-4  # of a pixel
MAX_MATRIX = 1 << 16  # elements; larger ones cost more than the image


def resize(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Resize and Upsample of height and width, nearest and linear."""
    x = first(inputs)
    image, rank = b.image(x), len(x.shape)
    upsample = node.kind == "Upsample"
    mode = node.text("mode", "nearest")
    if mode not in ("nearest", "linear") or node.integer("antialias", 0):
        raise UnsupportedOperatorError(f"mode '{mode}' (or antialias); only nearest and linear are supported")
    if (policy := node.text("keep_aspect_ratio_policy", "stretch")) != "stretch":
        raise UnsupportedOperatorError(f"keep_aspect_ratio_policy '{policy}'; give the sizes")
    scales, shape = _target(node, x.shape, inputs)
    if shape[:2] != x.shape[:2]:
        raise UnsupportedOperatorError(f"shape {x.shape} to {shape}; only height and width may change")
    sizes = [*x.shape[2:]], [*shape[2:]], list(scales[2:])
    (h, w), (height, width), factors = ([*([1] * (4 - rank)), *part] for part in sizes)
    how = "asymmetric" if upsample else node.text("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if upsample else node.text("nearest_mode", "round_prefer_floor")
    wanted = [_positions(how, *side) for side in ((h, height, factors[0]), (w, width, factors[1]))]
    op = _op(mode, rounding, (h, w), (int(height), int(width)), wanted)
    if op is None:
        if mode == "nearest":
            wanted = [ROUNDINGS[rounding](at) for at in wanted]
        return _by_matrices(b, activation(x), [_matrix(at, n) for at, n in zip(wanted, (h, w), strict=True)])
    return b.channels_first(b.emit(op, image) if (h, w) != (height, width) else image, rank)


def _target(node: OnnxNode, shape: Shape, inputs: Inputs) -> tuple[list[float], Shape]:
    """Return factor and size of every dimension."""
    operands = constants(inputs, "the scales or sizes")
    if node.kind == "Upsample" or node.opset < 11:
        scales = operands[0].ravel().tolist() if operands else list(node.attributes.get("scales", ()))
        sizes: list[int] = []
    else:
        parts = [*(operand.ravel().tolist() for operand in operands), [], [], []]
        scales, sizes = parts[1], [int(n) for n in parts[2]]
    axes = (axes_of(node, len(shape), None) if "axes" in node.attributes else ()) or tuple(range(len(shape)))
    if len(sizes or scales) != len(axes) or (sizes and scales):
        raise MalformedModelError(f"{len(scales)} scales and {len(sizes)} sizes for {len(axes)} dimensions")
    factors, target = [1.0] * len(shape), list(shape)
    for i, axis in enumerate(axes):
        factors[axis] = float(scales[i]) if scales else sizes[i] / shape[axis]
        target[axis] = int(np.floor(shape[axis] * factors[axis])) if scales else sizes[i]
    if min(target) < 1 or math.prod(target) > MAX_ELEMENTS or not all(0 < f < MAX_ELEMENTS for f in factors):
        raise MalformedModelError(f"shape {shape} to {tuple(target)}")
    return factors, tuple(target)


def _positions(how: str, size: int, output: int, factor: float) -> Positions:
    """Return where every output pixel lies in the input, as the operator's definition says: in float32.

    The length of the output is unrounded: scales may ask for a part of a pixel, which counts.
    """
    i, scale, length = np.arange(output, dtype=np.float32), np.float32(factor), factor * size
    if how == "asymmetric":
        at = i / scale
    elif how == "align_corners":
        at = i * np.float32((size - 1) / (length - 1)) if length > 1 else 0 * i
    elif how == "half_pixel" or (how == "pytorch_half_pixel" and length > 1):
        at = (i + np.float32(0.5)) / scale - np.float32(0.5)
    elif how == "pytorch_half_pixel":
        at = 0 * i
    elif how == "half_pixel_symmetric":
        start = np.float32(size / 2 * (1 - output / length))
        at = start + (i + np.float32(0.5)) / scale - np.float32(0.5)
    else:
        raise UnsupportedOperatorError(f"coordinate_transformation_mode '{how}'")
    return np.asarray(at, np.float64)


def _matrix(positions: Positions, size: int) -> Constant:
    """Return [size, positions]: by how much every pixel of the input counts in every one of the output."""
    if positions.size * size > MAX_MATRIX:
        raise UnsupportedOperatorError(f"{size} pixels to {positions.size} at uneven places; resize by whole numbers")
    inside = np.clip(positions, 0, size - 1)
    first = np.minimum(np.floor(inside).astype(np.int64), max(size - 2, 0))
    part, index = inside - first, np.arange(positions.size)
    matrix = np.zeros((size, positions.size), np.float32)
    matrix[first, index] = 1 - part
    matrix[np.minimum(first + 1, size - 1), index] += part
    return Constant(matrix)


def _by_matrices(b: Builder, x: Value, matrices: Sequence[Constant]) -> Value:
    """Resize [1, C, H, W] or [1, C, L] by products with constant matrices, those of rows and columns."""
    rank = len(x.shape)
    for axis, matrix in zip((2, 3), matrices[-(rank - 2) :], strict=False):
        size, made = matrix.shape
        if size != made or np.any(matrix.values != np.eye(size)):
            swap = [*range(rank)]
            swap[axis], swap[-1] = swap[-1], swap[axis]
            x = b.transpose(matmul(b, b.transpose(x, swap), matrix), swap)
    return x


def _op(
    mode: str, rounding: str, size: tuple[int, int], output: tuple[int, int], wanted: list[Positions]
) -> ResizeOp | None:
    """Return the op that takes the same pixels, or interpolates at the same positions."""
    if mode == "nearest" and rounding not in ROUNDINGS:
        raise MalformedModelError(f"nearest_mode '{rounding}' does not exist")
    for aligned, half in ((False, True), (False, False), (True, False)):
        if mode == "nearest":
            nearest = ResizeNearest(*output, aligned, half)
            rows, columns = (
                np.clip(ROUNDINGS[rounding](at), 0, n - 1).astype(np.int64) for at, n in zip(wanted, size, strict=True)
            )
            image = np.arange(size[0] * size[1], dtype=np.float64).reshape(1, 1, *size, 1)
            exact = np.array_equal(nearest.forward(image), image[:, :, rows][:, :, :, columns])
            if exact:
                return nearest
        else:
            how = "align_corners" if aligned else "half_pixel" if half else "asymmetric"
            sides = zip(wanted, size, output, strict=True)
            own = ((at, n, _positions(how, n, count, count / n)) for at, n, count in sides)
            if all(np.allclose(np.clip(at, 0, n - 1), np.clip(p, 0, n - 1), rtol=0, atol=CLOSE) for at, n, p in own):
                return ResizeBilinear(*output, aligned, half)
    return None
