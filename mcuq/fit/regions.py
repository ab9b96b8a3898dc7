"""The memory regions of a board, one row each: what a firmware with this model needs, of how much, by whose word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcuq.errors import UsageError
from mcuq.fit import footprint
from mcuq.fit.footprint import Breakdown, total
from mcuq.plan import Plan
from mcuq.plan.arrivals import shared_bytes
from mcuq.target import heap
from mcuq.target.board import Board, Partition
from mcuq.target.chip import Chip
from mcuq.target.sdk import Radio, Sdk
from mcuq.target.setup import PLAIN, Setup
from mcuq.target.sourced_toml import Amount

RADIOS = {"wifi": "Wi-Fi", "ble": "Bluetooth Low Energy", "wifi_ble": "Wi-Fi and Bluetooth Low Energy"}
TLSF = "mcuq/target/heap.py: the allocator's rounding, esp-idf components/heap"


@dataclass(frozen=True)
class Row:
    """One memory region: what is needed, of how much, where the numbers come from.

    ``is_linked`` says that what is needed was read from a linked firmware instead of estimated.
    """

    region: str
    breakdown: Breakdown
    available: int
    sources: tuple[str, ...]
    is_linked: bool = False

    @property
    def needed(self) -> int:
        """Bytes needed."""
        return total(self.breakdown)

    @property
    def free(self) -> int:
        """Bytes left over; negative: the bytes missing."""
        return self.available - self.needed

    @property
    def fits(self) -> bool:
        """Whether nothing is missing."""
        return self.free >= 0

    @property
    def verdict(self) -> str:
        """In words."""
        return "fits" if self.fits else "does not fit"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "region": self.region,
            "needed": self.needed,
            "available": self.available,
            "free": self.free,
            "verdict": self.verdict,
            "basis": "linked" if self.is_linked else "estimated",
            "breakdown": dict(self.breakdown),
            "sources": list(self.sources),
        }


@dataclass(frozen=True)
class Extra:
    """Bytes that the application in lib/mcuq needs beside the plan: constants in flash, static RAM."""

    constants: int = 0
    ram: int = 0


NO_EXTRA = Extra()


@dataclass(frozen=True)
class Neighbour:
    """Another model of the same firmware, as it was built."""

    plan: Plan
    setup: Setup = PLAIN
    extra: Extra = NO_EXTRA


@dataclass(frozen=True)
class Place:
    """Where a model shall run: a board with a framework, what surrounds the model there, and which other models do."""

    board: Board
    framework: str
    setup: Setup = PLAIN
    extra: Extra = NO_EXTRA
    beside: tuple[Neighbour, ...] = ()

    @property
    def chip(self) -> Chip:
        """The board's chip."""
        return self.board.chip

    @property
    def sdk(self) -> Sdk:
        """The framework's figures."""
        return self.board.sdk(self.framework)

    @property
    def partition(self) -> Partition:
        """The partition table.

        Raises:
            UsageError: the board cannot have it.
        """
        return self.board.partition(self.framework, self.setup.partition, self.setup.partition_text)

    @property
    def radio(self) -> tuple[str, Radio] | None:
        """The radios in use by name, with their cost.

        Raises:
            UsageError: the chip has no such radio.
        """
        name = self.setup.radio
        if not name:
            return None
        radio: Radio | None = getattr(self.sdk, name)
        if radio is None:
            raise UsageError(f"{self.board.id} has no {RADIOS[name]}")
        return RADIOS[name], radio

    @property
    def base(self) -> str:
        """What an application without the model is called in a breakdown."""
        return f"empty {self.framework} application"


def estimate(plan: Plan, place: Place) -> tuple[Row, ...]:
    """Return the rows of a firmware that has not been built."""
    models = (Neighbour(plan, place.setup, place.extra), *place.beside)
    own = parts(
        *_static_arenas(models),
        ("state", sum(model.plan.state_bytes for model in models)),
        ("input and output", sum(model.extra.ram for model in models if not model.plan.io_in_arena)),
        ("application", place.setup.app_ram),
    )
    arena = max(m.plan.arena_bytes for m in models if m.setup.arena == place.setup.arena)
    low, high = _segments(place, own)
    return (
        *(row for row in (low, high) if row),
        *run_time(place, low.needed, high.needed if high else 0, arena),
        _app_partition(plan, place),
        _const_window(plan, place),
        stack([model.plan for model in models], place),
    )


def _static_arenas(models: Sequence[Neighbour]) -> Breakdown:
    """Return the static arenas; one serves all models that share it, in turn."""
    static = [model for model in models if model.setup.arena == "static"]
    shared = {m.plan.graph.name: m.plan for m in static if m.setup.share_arena}
    if len(models) == 1:
        return tuple(("arena", model.plan.arena_bytes) for model in static)
    own = [(f"arena of {m.plan.graph.name}", m.plan.arena_bytes) for m in static if not m.setup.share_arena]
    return (*own, *([(f"arena of {' and '.join(shared)}", shared_bytes(shared.values()))] if shared else []))


def _segments(place: Place, own: Breakdown) -> tuple[Row, Row | None]:
    """Return static RAM: one segment, or a second one that takes what does not fit into the first."""
    sdk, radio = place.sdk, place.radio
    limit = sdk.segment(place.setup.ble)
    fixed = parts(
        (place.base, sdk.base_static.bytes),
        ("code in IRAM", sdk.iram_spill),
        (radio[0], radio[1].static.bytes) if radio else ("", 0),
    )
    used = sources(limit, sdk.base_static, sdk.base_iram, sdk.iram_apart, radio and radio[1].static)
    if not sdk.static_high:
        return Row("static RAM", own + fixed, limit.bytes, used), None
    first = own + fixed
    second: Breakdown = ()
    if total(first) > limit.bytes and own:
        largest = max(own, key=lambda part: part[1])
        first, second = tuple(part for part in own if part != largest) + fixed, (largest,)
    high = Row("static RAM, second segment", second, sdk.static_high.bytes, (sdk.static_high.source,))
    return Row("static RAM", first, limit.bytes, used), high


def run_time(place: Place, static: int, high: int, arena: int, is_linked: bool = False) -> tuple[Row, ...]:
    """Return the rows of memory at run time: all of it, then the block that the arena needs, if it is allocated.

    Args:
        place: where.
        static: bytes taken from the first segment, code in IRAM included.
        high: bytes taken from the second.
        arena: bytes of the arena, wherever it lies.
        is_linked: whether static data was read from a linked firmware.
    """
    sdk, radio, where = place.sdk, place.radio, place.setup.arena
    reserved = sdk.static_limit.bytes - sdk.segment(place.setup.ble).bytes
    dynamic = max(0, radio[1].ram.bytes - radio[1].static.bytes) if radio else 0
    block = arena + heap.ALIGNED_BYTES if arena else 0
    needed = parts(
        ("static data and code", static + high),
        ("started system", sdk.heap.startup.bytes),
        ("allocator", heap.control_bytes(sdk)),
        (radio[0] if radio else "", dynamic),
        ("arena", block if where == "heap" else 0),
    )
    regions = (sdk.heap.before, sdk.heap.main, *sdk.heap.more, sdk.heap.bluetooth)
    used = sources(*regions, sdk.heap.startup, radio and radio[1].ram)
    rows = [Row("memory at run time", needed, heap.region_bytes(sdk), used, is_linked)]
    if where == "heap":
        kept = reserved if not sdk.heap.bluetooth else sdk.heap.bluetooth.bytes if place.setup.ble else 0
        taken = sdk.heap.startup.bytes + max(0, dynamic - kept)
        largest = heap.largest_block(sdk, static + reserved, high, taken)
        why = sources(*regions, sdk.heap.startup, sdk.heap.block_overhead)
        rows.append(Row("largest block", _aligned(arena), largest, (*why, TLSF), is_linked))
    if where == "psram":
        rows.append(_psram(place, arena))
    return tuple(rows)


def _aligned(arena: int) -> Breakdown:
    return parts(("arena", arena), ("alignment", heap.ALIGNED_BYTES if arena else 0))


def _psram(place: Place, arena: int) -> Row:
    psram, window = place.board.psram, place.chip.psram_window
    if not psram or not window:
        return Row("PSRAM", _aligned(arena), 0, (f"boards/{place.board.id}.toml: no PSRAM",))
    available = heap.psram_block(min(psram.bytes, window.bytes))
    return Row("PSRAM", _aligned(arena), available, (psram.source, window.source, TLSF))


def _app_partition(plan: Plan, place: Place) -> Row:
    """Everything flashed as the application: constants, code, and the framework's image."""
    sdk, isa, radio = place.sdk, place.chip.isa, place.radio
    app = place.partition.app
    code = footprint.code(plan, isa, [model.plan for model in place.beside])
    needed = parts(*_flash(plan, place), *code, *_image(place))
    measured = f"code: {footprint.measured(isa).source}"
    return Row("app partition", needed, app.bytes, (*sources(app, sdk.base_image, radio and radio[1].image), measured))


def _const_window(plan: Plan, place: Place) -> Row:
    """Constants that the chip must map from flash; code too where both share one window.

    The framework's whole image is counted, an upper bound of its read-only data.
    """
    window, radio = place.chip.const_window, place.radio
    beside = [model.plan for model in place.beside]
    code = footprint.code(plan, place.chip.isa, beside) if place.chip.code_shares_const_window else ()
    used = sources(window, place.sdk.base_image, radio and radio[1].image)
    return Row("constant window", parts(*_flash(plan, place), *code, *_image(place)), window.bytes, used)


def _flash(plan: Plan, place: Place) -> Breakdown:
    return (
        *footprint.constants(plan),
        *((f"constants of {m.plan.graph.name}", total(footprint.constants(m.plan))) for m in place.beside),
        ("self-test vectors", place.extra.constants + sum(model.extra.constants for model in place.beside)),
        ("application's own", place.setup.app_flash),
    )


def _image(place: Place) -> Breakdown:
    radio = place.radio
    return (
        (place.base, place.sdk.base_image.bytes),
        (radio[0] if radio else "", radio[1].image.bytes if radio else 0),
    )


def stack(plans: list[Plan], place: Place) -> Row:
    """Return the stack of the task that runs the models, one after the other."""
    sdk, isa = place.sdk, place.chip.isa
    needed = max((footprint.stack(plan, isa) for plan in plans), key=total)
    frames = f"frames: {footprint.measured(isa).source}"
    return Row(f"stack of {sdk.task}", needed, sdk.task_stack.bytes, (sdk.task_stack.source, frames))


def parts(*breakdown: tuple[str, int]) -> Breakdown:
    """Return what is not zero."""
    return tuple(part for part in breakdown if part[1])


def sources(*amounts: Amount | None) -> tuple[str, ...]:
    """Return where amounts come from, each source once."""
    return tuple(dict.fromkeys(amount.source for amount in amounts if amount))
