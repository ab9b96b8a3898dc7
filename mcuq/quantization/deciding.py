"""What the calibration samples decide: candidates, each judged on samples that it was not made from.

Ranges, and the constants that corrections fit, are made of one half of the samples, and the outputs of the other half
are compared with the float model's; then the other way around. What a softmax gets is compared, not what it gives: that
hides errors, or blows them up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mcuq import float_run
from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.log_softmax import LogSoftmax
from mcuq.ops.softmax import Softmax
from mcuq.quantization.arrays import decibels
from mcuq.quantization.calibrate import FOLDS, Calibration, Progress
from mcuq.quantization.layers import run_integers
from mcuq.quantization.options import CORRECTIONS, DEFAULT_CORRECTIONS, Options
from mcuq.quantization.reach import reaching
from mcuq.quantization.scheme import Scheme
from mcuq.samples.metrics import paired_difference
from mcuq.samples.task import Task, find_task
from mcuq.tensor import Array

FEW = 8  # samples of a half: fewer decide nothing
METHODS = ("percentile:99.99", "minmax")  # beside the default
GAIN = 0.5  # dB that a choice must be better by
UNEVEN = 1.5  # dB that equalization must be better by: corrections even out some of what it gains
MOST = 200.0  # dB, of outputs without any error

Quantize = Callable[[Options, Calibration], tuple[FloatGraph, Graph]]


@dataclass(frozen=True)
class Trial:
    """One attempt.

    Attributes:
        what: was changed.
        accuracy: share of right answers; None without labels, or for a model whose answers are values.
        sqnr: of the outputs against the float model's, in dB, on samples that the attempt was not made from.
        kept: whether it was better than what was best until then.
    """

    what: str
    accuracy: float | None
    sqnr: float
    kept: bool


def scores(graph: FloatGraph) -> tuple[str, ...]:
    """Return the values to judge by: the model's outputs, but what a softmax gets instead of what it gives."""
    given = {node.outputs[0]: node.inputs[0] for node in graph.nodes if isinstance(node.op, Softmax | LogSoftmax)}
    return tuple(dict.fromkeys(given.get(name, name) for name in graph.outputs))


class Judge:
    """The float model's scores of the kept samples, half by half."""

    def __init__(self, calibration: Calibration) -> None:
        self.names, self.calibration = scores(calibration.graph), calibration
        self.inputs = [calibration.kept_of(fold) for fold in range(FOLDS)]
        judged = replace(calibration.graph, outputs=self.names)
        self.wanted = [float_run.run(judged, x) for x in self.inputs]
        self.task, self.truth = _judged_by(calibration)

    def outputs(self, made: Callable[[int], tuple[FloatGraph, Graph]]) -> list[dict[str, Array]]:
        """Return the scores of both halves, each of what was made of the other one."""
        found = []
        for fold, inputs in enumerate(self.inputs):
            source, graph = made(1 - fold)
            found.append(run_integers(source, replace(graph, outputs=self.names), inputs))
        return found

    def sqnr(self, given: list[dict[str, Array]]) -> float:
        """Return the ratio of the float model's scores to the error, in dB, the mean of several outputs'."""
        return float(np.mean([self._ratio(name, given) for name in self.names]))

    def hits(self, given: list[dict[str, Array]]) -> Array | None:
        """Return which answers are right, 0 or 1 each; None where that is not known."""
        if self.task is None:
            return None
        outputs = [scores[self.names[0]] for scores in given]
        pairs = zip(outputs, self.truth, strict=True)
        return np.concatenate([self.task.right(y.reshape(len(y), -1), truth) for y, truth in pairs]).astype(np.float64)

    def _ratio(self, name: str, given: list[dict[str, Array]]) -> float:
        signal = sum(float(np.square(x[name], dtype=np.float64).sum()) for x in self.wanted)
        both = zip(self.wanted, given, strict=True)
        noise = sum(float(np.square(x[name].astype(np.float64) - y[name]).sum()) for x, y in both)
        return min(decibels(signal, noise), MOST)


def _judged_by(calibration: Calibration) -> tuple[Task | None, list[Array]]:
    """Return what answers are right or wrong by, and the right ones of both halves."""
    labels = calibration.labels
    if labels is None:
        return None, []
    try:
        task = find_task(calibration.graph, labels)
        if task is None or not task.counts:
            return None, []
        return task, [task.truth(labels[calibration.fold == fold]) for fold in range(FOLDS)]
    except UsageError:  # labels that nothing can be judged by: the remarks say why
        return None, []


def can_decide(calibration: Calibration) -> bool:
    """Whether there are samples to decide by; those of a sequence have no halves."""
    return not calibration.graph.states and all(np.sum(calibration.fold == fold) >= FEW for fold in range(FOLDS))


class Deciding:
    """The best of the candidates so far, and what was tried.

    Attributes:
        seen: of the model as it came, and equalized if that may be chosen.
        best: the options that served the samples best.
        least: their SQNR, which a better candidate exceeds.
        trials: all attempts.
    """

    def __init__(self, seen: Mapping[bool, Calibration], options: Options, quantize: Quantize) -> None:
        self.seen, self.quantize, self.best = seen, quantize, options
        self.judge, self.least, self.trials = Judge(next(iter(seen.values()))), -MOST, list[Trial]()
        self.hits: Array | None = None

    def attempt(self, what: str, candidate: Options, gain: float = GAIN) -> None:
        """Judge a candidate; keep it if it is better than the best so far by so many decibels."""
        given = self.judge.outputs(partial(self._made, candidate))
        sqnr, hits = self.judge.sqnr(given), self.judge.hits(given)
        kept = self._is_better(sqnr, hits, gain)
        self.trials.append(Trial(what, None if hits is None else float(hits.mean()), sqnr, kept))
        if kept:
            self.best, self.least, self.hits = candidate, sqnr, hits

    def _is_better(self, sqnr: float, hits: Array | None, gain: float) -> bool:
        """Whether the error is smaller; answers count where more, or fewer, are right than chance explains."""
        if not self.trials:
            return True
        if hits is not None and self.hits is not None:
            difference = paired_difference(self.hits, hits)
            if abs(difference.value) > 2 * difference.error:
                return difference.value > 0 and sqnr > self.least - gain
        return sqnr > self.least + gain

    def _made(self, candidate: Options, fold: int) -> tuple[FloatGraph, Graph]:
        return self.quantize(candidate, self.calibration(candidate).of_fold(fold))

    def calibration(self, options: Options) -> Calibration:
        """Return what was seen of the model that these options quantize."""
        return self.seen["equalization" in options.fixed_corrections]


def decide(
    seen: Mapping[bool, Calibration],
    options: Options,
    schemes: Mapping[str, Scheme],
    quantize: Quantize,
    progress: Progress | None = None,
) -> tuple[Options, list[Trial]]:
    """Return the options with nothing left open, and what was tried.

    Candidates are compared as they are before rounding and biases are corrected. A choice must gain more than
    what two draws of samples differ by (``GAIN``, ``UNEVEN``).

    Args:
        seen: of the model as it came, and equalized if that may be chosen.
        options: where to begin; what they say stays.
        schemes: of layers that are not quantized as all others.
        quantize: quantizes with options and with what was seen.
        progress: told the number of candidates done.
    """
    given = options.corrections or ()
    bare = replace(options.fixed, corrections=tuple(name for name in given if name == "equalization"))
    deciding = Deciding(seen, bare, quantize)
    attempts = [partial(deciding.attempt, f"ranges by {bare.fixed_method}", bare)]
    if len(seen) > 1 and options.corrections is None:
        attempts.append(partial(deciding.attempt, "equalization", replace(bare, corrections=("equalization",)), UNEVEN))
    if options.method is None:
        attempts += [partial(try_room, deciding), partial(try_layers, deciding, schemes)]
    for number, attempt in enumerate(attempts):
        attempt()
        if progress:
            progress("deciding", number + 1, len(attempts))
    best = deciding.best
    chosen = {*best.fixed_corrections, *(DEFAULT_CORRECTIONS if options.corrections is None else given)}
    return replace(best, corrections=tuple(name for name in CORRECTIONS if name in chosen)), deciding.trials


def try_room(deciding: Deciding) -> None:
    """Try wider ranges of the scores: of few samples, few show the largest."""
    best, graph = deciding.best, deciding.calibration(deciding.best).graph
    makers = {node.outputs[0]: node.name for node in graph.nodes}
    given = {*graph.known, *reaching(graph)}
    wide = {makers[name]: "wide" for name in scores(graph) if name in makers and name not in given}
    if wide := {name: method for name, method in wide.items() if name not in best.layer_methods}:
        candidate = replace(best, layer_methods={**best.layer_methods, **wide})
        deciding.attempt("room beyond the outputs seen", candidate)


def try_layers(deciding: Deciding, schemes: Mapping[str, Scheme]) -> None:
    """Try ranges by the method that serves each activation best."""
    best, calibration = deciding.best, deciding.calibration(deciding.best)
    methods = dict.fromkeys((best.fixed_method, *METHODS))
    makers = {node.outputs[0]: node.name for node in calibration.graph.nodes}
    found = calibration.best_methods([*methods], best.kind, schemes)
    named = {makers.get(name, name): method for name, method in found.items()}
    if named.keys() - best.layer_methods.keys():
        deciding.attempt("ranges layer by layer", replace(best, layer_methods={**named, **best.layer_methods}))


def summary(trials: list[Trial] | tuple[Trial, ...]) -> str:
    """Say in a line what was chosen, and by how much."""
    first, kept = trials[0], [trial for trial in trials[1:] if trial.kept]
    if not kept:
        tried = ", ".join(trial.what for trial in trials[1:])
        return f"the calibration samples keep {first.what}, {first.sqnr:.1f} dB (cross-validated); tried: {tried}"
    chosen, better = " and ".join(trial.what for trial in kept), kept[-1].sqnr
    return f"the calibration samples chose {chosen}: {better:.1f} dB instead of {first.sqnr:.1f} (cross-validated)"
