"""The memory regions of a firmware that has been linked: facts from its ELF file instead of estimates."""

from __future__ import annotations

from collections.abc import Sequence

from mcuq.fit import regions
from mcuq.fit.elf import Linked
from mcuq.fit.regions import Place, Row, parts, sources
from mcuq.plan import Plan


def rows(plans: Sequence[Plan], elf: Linked, place: Place) -> tuple[Row, ...]:
    """Return the rows of a firmware that holds these models; only the stack is still an estimate.

    Raises:
        UsageError: it does not hold them.
    """
    sdk, chip = place.sdk, place.chip
    spill = elf.iram_spill(sdk.iram_apart.bytes if sdk.iram_apart else 0) if sdk.base_iram else 0
    constants = sum(elf.constants(plan) for plan in plans)
    static, high = _static_ram(plans, elf, place, spill), elf.static_ram_high
    file = str(elf.path)
    found = [static]
    if sdk.static_high:
        found.append(_row("static RAM, second segment", (("static data", high),), sdk.static_high.bytes, file))
    if chip.iram:
        found.append(_row("IRAM", (("code", elf.iram),), chip.iram.bytes, file, chip.iram.source))
    arena = max(plan.arena_bytes for plan in plans)
    found += regions.run_time(place, static.needed, high, arena, is_linked=True)
    app = place.partition.app
    image = (("models' constants", constants), ("rest of the image", elf.image - constants))
    found.append(_row("app partition", image, app.bytes, file, app.source))
    mapped = elf.mapped_constants - constants
    code = elf.mapped_code if chip.code_shares_const_window else 0
    window = (("models' constants", constants), ("other constants", mapped), ("code", code))
    found.append(_row("constant window", window, chip.const_window.bytes, file, chip.const_window.source))
    return (*found, regions.stack(list(plans), place))


def _static_ram(plans: Sequence[Plan], elf: Linked, place: Place, spill: int) -> Row:
    arenas = sum(elf.arena(plan) for plan in plans) + elf.shared_arena
    in_low = arenas if elf.static_ram >= arenas else 0  # a chip's second segment may hold them
    breakdown = (("arena", in_low), ("other static data", elf.static_ram - in_low), ("code in IRAM", spill))
    limit = place.sdk.segment(place.setup.ble)
    return _row("static RAM", breakdown, limit.bytes, str(elf.path), *sources(limit))


def _row(region: str, breakdown: tuple[tuple[str, int], ...], available: int, *used: str) -> Row:
    return Row(region, parts(*breakdown), available, used, is_linked=True)
