"""Observe the activations of a float model: one pass over the samples, a histogram per activation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq import float_run
from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.quantization.activations import activation_schemes, remembered
from mcuq.quantization.clipping import check_method, choose_range, expected_error
from mcuq.quantization.histogram import Histogram
from mcuq.quantization.reach import exponentials, reaching
from mcuq.quantization.remarks import Remarks
from mcuq.quantization.samples import Batch, batches
from mcuq.quantization.scheme import Range, Scheme
from mcuq.quantization.silence import cuts_at_zero, silent_ranges, stilled
from mcuq.tensor import Array

DEFAULT_METHOD = "mse"
MAX_KEPT = 256  # samples
KEPT_BYTES = 64 << 20  # of all kept samples at the widest place of the network, float32
SEED = 1
FOLDS = 2

Progress = Callable[[str, int, int | None], None]  # stage, steps done, steps in all where known


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was seen of a model's activations.

    Attributes:
        graph: the float model that ran.
        histograms: of every activation.
        kept: float32 [kept, *shape] per model input: a random sample, the same every time, of bounded size; of a model
            with states the first steps.
        labels: [kept], where the data has them.
        samples: how many ran.
        folds: the histograms of every second sample, and of the others.
        fold: [kept], which of the two a kept sample is in.
        silent: the range of activations that a ReLU cut to 0 on all samples, and of what follows from them alone.
        remarks: what is odd about them, in words.
    """

    graph: FloatGraph
    histograms: Mapping[str, Histogram]
    kept: Mapping[str, Array]
    labels: Array | None
    samples: int
    folds: tuple[Mapping[str, Histogram], ...]
    fold: npt.NDArray[np.int64]
    silent: Mapping[str, Range] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def warnings(self) -> Iterator[str]:
        """Yield what is suspicious about the samples, or the model, a line each."""
        for node in self.graph.nodes:
            if node.outputs[0] in self.silent and cuts_at_zero(node.op):
                yield (
                    f"warning: the output of {node.name} is 0 on all {self.samples} calibration sample(s); "
                    "it got a small range: is the layer dead, or do the samples not reach it?"
                )

    def of_fold(self, fold: int) -> Calibration:
        """Return what one half of the samples shows."""
        return replace(self, histograms=self.folds[fold], kept=self.kept_of(fold))

    def kept_of(self, fold: int) -> dict[str, Array]:
        """Return the kept samples of one half."""
        return {name: x[self.fold == fold] for name, x in self.kept.items()}

    def ranges(
        self,
        method: str = DEFAULT_METHOD,
        scheme: Scheme = Scheme(),  # noqa: B008
        per_layer: Mapping[str, str] | None = None,
        layers: Mapping[str, Scheme] | None = None,
    ) -> dict[str, Range]:
        """Return the range of every activation that the model does not bring along.

        Args:
            method: see :func:`choose_range`.
            scheme: whose steps count.
            per_layer: other methods for some layers (nodes, or activations such as the model's input), by name.
            layers: other schemes for some layers, by name.

        Raises:
            UsageError: for a method or a layer that does not exist.
        """
        methods = dict.fromkeys(remembered(self.graph), "minmax") | self._methods(per_layer or {})
        check_method(method)
        schemes = activation_schemes(self.graph, scheme, layers or {})
        ranges = {
            name: self.silent.get(name) or choose_range(histogram, methods.get(name, method), schemes[name])
            for name, histogram in self.histograms.items()
            if name not in self.graph.known
        }
        steps = {name: kind.steps for name, kind in schemes.items() if methods.get(name, method) == "mse"}
        return ranges | dict(exponentials(self.graph, self.histograms, ranges, steps))

    def best_methods(self, methods: Sequence[str], scheme: Scheme, layers: Mapping[str, Scheme]) -> dict[str, str]:
        """Return, for activations that the first method does not serve best, the one that does.

        That is the one whose range, of one half of the samples, has the least squared error on the other half.

        Args:
            methods: to choose from.
            scheme: whose steps count.
            layers: other schemes for some layers, by name.
        """
        schemes = activation_schemes(self.graph, scheme, layers)
        excluded = {*self.graph.known, *self.silent, *reaching(self.graph)}
        errors = dict.fromkeys(self.histograms.keys() - excluded, np.zeros(len(methods)))
        for one, other in (self.folds, self.folds[::-1]):
            for name in errors:
                ranges = (choose_range(one[name], method, schemes[name]) for method in methods)
                errors[name] = errors[name] + [expected_error(other[name], r, schemes[name]) for r in ranges]
        best = {name: methods[int(np.argmin(errors[name]))] for name in self.histograms if name in errors}
        return {name: method for name, method in best.items() if method != methods[0]}

    def _methods(self, per_layer: Mapping[str, str]) -> dict[str, str]:
        outputs = {node.name: node.outputs[0] for node in self.graph.nodes}
        if unknown := [name for name in per_layer if name not in outputs and name not in self.graph.shapes]:
            raise UsageError(f"{unknown[0]} is no layer of the model; its layers are {', '.join(outputs)}")
        return {outputs.get(name, name): method for name, method in per_layer.items()}


def calibrate(graph: FloatGraph, data: Any, progress: Progress | None = None) -> Calibration:
    """Run the calibration set through a model; see :func:`calibrate_all`."""
    return calibrate_all([graph], data, progress)[0]


def calibrate_all(graphs: Sequence[FloatGraph], data: Any, progress: Progress | None = None) -> list[Calibration]:
    """Run the calibration set, once, through variants of a model.

    Args:
        graphs: with equal inputs.
        data: see :func:`batches`; it is gone through once, and never held as a whole.
        progress: told the number of samples done.

    Raises:
        UsageError: for data that does not fit the model, holds no samples, or lets an activation be NaN, infinite or
            one and the same everywhere.
    """
    observers = [_Observer(graph) for graph in graphs]
    kept, watch, done = _Kept(_limit(graphs[0]), bool(graphs[0].states)), Remarks(graphs[0]), 0
    for batch in batches(graphs[0], data):
        seen = [observer.add(batch, watch.wanted) for observer in observers]
        watch.add(batch, seen[0])
        kept.add(batch)
        done += len(batch)
        if progress:
            progress("calibrate", done, _length(data))
    checked = [observer.checked(done) for observer in observers]
    inputs, labels = kept.samples()
    remarks = tuple(watch.lines())
    return [
        Calibration(o.graph, histograms, inputs, labels, done, o.folds, kept.fold, o.silent(), remarks)
        for o, histograms in zip(observers, checked, strict=True)
    ]


def _length(data: Any) -> int | None:
    """Return the number of samples of an array; of other data it is not known before the end."""
    return len(data) if isinstance(data, np.ndarray) else None


class _Observer:
    """The histograms of one model's activations."""

    def __init__(self, graph: FloatGraph) -> None:
        self.graph = graph
        self.folds = tuple({name: Histogram() for name in graph.shapes} for _ in range(FOLDS))
        self.seen = 0
        self.kept: dict[str, Array] = {}  # what the model remembers from one batch to the next

    def add(self, batch: Batch, wanted: frozenset[str]) -> dict[str, Array]:
        """Run some samples; return the wanted activations."""
        found = {}
        given = float_run.with_states(self.graph, batch.inputs, self.kept)
        for name, x in given.items():
            self._count(name, x, len(batch))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # found, and named, by ``checked``
            for name, x, observed in float_run.trace(self.graph, given):
                self._count(name, observed, len(batch))
                if name in wanted:
                    found[name] = x
        self.seen += len(batch)
        return found

    def _count(self, name: str, x: Array, samples: int) -> None:
        """Add values to both halves, sample by sample; what is no sample's, such as a whole table, is in both."""
        for k, fold in enumerate(self.folds):
            fold[name].add(x[(k - self.seen) % FOLDS :: FOLDS] if len(x) == samples else x)

    @cached_property
    def histograms(self) -> dict[str, Histogram]:
        """Those of all samples, once all of them were seen."""
        return {name: reduce(Histogram.merged, (fold[name] for fold in self.folds)) for name in self.graph.shapes}

    def checked(self, samples: int) -> dict[str, Histogram]:
        """Return the histograms if every one of them can be quantized by."""
        for problem in self._problems(samples):
            raise UsageError(problem)
        return self.histograms

    def silent(self) -> dict[str, Range]:
        """Return the ranges of activations that were 0 throughout and may be."""
        return silent_ranges(self.graph, self.histograms)

    def _problems(self, samples: int) -> Iterator[str]:
        """Yield what cannot be quantized by.

        A layer that is off throughout is none if others go around it, or if a ReLU is what cuts it; neither is a value
        whose range the operator fixes, nor what follows from such constants alone.
        """
        whats = {name: f"the model's input {name}" for name in self.graph.inputs}
        whats |= {name: f"the output of {node.name}" for node in self.graph.nodes for name in node.outputs}
        for name, what in whats.items():
            if not self.histograms[name].is_finite:
                yield f"{what} takes NaN or infinite values on the calibration samples; is the model sound?"
        excused = {*self.graph.known, *stilled(self.graph, self.histograms)}
        constant = [name for name in whats if self.histograms[name].is_constant and name not in excused]
        varying = {*self.graph.inputs}.difference(constant)
        for node in self.graph.nodes:
            if varying.intersection(node.inputs):
                varying.update(name for name in node.outputs if name not in constant)
        if constant and not varying.issuperset(self.graph.outputs):
            yield (
                f"{whats[constant[0]]} is {self.histograms[constant[0]].low:g} everywhere in {samples} calibration "
                "sample(s), so its range is not known; calibrate with more samples, such as the model will meet"
            )


class _Kept:
    """A uniform random sample of all samples, drawn while they stream by (reservoir sampling, fixed seed).

    Of steps of a sequence, the first.
    """

    def __init__(self, limit: int, in_order: bool = False) -> None:
        self.limit, self.seen, self.labelled, self.in_order = limit, 0, True, in_order
        self.rng = np.random.default_rng(SEED)
        self.slots: list[tuple[dict[str, Array], Any, int]] = []

    def add(self, batch: Batch) -> None:
        self.labelled &= batch.labels is not None
        for i in range(len(batch)):
            is_first = self.seen < self.limit or self.in_order
            slot = self.seen if is_first else int(self.rng.integers(self.seen + 1))
            self.seen += 1
            if slot < self.limit:
                sample = {name: x[i].copy() for name, x in batch.inputs.items()}
                label = None if batch.labels is None else batch.labels[i]
                self.slots[slot : slot + 1] = [(sample, label, (self.seen - 1) % FOLDS)]

    def samples(self) -> tuple[dict[str, Array], Array | None]:
        """Return inputs and labels as arrays."""
        inputs = {name: np.stack([sample[name] for sample, *_ in self.slots]) for name in self.slots[0][0]}
        return inputs, np.array([label for _, label, _ in self.slots]) if self.labelled else None

    @property
    def fold(self) -> npt.NDArray[np.int64]:
        """Which half of the set every sample is in."""
        return np.array([fold for *_, fold in self.slots], np.int64)


def _limit(graph: FloatGraph) -> int:
    largest = max(math.prod(shape) for shape in graph.shapes.values())
    return int(np.clip(KEPT_BYTES // (4 * largest), 8, MAX_KEPT))
