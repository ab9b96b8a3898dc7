"""Let a model take a camera's frames: a layer in front makes of their bytes what the model was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mcuq.errors import UsageError
from mcuq.graph import Graph, Node
from mcuq.ops.pixels import FORMATS, MOST, Pixels, nearest
from mcuq.passes.rewriting import free_name
from mcuq.tensor import QTensor, Shape

SHAPE = "[1, rows, columns, 1 or 3]"


def take_frames(
    graph: Graph,
    pixels: str,
    resize: tuple[int, int] | None = None,
    *,
    crop: Sequence[int] = (0, 0, 0, 0),
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
) -> Graph:
    """Return a model that takes a camera's frames, uint8 [1, height, width, bytes of a pixel].

    What the model was trained with is ``(p - mean) / std``, where p are the bytes 0 to 255 of a pixel's channels
    (:class:`mcuq.ops.pixels.Pixels` has the formulas). Colors become gray for a model of one channel, gray becomes
    three equal channels.

    Args:
        graph: a quantized model with one input [1, rows, columns, 1 or 3] of 8 bits.
        pixels: "gray8", "rgb888", "bgr888", "rgb565" (the upper byte first) or "yuv422" (Y U Y V).
        resize: height and width of the frames, of which the nearest pixels are taken; default: what the model takes and
            what is cropped.
        crop: rows and columns that are left out: at the top, on the left, at the bottom, on the right.
        mean: one for all channels, or one for each, in bytes.
        std: the same.

    Raises:
        UsageError: for another model, or what does not go together.
    """
    x, shape = _image(graph)
    _, rows, columns, channels = shape
    if pixels not in FORMATS:
        raise UsageError(f"pixels {pixels!r}; known are {', '.join(FORMATS)}")
    if len(crop) != 4 or min(crop) < 0:
        raise UsageError(f"crop {tuple(crop)}: give four numbers of pixels, top, left, bottom and right")
    top, left, bottom, right = crop
    height, width = resize or (rows + top + bottom, columns + left + right)
    inside = height - top - bottom, width - left - right
    if min(inside) < 1 or max(height, width) > MOST:
        raise UsageError(
            f"frames of {height}x{width} without {tuple(crop)} have no pixels, or more than {MOST} in a row"
        )
    if pixels == "yuv422" and width % 2:
        raise UsageError(f"frames of yuv422 have pixels in pairs: a width of {width} is odd")
    for what, given in (("mean", mean), ("std", std)):
        if len(given) not in (1, channels):
            raise UsageError(f"{len(given)} numbers for {what}: {x} has {channels} channels; give 1 or {channels}")
    if not all(std):
        raise UsageError("std is 0: it is what is divided by")
    taken = {*graph.values, *graph.constants, *(node.name for node in graph.nodes)}
    frame, name = free_name("frame", taken), free_name("pixels", taken)
    picked = nearest(top, inside[0], rows), nearest(left, inside[1], columns)
    op = Pixels(pixels, channels, *picked, tuple(map(float, mean)), tuple(map(float, std)))  # type: ignore[arg-type]
    return replace(
        graph,
        inputs=(frame,),
        nodes=(Node(name, op, (frame,), (x,)), *graph.nodes),
        values={frame: QTensor((1, height, width, FORMATS[pixels]), 1.0, 0, "uint8"), **graph.values},
        layouts={},
    ).verify()


def takes_frames(graph: Graph) -> bool:
    """Whether a model takes a camera's frames."""
    return bool(frame_notes(graph))


def frame_notes(graph: Graph) -> tuple[str, ...]:
    """Return a line about the frames that a model takes; none, where it takes none."""
    found = [(node, node.op) for node in graph.nodes if isinstance(node.op, Pixels)]
    return tuple(_note(graph.values[node.inputs[0]].shape, op) for node, op in found)


def _note(frame: Shape, op: Pixels) -> str:
    _, height, width, size = frame
    taken = op.rows[0], op.columns[0]
    picked = "" if taken == (height, width) else f", of which {taken[0]} x {taken[1]} pixels are taken"
    return f"takes frames of {height} x {width} pixels, {op.format}, {height * width * size:,} bytes{picked}"


def _image(graph: Graph) -> tuple[str, Shape]:
    """Return a model's input and its shape."""
    if takes_frames(graph):
        raise UsageError(f"{graph.name} takes frames already; give the model that it was made from")
    if len(graph.inputs) > 1:
        raise UsageError(f"{graph.name} has {len(graph.inputs)} inputs; a model with one can take frames")
    (x,) = graph.inputs
    shape = graph.values[x].shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3) or graph.values[x].dtype == "int16":
        raise UsageError(f"input {x} of {graph.name} has shape {shape}; a model that takes frames has {SHAPE}")
    return x, shape
