"""Exchanges with a firmware over a socket whose line flips, loses and repeats bytes, or whose board starts anew.

    python tests/sweeps/disturbed_line.py 1000

The firmware is the application's own code, compiled for this computer; each exchange suffers one fault somewhere in its
request or its answer. None may be taken for right that is not; how long a repair takes is printed, by kind of fault.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))  # as a script

import numpy as np
from models import small_graph

from mcuq import pipeline
from mcuq.engines.device import Device
from mcuq.engines.firmware import input_rows
from mcuq.engines.host import build_host
from mcuq.engines.serial import SerialLine
from mcuq.simulator import simulate

KINDS = ("none", "flip", "drop", "repeat", "reset")


class Line:
    """A program's standard input and output as a socket, with one fault at a time.

    ``arm`` prepares the next one: what happens, to bytes of which direction (0: to the program), after how many.
    """

    def __init__(self, command: list[str]) -> None:
        self._command, self._lock = command, threading.Lock()
        self._fault: tuple[str, int, int, Random] | None = None
        self._socket: socket.socket | None = None
        self._program = self._started()
        self._listening = socket.create_server(("localhost", 0))
        self.url = f"socket://localhost:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._to_program, daemon=True).start()

    def arm(self, kind: str, direction: int, after: int, random: Random) -> None:
        with self._lock:
            self._fault = (kind, direction, after, random)

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        for connection in (self._listening, self._socket):
            if connection:
                connection.close()

    def _started(self) -> subprocess.Popen[bytes]:
        program = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        threading.Thread(target=self._from_program, args=(program,), daemon=True).start()
        return program

    def _to_program(self) -> None:
        self._socket, _ = self._listening.accept()
        with suppress(OSError):
            while data := self._socket.recv(4096):
                changed = self._disturbed(0, data)
                with suppress(BrokenPipeError):
                    assert self._program.stdin
                    self._program.stdin.write(changed)

    def _from_program(self, program: subprocess.Popen[bytes]) -> None:
        assert program.stdout
        with suppress(OSError, ValueError):
            while data := program.stdout.read(4096):
                changed = self._disturbed(1, data)
                while self._socket is None:
                    time.sleep(0.001)
                self._socket.sendall(changed)

    def _disturbed(self, direction: int, data: bytes) -> bytes:
        with self._lock:
            if self._fault is None or self._fault[1] != direction:
                return data
            kind, _, after, random = self._fault
            if after >= len(data):
                self._fault = (kind, direction, after - len(data), random)
                return data
            self._fault = None
            before, rest = data[:after], data[after:]
            if kind == "flip":
                return before + bytes([rest[0] ^ 1 << random.randrange(8)]) + rest[1:]
            if kind == "drop":
                return before + rest[random.randint(1, 12) :]
            if kind == "repeat":
                return before + rest[: random.randint(1, 12)] + rest
            self._program.kill()
            self._program.wait()
            self._program = self._started()
            return before


@contextmanager
def line() -> Iterator[tuple[Line, object]]:
    """Yield the line to a firmware with a small model, and its plan."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        plan = pipeline.write_project(small_graph(np.random.default_rng(0)), "esp32dev", folder).plan
        with build_host(Path(folder), ["small"]) as firmware:
            opened = firmware.open_line()
            command = opened._process.args
            opened.close()
            disturbed = Line(command)
            try:
                yield disturbed, plan
            finally:
                disturbed.close()


def exchanges(count: int, seed: int = 14) -> dict[str, list[tuple[float, bool]]]:
    """Run samples; return seconds and whether something had to be repaired, by kind of fault.

    Raises:
        AssertionError: for a result that was taken for right and is not.
    """
    random, rng = Random(seed), np.random.default_rng(seed)
    found = defaultdict(list)
    with line() as (disturbed, plan):
        x = {"image": rng.integers(-128, 128, (count, 1, 6, 5, 3)).astype(np.int8)}
        rows, wanted = input_rows(plan.graph, x), simulate(plan, x)["scores"]
        serial = SerialLine(disturbed.url)
        device = Device(serial)
        device.hello()
        for number in range(count):
            kind, direction = KINDS[number % len(KINDS)], random.randrange(2)
            bytes_of = (20 + rows.shape[1], 20 + 28 + wanted[0].size)[direction]
            before, begin = (device.faults, device.restarts), time.monotonic()
            if kind != "none":
                disturbed.arm(kind, direction, random.randrange(bytes_of), random)
            outputs = device.run(0, rows[number].tobytes()).outputs
            seconds = time.monotonic() - begin
            assert outputs == wanted[number].tobytes(), f"exchange {number}: {kind} in direction {direction}"
            found[kind].append((seconds, (device.faults, device.restarts) != before))
        serial.close()
    return dict(found)


def median_repair(found: dict[str, list[tuple[float, bool]]]) -> float:
    """Return the median seconds that repaired exchanges took beyond undisturbed ones."""
    plain = np.median([seconds for seconds, _ in found["none"]])
    return float(np.median([seconds - plain for all_of in found.values() for seconds, repaired in all_of if repaired]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=14)
    given = parser.parse_args()
    found = exchanges(given.count, given.seed)
    print(f"{given.count} exchanges, seed {given.seed}: none accepted that is wrong")
    for kind, all_of in found.items():
        seconds = [s for s, repaired in all_of if repaired or kind == "none"]
        said = f"median {1000 * np.median(seconds):.0f} ms, longest {1000 * max(seconds):.0f} ms" if seconds else ""
        print(f"{kind:7} {len(all_of):5}, repaired {sum(repaired for _, repaired in all_of):5}: {said}")
    print(f"a repair takes {1000 * median_repair(found):.0f} ms (median)")


if __name__ == "__main__":
    main()
