"""How long an inference takes on a board that nobody has flashed: an estimate, never without its error.

    cycles = instructions * cycles per instruction + lines fetched from flash * cycles per line

Instructions are those of the kernels on the emulated chips (:mod:`mcuq.fit.instructions`), lines what the constants
beyond the chip's cache cost (:mod:`mcuq.target.cache`). The two rates, ``boards/time.json``, were fitted by
``benchmarks/fit_time.py`` on what was measured on boards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from mcuq.fit import footprint
from mcuq.fit.footprint import total
from mcuq.fit.instructions import Rates, rates, sweeps, works
from mcuq.ops.base import Params
from mcuq.plan import Plan, Step
from mcuq.resources import resource
from mcuq.target.board import Board
from mcuq.target.measured import Measured

COUNTED = "instructions: boards/instructions.json, benchmarks/count_layers.py"
MULTIPLY_HIGH = 10  # instructions more than the one that the emulated chip lacks: mcuq_mac16_asm.h, multiply_high


@dataclass(frozen=True)
class LayerTime:
    """A step: its kernel, instructions on the emulated chip, and cycles on the board, of them for flash ``flash``.

    ``layer`` is the model's layer that it is a part of, or itself.
    """

    name: str
    layer: str
    kernel: str
    instructions: int
    cycles: int
    flash: int


@dataclass(frozen=True)
class Latency:
    """An inference of one model on a board.

    Attributes:
        model: its name.
        basis: "measured" on a board; "estimated" with ``error``; "unproved", an estimate for a chip of which too few
            measurements are known; "none", where ``problem`` says why.
        milliseconds: the estimate or the measurement.
        low, high: between which it lies; for an unproved one by the best and the worst rates that are known.
        error: of the estimate, relative; None for an unproved one.
        clock: of the CPU in Hz.
        instructions: on the emulated chip.
        layers: in execution order.
        sources: where this comes from, in words.
    """

    model: str
    basis: str
    milliseconds: float = 0.0
    low: float = 0.0
    high: float = 0.0
    error: float | None = None
    clock: int = 0
    instructions: int = 0
    layers: tuple[LayerTime, ...] = ()
    sources: tuple[str, ...] = ()
    problem: str = ""
    rates: tuple[float, float] = (0.0, 0.0)  # least and most cycles per instruction

    @property
    def text(self) -> str:
        """The time with what it is, as in "estimated 103 ms ± 20 %"."""
        if self.basis == "none":
            return f"not estimated: {self.problem}"
        if self.basis == "measured":
            return f"measured {figure(self.milliseconds)} ms"
        if self.error is None:
            range_ = f"{self.rates[0]:.2f} to {self.rates[1]:.2f} cycles per instruction, the best and the worst known"
            return f"estimated {figure(self.low)} to {figure(self.high)} ms, unproved: {range_}"
        return f"estimated {figure(self.milliseconds)} ms ± {100 * self.error:.0f} %"

    @property
    def short(self) -> str:
        """Milliseconds with their error or range, for a table; empty where there are none."""
        if self.basis in {"none", "measured"}:
            return figure(self.milliseconds) if self.milliseconds else ""
        exact = f"{figure(self.milliseconds)} ± {100 * (self.error or 0):.0f} %"
        return exact if self.error is not None else f"{figure(self.low)} to {figure(self.high)}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(self).items()}
        return plain | {"text": self.text, "layers": [asdict(layer) for layer in self.layers]}


@dataclass(frozen=True)
class _Rate:
    """Cycles per instruction, and how many times longer a line takes than by flash's datasheet."""

    per_instruction: float
    per_line: float


def latency_on(plan: Plan, board: Board, framework: str, arena: str = "static") -> Latency:
    """Estimate how long an inference takes.

    Args:
        plan: lowered for the board's chip.
        board: where it shall run; its flash's mode and frequency count.
        framework: "arduino" or "espidf", which set different clocks.
        arena: "psram" has no estimate: nobody has published what it costs.
    """
    name = plan.graph.name
    if arena == "psram":
        return Latency(name, "none", problem="nobody has published what an arena in PSRAM costs")
    chip, known, done = board.chip, rates(board.chip.isa), works(plan)
    lacking = sorted({step.params.kernel for step in plan.steps} - known.keys())
    if lacking:
        return Latency(name, "none", problem=f"the instructions of {', '.join(lacking)} are not counted")
    clock = board.sdk(framework).clock.hertz
    per_line = chip.cache.line_seconds(board.flash_mode, board.flash_frequency) * clock
    emulated = {step.name: known[step.params.kernel].instructions(done[step.name]) for step in plan.steps}
    real = {s.name: _on_the_chip(s.params, chip.isa, emulated[s.name], done[s.name]) for s in plan.steps}
    lines = _lines(plan, board)
    best, middle, worst = _rates(chip.id)

    def milliseconds(rate: _Rate) -> float:
        cycles = sum(real.values()) * rate.per_instruction + sum(lines.values()) * per_line * rate.per_line
        return 1000 * cycles / clock

    layers = []
    for step in plan.steps:
        flash = lines[step.name] * per_line * middle.per_line
        cycles = real[step.name] * middle.per_instruction + flash
        numbers = (round(number) for number in (emulated[step.name], cycles, flash))
        layers.append(LayerTime(step.name, plan.strips.layers.get(step.name, step.name), step.params.kernel, *numbers))
    time = milliseconds(middle)
    counted = _counting_error(plan, known, emulated)
    of_chip = _table()["chips"].get(chip.id)
    error = math.hypot(of_chip["largest_error"], counted) if of_chip else None
    return Latency(
        model=name,
        basis="estimated" if of_chip else "unproved",
        milliseconds=time,
        low=time * (1 - error) if error is not None else milliseconds(best) * (1 - counted),
        high=time * (1 + error) if error is not None else milliseconds(worst) * (1 + counted),
        error=error,
        clock=clock,
        instructions=sum(layer.instructions for layer in layers),
        layers=tuple(layers),
        sources=(_why(chip.id), board.sdk(framework).clock.source, chip.cache.source, COUNTED),
        rates=(best.per_instruction, worst.per_instruction),
    )


def of_measured(measured: Measured, plan: Plan) -> Latency:
    """Return what a board was measured to take for a plan."""
    known = plan.strips.layers
    layers = tuple(
        LayerTime(s.name, known.get(s.name, s.name), s.kernel, s.instructions, s.cycles, 0) for s in measured.layers
    )
    return Latency(
        model=measured.model,
        basis="measured",
        milliseconds=measured.milliseconds,
        low=measured.milliseconds,
        high=measured.milliseconds,
        clock=measured.clock,
        instructions=sum(layer.instructions for layer in layers),
        layers=layers,
        sources=(f"mcuq verify --port on {measured.board}, chip revision {measured.revision}",),
    )


def _on_the_chip(params: Params, isa: str, emulated: float, done: tuple[float, ...]) -> float:
    """Return the instructions of a layer on the real chip, which multiplies high and loops unlike the emulated one.

    Assembly for MAC16 has one instruction per output instead of several, compiled C the share that was counted.
    """
    if isa != "xtensa" or params.kernel.endswith("_s3"):
        return emulated
    if params.kernel.endswith("_mac16"):
        return max(emulated / 2, emulated - MULTIPLY_HIGH * done[2])
    return emulated * float(_table()["lx6_share"])


def _lines(plan: Plan, board: Board) -> dict[str, float]:
    """Return the lines that every layer fetches from flash; none where all of the model stays in the cache."""
    cache_, isa = board.chip.cache, board.chip.isa
    code = footprint.measured(isa)
    size = total(footprint.constants(plan))
    if cache_.holds_code:
        size += sum(code.kernel(name).code for name in footprint.kernel_files(plan, isa))
    if size <= cache_.bytes:
        return dict.fromkeys((step.name for step in plan.steps), 0.0)
    found, seen = {}, set()
    recent: dict[str, int] = {}  # bytes of tables by layer, the last read at the end
    for step in plan.steps:
        tables, times = swept(plan, step)
        is_kept = _is_kept(recent, plan.strips.layers.get(step.name, step.name), tables, cache_.bytes)
        own = code.kernel(step.params.kernel).code if cache_.holds_code else 0
        again = cache_.missed(tables + own, times) - cache_.lines(tables + own)
        first = own if step.params.kernel not in seen else 0
        seen.add(step.params.kernel)
        found[step.name] = cache_.lines((0 if is_kept else tables) + first) + again
    return found


def _is_kept(recent: dict[str, int], layer: str, tables: int, size: int) -> bool:
    """Whether a layer's tables are in the cache since an earlier strip of it; ``recent`` is brought up to date."""
    since = list(recent).index(layer) if layer in recent else None
    kept = since is not None and sum(list(recent.values())[since:]) <= size
    recent.pop(layer, None)
    if tables:
        recent[layer] = tables
    return kept


def swept(plan: Plan, step: Step) -> tuple[int, int]:
    """Return the bytes of a layer's tables, and how often its kernel reads them from the first to the last."""
    shape = plan.graph.values[step.outputs[0]].shape
    return footprint.tables_bytes(step.params), sweeps(step.params, math.prod(shape[:-1]))


def _counting_error(plan: Plan, known: Mapping[str, Rates], emulated: Mapping[str, float]) -> float:
    """Return the relative error of the instructions, the layers' own being independent."""
    whole = sum(emulated.values())
    each = [known[step.params.kernel].error * emulated[step.name] for step in plan.steps]
    return math.sqrt(sum(error**2 for error in each)) / whole if whole else 0.0


@cache
def _table() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((resource("boards") / "time.json").read_text("utf-8"))
    return content


def _rates(chip: str) -> tuple[_Rate, _Rate, _Rate]:
    """Return the best, the likely and the worst rates of a chip."""
    table = _table()
    if own := table["chips"].get(chip):
        rate = _Rate(own["cycles_per_instruction"], own["line_factor"])
        return rate, rate, rate
    known = table["known"]
    best, worst = (known[which]["cycles_per_instruction"] for which in ("best", "worst"))
    factor = known["line_factor"]
    return _Rate(best, factor), _Rate(math.sqrt(best * worst), factor), _Rate(worst, factor)


def _why(chip: str) -> str:
    """Return what stands behind a chip's rates, in words."""
    table = _table()
    if own := table["chips"].get(chip):
        others, ours = own["measurements"]["others"], own["measurements"]["mcuq"]
        also = f" and {ours} of mcuq's own" if ours else ", none of them of mcuq's own kernels"
        return (
            f"fitted on {others} measurements of others'{also}, {own['models']} models in all; a model left out was "
            f"wrong by {100 * own['median_error']:.0f} % in the median, {100 * own['largest_error']:.0f} % at most"
        )
    known = table["known"]
    count = known["models"].get(chip, 0)
    best, worst = (known[which]["cycles_per_instruction"] for which in ("best", "worst"))
    found = f"{count or 'no'} model{' is' if count < 2 else 's are'} published for {chip}"
    return f"{found}: too few; {best:.2f} to {worst:.2f} cycles per instruction are the best and the worst known at all"


def figure(milliseconds: float) -> str:
    """Return a time in three digits.

    >>> figure(0.01234), figure(9.876), figure(123.4), figure(1234.5)
    ('0.0123', '9.88', '123', '1,234')
    """
    if milliseconds <= 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(milliseconds)))
    return f"{milliseconds:,.{digits}f}"
