"""Layers of a chain computed strip by strip: of every value in between, memory holds the few rows that are needed.

A chain is consecutive layers whose one result is used elsewhere. It becomes the same layers on a few rows each, in the
order in which they are computed: turn by turn each layer computes the next rows of its output, from the rows of its
input that its window needs. Rows that later windows need again are moved to the front of the memory that the next rows
are added to; or they wait in memory of their own and come back to that front. Nothing is computed twice, and no byte
of a result differs. At the image's borders a layer pads as the whole layer does; in between its strips are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mcuq.graph import Graph, Node
from mcuq.ops.base import Op
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.mean_of_sums import MeanOfSums
from mcuq.ops.pad import Pad
from mcuq.ops.pixel_sums import SUM_BYTES, PixelSums
from mcuq.ops.rows import Rows
from mcuq.passes.chains import AXIS, Chain, Link, Strips, first_needed, links, scheduled
from mcuq.passes.rewriting import free_name
from mcuq.passes.rows import on_rows
from mcuq.tensor import QConstant, QTensor, Shape


def in_strips(graph: Graph, chains: Sequence[Chain]) -> tuple[Graph, Strips]:
    """Return a graph whose chains are computed in strips.

    Args:
        graph: a quantized model.
        chains: in their order; no two have a layer in common.

    Raises:
        UnsupportedOperatorError: naming the layer that cannot be computed in strips.
    """
    if not chains:
        return graph, Strips()
    maker = _Maker(graph, dict(graph.values), dict(graph.constants))
    begin = 0
    for number, chain in enumerate(chains):
        maker.nodes += graph.nodes[begin : chain.first]
        maker.add(number, chain)
        begin = chain.last + 1
    maker.nodes += graph.nodes[begin:]
    made = replace(graph, nodes=tuple(maker.nodes), values=maker.values, constants=maker.constants).verify()
    return made, Strips(tuple(chains), maker.turns, maker.memory, maker.layers)


class _Held(NamedTuple):
    """Rows of a value that are in memory: which, and under which name."""

    name: str
    first: int
    end: int


@dataclass
class _Maker:
    """Adds the strips of chains, one after the other; ``here`` is the chain, the place in a turn and the layer."""

    graph: Graph
    values: dict[str, QTensor]
    constants: dict[str, QConstant]
    nodes: list[Node] = field(default_factory=list)
    turns: dict[str, tuple[int, int]] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    held: dict[str, _Held] = field(default_factory=dict)
    saved: dict[str, _Held] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    paddings: dict[str, str] = field(default_factory=dict)
    here: tuple[int, int, str] = (0, 0, "")

    def add(self, number: int, chain: Chain) -> None:
        """Add all strips of a chain, and the value that they are the parts of."""
        found = links(self.graph, chain.first, chain.last)
        self.taken |= {*self.graph.values, *self.graph.constants, *(node.name for node in self.graph.nodes)}
        readers = {link.output: [reader for reader in found if link.output in reader.rowed] for link in found}
        parts: list[str] = []
        self.held, self.saved = {}, {}
        for before, after in pairwise(scheduled(found, chain.rows).ends()):
            self.held |= self.saved
            self.saved = {}
            for place, link in enumerate(found):
                y = link.output
                if after[y] == before[y]:
                    continue
                self.here = (number, 2 * place, link.node.name)
                if link.pool:
                    self._sum(link, before[y], after[y])
                    continue
                if not chain.apart:
                    self._keep(y, before, readers[y])
                self.here = (number, 2 * place + 1, link.node.name)
                strip = self._strip(link, before[y], after[y])
                if chain.apart:  # behind the strip, which may be written over what it was made from
                    self._keep(y, before, readers[y])
                if not readers[y]:
                    parts.append(strip)
                    continue
                self._join(y, _Held(strip, before[y], after[y]))
                if chain.apart:
                    self._save(y, after, readers[y])
        self.here = (number, 2 * len(found), found[-1].node.name)
        if found[-1].pool:
            self._pool(found[-1])
        else:
            self._finish(found[-1].output, parts)

    def _keep(self, value: str, before: Mapping[str, int], readers: Sequence[Link]) -> None:
        """Move the rows of a value that are still needed to where the next ones follow them."""
        old = self.held.pop(value, None)
        if old is None:
            return
        first = first_needed(readers, before, old.end)
        if first < old.end:
            name = self._free(f"{value}_kept")
            self.values[name] = self._rows(value, old.end - first)
            self._node(name, Rows(first - old.first, old.end - first, moved=True), (old.name,), name)
            self.held[value] = _Held(name, first, old.end)

    def _save(self, value: str, after: Mapping[str, int], readers: Sequence[Link]) -> None:
        """Copy the rows of a value that are needed behind this turn to where they wait for the next ones."""
        window = self.held[value]
        first = first_needed(readers, after, window.end)
        if first < window.end:
            name = self._free(f"{value}_saved")
            self.values[name] = self._rows(value, window.end - first)
            self._node(name, Rows(first - window.first, window.end - first, moved=True), (window.name,), name)
            self.memory[name] = f"{value}.kept"
            self.saved[value] = _Held(name, first, window.end)

    def _strip(self, link: Link, first: int, end: int) -> str:
        """Add the layer on the rows that give these rows of its output; return what they are called."""
        low, high = link.needed(first, end)
        rows = self.graph.values[link.rowed[0]].shape[AXIS]
        name = self._free(f"{link.output}_strip")
        self.values[name] = self._rows(link.output, end - first)
        padding = max(0, -low), max(0, high - rows)
        shape = self.values[name].shape
        if high <= 0 or low >= rows:
            op, operands = self._padding(link, shape)
        else:
            op = on_rows(link.node.op, AXIS, shape, padding=padding, window=link.window, first=first)
            inputs = {operand: self._part(operand, low, high) for operand in link.rowed}
            operands = tuple(inputs.get(operand, operand) for operand in link.node.inputs)
        self._node(self._free(f"{link.node.name}_strip"), op, operands, name)
        self.memory[name] = f"{link.output}.strips"
        return name

    def _padding(self, link: Link, shape: Shape) -> tuple[Op, tuple[str, ...]]:
        """Return what rows of padding alone are: one element of it, padded with what it holds itself."""
        tensor, others = self.graph.values[link.output], link.node.inputs[1:]
        values = self.graph.constants[others[0]].values if others else np.full(1, tensor.zero_point, np.int8)
        if link.output not in self.paddings:
            name = self.paddings[link.output] = self._free(f"{link.output}_padding")
            scale = np.array([tensor.scale])
            self.constants[name] = QConstant(values.reshape((1,) * len(shape)), scale, tensor.zero_point)
        return Pad((0,) * len(shape), tuple(size - 1 for size in shape)), (self.paddings[link.output], *others)

    def _sum(self, link: Link, first: int, end: int) -> None:
        """Add these rows of a pool's input to the sums of its channels."""
        y, pool = link.output, link.pool
        assert pool
        channels = self.graph.values[y].elements
        old, name = self.held.get(y), self._free(f"{y}_sums")
        if old is None:
            zeros = self._free(f"{y}_zeros")
            self.constants[zeros] = QConstant(np.zeros(SUM_BYTES * channels, np.int8), np.ones(1))
            old = _Held(zeros, 0, 0)
        self.values[name] = QTensor((SUM_BYTES * channels,), 1.0, 0)
        self._node(name, PixelSums(channels), (old.name, self._part(link.rowed[0], first, end)), name)
        self.memory[name] = f"{y}.strips"
        self.held[y] = _Held(name, 0, end)

    def _pool(self, link: Link) -> None:
        """Add what a pool makes of its sums."""
        pool, y = link.pool, self.graph.values[link.output]
        assert pool
        x = self.graph.values[link.rowed[0]]
        op = MeanOfSums(y.shape, link.total * pool.columns, x.scale, x.zero_point, pool.divides, pool.low, pool.high)
        self._node(link.node.name, op, (self.held[link.output].name,), link.output)

    def _part(self, value: str, low: int, high: int) -> str:
        """Return the name of these rows of a value, where they lie; what lies beside the image is padding."""
        rows = self.graph.values[value].shape[AXIS]
        whole = self.held.get(value, _Held(value, 0, rows))
        low, high = max(0, low), min(rows, high)
        assert whole.first <= low < high <= whole.end, (value, whole, low, high)
        if (low, high) == (whole.first, whole.end):
            return whole.name
        name = self._free(f"{value}_part")
        self.values[name] = self._rows(value, high - low)
        self._node(name, Rows(low - whole.first, high - low), (whole.name,), name)
        return name

    def _join(self, value: str, new: _Held) -> None:
        """Hold the rows that were kept and the new ones: in memory where they lie one after the other."""
        kept = self.held.get(value)
        if kept:
            name = self._free(f"{value}_window")
            self.values[name] = self._rows(value, new.end - kept.first)
            self._node(name, Concatenation(AXIS), (kept.name, new.name), name)
            self.memory[name] = f"{value}.strips"
            new = _Held(name, kept.first, new.end)
        self.held[value] = new

    def _finish(self, value: str, parts: list[str]) -> None:
        if len(parts) > 1:
            self._node(self._free(f"{value}_rows"), Concatenation(AXIS), tuple(parts), value)
            return
        node = self.nodes.pop()  # the one strip is the whole
        self.nodes.append(replace(node, outputs=(value,)))
        del self.values[parts[0]], self.memory[parts[0]]

    def _node(self, name: str, op: Op, inputs: tuple[str, ...], output: str) -> None:
        self.nodes.append(Node(name, op, inputs, (output,)))
        *turn, self.layers[name] = self.here
        self.turns[name] = turn[0], turn[1]

    def _rows(self, value: str, count: int) -> QTensor:
        tensor = self.graph.values[value]
        return replace(tensor, shape=(1, count, *tensor.shape[2:]))

    def _free(self, wanted: str) -> str:
        self.numbers[wanted] = self.numbers.get(wanted, 0) + 1
        name = free_name(f"{wanted}_{self.numbers[wanted]}", self.taken)
        self.taken.add(name)
        return name
