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
from mcuq.engines.host import FLAGS, HostProgram, build_host
from mcuq.errors import McuqError, UsageError
from mcuq.files import write_files
from mcuq.pipeline import compile as compile_graph
from mcuq.plan import Plan
from mcuq.simulator import simulate, trace
from mcuq.tensor import Array


@dataclass(frozen=True)
class Difference:
    """The first byte that differs: in which sample, after which step, where in its output."""

    sample: int
    step: str
    kernel: str
    element: int
    expected: int
    got: int

    def __str__(self) -> str:
        return (
            f"first difference: sample {self.sample}, layer {self.step} (mcuq_{self.kernel}), "
            f"element {self.element}: expected {self.expected}, got {self.got}"
        )


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
    with build_host(project, graph.name, flags) as program:
        self_test = "PASS" in program.self_test().rsplit("mcuq:", 1)[-1]
        expected, got = simulate(plan, inputs), program.run(plan, inputs)
        wrong = _wrong_samples(expected, got)
        first = first_difference(plan, program, inputs, int(wrong[0])) if wrong.size else None
    samples = len(next(iter(inputs.values())))
    return Verification(graph.name, "host", samples, int(wrong.size), first, self_test)


def _wrong_samples(expected: Mapping[str, Array], got: Mapping[str, Array]) -> Array:
    samples = len(next(iter(expected.values())))
    if any(len(array) != samples for array in got.values()):
        raise McuqError(f"the program returned {len(next(iter(got.values())))} results for {samples} samples")
    unequal = [(expected[n] != got[n]).reshape(samples, -1).any(axis=1) for n in expected]
    return np.flatnonzero(np.any(unequal, axis=0))


def first_difference(plan: Plan, program: HostProgram, inputs: Mapping[str, Array], sample: int) -> Difference:
    """Run one sample step by step on both sides; return the first byte that differs."""
    one = {name: array[sample : sample + 1] for name, array in inputs.items()}
    for (step, wanted), (_, bytes_got) in zip(trace(plan, one), program.trace(plan, one), strict=False):
        expected, got = wanted.reshape(-1), bytes_got
        wrong = np.flatnonzero(expected != got) if expected.size == got.size else np.zeros(1, int)
        if wrong.size:
            element, dtype = int(wrong[0]), plan.graph.values[step.outputs[0]].dtype
            pair = np.array([expected[element], got[element]], np.uint8).view(dtype)
            return Difference(sample, step.name, step.params.kernel, element, int(pair[0]), int(pair[1]))
    raise McuqError("the outputs differ although every step is equal: a step writes outside its output")


def simulate_on_host(plan: Plan, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Emit the model into a temporary folder, compile it, and run the samples there."""
    samples = emit.self_test_inputs(plan)
    files = emit.emit_library(plan, Archive(plan.graph, samples), simulate(plan, samples))
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        write_files(Path(folder), files)
        with build_host(Path(folder), plan.graph.name) as program:
            return program.run(plan, inputs)
