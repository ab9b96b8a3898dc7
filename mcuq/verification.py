"""Compare what a project's C computes with the simulator, and name the first layer that differs."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from mcuq import archive, emit
from mcuq.archive import Archive
from mcuq.data import Reading, Samples, read_samples
from mcuq.engines.byte_stream import ProcessLine
from mcuq.engines.device import Device, Hello
from mcuq.engines.emulator import build_emulated, emulator_command
from mcuq.engines.firmware import (
    Difference,
    Firmware,
    Progress,
    Runs,
    first_difference,
    input_rows,
    revision_in,
    traced_layers,
)
from mcuq.engines.host import FLAGS, build_host
from mcuq.engines.serial import SerialLine
from mcuq.errors import McuqError, StaleFirmwareError, UsageError
from mcuq.files import finish
from mcuq.pipeline import compile_recorded
from mcuq.plan import Plan
from mcuq.processes import ending_with_us
from mcuq.processes.folders import temporary_folder
from mcuq.samples.judging import Tally, judge_integers
from mcuq.samples.task import Task, find_task
from mcuq.simulator import simulate
from mcuq.target.project_format import require_format
from mcuq.tensor import Array

Engine = Literal["host", "rv32", "xtensa", "s3"]
ENGINES: tuple[Engine, ...] = ("host", "rv32", "xtensa", "s3")


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of some measurements; all 0 where nothing is measured."""

    minimum: int
    median: int
    maximum: int

    @classmethod
    def of(cls, values: Array) -> Spread:
        """Return the spread of integers."""
        numbers = [int(v) for v in values]
        return cls(min(numbers), int(statistics.median(numbers)), max(numbers))


@dataclass(frozen=True)
class Verification:
    """The result for one model of a project.

    ``self_test`` is None where it was not heard (a board that was running already). ``microseconds`` and ``cycles``
    are what a board says, ``instructions`` what an emulated chip counts, which has no time; the others are None.
    ``layers`` holds the cycles or instructions of every step, where they are counted. ``faults`` counts requests sent
    again over a disturbed line. ``judged`` are the firmware's answers, where the samples tell right from wrong;
    ``notes`` say how they were read. ``outputs`` counts the samples that differ for each output, by name. ``firmware``
    is its version, ``revision`` the chip's, where that was heard.
    """

    model: str
    engine: str
    chip: str
    samples: int
    different: int
    first: Difference | None
    self_test: bool | None
    microseconds: Spread | None
    cycles: Spread | None
    instructions: Spread | None
    layers: Mapping[str, int]
    stack_used: int
    free_heap: int
    faults: int
    judged: Tally | None = None
    notes: tuple[str, ...] = ()
    outputs: Mapping[str, int] = field(default_factory=dict)
    firmware: str = ""
    revision: str = ""

    def __repr__(self) -> str:
        """Return a line: model, engine, and whether all is equal."""
        equal = f"{self.samples - self.different:,} of {self.samples:,} samples equal"
        return f"<Verification of {self.model} on {self.engine}: {equal}{'' if self.passed else ', not passed'}>"

    @property
    def passed(self) -> bool:
        """Whether every byte is equal, the embedded vectors included."""
        return self.different == 0 and self.self_test is not False


def verify_project(
    project: Path,
    engine: Engine = "host",
    port: str = "",
    data: Path | None = None,
    *,
    samples: Reading | None = None,
    classes: tuple[str, ...] = (),
    flags: Sequence[str] = FLAGS,
    progress: Progress | None = None,
) -> list[Verification]:
    """Verify every model of a project.

    Args:
        project: a folder that ``mcuq build`` wrote.
        engine: where to build and run it.
        port: instead of an engine, a serial port with a board that runs it, as a pyserial URL.
        data: samples to use instead of the project's vectors; only for a project with one model.
        samples: what integers in ``data`` are; see :func:`mcuq.data.reading_of`.
        classes: the labels that the model's outputs stand for, in their order; default: those in ``data``.
        flags: compiler flags of the host engine.
        progress: called with the number of samples done so far.

    Raises:
        UsageError: when the folder holds no model.
        StaleFirmwareError: when the board runs something else.
    """
    archives = [archive.read(path) for path in model_files(project)]
    if data and len(archives) > 1:
        raise UsageError(f"{project}: --data needs a project with one model, this one has {len(archives)}")
    names = [content.graph.name for content in archives]
    given = [_given(content, data, samples, classes) for content in archives]
    if not port:
        require_format(project, _rebuild(project, archives[0]))
    results = []
    with reach(project, names, engine, port, flags) as firmware:
        for content, (inputs, task) in zip(archives, given, strict=True):
            results.append(_verify_model(content, inputs, task, firmware, port or engine, progress))
    return results


def _given(
    content: Archive, data: Path | None, chosen: Reading | None, classes: tuple[str, ...]
) -> tuple[Samples, Task | None]:
    """Return a model's samples, and what they are judged by; its own vectors tell nothing about right and wrong."""
    if data is None:
        return Samples(content.samples), None
    samples = read_samples(data, content.graph, chosen)
    classes = classes or samples.classes or content.classes
    return samples, find_task(content.graph, samples.labels, classes, f"{data}: labels")


def model_files(project: Path) -> list[Path]:
    """Return the project's archives, sorted; what was interrupted there is finished first.

    Raises:
        UsageError: when there are none.
    """
    finish(project)
    archives = sorted(project.glob("*.mcuq"))
    if not archives:
        raise UsageError(f"{project}: holds no .mcuq file; is this a project that `mcuq build` wrote?")
    return archives


def _rebuild(project: Path, model: Archive) -> str:
    """Return the command that writes a project's libraries again, those of its other models too."""
    path = project / f"{model.graph.name}.mcuq"
    return shlex.join(["mcuq", "build", str(path), "--board", model.board or "BOARD", "--out", str(project)])


@contextmanager
def reach(
    project: Path, models: Sequence[str], engine: Engine, port: str = "", flags: Sequence[str] = FLAGS
) -> Iterator[Firmware]:
    """Build a project for an engine, or open the port of a board that runs it; yield the firmware."""
    if port:
        line = SerialLine(port)
        try:
            yield Firmware(lambda: line, starts=False)
        finally:
            line.close()
    elif engine == "host":
        with build_host(project, models, flags) as firmware:
            yield firmware
    else:
        with temporary_folder() as folder:
            elf = build_emulated(project, models, engine, folder)
            yield Firmware(lambda: ProcessLine(ending_with_us(emulator_command(engine, elf))), starts=True, workers=2)


def _verify_model(  # noqa: PLR0917
    content: Archive,
    given: Samples,
    task: Task | None,
    firmware: Firmware,
    where: str,
    progress: Progress | None,
) -> Verification:
    graph, inputs = content.graph, given.inputs
    plan = compile_recorded(content)
    expected = simulate(plan, inputs)
    with firmware.connect() as device:
        text = device.text
        index, hello = find_model(device, graph.name, archive.digest(graph))
    runs = firmware.run(plan, inputs, index, progress)
    unequal = _unequal(expected, runs.outputs)
    wrong = np.flatnonzero(np.any([*unequal.values()], axis=0))
    with firmware.connect() as device:
        first = first_difference(plan, device, inputs, int(wrong[0]), index) if wrong.size else None
        layers = _layers(plan, device, runs, inputs, index)
        free_heap, stack_used = device.memory()
    return Verification(
        model=graph.name,
        engine=where,
        chip=hello.chip,
        samples=len(runs.cycles),
        different=int(wrong.size),
        first=first,
        self_test=f"mcuq: PASS {graph.name} " in text if f" {graph.name} " in text else None,
        microseconds=Spread.of(runs.microseconds) if runs.counts == "cycles" else None,
        cycles=Spread.of(runs.cycles) if runs.counts == "cycles" else None,
        instructions=Spread.of(runs.cycles) if runs.counts == "instructions" else None,
        layers=layers,
        stack_used=stack_used,
        free_heap=free_heap,
        faults=runs.faults,
        judged=judge_integers(task, graph, inputs, given.labels, runs.outputs) if task else None,
        notes=given.notes,
        outputs={name: int(differs.sum()) for name, differs in unequal.items()},
        firmware=hello.version,
        revision=revision_in(text),
    )


def find_model(device: Device, name: str, digest: str) -> tuple[int, Hello]:
    """Return a model's index in the firmware and what the firmware says about it.

    Raises:
        StaleFirmwareError: it is not there, or another one has its name.
    """
    hellos = [device.hello()]
    hellos += [device.hello(index) for index in range(1, hellos[0].models)]
    for index, hello in enumerate(hellos):
        if hello.name == name and hello.hash == digest:
            return index, hello
        if hello.name == name:
            raise StaleFirmwareError(
                f"the firmware's {name} has hash {hello.hash[:12]}…, the project's {digest[:12]}…: flash it again"
            )
    raise StaleFirmwareError(f"the firmware holds {', '.join(h.name for h in hellos)}, not {name}: flash it again")


def _layers(plan: Plan, device: Device, runs: Runs, inputs: Mapping[str, Array], model: int) -> dict[str, int]:
    """Return the cycles or instructions of every step on the first sample, where the firmware counts them."""
    if runs.counts == "nothing" or not runs.cycles.any():
        return {}
    layers = traced_layers(plan, device, input_rows(plan.graph, inputs)[:1], model)
    return {step.name: layer.cycles for step, layer in zip(plan.steps, layers, strict=True)}


def _unequal(expected: Mapping[str, Array], got: Mapping[str, Array]) -> dict[str, Array]:
    """Return which samples differ, [samples] for each output."""
    samples = len(next(iter(expected.values())))
    if any(len(array) != samples for array in got.values()):
        raise McuqError(f"the firmware returned {len(next(iter(got.values())))} results for {samples} samples")
    return {name: (array != got[name]).reshape(samples, -1).any(axis=1) for name, array in expected.items()}


def simulate_on(engine: Engine, plan: Plan, inputs: Mapping[str, Array], progress: Progress | None = None) -> Runs:
    """Emit the model into a temporary folder, build it for an engine, and run the samples there."""
    with _emitted(engine, plan) as (firmware, emitted):
        return firmware.run(emitted, inputs, progress=progress)


def instructions_on(engine: Engine, plan: Plan) -> dict[str, int]:
    """Return the instructions of every layer on an emulated chip, by its name."""
    with _emitted(engine, plan) as (firmware, emitted):
        inputs = emit.self_test_inputs(emitted)
        runs = firmware.run(emitted, inputs)
        with firmware.connect() as device:
            return _layers(emitted, device, runs, inputs, 0)


@contextmanager
def _emitted(engine: Engine, plan: Plan) -> Iterator[tuple[Firmware, Plan]]:
    plan = replace(plan, graph=replace(plan.graph, name="model"))  # a file's own name may be that of a C header
    files = emit.emit_library(plan, Archive(plan.graph, emit.self_test_inputs(plan)))
    with temporary_folder() as folder:
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        with reach(folder, [plan.graph.name], engine) as firmware:
            yield firmware, plan
