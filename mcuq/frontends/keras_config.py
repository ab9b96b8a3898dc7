"""What a Keras file says about itself, read as text: nothing is loaded before it is known to hold no code."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mcuq.errors import MalformedModelError, McuqError, UnsupportedOperatorError

MAX_BYTES = 64 << 20  # of a description
CODE = ("Lambda", "__lambda__", "TFSMLayer")  # Python byte code, or a graph from elsewhere
PLAIN = (
    "Functional",
    "TensorShape",
    "__tuple__",
    "__tensor__",
    "__numpy__",
    "__keras_tensor__",
    "__ellipsis__",
    "__slice__",
)
GROUPED = ("DepthwiseConv2D", "DepthwiseConv1D", "Conv2DTranspose", "Conv1DTranspose", "SeparableConv2D")


def refuse_code(path: Path) -> None:
    """Look into a ``.keras`` or ``.h5`` file.

    Raises:
        UnsupportedOperatorError: when it holds code, or objects that neither Keras has nor this process registered.
        MalformedModelError: when it is no such file.
    """
    objects = list(_objects(_config(path)))
    for described in objects:
        if described["class_name"] in CODE:
            layer = _text(_inner(described).get("name", ""))
            raise UnsupportedOperatorError(
                f"the layer '{layer}' is a {described['class_name']}: that is code, and mcuq runs none from a file; "
                "build it from Keras' own layers, or give the live model to mcuq.load(model)"
            )
    if unknown := Counter(_text(_name(described)) for described in objects if not _is_known(described)):
        counted = ", ".join(f"{name} ({count})" for name, count in sorted(unknown.items()))
        raise UnsupportedOperatorError(
            f"Keras has no {counted}: custom objects are code that is not in the file; give the live model to "
            "mcuq.load(model), or an exported SavedModel"
        )


def unreadable(error: Exception, library: str = "Keras") -> McuqError:
    """Return what the library could not do, in one line."""
    return MalformedModelError(f"{library} cannot load it: {first_line(error)}")


def first_line(error: Exception) -> str:
    """Return the first line that says something, printable and of bounded length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _text(lines[0] if lines else type(error).__name__, 300)


def custom_objects() -> Mapping[str, Any]:
    """Return Keras 3's layers as they take the files of Keras 2, which say ``groups: 1`` where there are no groups."""
    import keras

    def from_config(cls: Any, config: dict[str, Any]) -> Any:
        return cls.__base__.from_config.__func__(cls, {k: v for k, v in config.items() if (k, v) != ("groups", 1)})

    layers = (getattr(keras.layers, name) for name in GROUPED)
    return {
        layer.__name__: type(layer.__name__, (layer,), {"from_config": classmethod(from_config)}) for layer in layers
    }


def _config(path: Path) -> Any:
    """Return the model's description, parsed: the one that Keras takes, which goes by the name of the file."""
    text = _zipped(path) if path.suffix == ".keras" else _in_hdf5(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedModelError(f"its description is damaged ({error})") from None


def _zipped(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
            text = file.read(MAX_BYTES + 1)
    except (KeyError, OSError, ValueError, RuntimeError, zipfile.BadZipFile, NotImplementedError) as error:
        raise MalformedModelError(f"not a .keras file: {first_line(error)}") from None
    if len(text) > MAX_BYTES:
        raise MalformedModelError(f"its description has more than {MAX_BYTES} bytes")
    return text


def _in_hdf5(path: Path) -> bytes | str:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                raise MalformedModelError("holds no model, weights at most; save the whole model: model.save(path)")
            text = file.attrs["model_config"]
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise MalformedModelError(f"not an HDF5 file: {first_line(error)}") from None
    return text if isinstance(text, bytes | str) else str(text)


def _objects(config: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every description of an object, wherever it is."""
    pending = [config]
    while pending:
        described = pending.pop()
        if isinstance(described, dict):
            if isinstance(described.get("class_name"), str):
                yield described
            pending += [value for key, value in described.items() if key != "compile_config"]
        elif isinstance(described, list):
            pending += described


def _inner(described: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = described.get("config")
    return inner if isinstance(inner, dict) else {}


def _name(described: Mapping[str, Any]) -> str:
    """Return the object's registered name, or its class or function."""
    own = described["config"] if described["class_name"] == "function" else described["class_name"]
    return str(described.get("registered_name") or own)


def _is_known(described: Mapping[str, Any]) -> bool:
    """Whether Keras has the object, or this process registered it."""
    import keras

    if keras.saving.get_registered_object(_name(described)) is not None:
        return True
    module = described.get("module", "")
    if module or "module" in described:
        return module == "builtins" or str(module).partition(".")[0] == "keras"
    places = (keras.layers, keras.models, keras.initializers, keras.regularizers, keras.constraints, keras)
    return any(hasattr(place, described["class_name"]) for place in places) or described["class_name"] in PLAIN


def _text(value: object, limit: int = 80) -> str:
    text = re.sub(r"[^\x20-\x7e]", "?", str(value))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
