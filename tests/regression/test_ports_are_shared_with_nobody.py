"""A serial port that vanishes, or that another program has open or reads from, is one line that says so."""

import os
import select
import threading
from contextlib import suppress

import numpy as np
import pytest
from models import small_graph
from requirements import require

from mcuq import pipeline
from mcuq.engines import device as protocol
from mcuq.engines.byte_stream import LineClosedError
from mcuq.engines.device import Device
from mcuq.engines.firmware import input_rows
from mcuq.engines.host import build_host
from mcuq.engines.serial import SerialLine
from mcuq.errors import McuqError, UsageError
from mcuq.simulator import simulate

pty = pytest.importorskip("pty", reason="pseudo terminals are Unix's")


class Port:
    """A pseudo terminal; what comes is answered by ``answers``."""

    def __init__(self, answers) -> None:
        import tty

        self.board, self._kept = pty.openpty()
        tty.setraw(self._kept)
        self.name = os.ttyname(self._kept)
        threading.Thread(target=self._serve, args=(answers,), daemon=True).start()

    def _serve(self, answers) -> None:
        with suppress(OSError):
            while data := os.read(self.board, 4096):
                if (said := answers(data)) is None:
                    self.vanish()
                    return
                os.write(self.board, said)

    def vanish(self) -> None:
        os.close(self.board)
        os.close(self._kept)


def test_a_port_that_vanishes():
    port = Port(lambda data: None)
    line = SerialLine(port.name)
    with pytest.raises(LineClosedError, match="the serial port is gone") as caught:
        Device(line).hello()
    assert "\n" not in str(caught.value)
    line.close()


def test_a_port_that_vanishes_within_an_answer():
    port = Port(lambda data: None if len(data) > 20 else b"\xa5M\x80\x00")
    line = SerialLine(port.name)
    with pytest.raises(McuqError, match="the serial port is gone"):
        Device(line).run(0, bytes(100))
    line.close()


def test_a_port_that_another_program_has_open():
    """Another mcuq, or PlatformIO's monitor, both of which lock it."""
    port = Port(lambda data: b"")
    first = SerialLine(port.name)
    with pytest.raises(UsageError, match="another program, such as a serial monitor, has it open"):
        SerialLine(port.name)
    first.close()
    SerialLine(port.name).close()


def test_a_port_that_another_program_reads_from(tmp_path, monkeypatch):
    """Without asking: answers lose bytes, which is noticed; what is accepted is right, or one line says what may be."""
    require("gcc")
    monkeypatch.setattr(protocol, "ACCEPT_SECONDS", 0.2)
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.05)
    plan = pipeline.write_project(small_graph(np.random.default_rng(0)), "esp32dev", tmp_path).plan
    x = {"image": np.random.default_rng(1).integers(-128, 128, (8, 1, 6, 5, 3)).astype(np.int8)}
    rows, wanted = input_rows(plan.graph, x), simulate(plan, x)["scores"]
    with build_host(tmp_path, ["small"]) as firmware:
        program = firmware.open_line()
        while b"\xa5M\x81" not in program.read(5):
            pass

        def answers(data: bytes) -> bytes:
            program.write(data)
            said = b""
            while more := program.read(0.05):
                said += more
            return said

        port = Port(answers)
        line, other = SerialLine(port.name), os.open(port.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        ended = threading.Event()

        def steal() -> None:
            while not ended.is_set():
                select.select([other], [], [], 0.1)
                with suppress(OSError):
                    os.read(other, 7)

        thief = threading.Thread(target=steal)
        thief.start()
        try:
            device, said = Device(line), ""
            for row, right in zip(rows, wanted, strict=True):
                try:
                    assert device.run(0, row.tobytes()).outputs == right.tobytes()
                except McuqError as error:
                    said = str(error)
                    break
            assert not said or "other program" in said
            assert said or device.faults
        finally:
            ended.set()
            thief.join()
            os.close(other)
            line.close()
            program.close()
