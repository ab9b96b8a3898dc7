"""How much one malloc gives: ESP-IDF's allocator, TLSF, rounds every request up to the next of its size classes."""

from __future__ import annotations

from collections.abc import Sequence

from mcuq.target.sdk import Sdk

CONTROL_BYTES = 1624  # of a region up to 256 KiB; measured, esp-idf issue 9469: region 113840, its one block 112216
SMALL, MIDDLE = 16 << 10, 256 << 10  # espressif/tlsf tlsf.c control_construct: 8, 16 or 32 classes per power of two

# heap_caps_aligned_alloc(16, …): espressif/tlsf tlsf.c tlsf_memalign asks for alignment + sizeof(block_header_t) more
ALIGNED_BYTES = 16 + 16


def largest_allocation(block: int, pool: int) -> int:
    """Return the largest request that a free block satisfies.

    A request between 2^k and 2^(k+1) is rounded up to a multiple of 2^k / classes, and only then searched for
    (espressif/tlsf tlsf.c, mapping_search).

    Args:
        block: bytes of the free block.
        pool: bytes of the region it lies in, which decides the number of classes.

    >>> largest_allocation(112216, 113840), largest_allocation(166372, 184632)
    (110592, 163840)
    """
    if block <= 0:
        return 0
    step = (1 << (block.bit_length() - 1)) // _classes(pool)
    return block - block % step if step else block


def _classes(pool: int) -> int:
    if pool <= SMALL:
        return 8
    return 16 if pool <= MIDDLE else 32


def _control(pool: int) -> int:
    """Return the bytes of a region's administration: larger regions have twice the lists."""
    return min(pool, CONTROL_BYTES if pool <= MIDDLE else 2 * CONTROL_BYTES)


def region_bytes(sdk: Sdk) -> int:
    """Return all memory that static data, the system, radio and malloc share."""
    heap = sdk.heap
    return sum(a.bytes for a in (heap.before, heap.main, *heap.more, heap.bluetooth) if a)


def control_bytes(sdk: Sdk) -> int:
    """Return what the administration of all regions takes."""
    heap = sdk.heap
    return sum(_control(a.bytes) for a in (heap.before, heap.main, *heap.more) if a)


def largest_block(sdk: Sdk, static: int, high: int, taken: int) -> int:
    """Return the largest block that malloc gives.

    Args:
        sdk: whose regions they are.
        static: bytes at the start of the main region: static data, code in IRAM, memory reserved for Bluetooth.
        high: bytes of static data in the second segment, at the start of the next region.
        taken: bytes allocated already; the allocator fills one region after the other.
    """
    heap = sdk.heap
    pools = [a.bytes for a in (heap.main, *heap.more)]
    pools = _without(pools, static)
    if high:
        pools[1] = max(0, pools[1] - high)
    if heap.before:
        pools.insert(0, heap.before.bytes)
    blocks = _without([pool - _control(pool) for pool in pools], taken)
    overhead = heap.block_overhead.bytes if heap.block_overhead else 0
    largest = max(largest_allocation(block, pool) for block, pool in zip(blocks, pools, strict=True))
    return max(0, largest - overhead)


def psram_block(psram: int) -> int:
    """Return the largest block of PSRAM that malloc gives."""
    return largest_allocation(psram - _control(psram), psram)


def _without(pools: Sequence[int], taken: int) -> list[int]:
    """Take bytes from pools, the first pool first."""
    left = []
    for pool in pools:
        used = min(pool, taken)
        left.append(pool - used)
        taken -= used
    return left
