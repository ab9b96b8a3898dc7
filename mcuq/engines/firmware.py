"""Run samples on a firmware: a host program, an emulated chip or a board, all through the same protocol."""

from __future__ import annotations

import itertools
import re
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np

from mcuq.engines.byte_stream import Line, LineClosedError
from mcuq.engines.device import Device, Layer, NoAnswerError, Run
from mcuq.engines.sequence import at_last, run_sequence
from mcuq.errors import McuqError
from mcuq.graph import Graph
from mcuq.plan import Plan
from mcuq.simulator import after, trace
from mcuq.tensor import Array

BOOT_SECONDS = 300.0
SAMPLES_PER_WORKER = 64  # fewer are not worth starting another program

T = TypeVar("T")
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Difference:
    """The first byte that differs: in which sample (of a sequence: step), after which layer, where in its output."""

    sample: int
    step: str
    kernel: str
    element: int
    expected: int
    got: int
    is_sequence: bool = False

    def __str__(self) -> str:
        what = "step" if self.is_sequence else "sample"
        return (
            f"first difference: {what} {self.sample}, layer {self.step} (mcuq_{self.kernel}), "
            f"element {self.element}: expected {self.expected}, got {self.got}"
        )


@dataclass(frozen=True, eq=False)
class Runs:
    """Results of samples: [samples, *shape] per output; microseconds and cycles [samples] as the firmware counts.

    What they mean is in ``counts``: "cycles" of a board, which has time too; "instructions" of an emulated chip, which
    has none; or "nothing" on a computer.
    ``faults`` counts requests that were sent again over a disturbed line.
    """

    outputs: Mapping[str, Array]
    microseconds: Array
    cycles: Array
    counts: str
    faults: int


@dataclass(frozen=True)
class Firmware:
    """How to reach a firmware.

    ``starts`` says that opening the line starts it, so that its self-test is heard, and closing ends it; ``workers``
    how many may run at a time.
    """

    open_line: Callable[[], Line]
    starts: bool
    workers: int = 1

    @contextmanager
    def connect(self) -> Iterator[Device]:
        """Open a line; yield the device behind it once it serves requests.

        Raises:
            NoAnswerError: it does not.
        """
        line = self.open_line()
        try:
            device = Device(line)
            if self.starts and not device.wait_for_boot(BOOT_SECONDS):
                raise NoAnswerError(f"the firmware has not started within {BOOT_SECONDS:.0f} s")
            yield device
        finally:
            if self.starts:
                line.close()

    def self_test(self) -> str:
        """Start it; return what it prints."""
        with self.connect() as device:
            return device.text

    def run(self, plan: Plan, inputs: Mapping[str, Array], model: int = 0, progress: Progress | None = None) -> Runs:
        """Run samples ([samples, *shape] per model input), several at a time where that is possible.

        A model with states takes them as the steps of one sequence.

        Args:
            plan: the model, as lowered for this firmware.
            inputs: in the inputs' dtypes.
            model: its index within the firmware.
            progress: called with the number of samples done so far.
        """
        rows = input_rows(plan.graph, inputs)
        done = itertools.count(1)

        lines = _Lines(self.open_line)

        def work(part: Array) -> tuple[list[Run], str, int]:
            with replace(self, open_line=lines.open).connect() as device:
                results, counts = list[Run](), device.hello(model).counts
                for run in (run_sequence if plan.graph.states else _run_rows)(device, model, part):
                    results.append(run)
                    if progress:
                        progress(next(done))
                return results, counts, device.faults

        workers = 1 if plan.graph.states else min(self.workers, len(rows) // SAMPLES_PER_WORKER)
        parts = np.array_split(rows, max(1, workers))
        finished = [work(parts[0])] if len(parts) == 1 else lines.together(work, parts)
        runs = [run for results, *_ in finished for run in results]
        return Runs(
            split_outputs(plan.graph, b"".join(run.outputs for run in runs)),
            np.array([run.microseconds for run in runs], np.int64),
            np.array([run.cycles for run in runs], np.int64),
            finished[0][1],
            sum(faults for *_, faults in finished),
        )


@dataclass
class _Lines:
    """The lines of the programs that run at a time: when one part fails, or somebody stops it all, all end at once."""

    open_line: Callable[[], Line]
    opened: list[Line] = field(default_factory=list)
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> Line:
        with self.lock:
            if self.ended:
                raise LineClosedError("another part of the samples has failed")
            line = self.open_line()
            self.opened.append(line)
            return line

    def together(self, work: Callable[[Array], T], parts: Sequence[Array]) -> list[T]:
        with ThreadPoolExecutor(len(parts)) as pool:
            try:
                return list(pool.map(work, parts))
            except BaseException:
                with self.lock:
                    self.ended = True
                for line in self.opened:
                    line.close()
                raise


def revision_in(text: str) -> str:
    """Return the chip's revision as its bootloader says it at the start; empty where it was not heard."""
    said = re.search(r"chip revision: (v?[0-9][0-9.]{0,19})", text)
    return said[1] if said else ""


def _run_rows(device: Device, model: int, rows: Array) -> Iterator[Run]:
    """Run samples one after the other.

    Raises:
        McuqError: the firmware has restarted and is another one now.
    """
    hello = device.hello(model)
    for row in rows:
        restarts = device.restarts
        run = device.run(model, row.tobytes())
        if device.restarts != restarts and device.hello(model) != hello:
            raise McuqError("the firmware was exchanged while samples were running")
        yield run


def input_rows(graph: Graph, inputs: Mapping[str, Array]) -> Array:
    """Return samples as a firmware takes them: [samples, bytes of all inputs]."""
    flat = [np.ascontiguousarray(inputs[n]).reshape(len(inputs[n]), -1).view(np.uint8) for n in graph.inputs]
    return np.concatenate(flat, axis=1)


def split_outputs(graph: Graph, raw: bytes) -> dict[str, Array]:
    """Return the outputs' arrays, [samples, *shape] each, of the bytes of many runs.

    Raises:
        McuqError: when the bytes do not divide into samples.
    """
    sizes = [graph.values[name].bytes for name in graph.outputs]
    if len(raw) % sum(sizes):
        raise McuqError(f"the firmware returned {len(raw)} bytes, outputs have {sum(sizes)}: it holds another model")
    columns = np.split(np.frombuffer(raw, np.uint8).reshape(-1, sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
    return {
        name: np.ascontiguousarray(column).view(graph.values[name].dtype).reshape(-1, *graph.values[name].shape)
        for name, column in zip(graph.outputs, columns, strict=True)
    }


def first_difference(
    plan: Plan, device: Device, inputs: Mapping[str, Array], sample: int, model: int = 0
) -> Difference:
    """Run one sample step by step on both sides; return the first byte that differs.

    Raises:
        McuqError: every step is equal, so the difference came from elsewhere.
    """
    rows = input_rows(plan.graph, {name: array[: sample + 1] for name, array in inputs.items()})
    one = {name: array[sample : sample + 1] for name, array in inputs.items()}
    layers = traced_layers(plan, device, rows, model)
    kept = after(plan, {name: array[:sample] for name, array in inputs.items()})
    for index, (step, wanted) in enumerate(trace(plan, one, kept)):
        expected = wanted.reshape(-1)
        if index < len(layers) and layers[index].crc == zlib.crc32(expected.tobytes()):
            continue
        got = _traced_step(plan, device, rows, model, index)
        wrong = np.flatnonzero(expected != got) if expected.size == got.size else np.zeros(1, int)
        if not wrong.size:
            raise McuqError(f"layer {step.name} differs in one run and not in the next: its memory is disturbed")
        dtype = np.dtype(plan.graph.values[step.outputs[0]].dtype)
        element = int(wrong[0]) // dtype.itemsize
        pair = [int(x.view(dtype)[element]) for x in (expected, got)]
        has_states = bool(plan.graph.states)
        return Difference(sample, step.name, step.params.kernel, element, pair[0], pair[1], has_states)
    raise McuqError("the outputs differ although every step is equal: a step writes outside its output")


def traced_layers(plan: Plan, device: Device, rows: Array, model: int = 0) -> list[Layer]:
    """Run the last of some samples, [samples, bytes of all inputs]; return what every step put out."""
    if plan.graph.states:
        return at_last(device, model, rows, partial(device.layers, model))
    return device.layers(model, rows[-1].tobytes())


def _traced_step(plan: Plan, device: Device, rows: Array, model: int, index: int) -> Array:
    """Run the last of some samples; return the output bytes of one step."""
    if plan.graph.states:
        return at_last(device, model, rows, partial(device.step, model, index))
    return device.step(model, index, rows[-1].tobytes())
