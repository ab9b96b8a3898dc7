"""When the rows of every value become known in a stream, and which rows of its operands a layer sees then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mcuq.errors import McuqError, UnsupportedOperatorError
from mcuq.graph import Graph, Node
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.mean import Mean
from mcuq.ops.pad import Pad
from mcuq.passes.rows import Along, Window, along


class Rows(NamedTuple):
    """Rows of a value: ``total`` of the whole model, each for so many ``frames``.

    Row j is row j + ``delay`` of a stream; a negative delay counts rows of padding in front of the first frame.
    """

    axis: int
    total: int
    frames: int
    delay: int = 0


class Need(NamedTuple):
    """The rows of an operand that a layer sees: a window that ends ``late`` rows before the newest row.

    None: where the whole model has its one window when it has seen all of its frames.
    """

    window: Window
    late: int | None


@dataclass(frozen=True)
class Layer:
    """A layer of a stream. ``needs`` has one entry per operand that has rows; ``rows`` None: one row per call."""

    node: Node
    along: Along
    needs: dict[str, Need]
    rows: Rows | None


def timed(graph: Graph, rows: dict[str, Rows]) -> tuple[list[Layer | Node], dict[str, Rows]]:
    """Return what every layer sees of its operands, and the rows of every value that has them."""
    layers: list[Layer | Node] = []
    after: set[str] = set()  # values with one row per call
    for node in graph.nodes:
        names = [name for name in node.inputs if name in rows]
        try:
            if names and after.intersection(node.inputs):
                raise UnsupportedOperatorError("it needs a value of all frames for every row")
            layer = _layer(graph, node, rows, names) if names else node
        except McuqError as error:
            problem = f"{error}: it cannot be streamed along axis {next(iter(rows.values())).axis}"
            raise UnsupportedOperatorError(problem).at(node.name) from None
        layers.append(layer)
        if isinstance(layer, Layer) and layer.rows:
            rows[node.outputs[0]] = layer.rows
        else:
            after.update(node.outputs)
    late = [name for name in graph.outputs if name in rows and rows[name].delay < 0]
    if late:
        raise UnsupportedOperatorError(f"output {late[0]} holds frames of padding: it cannot be streamed")
    return layers, rows


def _layer(graph: Graph, node: Node, rows: dict[str, Rows], names: list[str]) -> Layer:
    found = along(graph, node, {name: rows[name].axis for name in names})
    if found.window is None:
        return _in_place(node, found, {name: rows[name] for name in names})
    x, window = rows[names[0]], found.window
    if window.divisor != 1:
        raise UnsupportedOperatorError(f"{node.op.name} picks rows at changing distances")
    if window.padding and isinstance(node.op, AveragePool):
        raise UnsupportedOperatorError(f"{node.op.name} counts how many rows of its window lie in the padding")
    _check_padding(x, window)
    count = 1 if isinstance(node.op, Mean) else graph.values[node.outputs[0]].shape[found.axis]
    if isinstance(node.op, Pad):
        _check_causal(node.op.after[x.axis])
        padded = Rows(found.axis, count, x.frames, x.delay - window.padding)
        return Layer(node, found, {names[0]: Need(Window(), 0)}, padded)
    _check_causal((count - 1) * window.stride - window.padding + window.reach - x.total)
    if count == 1:
        return Layer(node, found, {names[0]: Need(window, None)}, None)
    wait = window.reach - window.stride - window.padding + x.delay
    late = -wait % window.stride
    delay = (wait + late) // window.stride
    if delay < 0:
        raise UnsupportedOperatorError(f"it has rows of nothing but padding, {-delay} of them")
    return Layer(node, found, {names[0]: Need(window, late)}, Rows(found.axis, count, x.frames * window.stride, delay))


def _check_causal(behind: int) -> None:
    if behind > 0:
        raise UnsupportedOperatorError(f"it is not causal, its last windows reach {behind} rows beyond the last frame")


def _in_place(node: Node, found: Along, rows: dict[str, Rows]) -> Layer:
    """Return a layer whose rows are computed from those in their place; operands wait for the latest one."""
    delay = max(value.delay for value in rows.values())
    first = next(iter(rows.values()))
    if min(value.delay for value in rows.values()) < 0:
        raise UnsupportedOperatorError(f"it computes padding: {node.op.name} follows a pad in front")
    needs = {name: Need(Window(), delay - value.delay) for name, value in rows.items()}
    return Layer(node, found, needs, Rows(found.axis, first.total, first.frames, delay))


def _check_padding(x: Rows, window: Window) -> None:
    if window.padding > 0 and (x.delay > 0 or (x.delay < 0 and window.fill is not None)):
        raise UnsupportedOperatorError("it pads in front what comes late after layers that do not")
