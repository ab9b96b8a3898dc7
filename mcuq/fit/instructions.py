"""Instructions of a plan without running it: what every layer has to do, at the rates of its kernel.

The rates, ``boards/instructions.json``, were counted on the emulated chips by ``benchmarks/count_layers.py``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mcuq.graph import Node
from mcuq.ops.base import Params
from mcuq.plan import Plan, Step
from mcuq.resources import resource

WORK = ("call", "macs", "outputs", "inputs", "pixels", "channels", "tiled_weights")


@dataclass(frozen=True)
class Rates:
    """Instructions of a kernel per piece of work, in the order of ``WORK``.

    ``error`` is the median relative one for layers that were left out, ``layers`` how many were counted.
    """

    rates: tuple[float, ...]
    error: float
    layers: int

    def instructions(self, done: tuple[float, ...]) -> float:
        """Return the instructions of a layer that has to do this much."""
        return sum(rate * amount for rate, amount in zip(self.rates, done, strict=True))


def works(plan: Plan) -> dict[str, tuple[float, ...]]:
    """Return what every layer of a plan has to do, by its name, in the order of ``WORK``."""
    nodes = {node.name: node for node in plan.graph.nodes}
    return {step.name: _work(plan, step, nodes[step.name]) for step in plan.steps}


def _work(plan: Plan, step: Step, node: Node) -> tuple[float, ...]:
    """Return what a layer has to do.

    That is one call, multiply-accumulates, elements of outputs and of inputs, pixels (outputs by their last
    dimension), that dimension, and values of tables read in all tiles.
    """
    values = plan.graph.values
    read = [values[name].elements for name in step.inputs if name in values]
    shape = values[step.outputs[0]].shape
    outputs = sum(values[name].elements for name in step.outputs)
    channels = shape[-1] if shape else 1
    macs = node.op.macs(*(plan.graph.tensor(name).shape for name in node.inputs))
    tables = sum(table.size for _, table in step.params.tables())
    tiled = tables * sweeps(step.params, outputs // max(1, channels))
    return (1, macs, outputs, sum(read), outputs / max(1, channels), channels, tiled)


def sweeps(params: Params, pixels: int) -> int:
    """Return how often a kernel reads its weights from the first to the last in one call.

    Those with tiles read them once per tile, those of the ESP32-S3's vector unit once per row, the others once for
    every few pixels.
    """
    height, width = getattr(params, "output_h", 1), getattr(params, "output_w", pixels)
    rows, columns = getattr(params, "tile_rows", 0), getattr(params, "tile_pixels", 0)
    if rows and columns:
        return math.ceil(height / rows) * math.ceil(width / columns)
    if params.kernel.endswith("_s3"):
        return max(1, int(height))
    together = next((n for family, n in TOGETHER.items() if params.kernel.endswith(family)), 1)
    return max(1, math.ceil(pixels / together))


TOGETHER = {"_lanes": 4, "_r16": 2}  # pixels that a kernel computes together (firmware/kernels)


@cache
def rates(isa: str) -> Mapping[str, Rates]:
    """Return the rates of every kernel that was counted for an instruction set: "rv32imc" or "xtensa"."""
    table: dict[str, Any] = json.loads((resource("boards") / "instructions.json").read_text("utf-8"))[isa]
    return {
        name: Rates(tuple(entry["rates"].get(what, 0.0) for what in WORK), entry["error"], entry["layers"])
        for name, entry in table.items()
    }
