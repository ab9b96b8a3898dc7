"""Sequences over a line that loses, changes, repeats and invents bytes: no step is run twice, none is left out."""

import numpy as np
import pytest
from faulty_line import EVERY_FAULT, FaultyLine
from harness import SANITIZERS, STRICT
from models import remembering_graph, small_graph

from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.engines import device as protocol
from mcuq.engines.device import Device, OutOfSequenceError
from mcuq.engines.firmware import Firmware, input_rows, traced_layers
from mcuq.engines.host import build_host
from mcuq.engines.sequence import run_sequence
from mcuq.simulator import after, simulate, trace

REMEMBERING, SMALL = 0, 1  # in the firmware


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    """A model that remembers and one that does not in one program, under sanitizers."""
    folder = tmp_path_factory.mktemp("project")
    for graph in (remembering_graph(np.random.default_rng(0)), small_graph(np.random.default_rng(0))):
        pipeline.write_project(Archive(graph), "esp32dev", folder)
    with build_host(folder, ["remembering", "small"], (*STRICT, *SANITIZERS)) as built:
        yield built


@pytest.fixture
def plan():
    return pipeline.compile(remembering_graph(np.random.default_rng(0)), "esp32dev")


@pytest.fixture
def x(rng):
    return {"x": rng.integers(-128, 128, (12, 1, 3, 5)).astype(np.int8)}


@pytest.fixture
def rows(plan, x):
    return input_rows(plan.graph, x)


@pytest.fixture
def expected(plan, x):
    return [row.tobytes() for row in simulate(plan, x)["scores"]]


def test_a_run_is_answered_again_and_not_run_again(firmware, rows, expected):
    with firmware.connect() as device:
        for position in (0, 0, 1, 1, 1, 2, 3, 3):
            assert device.run(REMEMBERING, rows[position].tobytes(), position).outputs == expected[position]


def test_any_other_position_is_refused(firmware, rows, expected):
    with firmware.connect() as device:
        with pytest.raises(OutOfSequenceError):
            device.run(REMEMBERING, rows[1].tobytes(), 1)
        for position in range(3):
            device.run(REMEMBERING, rows[position].tobytes(), position)
        for position in (1, 4, 0xFFFFFFFF):
            with pytest.raises(OutOfSequenceError, match="out of sequence"):
                device.run(REMEMBERING, rows[0].tobytes(), position)
        assert device.run(REMEMBERING, rows[3].tobytes(), 3).outputs == expected[3]


def test_a_model_that_remembers_nothing_ends_the_sequence(firmware, rows, expected):
    """Its run takes the place in which the last answer was kept."""
    with firmware.connect() as device:
        device.run(REMEMBERING, rows[0].tobytes(), 0)
        device.run(SMALL, bytes(90))
        with pytest.raises(OutOfSequenceError):
            device.run(REMEMBERING, rows[1].tobytes(), 1)
        assert [run.outputs for run in run_sequence(device, REMEMBERING, rows)] == expected


def test_layers_and_steps_follow_the_steps_before_them(firmware, plan, x, rows):
    kept = after(plan, {"x": x["x"][:4]})
    with firmware.connect() as device:
        layers = traced_layers(plan, device, rows[:5], REMEMBERING)
        wanted = [out.tobytes() for _, out in trace(plan, {"x": x["x"][4:5]}, kept)]
        assert [layer.crc for layer in layers] == [protocol.zlib.crc32(out) for out in wanted]
        with pytest.raises(OutOfSequenceError):  # the run was traced, its outputs were not asked for
            device.run(REMEMBERING, rows[4].tobytes(), 4)


@pytest.mark.parametrize("seed", range(8))
def test_no_fault_passes_unnoticed(firmware, rows, expected, seed, monkeypatch):
    """Every result that is accepted is right, whatever the line does; and the sequence is finished."""
    monkeypatch.setattr(protocol, "ACCEPT_SECONDS", 0.05)
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.02)
    monkeypatch.setattr(protocol, "ATTEMPTS", 60)
    line = FaultyLine(firmware.open_line(), seed, rate=0.3, faults=EVERY_FAULT)
    try:
        device = Device(line, run_seconds=0.1)
        assert [run.outputs for run in run_sequence(device, REMEMBERING, rows)] == expected
    finally:
        line.close()
    assert line.injected > 0
    assert device.faults > 0


def test_a_restart_in_the_middle_begins_the_sequence_again(firmware, rows, expected):
    class Restarting:
        """A line to a program that is started anew after some requests."""

        bytes_per_second = 1e7

        def __init__(self):
            self.line = firmware.open_line()
            self.written = 0

        def write(self, data):
            self.written += 1
            if self.written in (4, 9):
                self.line.close()
                self.line = firmware.open_line()
            self.line.write(data)

        def read(self, timeout):
            return self.line.read(timeout)

        def close(self):
            self.line.close()

    restarting = Firmware(Restarting, starts=True)
    with restarting.connect() as device:
        assert [run.outputs for run in run_sequence(device, REMEMBERING, rows)] == expected
        assert device.restarts == 2
