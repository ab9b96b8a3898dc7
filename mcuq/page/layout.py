"""A graph in layers: where its boxes stand and how its lines run, by the steps of Sugiyama, Tagawa and Toda (1981).

Boxes stand below what they read. Lines that pass other boxes have a place of their own in every row; the order in a row
is that of the barycenters of its neighbours; places across come as near to the neighbours' middle as the order lets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT, GAP, LANE, ROW = 248, 78, 28, 22, 112  # of a box; between boxes; of a line that passes; from row to row
SWEEPS = 6
MARGIN = 12

Edge = tuple[str, str]


@dataclass(frozen=True)
class Layout:
    """Where boxes are (their left upper corners), and the points that every line goes through; in pixels."""

    width: int
    height: int
    boxes: Mapping[str, tuple[int, int]]
    lines: tuple[tuple[tuple[int, int], ...], ...]


def layout(names: Sequence[str], edges: Sequence[Edge]) -> Layout:
    """Place boxes and lines.

    Args:
        names: of the boxes, every one behind what it reads.
        edges: (from, to); from an earlier box to a later one.
    """
    ranks = _ranks(names, edges)
    rows, paths = _with_lanes(names, edges, ranks)
    links = [pair for path in paths for pair in pairwise(path)]
    _order(rows, links)
    centers = _across(rows, links)
    left = min((centers[name] - _width(name) / 2 for row in rows for name in row), default=0.0) - MARGIN
    right = max((centers[name] + _width(name) / 2 for row in rows for name in row), default=0.0) + MARGIN
    middles = {name: (round(centers[name] - left), y * ROW + MARGIN) for y, row in enumerate(rows) for name in row}
    boxes = {name: (middles[name][0] - WIDTH // 2, middles[name][1]) for name in names}
    lines = tuple(_line(path, middles) for path in paths)
    return Layout(round(right - left), max(len(rows) - 1, 0) * ROW + HEIGHT + 2 * MARGIN, boxes, lines)


_Key = str | tuple[int, int]  # a box; or the line of this number in this row


def _width(name: _Key) -> int:
    return WIDTH + GAP if isinstance(name, str) else LANE


def _ranks(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the row of every box: the longest way to it; what nothing leads to stands just above its first reader."""
    ranks = dict.fromkeys(names, 0)
    into: dict[str, list[str]] = {name: [] for name in names}
    for a, b in edges:
        into[b].append(a)
    for name in names:
        ranks[name] = max((ranks[a] + 1 for a in into[name]), default=0)
    for name in (name for name in names if not into[name]):
        ranks[name] = min((ranks[b] for a, b in edges if a == name), default=1) - 1
    return ranks


def _with_lanes(
    names: Sequence[str], edges: Sequence[Edge], ranks: Mapping[str, int]
) -> tuple[list[list[_Key]], list[list[_Key]]]:
    """Return the rows, with the lines that pass through them, and what every line goes through."""
    rows: list[list[_Key]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for name in names:
        rows[ranks[name]].append(name)
    paths: list[list[_Key]] = []
    for number, (a, b) in enumerate(dict.fromkeys(edges)):
        lanes: list[_Key] = [(number, rank) for rank in range(ranks[a] + 1, ranks[b])]
        for rank, lane in zip(range(ranks[a] + 1, ranks[b]), lanes, strict=True):
            rows[rank].append(lane)
        paths.append([a, *lanes, b])
    return rows, paths


def _neighbours(links: Iterable[tuple[_Key, _Key]]) -> tuple[dict[_Key, list[_Key]], dict[_Key, list[_Key]]]:
    above: dict[_Key, list[_Key]] = {}
    below: dict[_Key, list[_Key]] = {}
    for a, b in links:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    return above, below


def _order(rows: list[list[_Key]], links: Sequence[tuple[_Key, _Key]]) -> None:
    """Sort every row by the barycenters of its neighbours, down and up."""
    above, below = _neighbours(links)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for y in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            if len(rows[y]) > 1:
                _sort(rows[y], rows[y - 1] if down else rows[y + 1], above if down else below)


def _sort(row: list[_Key], beside: Sequence[_Key], near: Mapping[_Key, Sequence[_Key]]) -> None:
    at, own = ({name: k for k, name in enumerate(names)} for names in (beside, row))
    middle = {name: _mean([at[other] for other in near.get(name, ())], own[name]) for name in row}
    row.sort(key=middle.__getitem__)


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _across(rows: Sequence[Sequence[_Key]], links: Sequence[tuple[_Key, _Key]]) -> dict[_Key, float]:
    """Return the middles, as near to the means of their neighbours as order and widths allow."""
    above, below = _neighbours(links)
    centers: dict[_Key, float] = {}
    for row in rows:
        centers |= zip(row, _apart([0.0] * len(row), row), strict=True)
    for sweep in range(SWEEPS):
        near = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [_mean([centers[other] for other in near.get(name, ())], centers[name]) for name in row]
            centers |= zip(row, _apart(wanted, row), strict=True)
    return centers


def _apart(wanted: Sequence[float], row: Sequence[_Key]) -> list[float]:
    """Return places in order, far enough apart, of least squared distance to the wanted ones: isotonic regression."""
    offsets = [0.0]
    for a, b in pairwise(row):
        offsets.append(offsets[-1] + (_width(a) + _width(b)) / 2)
    blocks: list[tuple[float, int]] = []  # sum, count
    for value in (w - o for w, o in zip(wanted, offsets, strict=False)):
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            (last, count), (total, more) = blocks.pop(), blocks.pop()
            blocks.append((total + last, more + count))
    flat = [total / count for total, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(flat, offsets, strict=False)]


def _line(path: Sequence[_Key], middles: Mapping[_Key, tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    (x, y), *lanes, (x_end, y_end) = (middles[name] for name in path)
    passed = [point for lane in lanes for point in ((lane[0], lane[1]), (lane[0], lane[1] + HEIGHT))]
    return ((x, y + HEIGHT), *passed, (x_end, y_end))


def path_of(points: Sequence[tuple[int, int]]) -> str:
    """Return an SVG path through points, upright where it starts and ends.

    >>> path_of([(0, 0), (0, 30)]), path_of([(0, 0), (10, 20)])
    ('M0 0V30', 'M0 0C0 10 10 10 10 20')
    """
    said = f"M{points[0][0]} {points[0][1]}"
    for (x, y), (x_next, y_next) in pairwise(points):
        middle = (y + y_next) // 2
        said += f"V{y_next}" if x == x_next else f"C{x} {middle} {x_next} {middle} {x_next} {y_next}"
    return said
