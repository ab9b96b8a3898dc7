"""What chains hold of the values between their layers, and what their strips cost, wherever their borders lie.

Everything is found once, for models whose inputs and outputs lie in the arena and those whose do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

from mcuq import kernels
from mcuq.errors import McuqError, UnsupportedOperatorError
from mcuq.fit.strip_costs import instructions, is_counted
from mcuq.graph import Graph
from mcuq.kernels.channels import bytes_beside
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Op, Overlap, Params
from mcuq.ops.pixel_sums import SUM_BYTES, PixelSumsParams
from mcuq.ops.rows import MovedRowsParams
from mcuq.passes.chains import AXIS, Chain, Held, Link, Schedule, links, scheduled, windows
from mcuq.passes.rows import Window, on_rows
from mcuq.tensor import QTensor, Shape

FIRST_ROWS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12)  # that the first layer of a chain computes in a turn
MOST_CALLS = 1000  # of a chain: beyond, its code would take more flash than is worth it
MOST_SPANS = 1000  # chains that are looked at: beyond, the shorter ones
MOST_CUTS = 3000  # with some number of rows: beyond, the fewer rows
SCRATCH = (0, 128, 256, 512, 768, 1024, 1280, 1536, 2048, 3072, 4096)  # bytes that are tried
PER_CHAIN = 5000  # instructions that it must save beside others: few chains are easier to read
PER_CALL = 30  # instructions around a call
MANY_BYTES = 4096  # that move at once: what a call costs beside them is in PER_CALL


class Option(NamedTuple):
    """Bytes that a layer takes beside its larger buffer, its instructions then, and its kernel; None: it has none."""

    room: int
    instructions: float
    params: Params | None = None


class Shared(NamedTuple):
    """Windows that are in use together for one layer alone, in bytes, and where in the second its output begins."""

    operand: int
    read: int
    written: int
    begin: int

    def room(self, option: Option) -> int:
        """Return the bytes that a layer takes beside the larger window: scratch, and what keeps them apart."""
        if option.params is None:
            return min(self.begin, self.read)
        before, after = option.params.overlap(self.operand) or Overlap(None, None)
        further = Overlap(
            None if before is None else before + self.begin, None if after is None else max(after - self.begin, 0)
        )
        return option.params.scratch_bytes + bytes_beside(further, self.read, self.written)


@dataclass(frozen=True)
class Cut:
    """A chain in turns: its layers, when they compute which rows, what is held of every value in between.

    ``bytes`` are those of values in between while each layer runs, and what of them its output may lie in is
    ``shared``; ``added`` are instructions beside the layers'.
    """

    chain: Chain
    links: Sequence[Link]
    schedule: Schedule
    held: Mapping[str, Held]
    bytes: Sequence[int]
    shared: Sequence[Shared | None]
    added: float

    @property
    def least(self) -> list[int]:
        """Bytes in use while each layer runs, if its output lies in its input as far as that goes."""
        shared = (min(windows.read, windows.written) if windows else 0 for windows in self.shared)
        return [used - spared for used, spared in zip(self.bytes, shared, strict=True)]

    def calls(self, link: Link) -> float:
        """Return how often a layer computes rows."""
        y = link.output
        if y in self.held:
            return self.held[y].turns
        return float(self.schedule.total[y] / self.schedule.rate[y])


@dataclass
class Cuts:
    """All chains of a model with kernels of some families.

    ``only_counted``: no layer is cut whose instructions in strips nobody counted.
    """

    graph: Graph
    families: tuple[str, ...]
    only_counted: bool
    _options: dict[tuple[str, int], Sequence[Option] | None] = field(default_factory=dict)
    _links: dict[tuple[int, int], list[Link] | None] = field(default_factory=dict)
    _cuts: dict[tuple[int, int, int, bool], Cut | None] = field(default_factory=dict)

    def spans(self, large: Sequence[int]) -> list[tuple[int, int]]:
        """Return the first and the last layers of all chains that have one of some layers in them, the shorter first.

        Where there are too many, the shorter ones.
        """
        count = len(self.graph.nodes)
        alone = [self.links(i, i) is not None for i in range(count)]
        last_reads = _last_reads(self.graph)
        found: list[tuple[int, int]] = []
        begun = {first: last_reads[first] for first in range(count) if alone[first]}  # and what is read the latest
        for length in range(2, count + 1):
            begun = {
                first: read for first, read in begun.items() if first + length <= count and alone[first + length - 1]
            }
            for first, read in begun.items():
                last = first + length - 1
                if read <= last and any(first <= i <= last for i in large):
                    found.append((first, last))
                begun[first] = max(read, last_reads[last])
            if len(found) > MOST_SPANS or not begun:
                break
        return found[:MOST_SPANS]

    def rows(self, spans: int) -> Sequence[int]:
        """Return the numbers of rows that are tried for each of so many chains."""
        return FIRST_ROWS[: min(len(FIRST_ROWS), max(1, MOST_CUTS // max(1, spans)))]

    def links(self, first: int, last: int) -> list[Link] | None:
        """Return the layers of a chain; None where they are none."""
        if (first, last) not in self._links:
            try:
                self._links[first, last] = links(self.graph, first, last)
            except UnsupportedOperatorError:
                self._links[first, last] = None
        return self._links[first, last]

    def cut(self, first: int, last: int, rows: int, apart: bool = False) -> Cut | None:
        """Return a chain of which the first layer computes some rows in a turn; None where that is no chain.

        Args:
            first: its first layer.
            last: its last one.
            rows: that the first layer computes in a turn.
            apart: see :class:`~mcuq.passes.chains.Chain`; None where no rows stay.
        """
        key = first, last, rows, apart
        if key not in self._cuts:
            self._cuts[key] = self._cut(*key)
        return self._cuts[key]

    def of(self, chain: Chain) -> Cut | None:
        """Return a chain that was found, again."""
        rows = chain.rows * _strides(self.links(chain.first, chain.last) or ())
        return self.cut(chain.first, chain.last, int(rows), chain.apart)

    def _cut(self, first: int, last: int, rows: int, apart: bool) -> Cut | None:
        found = self.links(first, last)
        if not found:
            return None
        chain = Chain(first, last, Fraction(rows, _strides(found)), apart)
        try:
            schedule = scheduled(found, chain.rows)
        except UnsupportedOperatorError:
            return None
        held = windows(found, schedule)
        y = found[0].output
        if sum(h.turns for h in held.values()) > MOST_CALLS or schedule.total[y] < 2 * schedule.rate[y]:
            return None
        if apart and not any(h.stay for h in held.values()):
            return None
        beside, shared = self._apart(found, held) if apart else (self._bytes(found, held), [None] * len(found))
        return Cut(chain, found, schedule, held, beside, shared, self._added(found, held, apart))

    def options(self, cut: Cut, link: Link) -> Sequence[Option] | None:
        """Return the options of a layer for the rows that a turn in the middle computes; None: nobody counted them."""
        if link.pool:
            return (Option(0, 0),)
        key = link.node.name, max(1, round(cut.schedule.total[link.output] / max(cut.calls(link), 1)))
        if key not in self._options:
            self._options[key] = self._lowered(link, key[1])
        return self._options[key]

    def row_bytes(self, value: str) -> int:
        """Return the bytes of a row of a value."""
        tensor = self.graph.values[value]
        return tensor.bytes // tensor.shape[AXIS]

    def per_moved_byte(self) -> float:
        """Return the instructions of a byte that moves from one window of rows to the next."""
        moves = [MovedRowsParams(offset=0, bytes=size) for size in (0, MANY_BYTES)]
        chosen = [kernels.chosen(Layer(rows, [], False), self.families) for rows in moves]
        nothing, many = (instructions(params, 0, [], ()) for params in chosen)
        return (many - nothing) / MANY_BYTES

    def _bytes(self, found: Sequence[Link], held: Mapping[str, Held]) -> list[int]:
        kept = sum(h.rows * self.row_bytes(y) for y, h in held.items() if h.stay)
        passing = {y: h.rows * self.row_bytes(y) for y, h in held.items() if not h.stay}
        used = _used(found)
        return [kept + sum(size for y, size in passing.items() if i in used[y]) for i in range(len(found))]

    def _apart(self, found: Sequence[Link], held: Mapping[str, Held]) -> tuple[list[int], list[Shared | None]]:
        """Return :attr:`Cut.bytes` and :attr:`Cut.shared` where rows that stay lie apart from the windows."""
        kept = sum(h.stay * self.row_bytes(y) for y, h in held.items())
        used, sizes = _used(found), {y: h.rows * self.row_bytes(y) for y, h in held.items()}
        beside = [kept + sum(size for y, size in sizes.items() if i in used[y]) for i in range(len(found))]
        reads = Counter(value for link in found for value in link.rowed)
        shared: list[Shared | None] = []
        for link in found:
            y = link.output
            alone = [k for k, x in enumerate(link.node.inputs) if x in sizes and reads[x] == 1 and y in held]
            at = held[y].stay * self.row_bytes(y) if alone else 0
            shared.append(Shared(alone[0], sizes[link.node.inputs[alone[0]]], sizes[y], at) if alone else None)
        return beside, shared

    def _added(self, found: Sequence[Link], held: Mapping[str, Held], apart: bool) -> float:
        """Return what a chain costs beside its layers: rows that move, calls, sums of a pool."""
        per_byte, times = self.per_moved_byte(), 2 if apart else 1
        moved = sum(times * per_byte * h.moved * self.row_bytes(y) + PER_CALL * h.turns for y, h in held.items())
        return PER_CHAIN + moved + (self._summed(found[-1], held) if found[-1].pool else 0)

    def _summed(self, pool: Link, held: Mapping[str, Held]) -> float:
        """Return what it costs to add the rows of a pool to its sums."""
        x, channels = pool.rowed[0], self.graph.values[pool.output].elements
        turns, shape = held[x].turns, (SUM_BYTES * channels,)
        pixels = round(self.graph.values[x].elements / channels / turns)
        sums = kernels.chosen(Layer(PixelSumsParams(pixels, channels), [], False), self.families)
        return turns * instructions(sums, 0, [shape, (pixels, channels)], shape)

    def _lowered(self, link: Link, rows: int) -> Sequence[Option] | None:
        node, values = link.node, self.graph.values
        low, high = link.needed(0, rows)
        output = _of_rows(values[link.output], rows)
        op = on_rows(node.op, AXIS, output.shape, padding=(0, 0), window=link.window)
        operands = [
            _of_rows(values[name], high - low) if name in link.rowed else self.graph.tensor(name)
            for name in node.inputs
        ]
        try:
            params = kernels.chosen(Layer(op.lowered(operands, output), operands, False), self.families)
        except McuqError:
            return None
        if params.is_view:
            return (Option(0, 0.0),)
        if self.only_counted and not is_counted(params):
            return None
        return options_of(params, op, [operand.shape for operand in operands], output.shape)


def options_of(params: Params, op: Op, inputs: Sequence[Shape], output: Shape) -> Sequence[Option]:
    """Return what a kernel costs with more and more scratch, the least first."""
    macs = op.macs(*inputs)
    found: list[Option] = []
    kind = type(params)
    has_choice = kind.with_scratch is not Params.with_scratch or kind.frugal is not Params.frugal
    for limit in SCRATCH if has_choice else (0,):
        given = params.frugal(limit)
        cost = instructions(given, macs, inputs[: op.operands], output)
        if not found or cost < found[-1].instructions:
            room = max(limit, found[-1].room + 1) if found else given.scratch_bytes
            found.append(Option(room, cost, given))
    return found


def _of_rows(tensor: QTensor, rows: int) -> QTensor:
    return replace(tensor, shape=(1, rows, *tensor.shape[2:]))


def _strides(found: Sequence[Link]) -> Fraction:
    """Return how many rows of the first layer's output one row of the result stands for."""
    rates = {found[-1].output: Fraction(1)}
    for link in reversed(found[:-1]):
        reader = next(reader for reader in found if link.output in reader.rowed)
        rates[link.output] = rates[reader.output] * (reader.window or Window()).rate
    return rates[found[0].output]


def _used(found: Sequence[Link]) -> dict[str, range]:
    """Return during which layers of a chain each value in between is in use."""
    made = {link.output: i for i, link in enumerate(found)}
    last = {value: i for i, link in enumerate(found) for value in link.rowed}
    return {value: range(made[value], last[value] + 1) for value in made if value in last}


def _last_reads(graph: Graph) -> list[int]:
    """Return for every layer the last one that reads what it computes; beyond all, where others do or nobody does."""
    never = len(graph.nodes)
    read = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    kept = {*graph.outputs, *(name for state in graph.states for name in (state.read, state.write))}
    return [max(never if y in kept else read.get(y, never) for y in node.outputs) for node in graph.nodes]
