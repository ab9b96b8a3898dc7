"""Try methods and corrections one after the other; keep what helps on the calibration samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.calibrate import Calibration, Progress
from mcuq.quantization.layers import run_integers
from mcuq.quantization.options import CORRECTIONS, Options
from mcuq.samples.task import Task, find_task
from mcuq.tensor import Array

METHODS = ("mse", "kl", "percentile:99.99", "percentile:99.9", "minmax")
FEW = 32  # samples, of which none is spared for judging

Quantize = Callable[[Options, Mapping[str, Array]], tuple[FloatGraph, Graph]]


@dataclass(frozen=True)
class Trial:
    """One attempt.

    Attributes:
        what: was changed.
        accuracy: share of right answers; None without labels, or for a model whose answers are values.
        sqnr: of the outputs against the float model's, in dB.
        kept: whether it was better than what was best until then.
    """

    what: str
    accuracy: float | None
    sqnr: float
    kept: bool


def search(
    calibration: Calibration, options: Options, quantize: Quantize, progress: Progress | None = None
) -> tuple[Options, list[Trial]]:
    """Return the options that serve the calibration samples best, and all that was tried.

    Better is the higher accuracy where labels tell right answers from wrong, then the higher SQNR of the outputs.
    Corrections are fitted on one half of the samples and judged on the other, where there are enough; of a sequence on
    the first half and the second.

    Args:
        calibration: of the model as it came.
        options: where to begin; its scheme and granularity stay.
        quantize: quantizes with options, corrections fitted on these samples; returns also the float model.
        progress: told the number of trials done.
    """
    fitted, judged = _halves(calibration)
    fit, judge = ({name: x[half] for name, x in calibration.kept.items()} for half in (fitted, judged))
    labels = None if calibration.labels is None else calibration.labels[judged]
    task = find_task(calibration.graph, labels, where="the calibration samples' labels") if labels is not None else None
    truth = task.truth(labels) if task and task.counts and labels is not None else None
    wanted = float_run.run(calibration.graph, judge)
    best, trials = replace(options, auto=False), list[Trial]()
    score: tuple[float, float] | None = None
    changes = list(_changes(options))
    for number, (what, change) in enumerate(changes):
        candidate = change(best)
        if trials and candidate == best:
            continue
        found = _score(wanted, run_integers(*quantize(candidate, fit), judge), task, truth)
        kept = score is None or found > score
        trials.append(Trial(what, None if truth is None else found[0], found[1], kept))
        if kept:
            best, score = candidate, found
        if progress:
            progress("auto", number + 1, len(changes))
    return best, trials


def _halves(calibration: Calibration) -> tuple[slice, slice]:
    """Return which of the kept samples corrections are fitted on, and which they are judged on."""
    if (kept := _kept(calibration)) < FEW:
        return slice(None), slice(None)
    if calibration.graph.states:
        return slice(0, kept // 2), slice(kept // 2, None)
    return slice(0, None, 2), slice(1, None, 2)


def _kept(calibration: Calibration) -> int:
    return len(next(iter(calibration.kept.values())))


def _changes(options: Options) -> Iterator[tuple[str, Callable[[Options], Options]]]:
    """Yield what to try: the options as given, every method, then each correction with or without."""
    yield "as given", lambda best: best
    for method in METHODS:
        yield f"method {method}", partial(replace, method=method)
    yield "weights clipped", partial(replace, clip=True)
    for name in CORRECTIONS:
        yield f"{'without' if name in options.corrections else 'with'} {name}", partial(_toggled, name=name)


def _toggled(options: Options, name: str) -> Options:
    chosen = {*options.corrections} ^ {name}
    return replace(options, corrections=tuple(n for n in CORRECTIONS if n in chosen))


def _score(
    wanted: Mapping[str, Array], given: Mapping[str, Array], task: Task | None, truth: Array | None
) -> tuple[float, float]:
    names = list(wanted)
    ratio = float(np.mean([min(sqnr(wanted[name], given[name]), 200.0) for name in names]))
    if task is None or truth is None:
        return 0.0, ratio
    outputs = given[names[0]]
    return float(task.right(outputs.reshape(len(outputs), -1), truth).mean()), ratio
