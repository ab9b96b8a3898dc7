"""From a file or an object to a model that can be compiled: read it, and quantize it if it is float."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from mcuq import archive, emit
from mcuq.archive import Archive
from mcuq.data import Reading, open_samples, read_samples, reading_note, with_numbers
from mcuq.errors import CannotQuantizeError, UsageError
from mcuq.files import finish
from mcuq.float_graph import FloatGraph
from mcuq.frontends.files import is_surely_float, read_file, read_object
from mcuq.graph import Graph
from mcuq.limits import LOAD_SECONDS
from mcuq.tensor import Array, QConstant

if TYPE_CHECKING:
    from mcuq.quantization import Result
    from mcuq.quantization.options import Choices, Options

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
INTEGERS_STAY = "weights that arrived as integers stay; the activations got static ranges from the samples"
NOISE = 8  # samples that stand for a calibration set where only sizes count

Progress = Callable[[str, int, int | None], None]  # stage, steps done, steps in all where known


def load(model: Any, example: Any = None, *, load_timeout: float = LOAD_SECONDS) -> Graph | FloatGraph:
    """Read a model.

    Args:
        model: a ``.tflite``, ``.onnx``, ``.pt2``, ``.keras``, ``.h5`` or ``.mcuq`` file, a SavedModel folder, a
            ``torch.nn.Module`` or a ``keras.Model``. A module trained with :mod:`mcuq.qat` keeps its integers and the
            quantization of its layers' inputs; what is real in it is left to calibration.
        example: an input, for a ``torch.nn.Module``: a tensor or array with a batch dimension, or a tuple of them.
        load_timeout: seconds that a framework may take to open a file, elsewhere; a live model is read here, without.

    Returns:
        A quantized model is ready to compile; a float model needs :func:`quantize` first.
    """
    if not isinstance(model, str | Path):
        return _complete(read_object(model, example))
    opened = read_model(model, load_timeout)
    return opened.graph if isinstance(opened, Archive) else opened


def read_model(path: str | Path, load_timeout: float = LOAD_SECONDS) -> Archive | FloatGraph:
    """Read a model file: with all it carries, if it is quantized.

    Raises:
        McuqError: for a missing, unsupported or damaged file.
    """
    path = Path(path)
    if path.suffix.lower() == ".mcuq":
        finish(path.parent)  # it may lie ready there
        return archive.read(path)
    graph = _complete(read_file(path, load_timeout))
    return graph if isinstance(graph, FloatGraph) else Archive(graph)


def _complete(graph: Graph | FloatGraph) -> Graph | FloatGraph:
    """Return integers for a model that brings all of its quantization along, which needs no samples."""
    from mcuq import quantization
    from mcuq.quantization.tensors import needs_calibration

    if isinstance(graph, Graph) or not graph.known or needs_calibration(graph):
        return graph
    return quantization.quantize(graph, None).graph


def open_model(
    path: str | Path,
    calibration: Path | None = None,
    options: Mapping[str, Any] = NO_OPTIONS,
    progress: Progress | None = None,
    *,
    recorded: Mapping[str, Any] = NO_OPTIONS,
    load_timeout: float = LOAD_SECONDS,
    samples: Reading | None = None,
    classes: tuple[str, ...] = (),
) -> Archive:
    """Read a model file, and quantize it if it is a float model.

    Args:
        path: any supported file.
        calibration: samples for a float model; of a quantized one, they become its self-test inputs.
        options: fields of :class:`mcuq.quantization.Options`, for a float model.
        progress: see :func:`mcuq.quantization.quantize`.
        recorded: options that a float model was quantized with before, in place of those that are not given.
        load_timeout: see :func:`load`.
        samples: what integers among the samples are; a float model's are real values.
        classes: see :func:`quantize_float`.
    """
    if calibration is None and is_surely_float(Path(path)):
        raise _needs_samples(path)
    opened = read_model(path, load_timeout)
    if isinstance(opened, Archive):
        _refuse_options(path, options)
        opened = with_vectors(opened, calibration, samples) if calibration else opened
        return replace(opened, classes=classes or opened.classes)
    if samples == "stored":
        raise UsageError(f"{path}: is a float model, so its samples are real values; none can be stored integers")
    if calibration is None:
        raise _needs_samples(path)
    return quantize_float(opened, calibration, {**recorded, **options}, progress, classes)


def _needs_samples(path: str | Path) -> CannotQuantizeError:
    return CannotQuantizeError(f"{path}: is a float model; give samples to calibrate it with: --calibration X.npy")


def _refuse_options(path: str | Path, options: Mapping[str, Any]) -> None:
    if options:
        raise UsageError(f"{path}: is quantized already, so {', '.join(options)} cannot be chosen any more")


def open_for_sizes(
    path: str | Path, options: Mapping[str, Any] = NO_OPTIONS, load_timeout: float = LOAD_SECONDS
) -> Archive:
    """Read a model file; a float model is calibrated with noise: its integers mean nothing, their sizes are right.

    Biases become small, so that no channel seems constant, and is left out, because the noise does not reach it.

    Args:
        path: any supported file.
        options: fields of :class:`mcuq.quantization.Options`, for a float model; corrections have no size.
        load_timeout: see :func:`load`.
    """
    opened = read_model(path, load_timeout)
    if isinstance(opened, Archive):
        _refuse_options(path, options)
        return opened
    rng = np.random.default_rng(0)
    noise = {name: rng.normal(size=(NOISE, *opened.shapes[name])).astype(np.float32) for name in opened.inputs}
    graph = quantize_float(replace(opened, layouts={}), noise, {**options, "corrections": (), "auto": False}).graph
    biases = [node.inputs[2] for node in graph.nodes if node.op.weights_axis is not None and len(node.inputs) > 2]
    small = {n: replace(c := graph.constants[n], values=np.full_like(c.values, i)) for i, n in enumerate(biases)}
    return Archive(replace(graph, constants={**graph.constants, **small}))


def quantize(
    model: Any, calibration: Any, *, example: Any = None, options: Options | None = None, **choices: Unpack[Choices]
) -> Graph:
    """Turn a float model into integers.

    Args:
        model: a float model, as :func:`load` takes or returns it.
        calibration: samples in the layout that the model was trained in, a hundred or so: an ``.npy`` or ``.npz`` file
            (key X), an array [N, ...], any iterable of batches, or a ``torch.utils.data.DataLoader``.
        example: see :func:`load`; default: the first sample, where ``calibration`` is a file, arrays or a loader.
        options: how; default: what serves most models.
        choices: fields of :class:`mcuq.Options` that replace those of ``options``.
    """
    from mcuq.quantization.options import options_of

    given = {**(vars(options) if options else {}), **choices}
    options_of(given)  # refuses what is none before a framework is loaded
    graph = model if isinstance(model, FloatGraph | Graph) else load(model, _example(model, calibration, example))
    if isinstance(graph, Graph):
        raise UsageError("the model is quantized already")
    _, _, result = _quantized(graph, calibration, given)
    silent = result.calibration.warnings if result.calibration else ()
    stay = [INTEGERS_STAY] if _has_integer_weights(graph) else []
    for remark in [*_remarks(result), *stay, *(text.removeprefix("warning: ") for text in silent)]:
        warnings.warn(remark, stacklevel=2)
    return result.graph


def _example(model: Any, calibration: Any, example: Any) -> Any:
    """Return an example input for a module: the one given, or the first sample where it is known to be one."""
    if example is not None or isinstance(model, str | Path) or not callable(forward := getattr(model, "forward", None)):
        return example
    from mcuq.quantization.samples import first_inputs

    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(forward).parameters.values()
    names = [p.name for p in parameters if p.default is p.empty and p.kind in positional]
    return first_inputs(calibration, names or ["x"]) or None


def quantize_float(
    graph: FloatGraph,
    calibration: Any,
    options: Mapping[str, Any] = NO_OPTIONS,
    progress: Progress | None = None,
    classes: tuple[str, ...] = (),
) -> Archive:
    """Return a float model's integers with self-test inputs from its calibration samples, and the float model.

    ``classes`` are the labels that the model's outputs stand for, in their order, where a file has others.
    """
    read, named, result = _quantized(graph, calibration, options, progress, classes)
    kept = result.calibration.kept if result.calibration else {}
    found = with_source(result.graph, result.source, kept, [*read, *_remarks(result), *_notes(graph, result)])
    return replace(found, classes=named)


def _quantized(
    graph: FloatGraph,
    calibration: Any,
    options: Mapping[str, Any],
    progress: Progress | None = None,
    classes: tuple[str, ...] = (),
) -> tuple[list[str], tuple[str, ...], Result]:
    """Return how a file of samples was read, the names of its classes or those given, and the integers."""
    from mcuq import quantization
    from mcuq.quantization.options import options_of

    read: list[str] = []
    if isinstance(calibration, str | Path):
        calibration = with_numbers(open_samples(Path(calibration), graph.inputs), classes)
        classes = classes or calibration.classes
        read.append(reading_note(calibration, dict.fromkeys(graph.inputs, "real")))
    return read, classes, quantization.quantize(graph, calibration, options_of(options), progress)


def _remarks(result: Result) -> tuple[str, ...]:
    return result.calibration.remarks if result.calibration else ()


def with_source(integers: Graph, source: FloatGraph, kept: Mapping[str, Array], notes: Iterable[str] = ()) -> Archive:
    """Return a quantized model with self-test inputs from its calibration samples, and the float model."""
    count = emit.vector_count(integers)
    samples = {name: integers.values[name].quantize(x[:count]) for name, x in kept.items()}
    return Archive(integers, samples, source=source, notes=tuple(notes))


def _notes(graph: FloatGraph, result: Result) -> Iterator[str]:
    from mcuq.quantization.deciding import summary
    from mcuq.quantization.joins import joined_apart

    options = result.options
    if result.trials:
        yield summary(result.trials)
    corrections = ", ".join(options.fixed_corrections) or "none"
    clipped = ", weights clipped" if options.clip else ""
    yield f"scheme {options.scheme}, ranges by {options.fixed_method}{clipped}, corrections: {corrections}"
    if options.weight_bytes:
        named = (
            f"{bits}: " + ", ".join(n for n, own in options.layer_bits.items() if own == bits) for bits in (2, 4, 8)
        )
        yield f"bits within {options.weight_bytes} of weight bytes: {'; '.join(text for text in named if text[3:])}"
    if _has_integer_weights(graph):
        yield INTEGERS_STAY
    if result.calibration:
        yield from result.calibration.warnings
        yield from joined_apart(result.calibration)


def _has_integer_weights(graph: FloatGraph) -> bool:
    """Whether this was a dynamically quantized model: integer weights, and nothing known of activations."""
    return not graph.known and any(isinstance(constant, QConstant) for constant in graph.constants.values())


def with_vectors(model: Archive, data: Path, chosen: Reading | None = None) -> Archive:
    """Return the archive with the first samples of a data file as its self-test inputs."""
    read = read_samples(data, model.graph, chosen)
    count = emit.vector_count(model.graph)
    vectors = {name: x[:count] for name, x in read.inputs.items()}
    return replace(model, samples=vectors, notes=(*model.notes, *read.notes), classes=read.classes or model.classes)
