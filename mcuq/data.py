"""Samples from ``.npy`` and ``.npz`` files, checked against a model and turned into its integers."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from mcuq.errors import UsageError
from mcuq.files import write_file
from mcuq.graph import Graph
from mcuq.reading import array_header, array_of, gate, require_regular, require_size, zipped
from mcuq.samples.classes import class_names
from mcuq.samples.keys import Named, find_keys
from mcuq.samples.task import class_numbers
from mcuq.tensor import Array, QTensor, Shape

Reading = Literal["real", "stored"]  # what the numbers of an array are: real values, or integers as the chip has them
OUTSIDE = 0.05  # share of the values beyond a model's input range from which on it is said
ARRAYS = "an .npy or .npz file of plain arrays"


@dataclass(frozen=True, eq=False)
class Samples:
    """Model inputs, one array [samples, *shape] of the input's integers each, and labels where the file has them.

    Attributes:
        classes: names of the classes in the order of the outputs, where the file has them.
        notes: for people: how the file was read, and what is odd about it.
    """

    inputs: Mapping[str, Array]
    labels: Array | None = None
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def read_samples(path: Path, graph: Graph, chosen: Reading | None = None) -> Samples:
    """Read a file of samples: see ``samples.keys`` for its keys, :func:`reading_of` for its numbers.

    Raises:
        UsageError: for a file that cannot be read, or does not hold samples of this model.
    """
    file = open_samples(path, graph.inputs)
    readings = file_readings(file, graph, chosen)
    inputs, notes = dict[str, Array](), [reading_note(file, readings)]
    for name, x in file.inputs.items():
        where, tensor, axes = f"{path}: {name}", graph.values[name], graph.layouts.get(name, ())
        inputs[name] = to_integers(x, tensor, where, axes, readings[name])
        if readings[name] == "real":
            notes += outside(x, tensor, where)
    return Samples(inputs, file.labels, file.classes, tuple(notes))


def open_samples(path: Path, inputs: Sequence[str]) -> Named:
    """Return the arrays of a file of samples as they are in it, under the names that they have for a model.

    Raises:
        UsageError: for a file that cannot be read, arrays that are not there, or of different numbers of samples.
    """
    file = _named(path, inputs)
    arrays = [*file.inputs.values(), *([] if file.labels is None else [file.labels])]
    if scalar := [key for key, array in zip(file.keys, arrays, strict=True) if not array.ndim]:
        raise UsageError(f"{path}: {scalar[0]} is one number, expected one entry per sample")
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise UsageError(f"{path}: arrays have different numbers of samples: {sorted(lengths)}")
    if lengths == {0}:
        raise UsageError(f"{path}: holds no samples")
    labels = file.labels
    flat = labels.ravel() if labels is not None and labels.size == len(labels) else labels
    return replace(file, labels=flat)


def file_readings(file: Named, graph: Graph, chosen: Reading | None) -> dict[str, Reading]:
    """Return what the numbers of every input of a file are."""
    return {
        name: reading_of(x, graph.values[name], graph.from_float, chosen, f"{file.where}: {name}")
        for name, x in file.inputs.items()
    }


def reading_of(x: Array, tensor: QTensor, from_float: bool, chosen: Reading | None, where: str) -> Reading:
    """Return what the numbers of an array are: one rule, wherever samples are read.

    An array of another type than the model's input holds real values. One of exactly its type holds stored integers
    where the model came quantized; where mcuq quantized it from a float model both could be meant, if they differ.

    Args:
        x: of any type and shape.
        tensor: the model's input.
        from_float: whether mcuq quantized the model (``Graph.from_float``).
        chosen: what the user says; None: nothing.
        where: names the array in messages.

    Raises:
        UsageError: where both could be meant and nothing is said, for stored integers that are none, for other types.
    """
    if x.dtype.kind not in "fiub":
        raise UsageError(f"{where}: values of type {x.dtype}, expected numbers")
    if x.dtype.kind in "fb":
        if chosen == "stored":
            raise UsageError(f"{where}: values of type {x.dtype} are not {tensor.dtype}, as the model stores it")
        return "real"
    if chosen or x.dtype != tensor.dtype:
        return chosen or "real"
    if (tensor.scale, tensor.zero_point) == (1.0, 0):  # a frame's bytes: they are the real values
        return "stored"
    if from_float:
        raise UsageError(
            f"{where}: {x.dtype} may be real values, or integers as the model stores them; "
            'say which: --samples real or --samples stored (Python: samples="real")'
        )
    return "stored"


def real_samples(file: Named, graph: Graph, chosen: Reading | None) -> tuple[dict[str, Array], list[str]]:
    """Return a file's inputs as a quantized model's float model takes them, and how they were read.

    Args:
        file: what :func:`open_samples` found.
        graph: the quantized model.
        chosen: what the user says that integers are; see :func:`reading_of`.

    Returns:
        real values [samples, *shape] per input in the graph's layout, and lines for people.

    Raises:
        UsageError: for samples that are not of this model, or could be read in two ways.
    """
    readings, real = file_readings(file, graph, chosen), dict[str, Array]()
    notes = [reading_note(file, readings)]
    for name, x in file.inputs.items():
        where, tensor = f"{file.where}: {name}", graph.values[name]
        if readings[name] == "stored":
            real[name] = tensor.dequantize(arranged(x, tensor.shape, where))
        else:
            real[name] = arranged(x, tensor.shape, where, graph.layouts.get(name, ()))
            notes += outside(x, tensor, where)
    return real, notes


def with_numbers(file: Named, classes: tuple[str, ...] = ()) -> Named:
    """Return a file with labels that are text as the numbers of their classes, the file's own or others."""
    if file.labels is None or file.labels.dtype.kind != "U" or not (names := classes or file.classes):
        return file
    return replace(file, labels=class_numbers(file.labels, names, f"{file.where}: labels"))


def reading_note(file: Named, readings: Mapping[str, Reading]) -> str:
    """Say in one line how a file of samples was read."""
    words = {"real": "real values", "stored": "integers as the model stores them"}
    parts = [
        f"{key} {x.dtype}{list(x.shape)}: {words[readings[name]]}"
        for key, (name, x) in zip(file.keys, file.inputs.items(), strict=False)
    ]
    labels = f"labels {file.keys[-1]}" if file.labels is not None else "no labels"
    return f"samples {file.where}: {', '.join(parts)}; {labels}"


def outside(x: Array, tensor: QTensor, where: str) -> Iterator[str]:
    """Yield a line where many real values lie beyond what a model's input can hold."""
    low, high = (tensor.scale * (limit - tensor.zero_point) for limit in tensor.limits)
    beyond = float(np.mean((x < low - tensor.scale) | (x > high + tensor.scale)))
    if beyond > OUTSIDE:
        yield (
            f"{where}: {100 * beyond:.0f} % of the values lie outside the input's range, {low:.4g} to {high:.4g}; "
            "are they scaled as the model was trained?"
        )


def _named(path: Path, inputs: Sequence[str]) -> Named:
    """Return a file's arrays: of an ``.npz`` only those that are wanted are read, an ``.npy`` is memory-mapped.

    Raises:
        UsageError: for a file that cannot be read or holds anything but plain arrays.
    """
    size = require_regular(path, limit=None)
    with gate(path, ARRAYS, UsageError), path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
        if not is_zip:
            file.seek(0)
            shape, _, dtype = array_header(file)
            require_size(shape, dtype, size - file.tell())
            keys = find_keys(["X"], inputs, str(path))
            arrays = dict.fromkeys(keys.inputs, np.load(path, mmap_mode="r", allow_pickle=False))
            return Named(arrays, None, (), ("X",), str(path))
    with zipped(path, ARRAYS, limit=None, kind=UsageError) as members:
        keys = find_keys([n.removesuffix(".npy") for n in members.sizes if n.endswith(".npy")], inputs, str(path))
        arrays = {name: array_of(members.read(f"{key}.npy")) for name, key in keys.inputs.items()}
        labels = array_of(members.read(f"{keys.labels}.npy")) if keys.labels else None
        names = array_of(members.read(f"{keys.classes}.npy")) if keys.classes else np.zeros(0, "U1")
    named = [str(name) for name in names.ravel()] if names.dtype.kind == "U" else []
    classes = class_names(named, f"{path}: {keys.classes}") if named else ()
    return Named(arrays, labels, classes, (*keys.inputs.values(), *([keys.labels] if keys.labels else [])), str(path))


def sample_shape(shape: Shape) -> Shape:
    """Return a tensor's shape without its batch dimension."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def to_integers(x: Array, tensor: QTensor, where: str, axes: tuple[int, ...] = (), reading: Reading = "real") -> Array:
    """Return samples as [samples, *shape] in the tensor's dtype: real values are quantized, integers must be in range.

    Args:
        x: real values in the layout that the model was trained in, or integers as the chip has them.
        tensor: what they become.
        where: names them in messages.
        axes: what brings the trained layout into the tensor's (``Graph.layouts``); none: they are the same.
        reading: which of the two.

    Raises:
        UsageError: naming ``where`` and the expected shape and type.
    """
    x = arranged(x, tensor.shape, where, axes if reading == "real" else ())
    if reading == "real":
        if not np.all(np.isfinite(x)):
            raise UsageError(f"{where}: holds NaN or infinite values")
        return tensor.quantize(x)
    low, high = tensor.limits
    if x.size and (x.min() < low or x.max() > high):
        raise UsageError(f"{where}: integers {x.min()}..{x.max()} are not {tensor.dtype} as the model stores it")
    return x.astype(tensor.dtype)


def arranged(x: Array, shape: Shape, where: str, axes: tuple[int, ...] = ()) -> Array:
    """Return samples as [samples, *shape], a view, from the layout that ``axes`` bring into the graph's.

    Raises:
        UsageError: for another shape, saying so where it looks like the other layout.
    """
    trained = tuple(shape[axes.index(d)] for d in range(len(shape))) if axes else shape
    if x.ndim == 0 or x.shape[1:] not in (trained, sample_shape(trained)):
        expected = f"[N, {', '.join(map(str, sample_shape(trained)))}]{_hint(x.shape, sample_shape(trained), axes)}"
        raise UsageError(f"{where}: samples of shape {list(x.shape)}, expected {expected}")
    x = x.reshape(-1, *trained)
    return x.transpose(0, *(1 + axis for axis in axes)) if axes else x


def _hint(given: Shape, sample: Shape, axes: tuple[int, ...]) -> str:
    """Say so when images come in the other layout."""
    if len(sample) != 3 or len(given) < 3:
        return ""
    if axes and given[-3:] == (*sample[1:], sample[0]):
        return " (this looks like NHWC; the model was trained with NCHW)"
    return " (this looks like NCHW; the model was trained with NHWC)" if given[-3:] == (sample[2], *sample[:2]) else ""


def write_outputs(path: Path, graph: Graph, outputs: Mapping[str, Array], real: bool) -> None:
    """Write model outputs as [samples, ...shape without batch...]: ``.npy`` for one, ``.npz`` for several.

    Args:
        path: the file; its suffix must match the number of outputs.
        graph: the model.
        outputs: [samples, *shape] per output.
        real: write dequantized float32 instead of integers.

    Raises:
        UsageError: for another suffix, or a file that cannot be written.
    """
    tensors = graph.values
    arrays = {n: tensors[n].dequantize(x) if real else x for n, x in outputs.items()}
    arrays = {n: x.reshape(len(x), *sample_shape(tensors[n].shape)) for n, x in arrays.items()}
    wanted = ".npy" if len(arrays) == 1 else ".npz"
    if path.suffix != wanted:
        raise UsageError(f"{path}: a model with {len(arrays)} output(s) is written to a {wanted} file")
    target = io.BytesIO()
    if len(arrays) == 1:
        np.save(target, next(iter(arrays.values())), allow_pickle=False)
    else:
        np.savez(target, **arrays)  # type: ignore[arg-type]
    write_file(path, target.getvalue())
