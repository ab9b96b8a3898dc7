"""Samples from ``.npy`` and ``.npz`` files, checked against a model and turned into its integers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcuq.errors import UsageError
from mcuq.files import write_file
from mcuq.graph import Graph
from mcuq.reading import array_header, array_of, gate, require_regular, zipped
from mcuq.tensor import Array, QTensor, Shape

ARRAYS = "an .npy or .npz file of plain arrays"


@dataclass(frozen=True, eq=False)
class Samples:
    """Model inputs, one array [samples, *shape] of the input's integers each, and labels where the file has them."""

    inputs: Mapping[str, Array]
    labels: Array | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def read_samples(path: Path, graph: Graph) -> Samples:
    """Read ``X.npy``, or an ``.npz`` with key ``X`` (labels: ``Y``) or with the names of the model's inputs.

    Raises:
        UsageError: for a file that cannot be read, or does not hold samples of this model.
    """
    arrays = read_arrays(path, graph.inputs)
    labels = arrays.pop("Y", None)
    if len(graph.inputs) == 1 and "X" in arrays:
        arrays = {graph.inputs[0]: arrays["X"]}
    missing = [name for name in graph.inputs if name not in arrays]
    if missing:
        raise UsageError(f"{path}: has no array {missing[0]!r}; the model's inputs are {', '.join(graph.inputs)}")
    axes = graph.layouts
    inputs = {
        name: to_integers(arrays[name], graph.values[name], f"{path}: {name}", axes.get(name, ()))
        for name in graph.inputs
    }
    lengths = {len(array) for array in inputs.values()} | ({len(labels)} if labels is not None else set())
    if len(lengths) > 1:
        raise UsageError(f"{path}: arrays have different numbers of samples: {sorted(lengths)}")
    if lengths == {0}:
        raise UsageError(f"{path}: holds no samples")
    return Samples(inputs, labels.ravel() if labels is not None and labels.size == len(labels) else labels)


def read_arrays(path: Path, inputs: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of an ``.npz`` file that are there, or that of an ``.npy`` file, memory-mapped, as ``X``.

    Args:
        path: the file.
        inputs: the names of a model's inputs. Of an ``.npz`` file only these, ``X`` and ``Y`` are read; with one input,
            ``X`` instead of it.

    Raises:
        UsageError: for a file that cannot be read or holds anything but plain arrays.
    """
    require_regular(path, limit=None)
    with gate(path, ARRAYS, UsageError), path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
        if not is_zip:
            file.seek(0)
            array_header(file)
            return {"X": np.load(path, mmap_mode="r", allow_pickle=False)}
    with zipped(path, ARRAYS, limit=None, kind=UsageError) as members:
        names = ["X", "Y"] if len(inputs) == 1 and "X.npy" in members.sizes else [*inputs, "Y"]
        return {name: array_of(members.read(f"{name}.npy")) for name in names if f"{name}.npy" in members.sizes}


def sample_shape(shape: Shape) -> Shape:
    """Return a tensor's shape without its batch dimension."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def to_integers(x: Array, tensor: QTensor, where: str, axes: tuple[int, ...] = ()) -> Array:
    """Return samples as [samples, *shape] in the tensor's dtype: floats are quantized, integers must be in range.

    Args:
        x: floats in the layout that the model was trained in, or integers as the chip has them.
        tensor: what they become.
        where: names them in messages.
        axes: what brings the trained layout into the tensor's (``Graph.layouts``); none: they are the same.

    Raises:
        UsageError: naming ``where`` and the expected shape and type.
    """
    if x.dtype.kind == "f":
        x = arranged(x, tensor.shape, where, axes)
        if not np.all(np.isfinite(x)):
            raise UsageError(f"{where}: holds NaN or infinite values")
        return tensor.quantize(x)
    x = arranged(x, tensor.shape, where)
    if x.dtype.kind not in "iub":
        raise UsageError(f"{where}: values of type {x.dtype}, expected {tensor.dtype} or floats")
    low, high = tensor.limits
    if x.size and (x.min() < low or x.max() > high):
        raise UsageError(
            f"{where}: integers {x.min()}..{x.max()} do not fit {tensor.dtype}; pass floats to be quantized"
        )
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
