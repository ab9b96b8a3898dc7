"""The whole story on one page: file, graph, plan, then fit, simulation and project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mcuq import archive, emit, fit, simulator
from mcuq.archive import Archive
from mcuq.board import Board, load_board
from mcuq.data import read_samples, to_integers
from mcuq.errors import CannotQuantizeError, DoesNotFitError, UsageError
from mcuq.files import write_files
from mcuq.fit import FitReport
from mcuq.float_graph import FloatGraph
from mcuq.frontends.files import read_file, read_object
from mcuq.graph import Graph, identifier
from mcuq.memory import Extra
from mcuq.passes.fold_constant_channels import Folded, fold_constant_channels, saved
from mcuq.plan import Plan, build_plan
from mcuq.setup import PLAIN, Setup
from mcuq.tensor import Array

GENERIC_CHIP = "generic"
NO_OPTIONS: Mapping[str, Any] = {}
NOISE = 8  # samples that stand for a calibration set where only sizes count
Progress = Callable[[str, int, int | None], None]  # stage, steps done, steps in all where known


def load(model: Any, example: Any = None) -> Graph | FloatGraph:
    """Read a model.

    Args:
        model: a ``.tflite``, ``.onnx``, ``.pt2``, ``.keras``, ``.h5`` or ``.mcuq`` file, a SavedModel folder, a
            ``torch.nn.Module`` or a ``keras.Model``.
        example: an input, for a ``torch.nn.Module``: a tensor or array with a batch dimension, or a tuple of them.

    Returns:
        A quantized model is ready to compile; a float model needs :func:`quantize` first.
    """
    if not isinstance(model, str | Path):
        return _complete(read_object(model, example))
    opened = read_model(model)
    return opened.graph if isinstance(opened, Archive) else opened


def read_model(path: str | Path) -> Archive | FloatGraph:
    """Read a model file: with all it carries, if it is quantized.

    Raises:
        McuqError: for a missing, unsupported or damaged file.
    """
    path = Path(path)
    if path.suffix.lower() == ".mcuq" and path.is_file():
        return archive.read(path)
    graph = _complete(read_file(path))
    return graph if isinstance(graph, FloatGraph) else Archive(graph)


def _complete(graph: Graph | FloatGraph) -> Graph | FloatGraph:
    """Return integers for a model that brings all of its quantization along, which needs no samples."""
    from mcuq import quantization
    from mcuq.quantization import quantizer

    if isinstance(graph, Graph) or not graph.known or quantizer.needs_calibration(graph):
        return graph
    return quantization.quantize(graph, None).graph


def open_model(
    path: str | Path,
    calibration: Path | None = None,
    options: Mapping[str, Any] = NO_OPTIONS,
    progress: Progress | None = None,
) -> Archive:
    """Read a model file, and quantize it if it is a float model.

    Args:
        path: any supported file.
        calibration: samples for a float model; of a quantized one, they become its self-test inputs.
        options: fields of :class:`mcuq.quantization.Options`, for a float model.
        progress: see :func:`mcuq.quantization.quantize`.
    """
    opened = read_model(path)
    if isinstance(opened, Archive):
        if options:
            raise UsageError(f"{path}: is quantized already, so {', '.join(options)} cannot be chosen any more")
        return with_vectors(opened, calibration) if calibration else opened
    if calibration is None:
        raise CannotQuantizeError(f"{path}: is a float model; give samples to calibrate it with: --calibration X.npy")
    return quantize_float(opened, calibration, options, progress)


def open_for_sizes(path: str | Path) -> Archive:
    """Read a model file; a float model is calibrated with noise: its integers mean nothing, their sizes are right.

    Biases become small, so that no channel seems constant, and is left out, because the noise does not reach it.
    """
    opened = read_model(path)
    if isinstance(opened, Archive):
        return opened
    rng = np.random.default_rng(0)
    noise = {name: rng.normal(size=(NOISE, *opened.shapes[name])).astype(np.float32) for name in opened.inputs}
    graph = quantize_float(replace(opened, layouts={}), noise, {"corrections": ()}).graph
    biases = [node.inputs[2] for node in graph.nodes if node.op.weights_axis is not None and len(node.inputs) > 2]
    small = {n: replace(c := graph.constants[n], values=np.full_like(c.values, i)) for i, n in enumerate(biases)}
    return Archive(replace(graph, constants={**graph.constants, **small}))


def quantize(model: Any, calibration: Any, *, example: Any = None, **options: Any) -> Graph:
    """Turn a float model into integers.

    Args:
        model: a float model, as :func:`load` takes or returns it.
        calibration: samples in the layout that the model was trained in, a hundred or so: an ``.npy`` or ``.npz`` file
            (key X), an array [N, ...], any iterable of batches, or a ``torch.utils.data.DataLoader``.
        example: see :func:`load`.
        options: fields of :class:`mcuq.quantization.Options`.
    """
    graph = model if isinstance(model, FloatGraph | Graph) else load(model, example)
    if isinstance(graph, Graph):
        raise UsageError("the model is quantized already")
    return quantize_float(graph, calibration, options).graph


def quantize_float(
    graph: FloatGraph, calibration: Any, options: Mapping[str, Any] = NO_OPTIONS, progress: Progress | None = None
) -> Archive:
    """Return a float model's integers with self-test inputs from its calibration samples, and the float model."""
    from mcuq import quantization

    result = quantization.quantize(graph, calibration, quantization.Options(**options), progress)
    integers = result.graph
    kept = result.calibration.kept if result.calibration else {}
    count = emit.vector_count(integers)
    samples = {name: integers.values[name].quantize(x[:count]) for name, x in kept.items()}
    return Archive(integers, samples, source=result.source)


def compile(  # noqa: A001 - the verb's public name
    graph: Graph, board: Board | str | None = None, *, io_in_arena: bool = False
) -> Plan:
    """Lower a model to the steps a board will execute; without a board, to the portable kernels.

    With ``io_in_arena`` inputs and outputs lie in the arena too, instead of in memory of the caller's.
    """
    if isinstance(graph, FloatGraph):
        raise CannotQuantizeError(f"{graph.name} is a float model; mcuq.quantize(model, samples) first")
    return build_plan(fold_constant_channels(graph), _board(board).chip.id if board else GENERIC_CHIP, io_in_arena)


def check_fit(plan: Plan, board: Board | str, framework: str = "", setup: Setup = PLAIN) -> FitReport:
    """Compare what a plan needs with what a board has, before anything is built."""
    return fit.check_fit(plan, _board(board), framework, setup, application_extra(plan))


def simulate(plan: Plan, inputs: Array | Mapping[str, Array]) -> Array | dict[str, Array]:
    """Compute the integers the chip will compute.

    Args:
        plan: the lowered model.
        inputs: [samples, *shape], integers of the input's type or floats to be quantized; several inputs by name.

    Returns:
        [samples, *shape] of the output; by name where the model has several.
    """
    graph = plan.graph
    given = inputs if isinstance(inputs, Mapping) else {graph.inputs[0]: np.asarray(inputs)}
    if missing := [name for name in graph.inputs if name not in given]:
        raise UsageError(f"input {missing[0]} is missing; the model's inputs are {', '.join(graph.inputs)}")
    outputs = simulator.simulate(
        plan, {n: to_integers(given[n], graph.values[n], n, graph.layouts.get(n, ())) for n in graph.inputs}
    )
    return outputs if len(outputs) > 1 else next(iter(outputs.values()))


@dataclass(frozen=True)
class Written:
    """What ``write_project`` did: the fit it rests on, and the files whose content changed or was left to the user."""

    plan: Plan
    folded: Folded
    report: FitReport
    changed: list[str]
    kept: list[str]


def write_project(
    model: Archive | Graph,
    board: Board | str,
    directory: str | Path,
    framework: str = "",
    name: str = "",
    *,
    setup: Setup | None = None,
) -> Written:
    """Write (or regenerate) the PlatformIO project of a model; of a project that exists, only what mcuq owns.

    Raises:
        DoesNotFitError: with the bytes missing; nothing is written.
        UsageError: for a name or directory that cannot be used.
    """
    content = model if isinstance(model, Archive) else Archive(model)
    board, directory = _board(board), Path(directory)
    framework = board.framework(framework)
    setup = setup or content.setup_for(board.id, framework)
    graph = replace(content.graph, name=_checked_name(name or content.graph.name))
    plan = compile(graph, board, io_in_arena=setup.io_in_arena)
    samples = content.samples or emit.self_test_inputs(plan)
    report = fit.check_fit(plan, board, framework, setup, application_extra(plan, len(samples[graph.inputs[0]])))
    if not report.fits:
        raise DoesNotFitError(f"{graph.name} does not fit {board.id}: {report.shortfall}")
    content = Archive(graph, samples, board.id, framework, setup)  # without its float model, which CI need not carry
    owned = emit.emit_library(plan, content, simulator.simulate(plan, samples))
    users = emit.emit_project(graph.name, board, framework, len(next(iter(samples.values()))), setup)
    kept = sorted(path for path in users if (directory / path).exists())
    files = owned if is_project(directory) else owned | {p: text for p, text in users.items() if p not in kept}
    changed = write_files(directory, files, stale_files(directory, owned, graph.name))
    return Written(plan, saved(graph, plan.graph), report, changed, kept)


def with_vectors(model: Archive, data: Path) -> Archive:
    """Return the archive with the first samples of a data file as its self-test inputs."""
    samples = read_samples(data, model.graph).inputs
    count = emit.vector_count(model.graph)
    return replace(model, samples={name: x[:count] for name, x in samples.items()})


def is_project(directory: Path) -> bool:
    """Whether somebody's PlatformIO or ESP-IDF project is there, into which only libraries may be written."""
    return any((directory / name).exists() for name in ("platformio.ini", "CMakeLists.txt"))


def stale_files(directory: Path, generated: Mapping[str, bytes], name: str) -> list[Path]:
    """Return the files of an earlier generation, in folders that mcuq owns, that this one does not have."""
    library = ("lib/mcuq/src", "lib/mcuq/emulator", "lib/mcuq/emulator/rv32")
    folders = ((f"lib/{name}/src", f"{name}*.[ch]"), *((folder, "mcuq_*.*") for folder in library))
    found = [path for folder, pattern in folders for path in sorted((directory / folder).glob(pattern))]
    return [path for path in found if path.relative_to(directory).as_posix() not in generated]


def application_extra(plan: Plan, vectors: int = 0) -> Extra:
    """Return what the application in lib/mcuq needs beside a plan, with as many self-test vectors (0: the usual)."""
    return Extra(*emit.application_bytes(plan, vectors or emit.vector_count(plan.graph)))


def _board(board: Board | str | None) -> Board:
    if board is None:
        raise UsageError("a board is needed; `mcuq boards` lists them")
    return load_board(board) if isinstance(board, str) else board


def _checked_name(name: str) -> str:
    if identifier(name) != name or name == "mcuq" or name.startswith("mcuq_"):
        raise UsageError(f"{name!r} cannot name a model: a lower-case C identifier is needed, not starting with mcuq")
    return name
