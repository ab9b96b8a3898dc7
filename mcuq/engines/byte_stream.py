"""Byte streams to a running firmware: a process's pipes, or a serial port."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Sequence
from typing import Protocol

from mcuq.errors import McuqError


class LineClosedError(McuqError):
    """The other side has gone."""


class Line(Protocol):
    """What the frame protocol needs of a line."""

    bytes_per_second: float

    def write(self, data: bytes) -> None:
        """Send all bytes."""

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, waiting at most ``timeout`` seconds for the first byte; empty: nothing came."""

    def close(self) -> None:
        """Let go of the other side."""


class ProcessLine:
    """A program whose standard input and output are the line."""

    bytes_per_second = 1e7

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._errors = b""
        self._readers = [
            threading.Thread(target=self._pump, daemon=True),
            threading.Thread(target=self._pump_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _pump(self) -> None:
        assert self._process.stdout
        while data := self._process.stdout.read(1 << 16):
            self._arrived.put(data)
        self._arrived.put(b"")

    def _pump_errors(self) -> None:
        assert self._process.stderr
        while data := self._process.stderr.read(1 << 12):
            self._errors = (self._errors + data)[-4000:]

    def write(self, data: bytes) -> None:
        """See :meth:`Line.write`."""
        assert self._process.stdin
        view = memoryview(data)
        try:
            while view:
                view = view[self._process.stdin.write(view) :]
        except (BrokenPipeError, OSError):
            raise self._closed() from None

    def read(self, timeout: float) -> bytes:
        """See :meth:`Line.read`."""
        try:
            data = self._arrived.get(timeout=timeout)
        except queue.Empty:
            return b""
        if not data:
            self._arrived.put(b"")
            raise self._closed()
        return data

    def close(self) -> None:
        """See :meth:`Line.close`."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(timeout=1)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def _closed(self) -> LineClosedError:
        status = self._process.wait(timeout=10)
        self._readers[1].join(timeout=1)
        said = self._errors.decode(errors="replace").strip()
        return LineClosedError(f"the program stopped with status {status}{': ' if said else ''}{said}")
