"""How good answers are, as lines and as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.samples.metrics import TOP, Figure, Metrics
from mcuq.samples.task import Task

SHOWN = 3  # classes that are answered worst
Pick = Callable[[Metrics], "str | None"]


def as_data(m: Metrics | None, classes: Sequence[str] = ()) -> dict[str, Any] | None:
    """Return metrics as data: what their task does not have is None."""
    if m is None:
        return None
    counted = None
    if m.confusion:
        counted = {
            "names": _names(classes, len(m.confusion)),
            "confusion": m.confusion,
            "recall": _numbers(m.recall),
            "precision": _numbers(m.precision),
        }
    return {
        "answers": m.answers,
        "accuracy": figure(m.accuracy),
        "auc": figure(m.auc),
        "best_threshold": None if m.best is None else {"threshold": m.best[0], "accuracy": m.best[1]},
        "top": None if m.top is None else {str(k): share for k, share in m.top.items()},
        "classes": counted,
        "labels": list(m.labels) or None,
        "rmse": figure(m.rmse),
        "mae": m.mae,
        "r2": m.r2,
    }


def figure(f: Figure | None) -> dict[str, float] | None:
    """Return a figure as data."""
    return None if f is None else {"value": f.value, "standard_error": f.error}


def judged_lines(both: Mapping[str, Metrics], task: Task, samples: str) -> Iterator[str]:
    """Yield how good the answers of several models are, side by side."""
    picks: dict[str, Pick] = {
        f"accuracy on {samples}": lambda m: _percent(m.accuracy),
        f"RMSE on {samples}": lambda m: None if m.rmse is None else f"{m.rmse.value:.4g} ± {m.rmse.error:.2g}",
        "mean absolute error": lambda m: None if m.mae is None else f"{m.mae:.4g}",
        "R2": lambda m: None if m.r2 is None else f"{m.r2:.4f}",
        _area(task): lambda m: None if m.auc is None else f"{m.auc.value:.4f} ± {m.auc.error:.4f}",
        "best threshold": _best,
        f"class among the largest {' / '.join(str(k) for k in TOP if k < task.outputs)} outputs": _top,
    }
    for what, pick in picks.items():
        found = {name: text for name, m in both.items() if (text := pick(m)) is not None}
        if found:
            how = f" ({task.how})" if what.endswith(samples) else ""
            yield f"{what}: {', '.join(f'{name} {text}' for name, text in found.items())}{how}"
    yield from _worst(list(both.values())[-1:], task)


def _area(task: Task) -> str:
    """Return what the area under the curve is of."""
    if task.kind == "reconstruction":
        return "AUC of the error, odd against ordinary"
    return "AUC" if task.kind == "decisions" else f"AUC, mean of {task.outputs} against the others"


def _best(m: Metrics) -> str | None:
    return None if m.best is None else f"{m.best[0]:.4g} ({100 * m.best[1]:.1f} %)"


def _top(m: Metrics) -> str | None:
    return " / ".join(f"{100 * share:.1f}" for share in m.top.values()) + " %" if m.top else None


def _worst(last: Sequence[Metrics], task: Task) -> Iterator[str]:
    """Yield the classes, or the labels, that are answered worst."""
    for m in last:
        if len(m.confusion) > 2:
            names = _names(task.names, len(m.confusion))
            for i in [i for i in np.argsort(m.recall, kind="stable")[:SHOWN] if m.recall[i] < 1]:
                row = m.confusion[i]
                taken = max((j for j in range(len(row)) if j != i), key=row.__getitem__)
                lost = f"{row[taken]} of {sum(row)} taken for {names[taken]}"
                yield f"class {names[i]}: recall {100 * m.recall[i]:.1f} %, {_precision(m, int(i))}; {lost}"
        if m.labels:
            worst = int(np.argmin(m.labels))
            name = _names(task.names, len(m.labels))[worst]
            yield f"label {name} is answered worst: {100 * m.labels[worst]:.1f} % right"


def _precision(m: Metrics, i: int) -> str:
    said = m.precision[i]
    return "never answered" if np.isnan(said) else f"precision {100 * said:.1f} %"


def _percent(f: Figure | None) -> str | None:
    return None if f is None else f"{100 * f.value:.1f} % ± {100 * f.error:.1f}"


def _names(classes: Sequence[str], count: int) -> list[str]:
    return list(classes) if len(classes) == count else [str(i) for i in range(count)]


def _numbers(x: Any) -> list[float | None]:
    return [None if np.isnan(v) else float(v) for v in x]
