"""How long planning takes on large graphs: the heuristics and the bound, without the exact solver's time limit."""

import random
import time

from mcuq.plan import placement
from mcuq.plan.placement import Item, Near, place


def buffers(count: int) -> tuple[list[Item], dict[tuple[int, int], Near]]:
    """A long model: mostly chains, some values that live longer, every third output may run into its input."""
    rng = random.Random(1)
    items = [Item(rng.randint(1, 20000), k, k + rng.choice([1, 1, 1, 2, 5])) for k in range(count)]
    return items, {(k, k + 1): Near(64, 64) for k in range(0, count - 1, 3) if items[k].last == k + 1}


def main() -> None:
    """Print a table: nodes, limit, measured, arena, bound."""
    placement.EXACT_BUFFERS = 0
    print("| nodes | at most | measured | arena | bound |\n|---|---|---|---|---|")
    for count, limit in ((200, 2), (2000, 10)):
        start = time.perf_counter()
        result = place(*buffers(count))
        seconds = time.perf_counter() - start
        print(f"| {count} | {limit} s | {seconds:.2f} s | {result.bytes} | {result.bound} |")


if __name__ == "__main__":
    main()
