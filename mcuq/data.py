"""Samples from ``.npy`` and ``.npz`` files, checked against a model and turned into its integers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcuq.errors import UsageError
from mcuq.files import write_file
from mcuq.graph import Graph
from mcuq.tensor import Array, QTensor, Shape


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
    arrays = _read(path)
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


def _read(path: Path) -> dict[str, Array]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"X": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files}
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path}: not an .npy or .npz file of plain arrays ({error})") from None


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
        return tensor.quantize(arranged(x, tensor.shape, where, axes))
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
    """Return samples as [samples, *shape], from the layout that ``axes`` bring into the graph's.

    Raises:
        UsageError: for another shape, saying so where it looks like the other layout; for NaN and infinity.
    """
    trained = tuple(shape[axes.index(d)] for d in range(len(shape))) if axes else shape
    if x.ndim == 0 or x.shape[1:] not in (trained, sample_shape(trained)):
        expected = f"[N, {_listed(trained)}]{_hint(x, shape, trained)}"
        raise UsageError(f"{where}: samples of shape {list(x.shape)}, expected {expected}")
    if x.dtype.kind == "f" and not np.all(np.isfinite(x)):
        raise UsageError(f"{where}: holds NaN or infinite values")
    x = x.reshape(-1, *trained)
    return np.ascontiguousarray(x.transpose(0, *(1 + a for a in axes))) if axes else x


def _listed(shape: Shape) -> str:
    return ", ".join(str(d) for d in sample_shape(shape))


def _hint(x: Array, shape: Shape, trained: Shape) -> str:
    """Say so when the samples look like those of the other layout."""
    if trained != shape and x.shape[1:] in (shape, sample_shape(shape)):
        return " (this looks like NHWC; the model was trained with NCHW)"
    h_w_c = sample_shape(shape)
    nchw = len(h_w_c) == 3 and x.shape[-3:] == (h_w_c[2], *h_w_c[:2])
    return " (this looks like NCHW; images here are NHWC)" if nchw else ""


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
