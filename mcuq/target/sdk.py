"""What a framework leaves to an application on a chip: static memory, heap, flash, stack, and what radio costs."""

from __future__ import annotations

from dataclasses import dataclass

from mcuq.target.platforms import known_platforms
from mcuq.target.sourced_toml import Amount, Frequency, Table

FRAMEWORKS = ("arduino", "espidf")


@dataclass(frozen=True)
class Radio:
    """What Wi-Fi, Bluetooth Low Energy or both add to an empty application.

    ``static`` is taken from the segment of static data (with code in IRAM where that shares it), ``ram`` is all memory
    taken at run time, ``static`` included, ``image`` is flash.
    """

    static: Amount
    ram: Amount
    image: Amount


@dataclass(frozen=True)
class Heap:
    """Memory that malloc gives at run time, region by region in the order in which the allocator fills them.

    ``main`` begins where static data begins, so that it is what static data (and code in IRAM) leaves; further static
    data takes from ``more``. ``startup`` is allocated before the application starts; each block costs
    ``block_overhead``. ``bluetooth`` is given back at start when Bluetooth is not used.
    """

    main: Amount
    more: tuple[Amount, ...]
    startup: Amount
    before: Amount | None = None
    bluetooth: Amount | None = None
    block_overhead: Amount | None = None


@dataclass(frozen=True)
class Sdk:
    """What one framework, as one platform (its name) pins it, leaves to an application on one chip.

    ``static_limit`` is the linker segment of static data, ``base_static`` what an empty application uses of it;
    ``static_high`` is a second segment, which takes what does not fit into the first; ``static_limit_ble`` is the
    segment where Bluetooth narrows it. ``base_iram`` is code in the same memory (None: IRAM has its own), of which the
    first ``iram_apart`` bytes cost the segment nothing. ``clock`` is the CPU's as an application finds it.
    """

    framework: str
    version: str
    platform: str
    clock: Frequency
    static_limit: Amount
    base_static: Amount
    base_image: Amount
    task: str
    task_stack: Amount
    heap: Heap
    static_limit_ble: Amount | None = None
    static_high: Amount | None = None
    base_iram: Amount | None = None
    iram_apart: Amount | None = None
    wifi: Radio | None = None
    ble: Radio | None = None
    wifi_ble: Radio | None = None

    @property
    def iram_spill(self) -> int:
        """Bytes of the static segment that an empty application's IRAM code takes away."""
        apart = self.iram_apart.bytes if self.iram_apart else 0
        return max(0, self.base_iram.bytes - apart) if self.base_iram else 0

    def segment(self, ble: bool) -> Amount:
        """Return the segment of static data, with or without Bluetooth."""
        return self.static_limit_ble if ble and self.static_limit_ble else self.static_limit


def read_sdk(table: Table) -> Sdk:
    """Read one ``[[sdk]]`` of a chip's file."""
    result = Sdk(
        framework=table.text("framework", FRAMEWORKS),
        version=table.text("version"),
        platform=table.text("platform", known_platforms()),
        clock=table.frequency("clock"),
        static_limit=table.amount("static_limit"),
        base_static=table.amount("base_static"),
        base_image=table.amount("base_image"),
        task=table.text("task"),
        task_stack=table.amount("task_stack"),
        heap=_heap(table.table("heap")),
        static_limit_ble=table.optional_amount("static_limit_ble"),
        static_high=table.optional_amount("static_high"),
        base_iram=table.optional_amount("base_iram"),
        iram_apart=table.optional_amount("iram_apart"),
        wifi=_radio(table, "wifi"),
        ble=_radio(table, "ble"),
        wifi_ble=_radio(table, "wifi_ble"),
    )
    table.close()
    return result


def _heap(table: Table) -> Heap:
    result = Heap(
        main=table.amount("main"),
        more=table.amounts("more"),
        startup=table.amount("startup"),
        before=table.optional_amount("before"),
        bluetooth=table.optional_amount("bluetooth"),
        block_overhead=table.optional_amount("block_overhead"),
    )
    table.close()
    return result


def _radio(sdk: Table, name: str) -> Radio | None:
    if not sdk.has_table(name):
        return None
    table = sdk.table(name)
    result = Radio(table.amount("static"), table.amount("ram"), table.amount("image"))
    table.close()
    return result
