"""A line that loses, changes, repeats and invents bytes, in both directions, reproducibly."""

import random
from collections.abc import Callable


class FaultyLine:
    """Wrap a line; ``rate`` is the probability that a chunk suffers, ``faults`` the kinds to choose from."""

    def __init__(self, line, seed: int, rate: float, faults: list[Callable[[random.Random, bytes], bytes]]) -> None:
        self._line = line
        self._random = random.Random(seed)
        self._rate = rate
        self._faults = faults
        self.bytes_per_second = line.bytes_per_second
        self.injected = 0

    def write(self, data: bytes) -> None:
        self._line.write(self._disturbed(data))

    def read(self, timeout: float) -> bytes:
        return self._disturbed(self._line.read(timeout))

    def close(self) -> None:
        self._line.close()

    def _disturbed(self, data: bytes) -> bytes:
        if not data or self._random.random() >= self._rate:
            return data
        self.injected += 1
        return self._random.choice(self._faults)(self._random, data)


def noise_before(rng: random.Random, data: bytes) -> bytes:
    return rng.randbytes(rng.randint(1, 40)) + data


def noise_after(rng: random.Random, data: bytes) -> bytes:
    return data + rng.randbytes(rng.randint(1, 40))


def noise_inside(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.randint(1, 20)) + data[at:]


def drop(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randint(1, 30) :]


def change(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def repeat(rng: random.Random, data: bytes) -> bytes:
    return data * rng.randint(2, 3)


def false_sync(rng: random.Random, data: bytes) -> bytes:
    """Something that looks like the beginning of a frame."""
    return b"\xa5M\x02\x00" + rng.randbytes(rng.randint(0, 12)) + data


EVERY_FAULT = [noise_before, noise_after, noise_inside, drop, change, repeat, false_sync]
