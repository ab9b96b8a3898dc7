"""Which arrays of an ``.npz`` file are samples, which are labels: by name, never by what they look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcuq.errors import UsageError
from mcuq.graph import identifier
from mcuq.tensor import Array

_PART = "train|training|test|testing|val|valid|validation|calib|calibration|eval|holdout"
_SAMPLES = "x|sample|samples|input|inputs|data|image|images|feature|features|arr_0"
_LABELS = "y|label|labels|target|targets"
_CLASSES = ("class_names", "classes", "label_names", "names")


@dataclass(frozen=True)
class Keys:
    """Under which names a file holds a model's samples.

    Attributes:
        inputs: of the arrays in the file, by the names of the model's inputs.
        labels: empty where it has none.
        classes: of an array that may hold the classes' names; empty where it has none.
    """

    inputs: Mapping[str, str]
    labels: str
    classes: str


@dataclass(frozen=True, eq=False)
class Named:
    """The arrays of a file under the names that they have for a model.

    Attributes:
        inputs: as they are in the file, by the names of the model's inputs.
        labels: as they are in the file; None where it has none.
        classes: names of the classes, in the order of the outputs; empty where the file has none.
        keys: of every input, and of the labels, in the file.
        where: the file's path, for messages.
    """

    inputs: Mapping[str, Array]
    labels: Array | None
    classes: tuple[str, ...]
    keys: tuple[str, ...]
    where: str


def find_keys(held: Sequence[str], inputs: Sequence[str], where: str) -> Keys:
    """Find a model's inputs and labels among the names of a file's arrays.

    A model with one input: ``X``, its name, the only array, or the one array named as samples usually are (``x_train``,
    ``images``, ...); with several: their names. Labels: ``Y``, or the one array named as labels usually are that
    belongs to the same part (``y_train`` to ``x_train``).

    Raises:
        UsageError: for samples that are not found, or not one; it lists what the file holds.
    """
    keys = {name: _input(held, name, where) for name in inputs} if len(inputs) > 1 else {}
    keys = keys or {inputs[0]: _samples(held, inputs[0], where)}
    return Keys(keys, _label(held, list(keys.values()), where), next((key for key in _CLASSES if key in held), ""))


def _input(arrays: Sequence[str], name: str, where: str) -> str:
    found = [name] if name in arrays else [key for key in arrays if identifier(key) == name]
    if len(found) == 1:
        return found[0]
    raise UsageError(f"{where}: has no array {name!r}, an input of the model; {_held(arrays)}")


def _samples(arrays: Sequence[str], name: str, where: str) -> str:
    for key in ("X", name):
        if key in arrays:
            return key
    found = [key for key in arrays if _part(key, _SAMPLES) is not None or identifier(key) == name]
    if not found and len(arrays) == 1:
        found = list(arrays)
    if len(found) == 1:
        return found[0]
    what = f"{' and '.join(sorted(found))} could be the samples" if found else f"has no array 'X' or {name!r}"
    raise UsageError(f"{where}: {what}; {_held(arrays)}; wanted: samples as X, their labels as Y")


def _label(arrays: Sequence[str], samples: Sequence[str], where: str) -> str:
    """Return the labels' key; empty where there are none."""
    others = [key for key in arrays if key not in samples]
    if "Y" in others:
        return "Y"
    part = _part(samples[0], _SAMPLES) or ""
    found = [key for key in others if _part(key, _LABELS) == part]
    found = found or [key for key in others if _part(key, _LABELS) is not None]
    if len(found) > 1:
        what = f"{' and '.join(sorted(found))} could be the labels"
        raise UsageError(f"{where}: {what}; {_held(arrays)}; wanted: samples as X, their labels as Y")
    return found[0] if found else ""


def _part(key: str, kind: str) -> str | None:
    """Return the part of a data set that a key names, empty for none; None if it is no key of this kind."""
    match = re.fullmatch(rf"(?:({_PART})_)?(?:{kind})(?:_?({_PART}))?", key.lower())
    return None if match is None else match.group(1) or match.group(2) or ""


def _held(arrays: Iterable[str]) -> str:
    keys = sorted(arrays)
    shown = ", ".join(key[:40] for key in keys[:10])
    return f"the file holds {shown}{', ...' if len(keys) > 10 else ''}" if keys else "the file holds no arrays"
