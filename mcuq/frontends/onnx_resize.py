"""ONNX Resize and Upsample: which of mcuq's coordinates are those that the operator asks for, pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Entry
from mcuq.frontends.onnx_file import OnnxNode
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


def resize(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Resize and Upsample of height and width, nearest and linear.

    Raises:
        UnsupportedOperatorError: where none of mcuq's coordinates are the wanted ones.
    """
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
        raise UnsupportedOperatorError(
            f"{mode} from {x.shape} to {shape} with coordinates '{how}'"
            f"{f' and {rounding}' if mode == 'nearest' else ''}; mcuq's are those of half_pixel, asymmetric (nearest: "
            "rounded down) and align_corners, by the quotient of the sizes"
        )
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
    """Return where every output pixel lies in the input, as the operator's definition says."""
    i = np.arange(output, dtype=np.float64)
    if how == "asymmetric":
        return np.asarray(i / factor)
    if how == "align_corners":
        return np.asarray(i * (size - 1) / max(output - 1, 1))
    if how == "pytorch_half_pixel" and output == 1:
        return np.zeros(1)
    if how in ("half_pixel", "pytorch_half_pixel"):
        return np.asarray((i + 0.5) / factor - 0.5)
    if how == "half_pixel_symmetric":
        adjusted = output / (factor * size)
        return np.asarray(size / 2 * (1 - adjusted) + (i + 0.5) / factor - 0.5)
    raise UnsupportedOperatorError(f"coordinate_transformation_mode '{how}'")


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
