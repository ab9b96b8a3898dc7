"""What a board's file and a chip's say of flash, partitions and RAM must not contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcuq.target.partition_csv import DATA_ALIGNMENT, FIRST
from mcuq.target.sdk import Sdk
from mcuq.target.sourced_toml import Amount

SIZES = tuple(1 << bits for bits in range(20, 28))  # of flash and PSRAM: 1 to 128 MiB
FLASH_HERTZ = (1_000_000, 200_000_000)
BAUD = (300, 5_000_000)


def of_numbers(flash: Amount, psram: Amount | None, flash_hertz: int, baud: int) -> Iterator[str]:
    """Yield what no board has."""
    sizes = [("flash", flash)] + ([("psram", psram)] if psram else [])
    for what, amount in sizes:
        if amount.bytes not in SIZES:
            yield f"{what} has {amount.bytes} bytes; there are chips of {SIZES[0]}, {SIZES[1]} ... {SIZES[-1]}"
    for what, number, (least, most) in (("flash_frequency", flash_hertz, FLASH_HERTZ), ("monitor_speed", baud, BAUD)):
        if not least <= number <= most:
            yield f"{what} is {number}, not between {least} and {most}"


def of_partitions(app: int, end: int, flash: int, sdk: Sdk) -> Iterator[str]:
    """Yield what a partition table cannot be.

    Args:
        app: bytes of its first application partition.
        end: bytes of flash that the whole table needs.
        flash: bytes that the board has.
        sdk: of the framework whose applications shall go there.
    """
    if FIRST + app > end:
        yield f"an application of {app} bytes in {end} of flash, whose first {FIRST} are the bootloader's"
    if app % DATA_ALIGNMENT or end % DATA_ALIGNMENT:
        yield f"{app} and {end} bytes are not whole sectors of {DATA_ALIGNMENT}"
    if end > flash:
        yield f"needs {end} bytes of flash, the board has {flash}"
    if app < sdk.base_image.bytes:
        yield f"an empty application of {sdk.framework} takes {sdk.base_image.bytes} bytes, here are {app}"


def of_sdks(sdks: Iterable[Sdk]) -> Iterator[str]:
    """Yield what a chip's file says of its RAM that cannot be: an empty application must fit into it."""
    for sdk in sdks:
        where = f"sdk {sdk.framework} {sdk.version}"
        heap = sdk.heap
        total = heap.main.bytes + sum(amount.bytes for amount in heap.more) + (heap.before.bytes if heap.before else 0)
        static = sdk.base_static.bytes + sdk.iram_spill
        for ble in (False, True):
            if static >= sdk.segment(ble).bytes:
                yield f"{where}: an empty application has {static} bytes of static data in {sdk.segment(ble).bytes}"
        if sdk.base_static.bytes + heap.startup.bytes + sdk.task_stack.bytes > total:
            yield f"{where}: an empty application takes more memory at start than the {total} bytes there are"
        for name, radio in (("wifi", sdk.wifi), ("ble", sdk.ble), ("wifi_ble", sdk.wifi_ble)):
            if radio and (radio.static.bytes > radio.ram.bytes or radio.ram.bytes >= total):
                yield f"{where}: {name}: {radio.static.bytes} static of {radio.ram.bytes} bytes, of {total} in all"
