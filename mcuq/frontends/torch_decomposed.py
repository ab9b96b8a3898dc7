"""Pooling that ONNX has no operator for, written in operators that it has, before PyTorch's exporter sees it.

Adaptive pooling takes windows of unequal sizes where they do not divide the input; runs of equal windows are ordinary
pools of a slice each. An average with a divisor of its own is the ordinary one times a number. Left to the exporter the
first becomes a gather of several dimensions and a mask, and the second loses its divisor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Pool = Callable[..., Any]
Run = tuple[int, int, int, int]  # of windows: where it starts and ends, their size and their stride


def decomposed(program: Any) -> Any:
    """Return an exported program in which no pooling is left that ONNX lacks; the same one if there was none."""
    table = {target: ours for target, ours in _table().items() if any(_is_ours(n, target) for n in program.graph.nodes)}
    return program.run_decompositions(table) if table else program


def window_runs(size: int, count: int) -> list[Run]:
    """Return the windows of adaptive pooling along a dimension, in runs of one size and stride.

    Window i reaches from ``floor(i size / count)`` to before ``ceil((i + 1) size / count)``: PyTorch,
    ``aten/src/ATen/native/AdaptivePooling.h``.

    >>> window_runs(7, 2), window_runs(8, 3)
    ([(0, 7, 4, 3)], [(0, 3, 3, 1), (2, 6, 4, 1), (5, 8, 3, 1)])
    """
    windows = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
    runs: list[Run] = []
    for start, end in windows:
        if runs:
            first, last, length, stride = runs[-1]
            is_second = last - first == length
            step = start - (last - length)
            if end - start == length and step > 0 and (is_second or step == stride):
                runs[-1] = (first, end, length, step)
                continue
        runs.append((start, end, end - start, 1))
    return runs


def _table() -> Mapping[Any, Pool]:
    """Return what takes the place of which operator."""
    import torch

    aten = torch.ops.aten
    return {
        aten.adaptive_avg_pool2d.default: _adaptive_average(2),
        aten._adaptive_avg_pool2d.default: _adaptive_average(2),
        aten.adaptive_avg_pool1d.default: _adaptive_average(1),
        aten.adaptive_max_pool2d.default: _adaptive_maximum(2),
        aten.adaptive_max_pool1d.default: _adaptive_maximum(1),
        aten.avg_pool2d.default: _average_of_divisor,
    }


def _is_ours(node: Any, target: Any) -> bool:
    """Whether a node is of this kind, and not what the exporter does right already."""
    if node.op != "call_function" or node.target != target:
        return False
    if target.name() == "aten::avg_pool2d":
        return _argument(node, 6, "divisor_override") is not None
    x, counts = node.args[0].meta["val"], node.args[1]
    if any(user.args[1] == 1 and user.users for user in node.users if "max" in target.name()):
        return False  # the indices of maxima are asked for
    return any(size % count for size, count in zip(x.shape[-len(counts) :], counts, strict=True))


def _argument(node: Any, place: int, name: str) -> Any:
    return node.args[place] if len(node.args) > place else node.kwargs.get(name)


def _adaptive_average(dimensions: int) -> Pool:
    def pool(x: torch.Tensor, counts: Sequence[int]) -> Any:
        import torch

        of = torch.ops.aten.avg_pool1d.default if dimensions == 1 else torch.ops.aten.avg_pool2d.default
        return _by_runs(x, counts, of)

    return pool


def _adaptive_maximum(dimensions: int) -> Pool:
    def pool(x: torch.Tensor, counts: Sequence[int]) -> Any:
        import torch

        of = torch.ops.aten.max_pool1d.default if dimensions == 1 else torch.ops.aten.max_pool2d.default
        found = _by_runs(x, counts, of)
        return found, torch.zeros_like(found, dtype=torch.int64)  # the indices, which nobody reads

    return pool


def _by_runs(x: torch.Tensor, counts: Sequence[int], pool: Pool) -> Any:
    """Pool every rectangle of equal windows, and put the results where they belong."""
    import torch

    def along(part: torch.Tensor, dimension: int, runs: Sequence[Run]) -> Any:
        if dimension == len(counts):
            return pool(part, [size for *_, size, _ in runs], [stride for *_, stride in runs])
        axis = part.ndim - len(counts) + dimension
        parts = [
            along(_slice(part, axis, run), dimension + 1, (*runs, run))
            for run in window_runs(part.shape[axis], counts[dimension])
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, axis)

    return along(x, 0, ())


def _slice(x: torch.Tensor, axis: int, run: Run) -> torch.Tensor:
    import torch

    start, end, *_ = run
    return x if (start, end) == (0, x.shape[axis]) else torch.ops.aten.slice.Tensor(x, axis, start, end)


def _average_of_divisor(  # noqa: PLR0917 - as the operator has them
    x: torch.Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """Pool with zeros around, whose number of elements is each window's, and scale."""
    import torch

    if divisor_override is None:
        return NotImplemented
    (kh, kw), (sh, sw), (ph, pw) = (_pair(v) for v in (kernel, stride or kernel, padding))
    out = torch.ops.aten.avg_pool2d.default(x, kernel, stride, padding, ceil_mode).shape[-2:]
    sides = [*_sides(x.shape[-1], out[1], kw, sw, pw), *_sides(x.shape[-2], out[0], kh, sh, ph)]
    padded = torch.ops.aten.constant_pad_nd.default(x, sides) if any(sides) else x
    return torch.ops.aten.avg_pool2d.default(padded, [kh, kw], [sh, sw]) * (kh * kw / divisor_override)


def _pair(given: Sequence[int]) -> tuple[int, int]:
    return given[0], given[-1]


def _sides(size: int, count: int, kernel: int, stride: int, padding: int) -> Iterator[int]:
    """Yield how many zeros before and after make all windows whole."""
    yield padding
    yield max((count - 1) * stride + kernel - size - padding, 0)
