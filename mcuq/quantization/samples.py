"""Calibration data of any kind, batch by batch: arrays, iterables, loaders, files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mcuq.data import arranged, open_samples, sample_shape
from mcuq.errors import UsageError
from mcuq.float_graph import Axes, FloatGraph
from mcuq.ops.window import parts_of
from mcuq.samples.keys import Named
from mcuq.tensor import Array, Shape

BATCH_BYTES = 4 << 20  # of the largest activation of a batch, float32
MAX_BATCH = 64


@dataclass(frozen=True, eq=False)
class Batch:
    """Some samples: float32 [samples, *shape of the graph] per model input, and labels where they come along."""

    inputs: Mapping[str, Array]
    labels: Array | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def part(self, start: int, stop: int) -> Batch:
        """Return the samples from start to before stop."""
        inputs = {name: x[start:stop] for name, x in self.inputs.items()}
        return Batch(inputs, None if self.labels is None else self.labels[start:stop])


def batches(graph: FloatGraph, data: Any) -> Iterator[Batch]:
    """Yield samples in batches of bounded size, checked against the model, in its dimension order.

    Args:
        graph: the model; what ``graph.layouts`` holds is applied, so samples come as the model was trained.
        data: an array [samples, *shape] (with or without a batch dimension of 1 behind the samples), a mapping from
            input names to such arrays, a tuple (array, labels), an iterable of batches or of single samples in any
            of these forms (a ``torch.utils.data.DataLoader`` is one), or a file (its path, or what ``open_samples``
            made of it). Integers are taken as the real values they are. Labels come as they are.

    Raises:
        UsageError: for data that does not hold finite samples of this model, or none.
    """
    size, count = batch_size(graph), 0
    for number, (where, item) in enumerate(_items(graph, data)):
        whole = _batch(graph, item, f"{where} {number}" if where == "batch" else where)
        for start in range(0, len(whole), size):
            part = whole.part(start, start + size)
            yield Batch({name: _finite(x, name) for name, x in part.inputs.items()}, part.labels)
        count += len(whole)
    if not count:
        raise UsageError("the calibration set holds no samples")


def first_inputs(data: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """Return one sample of calibration data, with its batch dimension, as a model's inputs; none where it is not sure.

    Args:
        data: see :func:`batches`; only what can be gone through again, and whose arrays have a batch dimension.
        names: of the model's inputs.
    """
    if isinstance(data, str | Path):
        data = open_samples(Path(data), names)
    if isinstance(data, Named):
        return tuple(x[:1] for x in data.inputs.values())
    if hasattr(data, "batch_size") and isinstance(data, Iterable):  # a DataLoader
        return first_inputs(next(iter(data), ()), names)
    if isinstance(data, Mapping):
        return tuple(data[name][:1] for name in names) if all(name in data for name in names) else ()
    given = (data,) if _is_array(data) else data
    if isinstance(given, tuple | list) and len(given) in (len(names), len(names) + 1) and all(map(_is_array, given)):
        return tuple(x[:1] for x in given[: len(names)])
    return ()


def chunks(x: Array) -> Iterator[Array]:
    """Cut samples [samples, *shape] so."""
    return (x[part] for part in parts_of(len(x), x[:1].nbytes))


def batch_size(graph: FloatGraph) -> int:
    """Return how many samples to run at a time."""
    largest = max(math.prod(shape) for shape in graph.shapes.values())
    return int(np.clip(BATCH_BYTES // (4 * largest), 1, MAX_BATCH))


def _items(graph: FloatGraph, data: Any) -> Iterator[tuple[str, Any]]:
    """Yield what holds samples, and what to call it in an error."""
    if isinstance(data, str | Path):
        data = open_samples(Path(data), graph.inputs)
    if isinstance(data, Named):
        yield data.where, (*data.inputs.values(), data.labels)
    elif _is_array(data) or isinstance(data, Mapping | tuple):
        yield "calibration", data
    elif isinstance(data, Iterable):
        for item in data:
            yield "batch", item
    else:
        raise UsageError(f"calibration data of type {type(data).__name__}: arrays, iterables of arrays or a file are")


def _named(graph: FloatGraph, arrays: Mapping[str, Any], where: str) -> list[Any]:
    if missing := [name for name in graph.inputs if name not in arrays]:
        raise UsageError(f"{where}: has no array {missing[0]!r}; the model's inputs are {', '.join(graph.inputs)}")
    return [arrays[name] for name in graph.inputs]


def _batch(graph: FloatGraph, item: Any, where: str) -> Batch:
    """Return one item of the data as a batch, its values not looked at."""
    labels = None
    if isinstance(item, Mapping):
        arrays = _named(graph, item, where)
    elif isinstance(item, Sequence) and len(item) in (len(graph.inputs), len(graph.inputs) + 1) and _holds(item[0]):
        arrays, labels = list(item[: len(graph.inputs)]), (*item, None)[len(graph.inputs)]
    else:
        arrays = [item]
    if len(arrays) != len(graph.inputs):
        raise UsageError(f"{where}: one array, but the model has the inputs {', '.join(graph.inputs)}; pass a dict")
    inputs = {
        name: _to_graph(_array(x, where), graph.shapes[name], graph.layouts.get(name, ()), f"{where}: {name}")
        for name, x in zip(graph.inputs, arrays, strict=True)
    }
    counts = sorted({len(x) for x in inputs.values()})
    if len(counts) > 1:
        raise UsageError(f"{where}: the inputs have different numbers of samples: {counts}")
    return Batch(inputs, _labels(labels, counts[0], where))


def _is_array(x: Any) -> bool:
    return hasattr(x, "__array__") or hasattr(x, "detach")


def _holds(x: Any) -> bool:
    """Whether the first element of a sequence is an input of its own, not a number or a row of numbers."""
    return _is_array(x) and np.ndim(x) > 0


def _array(x: Any, where: str) -> Array:
    """Return a tensor of any framework as an array; a PyTorch one may require gradients or be on another device."""
    if hasattr(x, "detach"):
        x = x.detach().cpu()
    try:
        array = np.asanyarray(x)  # a memory map stays one
    except ValueError:
        raise UsageError(f"{where}: samples of different shapes") from None
    if array.dtype.kind not in "fiub":
        raise UsageError(f"{where}: values of type {array.dtype}, expected numbers")
    return np.asarray(array)


def _labels(labels: Any, count: int, where: str) -> Array | None:
    """Return labels as they are, [count] or [count, ...]."""
    if labels is None:
        return None
    array = np.asarray(labels.detach().cpu() if hasattr(labels, "detach") else labels)
    if array.size == count:
        return np.asarray(array.reshape(count))
    if array.ndim > 1 and len(array) == count:
        return array
    raise UsageError(f"{where}: {count} samples and {len(np.atleast_1d(array))} labels")


def _to_graph(x: Array, shape: Shape, axes: Axes, where: str) -> Array:
    """Return samples as [samples, *shape], a view where possible; one sample may come without its dimension."""
    trained = tuple(shape[axes.index(d)] for d in range(len(shape))) if axes else shape
    return arranged(x[np.newaxis] if x.shape == sample_shape(trained) else x, shape, where, axes)


def _finite(x: Array, name: str) -> Array:
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite
        real = np.ascontiguousarray(x, np.float32)
    if not np.all(np.isfinite(real)):
        raise UsageError(f"the calibration samples of {name} hold NaN or infinite values")
    return real
