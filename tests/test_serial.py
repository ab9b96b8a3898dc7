"""End to end over a socket serial port: pyserial, TCP, an emulated UART, the firmware (contract N4)."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from faulty_line import EVERY_FAULT, FaultyLine
from requirements import require_tool

from mcuq import archive, loading, pipeline
from mcuq.archive import Archive
from mcuq.data import read_samples
from mcuq.engines import device as protocol
from mcuq.engines.device import Device
from mcuq.engines.emulator import build_emulated, emulator_command
from mcuq.engines.firmware import Firmware, input_rows
from mcuq.engines.serial import SerialLine
from mcuq.errors import McuqError, StaleFirmwareError, UsageError
from mcuq.simulator import simulate
from mcuq.target.setup import Setup
from mcuq.verification import verify_project

ROOT = Path(__file__).parents[1]
SAMPLES = 100


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


class Board:
    """An emulated chip whose UART and monitor are sockets; ``reset`` presses its button."""

    def __init__(self, elf: Path) -> None:
        self.port, self._monitor = free_port(), free_port()
        command = emulator_command("rv32", elf, f"tcp:localhost:{self.port},server=on,wait=off")
        command[command.index("-monitor") + 1] = f"tcp:localhost:{self._monitor},server=on,wait=off"
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.url = f"socket://localhost:{self.port}"

    def line(self) -> SerialLine:
        for _ in range(100):
            try:
                return SerialLine(self.url)
            except UsageError:
                time.sleep(0.05)
        raise AssertionError("QEMU does not listen")

    def reset(self) -> None:
        with socket.create_connection(("localhost", self._monitor)) as monitor:
            monitor.sendall(b"system_reset\n")
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def kws(shared, tmp_path_factory):
    """A KWS project, its ELF, 100 samples and what the simulator computes for them."""
    require_tool("qemu-system-riscv32", "apt-get install qemu-system-misc")
    require_tool("riscv64-unknown-elf-gcc", "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf")
    folder = tmp_path_factory.mktemp("kws")
    graph = loading.load(shared / "models/mlperf/kws_dscnn_int8.tflite")
    written = pipeline.write_project(Archive(graph), "esp32-c3-devkitm-1", folder, name="kws")
    elf = build_emulated(folder, ["kws"], "rv32", tmp_path_factory.mktemp("elf"))
    inputs = read_samples(shared / "data/kws01.npz", written.plan.graph).inputs
    inputs = {name: array[:SAMPLES] for name, array in inputs.items()}
    return folder, written.plan, elf, inputs, simulate(written.plan, inputs)


@pytest.fixture
def board(kws):
    running = Board(kws[2])
    yield running
    running.stop()


@pytest.fixture
def impatient(monkeypatch):
    """Shorter waits than on a real line, so that lost frames cost little time."""
    monkeypatch.setattr(protocol, "ACCEPT_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.1)
    monkeypatch.setattr(protocol, "ATTEMPTS", 60)


def test_100_samples_are_equal(kws, board, tmp_path):
    """`mcuq verify --port`, as a user calls it."""
    folder, plan, _, inputs, _ = kws
    board.line().close()
    np.savez(tmp_path / "x.npz", X=inputs[plan.graph.inputs[0]])
    command = [sys.executable, "-m", "mcuq", "verify", folder, "--port", board.url, "--data", tmp_path / "x.npz"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["models"]
    assert (result["samples"], result["different"], result["faults"]) == (SAMPLES, 0, 0)
    assert 0 < result["instructions"]["minimum"] <= result["instructions"]["maximum"]
    assert len(result["layers"]) == len(plan.steps)


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 6))])
def test_injected_faults_are_detected_and_recovered(kws, board, impatient, seed):
    """Noise before, inside and after frames, lost, changed and repeated bytes: every accepted result is right."""
    _, plan, _, inputs, expected = kws
    line = FaultyLine(board.line(), seed, rate=0.15, faults=EVERY_FAULT)
    device = Device(line, run_seconds=1)
    (output,) = plan.graph.outputs
    rows = input_rows(plan.graph, inputs)
    for i in range(SAMPLES):
        assert device.run(0, rows[i].tobytes()).outputs == expected[output][i].tobytes()
    line.close()

    assert line.injected > 0
    assert device.faults > 0


def test_reset_in_the_middle_is_recovered(kws, board, impatient):
    _, plan, _, inputs, expected = kws

    class Pressing(SerialLine):
        sent = 0

        def write(self, data):
            super().write(data)
            if data[2] == protocol.RUN:
                Pressing.sent += 1
                if Pressing.sent in (2, 5):
                    board.reset()

    board.line().close()
    line = Pressing(board.url)
    some = {name: array[:8] for name, array in inputs.items()}
    runs = Firmware(lambda: line, starts=False).run(plan, some)
    line.close()

    np.testing.assert_array_equal(runs.outputs[plan.graph.outputs[0]], expected[plan.graph.outputs[0]][:8])
    assert runs.faults >= 2


def test_a_host_killed_in_the_middle_leaves_a_usable_board(kws, board):
    """Half a request is given up after a silence; the next host finds the board as new."""
    folder, plan, _, inputs, expected = kws
    board.line().close()
    command = [sys.executable, "-m", "mcuq", "verify", str(folder), "--port", board.url]
    for seconds in (0.6, 0.9, 1.2):
        host = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        os.kill(host.pid, signal.SIGKILL)
        host.wait()
    line = board.line()
    head = b"\xa5M\x02\x00" + bytes(12)
    line.write(head[:9])
    line.close()
    row = input_rows(plan.graph, inputs)[3].tobytes()
    line = board.line()
    got = Device(line).run(0, row).outputs
    line.close()

    assert got == expected[plan.graph.outputs[0]][3].tobytes()


def test_stale_firmware_is_refused(kws, board, shared, tmp_path):
    """The project was built again from another model, the board was not flashed."""
    graph = loading.load(shared / "models/mlperf/sww_int8.tflite")
    pipeline.write_project(Archive(graph), "esp32-c3-devkitm-1", tmp_path, name="kws")
    board.line().close()
    with pytest.raises(StaleFirmwareError, match="flash it again"):
        verify_project(tmp_path, port=board.url)
    done = subprocess.run(
        [sys.executable, "-m", "mcuq", "verify", tmp_path, "--port", board.url],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith("mcuq: error: the firmware's kws has hash")


def test_a_planted_wrong_byte_is_named_by_every_engine(kws, tmp_path):
    """The same layer, element, expected and got: on the host, in the emulator and over serial."""
    graph = archive.read(kws[0] / "kws.mcuq").graph
    pipeline.write_project(Archive(graph), "esp32-c3-devkitm-1", tmp_path, setup=Setup(slower=0))
    kernel = tmp_path / "lib/mcuq/src/mcuq_average_pool_s8.c"
    good = kernel.read_text()
    kernel.write_text(good.replace("mcuq_clamp_s8(", "1 ^ mcuq_clamp_s8("))
    assert kernel.read_text() != good
    board = Board(build_emulated(tmp_path, ["kws"], "rv32", tmp_path))
    try:
        board.line().close()
        results = [verify_project(tmp_path)[0], verify_project(tmp_path, "rv32")[0]]
        results.append(verify_project(tmp_path, port=board.url)[0])
    finally:
        board.stop()

    assert [r.passed for r in results] == [False, False, False]
    assert results[0].first.step == "average_pool_9"
    assert results[0].first == results[1].first == results[2].first


def test_ports_that_are_not_there(tmp_path):
    for url in ("/dev/does-not-exist", f"socket://localhost:{free_port()}", "nonsense://x"):
        with pytest.raises(UsageError, match="cannot open"):
            SerialLine(url)


def test_something_else_at_the_other_end(impatient, monkeypatch):
    """A device that only talks to itself: one clear error, no endless wait."""
    monkeypatch.setattr(protocol, "ACCEPT_SECONDS", 0.05)
    monkeypatch.setattr(protocol, "ATTEMPTS", 3)
    with pytest.raises(McuqError, match="no intact answer"):
        line = SerialLine("loop://")  # pyserial's echo
        try:
            Device(line).hello()
        finally:
            line.close()
