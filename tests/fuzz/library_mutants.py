"""Mutants of what has a library of its own: protobuf messages and HDF5 files."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from requirements import require_module

from fuzz.mutations import FLOATS, TEXTS, Rng, any_bytes, any_json, number_near, pick


def any_onnx(data: bytes, rng: Rng) -> bytes:
    if rng.random() < 0.15:
        return any_bytes(data, rng)
    return _edited(require_module("onnx").ModelProto.FromString(data), rng)


def any_saved_graph(data: bytes, rng: Rng) -> bytes:
    """Change the description of a SavedModel."""
    try:
        kind = require_module("tensorflow.core.protobuf.saved_model_pb2").SavedModel
        return _edited(kind.FromString(data), rng)
    except Exception:
        return any_bytes(data, rng)


def _edited(message: Any, rng: Rng) -> bytes:
    for _ in range(int(pick(rng, (1, 1, 2, 3)))):
        owner, field = pick(rng, list(_fields(message)))
        try:
            _edit(owner, field, rng)
        except (ValueError, OverflowError, TypeError, AttributeError):  # the field cannot hold the value
            owner.ClearField(field.name)
    return message.SerializeToString()


def _edit(owner: Any, field: Any, rng: Rng) -> None:
    value = getattr(owner, field.name)
    if _is_repeated(field):
        _edit_items(value, rng)
    elif isinstance(value, bytes | str | float | int):
        setattr(owner, field.name, _other(value, rng))
    else:
        owner.ClearField(field.name)


def _edit_items(items: Any, rng: Rng) -> None:
    """Remove, repeat, swap or change an item."""
    i, j = (int(k) for k in rng.integers(0, len(items), 2))
    kind = rng.integers(0, 4)
    if kind == 0:
        del items[i]
    elif hasattr(items, "add"):
        items.add().CopyFrom(items[i])
    elif kind == 1:
        items.append(items[j])
    else:
        items[i] = items[j] if kind == 2 else _other(items[i], rng)


def _other(value: Any, rng: Rng) -> Any:
    if isinstance(value, bytes):
        return any_bytes(value, rng)
    if isinstance(value, str):
        return pick(rng, (*TEXTS[:8], f"{value}x", "x", "y", "w"))
    return pick(rng, FLOATS) if isinstance(value, float) else type(value)(number_near(value, rng))


def _is_repeated(field: Any) -> bool:
    return bool(field.is_repeated if hasattr(field, "is_repeated") else field.label == 3)


def _fields(message: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every field that is set, at any depth."""
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for item in value if _is_repeated(field) else (value,):
                yield from _fields(item)


def any_h5(data: bytes, rng: Rng) -> bytes:
    """Change the description through HDF5 itself, remove something, or change any byte."""
    if rng.random() < 0.5:
        return any_bytes(data, rng)
    target = io.BytesIO(data)
    try:
        with require_module("h5py").File(target, "r+") as file:
            _edit_h5(file, rng)
    except (OSError, RuntimeError, KeyError):  # it has been mutated before
        return any_bytes(data, rng)
    return target.getvalue()


def _edit_h5(file: Any, rng: Rng) -> None:
    if "model_config" in file.attrs and rng.random() < 0.8:
        config = file.attrs["model_config"]
        text = config.encode() if isinstance(config, str) else bytes(config)
        file.attrs["model_config"] = np.bytes_(any_json(text, rng).replace(b"\0", b" "))
        return
    names: list[str] = []
    file.visit(names.append)
    del file[pick(rng, names)]
