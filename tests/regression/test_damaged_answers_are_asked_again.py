"""A damaged answer is asked again at once, and an answer of another firmware is one clear line."""

import struct
import time
import zlib

import numpy as np
import pytest

from mcuq.engines.device import ACCEPTED, ANSWER, RUN, SYNC, Device
from mcuq.errors import McuqError

HEAD = struct.Struct("<2sBBII")


def frame(kind: int, model: int, sequence: int, payload: bytes = b"") -> bytes:
    head = HEAD.pack(SYNC, kind, model, sequence, len(payload))
    whole = head + struct.pack("<I", zlib.crc32(head)) + payload
    return whole + struct.pack("<I", zlib.crc32(whole))


class Flipping:
    """A firmware whose first answer has one bit flipped."""

    bytes_per_second = 11520.0

    def __init__(self, answer: bytes, bit: int | None = None) -> None:
        self.answer, self.bit, self.requests = answer, bit, 0
        self.waiting = b""

    def write(self, data: bytes) -> None:
        _, kind, model, sequence, _ = HEAD.unpack_from(data)
        said = bytearray(frame(kind | ANSWER, model, sequence, self.answer))
        self.requests += 1
        if self.bit is not None and self.requests == 1:
            said[self.bit // 8] ^= 1 << self.bit % 8
        self.waiting += frame(ACCEPTED, model, sequence) + bytes(said)

    def read(self, timeout: float) -> bytes:
        if not self.waiting:
            time.sleep(min(timeout, 0.01))
        data, self.waiting = self.waiting[:7], self.waiting[7:]
        return data

    def close(self) -> None:
        """Nothing to let go of."""


ANSWERED = struct.pack("<II", 5, 6) + bytes(range(10))
BITS = 8 * len(frame(RUN, 0, 0, ANSWERED))


def test_every_flipped_bit_of_an_answer_is_repaired():
    """None is taken for right; all but a few of the length field, which may wait for bytes, within 100 ms."""
    seconds = []
    for bit in range(0, BITS, 3):
        line = Flipping(ANSWERED, bit)
        start = time.monotonic()
        run = Device(line, run_seconds=5.0).run(0, b"sample")
        seconds.append(time.monotonic() - start)
        assert (run.microseconds, run.cycles, run.outputs) == (5, 6, bytes(range(10)))
        assert line.requests == 2
    assert np.median(seconds) < 0.1
    assert max(seconds) < 5


@pytest.mark.parametrize("length", [0, 1, 7])
def test_short_answers_of_a_foreign_firmware_are_one_line(length):
    device = Device(Flipping(bytes(length)))
    for ask in (lambda: device.run(0, b""), device.memory):
        with pytest.raises(McuqError, match="build and flash it again"):
            ask()
    if length:
        with pytest.raises(McuqError, match="build and flash it again"):
            device.layers(0, b"")
