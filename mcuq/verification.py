"""Compare what a project's C computes with the simulator, and name the first layer that differs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcuq import archive, emit
from mcuq.archive import Archive
from mcuq.data import read_samples
from mcuq.engines.firmware import Difference, Firmware, Progress, first_difference
from mcuq.engines.host import FLAGS, build_host
from mcuq.errors import McuqError, UsageError
from mcuq.files import write_files
from mcuq.pipeline import compile as compile_graph
from mcuq.plan import Plan
from mcuq.simulator import simulate
from mcuq.tensor import Array


@dataclass(frozen=True)
class Verification:
    """The result for one model of a project."""

    model: str
    engine: str
    samples: int
    different: int
    first: Difference | None
    self_test: bool

    @property
    def passed(self) -> bool:
        """Whether every byte is equal, the embedded vectors included."""
        return self.different == 0 and self.self_test


def verify_project(project: Path, data: Path | None = None, flags: Sequence[str] = FLAGS) -> list[Verification]:
    """Verify every model of a project on the host.

    Args:
        project: a folder that ``mcuq build`` wrote.
        data: samples to use instead of the project's vectors; only for a project with one model.
        flags: compiler flags.

    Raises:
        UsageError: when the folder holds no model.
    """
    archives = sorted(project.glob("*.mcuq"))
    if not archives:
        raise UsageError(f"{project}: holds no .mcuq file; is this a project that `mcuq build` wrote?")
    if data and len(archives) > 1:
        raise UsageError(f"{project}: --data needs a project with one model, this one has {len(archives)}")
    return [_verify_model(project, archive.read(path), data, flags) for path in archives]


def _verify_model(project: Path, content: Archive, data: Path | None, flags: Sequence[str]) -> Verification:
    graph = content.graph
    plan = compile_graph(graph, content.board or None)
    inputs = read_samples(data, graph).inputs if data else content.samples
    with build_host(project, graph.name, flags) as firmware:
        self_test = f"mcuq: PASS {graph.name} " in firmware.self_test()
        different, first = compare(plan, firmware, inputs)
    samples = len(next(iter(inputs.values())))
    return Verification(graph.name, "host", samples, different, first, self_test)


def compare(
    plan: Plan, firmware: Firmware, inputs: Mapping[str, Array], progress: Progress | None = None
) -> tuple[int, Difference | None]:
    """Run samples on both sides; return how many differ and where the first one begins to."""
    expected = simulate(plan, inputs)
    got = firmware.run(plan, inputs, progress=progress).outputs
    wrong = _wrong_samples(expected, got)
    if not wrong.size:
        return 0, None
    with firmware.connect() as device:
        return int(wrong.size), first_difference(plan, device, inputs, int(wrong[0]))


def _wrong_samples(expected: Mapping[str, Array], got: Mapping[str, Array]) -> Array:
    samples = len(next(iter(expected.values())))
    if any(len(array) != samples for array in got.values()):
        raise McuqError(f"the firmware returned {len(next(iter(got.values())))} results for {samples} samples")
    unequal = [(expected[n] != got[n]).reshape(samples, -1).any(axis=1) for n in expected]
    return np.flatnonzero(np.any(unequal, axis=0))


def simulate_on_host(plan: Plan, inputs: Mapping[str, Array], progress: Progress | None = None) -> Mapping[str, Array]:
    """Emit the model into a temporary folder, compile it, and run the samples there."""
    samples = emit.self_test_inputs(plan)
    files = emit.emit_library(plan, Archive(plan.graph, samples), simulate(plan, samples))
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        write_files(Path(folder), files)
        with build_host(Path(folder), plan.graph.name) as firmware:
            return firmware.run(plan, inputs, progress=progress).outputs
