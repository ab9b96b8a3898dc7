"""What a Keras file says about itself, read before Keras is called: nothing but Keras' own classes is built.

A description is walked as deep as it goes; every object must be on the list of :mod:`mcuq.frontends.keras_classes`.
What compiles a model for training is left out. A ``.keras`` file is written anew from the parts that were looked at.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcuq.errors import MalformedModelError, McuqError, UnsupportedOperatorError
from mcuq.frontends import keras2
from mcuq.frontends.keras_classes import FUNCTIONS, is_known
from mcuq.limits import FILE_BYTES
from mcuq.reading import gate, json_of, line_of, printable, require_regular, zipped

CODE = ("Lambda", "__lambda__", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper")  # code, or from elsewhere
TRAINING = "compile_config"  # what Keras builds and calls, whether it is told to compile or not
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
GROUPED = ("DepthwiseConv2D", "DepthwiseConv1D", "Conv2DTranspose", "Conv1DTranspose", "SeparableConv2D")


@dataclass(frozen=True)
class Checked:
    """A file that Keras may load.

    Attributes:
        file: the user's, or what passed of it.
        version: of Keras, that saved it; empty where it does not say.
    """

    file: Path
    version: str

    @property
    def by_keras_2(self) -> bool:
        """Whether Keras 2 saved it; then ``tf_keras`` may load it too."""
        return keras2.is_keras_2(self.version)


def checked(path: Path, folder: Path) -> Checked:
    """Return a file that Keras may load: ``path`` itself, or what passed of it, written into ``folder``.

    Raises:
        UnsupportedOperatorError: when it holds code, or objects that Keras does not have.
        MalformedModelError: when it is no such file.
    """
    if path.suffix.lower() == ".keras":
        return _rebuilt(path, folder / "model.keras")
    content, version = _in_hdf5(path)
    config = json_of(content)
    if not keras2.is_keras_2(version):
        _refuse_code(config)
        return Checked(path, version)
    described = keras2.rewritten(_without_training(config))
    _refuse_code(described)
    return Checked(keras2.rewritten_hdf5(path, described, folder), version)


def _rebuilt(path: Path, target: Path) -> Checked:
    version = ""
    with zipped(path, "a .keras file") as members:
        config = _without_training(json_of(members.read(CONFIG)))
        if METADATA in members.sizes:
            version = str(json_of(members.read(METADATA))["keras_version"])
        config = keras2.rewritten(config) if keras2.is_keras_2(version) else config
        _refuse_code(config)
        metadata = {"keras_version": version} if version else {}
        parts = {CONFIG: json.dumps(config).encode(), METADATA: json.dumps(metadata).encode()}
        weights = members.read(WEIGHTS)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        archive.writestr(WEIGHTS, weights)
    beside = target.with_suffix(".h5")
    beside.write_bytes(weights)
    try:
        _look_through(beside)
    finally:
        beside.unlink()
    return Checked(target, version)


def _refuse_code(config: Any) -> None:
    objects = list(_objects(config))
    for described in objects:
        if described["class_name"] in CODE:
            layer = printable(_inner(described).get("name", ""), 80)
            raise UnsupportedOperatorError(
                f"the layer '{layer}' is a {described['class_name']}: that is code, and mcuq runs none from a file; "
                "build it from Keras' own layers, or give the live model to mcuq.load(model)"
            )
    if unknown := Counter(printable(_name(described), 80) for described in objects if not _is_known(described)):
        counted = ", ".join(f"{name} ({count})" for name, count in sorted(unknown.items())[:20])
        raise UnsupportedOperatorError(
            f"Keras has no {counted}: custom objects are code that is not in the file; give the live model to "
            "mcuq.load(model), or an exported SavedModel"
        )


def unreadable(error: Exception, library: str = "Keras") -> McuqError:
    """Return what the library could not do, in one line."""
    return MalformedModelError(f"{library} cannot load it: {line_of(error)}")


def custom_objects() -> Mapping[str, Any]:
    """Return Keras 3's layers as they take the files of Keras 2, which say ``groups: 1`` where there are no groups."""
    import keras

    def from_config(cls: Any, config: dict[str, Any]) -> Any:
        return cls.__base__.from_config.__func__(cls, {k: v for k, v in config.items() if (k, v) != ("groups", 1)})

    layers = (getattr(keras.layers, name) for name in GROUPED)
    return {
        layer.__name__: type(layer.__name__, (layer,), {"from_config": classmethod(from_config)}) for layer in layers
    }


def _in_hdf5(path: Path) -> tuple[bytes, str]:
    """Return the description in an ``.h5`` file, and the version of Keras that saved it."""
    require_regular(path)
    _look_through(path)
    import h5py

    with gate(path, "an HDF5 file"), h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise MalformedModelError("holds no model, weights at most; save the whole model: model.save(path)")
        text, version = file.attrs["model_config"], file.attrs.get("keras_version", "")
    if not isinstance(text, bytes | str):
        raise MalformedModelError("its description is no text")
    try:  # as Keras decodes it, which tells no other encodings apart
        said = version.decode() if isinstance(version, bytes) else version
        return (text.decode() if isinstance(text, bytes) else text).encode(), said if isinstance(said, str) else ""
    except UnicodeError as error:
        raise MalformedModelError(f"its description is damaged ({line_of(error)})") from None


def _look_through(path: Path) -> None:
    """Refuse an HDF5 file that takes data from other files, or unpacks to more than a model has."""
    import h5py

    total = 0
    with gate(path, "an HDF5 file"), h5py.File(path, "r") as file:
        pending = [file]
        seen = {hash(file.id)}
        while pending:
            group = pending.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise MalformedModelError(
                        f"its {printable(name, 80)} is a link; weights must be in the file itself"
                    )
                item = group[name]
                if isinstance(item, h5py.Group) and hash(item.id) not in seen:
                    seen.add(hash(item.id))
                    pending.append(item)
                elif isinstance(item, h5py.Dataset):
                    if item.external or item.is_virtual:
                        raise MalformedModelError(f"its {printable(name, 80)} takes data from other files")
                    total += item.nbytes
        if total > FILE_BYTES:
            raise MalformedModelError(f"unpacks to {total} bytes, at most {FILE_BYTES} are read")


def _without_training(config: Any) -> Any:
    """Return a description without what compiles models for training, at any depth."""
    if isinstance(config, dict):
        return {key: _without_training(value) for key, value in config.items() if key != TRAINING}
    return [_without_training(value) for value in config] if isinstance(config, list) else config


def _objects(config: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every description of an object, wherever it is."""
    pending = [config]
    while pending:
        described = pending.pop()
        if isinstance(described, dict):
            if described.get(TRAINING):
                raise UnsupportedOperatorError(f"holds a {TRAINING} in a file that has none; save it as a .keras file")
            if "class_name" in described and not isinstance(described["class_name"], str):
                raise MalformedModelError("its description has a class that is no name")
            if "class_name" in described:
                yield described
            pending += described.values()
        elif isinstance(described, list):
            pending += described


def _inner(described: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = described.get("config")
    return inner if isinstance(inner, dict) else {}


def _name(described: Mapping[str, Any]) -> str:
    """Return the object's registered name, or its class or function."""
    own = described.get("config") if described["class_name"] == "function" else described["class_name"]
    return str(described.get("registered_name") or own)


def _is_known(described: Mapping[str, Any]) -> bool:
    kind, module, registered = (described.get(key) for key in ("class_name", "module", "registered_name"))
    if not all(text is None or isinstance(text, str) for text in (module, registered)):
        return False
    if kind == "function":
        name = described.get("config")
        return module in ("builtins", "keras.activations") and name in FUNCTIONS and registered in (None, name)
    return keras2.is_operation(described) or is_known(str(kind), module, registered)
