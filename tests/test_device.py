"""Both ends of the frame protocol against lines that lose, change, repeat and invent bytes."""

import random
import struct
import subprocess
import zlib

import numpy as np
import pytest
from faulty_line import EVERY_FAULT, FaultyLine
from harness import SANITIZERS, STRICT
from hypothesis import given, settings
from hypothesis import strategies as st
from models import multi_border_graph, small_graph

from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.engines import device as protocol
from mcuq.engines.byte_stream import LineClosedError
from mcuq.engines.device import Device, FrameReader, NoAnswerError
from mcuq.engines.firmware import Firmware, input_rows
from mcuq.engines.host import build_host
from mcuq.errors import McuqError, StaleFirmwareError
from mcuq.simulator import simulate, trace
from mcuq.verification import find_model


def frame(kind: int, payload: bytes = b"", sequence: int = 7, model: int = 0) -> bytes:
    head = struct.pack("<2sBBII", protocol.SYNC, kind, model, sequence, len(payload))
    whole = head + struct.pack("<I", zlib.crc32(head)) + payload
    return whole + struct.pack("<I", zlib.crc32(whole))


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    """Two models in one program, under sanitizers."""
    folder = tmp_path_factory.mktemp("project")
    for graph in (small_graph(np.random.default_rng(0)), multi_border_graph(np.random.default_rng(1))):
        pipeline.write_project(Archive(graph), "esp32dev", folder)
    with build_host(folder, ["small", "multi"], (*STRICT, *SANITIZERS)) as built:
        yield built


@pytest.fixture(params=["small", "multi"])
def case(request, rng):
    """A model: its index in the firmware, its plan and some samples."""
    graph = small_graph(np.random.default_rng(0)) if request.param == "small" else multi_border_graph(rng)
    plan = pipeline.compile(graph, "esp32dev")
    x = {
        n: rng.integers(*graph.values[n].limits, (8, *graph.values[n].shape), endpoint=True).astype(
            graph.values[n].dtype
        )
        for n in graph.inputs
    }
    return ["small", "multi"].index(request.param), plan, x


def test_two_models_run_in_one_firmware(firmware, case):
    index, plan, x = case
    got = firmware.run(plan, x, index)
    expected = simulate(plan, x)
    for name in plan.graph.outputs:
        np.testing.assert_array_equal(got.outputs[name], expected[name])


def test_the_same_input_ten_times_gives_the_same_bytes(firmware, case):
    index, plan, x = case
    row = input_rows(plan.graph, x)[0].tobytes()
    with firmware.connect() as device:
        assert len({device.run(index, row).outputs for _ in range(10)}) == 1


def test_hello_and_hash(firmware, case):
    index, plan, _ = case
    graph = plan.graph
    with firmware.connect() as device:
        assert "mcuq: PASS small 4 of 4" in device.text
        hello = device.hello(index)
        assert (hello.name, hello.hash, hello.steps) == (graph.name, archive.digest(graph), len(plan.steps))
        assert find_model(device, graph.name, archive.digest(graph))[0] == index
        with pytest.raises(StaleFirmwareError, match="flash it again"):
            find_model(device, graph.name, "0" * 64)
        with pytest.raises(StaleFirmwareError, match="holds small, multi, not other"):
            find_model(device, "other", "0" * 64)


def test_layers_and_steps(firmware, case):
    index, plan, x = case
    one = {name: array[:1] for name, array in x.items()}
    row = input_rows(plan.graph, one)[0].tobytes()
    with firmware.connect() as device:
        layers = device.layers(index, row)
        for k, (step, output) in enumerate(trace(plan, one)):
            assert layers[k].crc == zlib.crc32(output.tobytes()), step.name
            np.testing.assert_array_equal(device.step(index, k, row), output.ravel())
        with pytest.raises(McuqError, match="no such step"):
            device.step(index, len(plan.steps), row)


def test_requests_that_make_no_sense_are_refused(firmware):
    with firmware.connect() as device:
        with pytest.raises(McuqError, match="no such model"):
            device.hello(2)
        with pytest.raises(McuqError, match="wrong payload length"):
            device.run(0, b"123")
        with pytest.raises(McuqError, match="unknown request"):
            device._request(99, 0, b"")
        assert device.hello(0).name == "small"


@pytest.mark.parametrize("seed", range(8))
def test_no_fault_passes_unnoticed(firmware, case, seed, monkeypatch):
    """Every result that is accepted is right, whatever the line does; and results are still obtained."""
    monkeypatch.setattr(protocol, "ACCEPT_SECONDS", 0.05)
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.02)
    monkeypatch.setattr(protocol, "RUN_SECONDS", 0.1)
    monkeypatch.setattr(protocol, "ATTEMPTS", 60)
    index, plan, x = case
    expected = simulate(plan, x)
    rows = input_rows(plan.graph, x)
    line = FaultyLine(firmware.open_line(), seed, rate=0.3, faults=EVERY_FAULT)
    try:
        device = Device(line, run_seconds=0.1)
        for i in range(len(rows)):
            got = device.run(index, rows[i].tobytes()).outputs
            assert got == b"".join(expected[n][i].tobytes() for n in plan.graph.outputs)
    finally:
        line.close()
    assert line.injected > 0
    assert device.faults > 0


def test_a_line_that_gives_nothing_is_reported(monkeypatch):
    monkeypatch.setattr(protocol, "ACCEPT_SECONDS", 0.01)

    class Silent:
        bytes_per_second = 1e7

        def write(self, data):
            pass

        def read(self, timeout):
            return b""

        def close(self):
            pass

    with pytest.raises(NoAnswerError, match="no intact answer in 8 attempts"):
        Device(Silent()).hello()


def test_a_program_that_stops_is_reported():
    from mcuq.engines.byte_stream import ProcessLine

    line = ProcessLine(["sh", "-c", "echo out of luck >&2; exit 5"])
    with pytest.raises(LineClosedError, match="status 5: out of luck"):
        Device(line).hello()
    line.close()


def test_restart_in_the_middle_is_noticed(firmware, case):
    """The line goes to a program that is started anew before it can answer: the request is sent again."""
    index, plan, x = case

    class Restarting:
        bytes_per_second = 1e7

        def __init__(self):
            self.line = firmware.open_line()
            self.restarts = 0

        def write(self, data):
            self.line.write(data)
            if self.restarts == 0 and data[2] == protocol.RUN:
                self.line.close()
                self.line = firmware.open_line()
                self.restarts += 1

        def read(self, timeout):
            return self.line.read(timeout)

        def close(self):
            self.line.close()

    got = Firmware(Restarting, starts=True).run(plan, {n: a[:3] for n, a in x.items()}, index)

    expected = simulate(plan, x)
    for name in plan.graph.outputs:
        np.testing.assert_array_equal(got.outputs[name], expected[name][:3])
    assert got.faults == 1


def test_another_firmware_after_a_restart_is_refused(firmware):
    plan = pipeline.compile(small_graph(np.random.default_rng(0)), "esp32dev")
    x = {"image": np.zeros((2, 1, 6, 5, 3), np.int8)}

    class Exchanged(Device):
        def run(self, model, sample):
            self.restarts += 1
            self._exchanged = True
            return super().run(model, sample)

        def hello(self, model=0):
            return super().hello(1 if getattr(self, "_exchanged", False) else model)

    class Swapping(Firmware):
        def connect(self):
            from contextlib import contextmanager

            @contextmanager
            def connection():
                line = self.open_line()
                yield Exchanged(line)
                line.close()

            return connection()

    with pytest.raises(McuqError, match="exchanged"):
        Swapping(firmware.open_line, starts=True).run(plan, x)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=6),
    st.lists(st.binary(max_size=30), min_size=7, max_size=7),
    st.integers(1, 50),
)
def test_reader_finds_every_frame_between_noise(frames, noise, chunk):
    """Noise without a sync byte never costs a frame, however the stream is cut."""
    clean = [part.replace(b"\xa5", b"?") for part in noise]
    stream = clean[0] + b"".join(frame(k, p, i) + clean[i + 1] for i, (k, p) in enumerate(frames))
    reader = FrameReader()
    found = [f for i in range(0, len(stream), chunk) for f in reader.feed(stream[i : i + chunk])]

    assert [(f.type, f.payload, f.sequence) for f in found] == [(k, p, i) for i, (k, p) in enumerate(frames)]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.data())
def test_reader_never_takes_a_changed_frame(payload, data):
    good = frame(5, payload)
    at = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[at] ^= data.draw(st.integers(1, 255))
    reader = FrameReader()
    found = [*reader.feed(bytes(changed)), *reader.feed(good)]
    while len(reader.buffer) >= 2:
        found += list(reader.give_up())

    assert found[-1:] == [protocol.Frame(5, 0, 7, payload)]
    assert all(f == found[-1] for f in found)


@pytest.mark.parametrize("seed", range(40))
def test_firmware_parser_survives_anything(firmware, seed):
    """Random and mutated frames under sanitizers; then, at most one swallowed payload later, hellos are answered."""
    rng = random.Random(seed)
    sample = bytes(rng.randbytes(6 * 5 * 3))
    stream = bytearray()
    for _ in range(60):
        kind = rng.choice([1, 2, 3, 4, 5, 6, 0, 255])
        good = frame(
            kind,
            rng.choice([b"", sample, rng.randbytes(4) + sample, rng.randbytes(rng.randint(0, 300))]),
            rng.getrandbits(32),
            rng.choice([0, 1, 2, 255]),
        )
        stream += rng.choice(EVERY_FAULT)(rng, good) if rng.random() < 0.7 else good
    longest = 4 + len(sample) + 4
    ending = frame(protocol.HELLO, sequence=42) * (longest // 20 + 3)
    line = firmware.open_line()
    command = line._process.args
    line.close()
    done = subprocess.run(command, input=bytes(stream) + ending, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert any(f.sequence == 42 and f.type == 0x41 for f in FrameReader().feed(done.stdout))
