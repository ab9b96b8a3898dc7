"""A wider search for how to quantize: all methods, clipped weights, every correction with or without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from mcuq.quantization.calibrate import Calibration, Progress
from mcuq.quantization.deciding import Deciding, Quantize, Trial, decide
from mcuq.quantization.options import CORRECTIONS, Options
from mcuq.quantization.scheme import Scheme

METHODS = ("mse", "kl", "percentile:99.99", "percentile:99.9", "minmax")

Change = Callable[[Options], Options]


def search(
    seen: Mapping[bool, Calibration],
    options: Options,
    schemes: Mapping[str, Scheme],
    quantize: Quantize,
    progress: Progress | None = None,
) -> tuple[Options, list[Trial]]:
    """Return the options that serve the calibration samples best, and all that was tried.

    It begins with what :func:`decide` finds. Then candidates are compared as they would be used, corrections fitted on
    one half of the samples and judged on the other.

    Args:
        seen: of the model as it came, and equalized.
        options: where to begin; its scheme and granularity stay.
        schemes: of layers that are not quantized as all others.
        quantize: quantizes with options and with what was seen.
        progress: told the number of trials done.
    """
    start, first = decide(seen, options, schemes, quantize)
    deciding, changes = Deciding(seen, start, quantize), list(_changes(start))
    deciding.attempt("as given" if len(first) == 1 else "as decided without --auto", start)
    for number, (what, change) in enumerate(changes):
        candidate = change(deciding.best)
        if candidate != deciding.best:
            deciding.attempt(what, candidate)
        if progress:
            progress("auto", number + 1, len(changes))
    return deciding.best, deciding.trials


def _changes(options: Options) -> Iterator[tuple[str, Change]]:
    """Yield what to try: every method, clipped weights, then each correction with or without."""
    for method in METHODS:
        yield f"ranges by {method}", partial(replace, method=method)
    yield "weights clipped", partial(replace, clip=True)
    for name in CORRECTIONS:
        yield f"{'without' if name in options.fixed_corrections else 'with'} {name}", partial(_toggled, name=name)


def _toggled(options: Options, name: str) -> Options:
    chosen = {*options.fixed_corrections} ^ {name}
    return replace(options, corrections=tuple(n for n in CORRECTIONS if n in chosen))
