"""Talk to the application of a firmware (firmware/app/mcuq_frame.h), on whatever line it runs.

Nothing on the line is trusted: every frame carries checksums and the number of its request, a request is sent
again when it or its answer is damaged or lost, and a result is only taken from an intact answer to the newest one.
"""

from __future__ import annotations

import secrets
import struct
import time
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from mcuq.engines.byte_stream import Line
from mcuq.errors import McuqError
from mcuq.tensor import Array

SYNC = b"\xa5M"
HEADER = struct.Struct("<2sBBIII")
RUN_HEAD, LAYER = struct.Struct("<II"), struct.Struct("<III")
HELLO, RUN, LAYERS, STEP, MEMORY = 1, 2, 3, 4, 5
ANSWER, ACCEPTED, BOOTED, REFUSED = 0x40, 0x80, 0x81, 0x82
OUT_OF_SEQUENCE = "out of sequence"
DAMAGE = ("damaged payload", "cut short")  # refusals after which the same request may succeed
MAX_PAYLOAD = 64 << 20

ATTEMPTS = 8
ACCEPT_SECONDS = 2.0  # beside the time the bytes take
STALL_SECONDS = 1.0
RUN_SECONDS = 120.0


class NoAnswerError(McuqError):
    """The firmware does not answer, or only with damaged frames."""


class OutOfSequenceError(McuqError):
    """A model that remembers is at another position than the one asked for: begin the sequence again."""


@dataclass(frozen=True)
class Frame:
    """One intact frame."""

    type: int
    model: int
    sequence: int
    payload: bytes


@dataclass(frozen=True)
class Hello:
    """What a firmware says about one of its models.

    ``counts`` is what its counters mean: "cycles" of a board, which has time too, "instructions" of an emulated chip,
    or "nothing" on a computer.
    """

    version: str
    chip: str
    models: int
    name: str
    hash: str
    steps: int
    signature: str
    counts: str


@dataclass(frozen=True, eq=False)
class Run:
    """One inference: output bytes of all outputs, and how long it took, as the hello's ``counts`` says."""

    outputs: bytes
    microseconds: int
    cycles: int


@dataclass(frozen=True)
class Layer:
    """One step of an inference: bytes of its output, their CRC-32, and cycles or instructions."""

    bytes: int
    crc: int
    cycles: int


@dataclass
class FrameReader:
    """Find intact frames in a stream with anything between them; ``text`` collects what is not a frame."""

    buffer: bytearray = field(default_factory=bytearray)
    text: bytearray = field(default_factory=bytearray)
    damaged: int = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes; yield the frames that are complete now."""
        self.buffer += data
        while frame := self._next():
            yield frame

    def give_up(self) -> Iterator[Frame]:
        """Stop waiting for the rest of a frame: look for others in what it seemed to contain."""
        if len(self.buffer) >= len(SYNC):
            self.damaged += 1
            self._skip(1)
            yield from self.feed(b"")

    def _skip(self, count: int) -> None:
        self.damaged += b"\0" in self.buffer[:count]  # a frame that is not known as one: no text holds such bytes
        self.text += self.buffer[:count]
        del self.buffer[:count]
        del self.text[:-65536]

    def _next(self) -> Frame | None:
        while True:
            start = self.buffer.find(SYNC)
            if start < 0:
                self._skip(len(self.buffer) - self.buffer.endswith(SYNC[:1]))
                return None
            self._skip(start)
            if len(self.buffer) < HEADER.size:
                return None
            _, kind, model, sequence, length, crc = HEADER.unpack_from(self.buffer)
            if crc != zlib.crc32(self.buffer[:12]) or length > MAX_PAYLOAD:
                self._skip(1)
                continue
            end = HEADER.size + length + 4
            if len(self.buffer) < end:
                return None
            if zlib.crc32(self.buffer[: end - 4]) != int.from_bytes(self.buffer[end - 4 : end], "little"):
                self.damaged += 1
                self._skip(1)
                continue
            payload = bytes(self.buffer[HEADER.size : end - 4])
            del self.buffer[:end]
            return Frame(kind, model, sequence, payload)


class Device:
    """A firmware at the other end of a line.

    ``faults`` counts requests that had to be sent again, ``restarts`` how often the firmware has announced its start
    while it should have answered.
    """

    def __init__(self, line: Line, run_seconds: float = RUN_SECONDS) -> None:
        self._line = line
        self._reader = FrameReader()
        self._sequence = secrets.randbits(32)  # so that no answer to an earlier host can be taken for ours
        self._run_seconds = run_seconds
        self._arrived: deque[tuple[Frame, int]] = deque()  # with how much was damaged before
        self._before = 0
        self.faults = 0
        self.restarts = 0

    @property
    def text(self) -> str:
        """What the firmware has printed between frames (its self-test, a boot log)."""
        return self._reader.text.decode(errors="replace")

    def wait_for_boot(self, seconds: float) -> bool:
        """Wait until the firmware says that it serves requests; False if it has not said so in time."""
        deadline = time.monotonic() + seconds
        while frame := self._receive(deadline):
            if frame.type == BOOTED:
                return True
        return False

    def hello(self, model: int = 0) -> Hello:
        """Ask what the firmware holds."""
        lines = self._request(HELLO, model, b"").decode(errors="replace").splitlines()
        said = dict(line.split(" ", 1) for line in lines if " " in line)
        try:
            if said["protocol"] != "1":
                raise McuqError(f"the firmware speaks protocol {said['protocol']}, this mcuq speaks 1: build it again")
            numbers = int(said["models"]), int(said["steps"])
            text = {key: said[key] for key in ("version", "chip", "name", "hash", "signature", "counts")}
            return Hello(models=numbers[0], steps=numbers[1], **text)
        except (KeyError, ValueError):
            raise NoAnswerError("the firmware's hello cannot be read; is it an mcuq application?") from None

    def run(self, model: int, sample: bytes, position: int | None = None) -> Run:
        """Run one inference on the bytes of all inputs.

        Args:
            model: its index in the firmware.
            sample: the bytes of all inputs.
            position: in a sequence, of a model that remembers; 0 begins it.

        Raises:
            OutOfSequenceError: the model is at another position.
        """
        answer = self._request(RUN, model, _words(position) + sample)
        if len(answer) < RUN_HEAD.size:
            raise _foreign(f"a result of {len(answer)} bytes")
        microseconds, cycles = RUN_HEAD.unpack_from(answer)
        return Run(answer[8:], microseconds, cycles)

    def layers(self, model: int, sample: bytes, position: int | None = None) -> list[Layer]:
        """Run one inference (see :meth:`run`); return what every step put out."""
        answer = self._request(LAYERS, model, _words(position) + sample)
        if len(answer) % LAYER.size:
            raise _foreign(f"layers of {len(answer)} bytes")
        return [Layer(*fields) for fields in LAYER.iter_unpack(answer)]

    def step(self, model: int, index: int, sample: bytes, position: int | None = None) -> Array:
        """Run one inference (see :meth:`run`); return the output bytes (uint8) of one step."""
        return np.frombuffer(self._request(STEP, model, _words(index, position) + sample), np.uint8)

    def memory(self) -> tuple[int, int]:
        """Return free heap and the most stack used, in bytes (0: not known)."""
        answer = self._request(MEMORY, 0, b"")
        if len(answer) != RUN_HEAD.size:
            raise _foreign(f"memory in {len(answer)} bytes")
        free, used = RUN_HEAD.unpack(answer)
        return free, used

    def _request(self, kind: int, model: int, payload: bytes) -> bytes:
        """Send a request until it is answered.

        Raises:
            NoAnswerError: after several attempts.
            McuqError: the firmware refuses.
        """
        problem = "nothing comes back"
        for attempt in range(ATTEMPTS):
            self.faults += attempt > 0
            self._sequence = (self._sequence + 1) & 0xFFFFFFFF
            self._send(kind, model, payload)
            answer = self._answer(kind, len(payload))
            if answer is None:
                continue
            if answer.type == REFUSED:
                problem = answer.payload.decode(errors="replace")
                if problem == OUT_OF_SEQUENCE:
                    raise OutOfSequenceError(f"the firmware refuses: {problem}")
                if problem not in DAMAGE:
                    raise McuqError(f"the firmware refuses: {problem}")
                continue
            return answer.payload
        advice = "check port, speed and firmware, and that no other program reads from the port"
        raise NoAnswerError(f"no intact answer in {ATTEMPTS} attempts ({problem}); {advice}")

    def _send(self, kind: int, model: int, payload: bytes) -> None:
        head = struct.pack("<2sBBII", SYNC, kind, model, self._sequence, len(payload))
        frame = head + struct.pack("<I", zlib.crc32(head)) + payload
        self._line.write(frame + struct.pack("<I", zlib.crc32(frame)))

    def _answer(self, kind: int, payload_bytes: int) -> Frame | None:
        """Return the answer or refusal of the newest request; None when it must be sent again."""
        deadline = time.monotonic() + ACCEPT_SECONDS + 2 * payload_bytes / self._line.bytes_per_second
        stall = self._run_seconds if kind == LAYERS else STALL_SECONDS  # layers are sent while the model runs
        damaged: int | None = None  # what is damaged once the firmware computes may be the answer
        while True:
            frame = self._receive(deadline, stall, damaged)
            if frame is None:
                return None
            if frame.type == BOOTED:
                self.restarts += 1
                return None
            if frame.sequence != self._sequence:
                continue
            if frame.type in (kind | ANSWER, REFUSED):
                return frame
            if frame.type == ACCEPTED:
                deadline = time.monotonic() + self._run_seconds
                damaged = self._before

    def _receive(self, deadline: float, stall: float = STALL_SECONDS, damaged: int | None = None) -> Frame | None:
        """Return the next intact frame, or None when the deadline passes, or more frames are damaged than ``damaged``.

        A frame that has begun and does not go on for ``stall`` seconds is given up, so that what was taken for its
        payload is searched for other frames.
        """
        while not self._arrived:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or (damaged is not None and self._reader.damaged > damaged):
                return None
            if data := self._line.read(min(remaining, stall)):
                found = self._reader.feed(data)
            else:
                found = self._reader.give_up()
            self._arrived.extend((frame, self._reader.damaged) for frame in found)
        frame, self._before = self._arrived.popleft()
        return frame


def _foreign(what: str) -> McuqError:
    return McuqError(f"the firmware answers with {what}; it is not this mcuq's: build and flash it again")


def _words(*values: int | None) -> bytes:
    """Return what stands in front of the inputs; None is nothing."""
    return b"".join(struct.pack("<I", value) for value in values if value is not None)
