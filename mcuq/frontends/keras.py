"""The Keras and TensorFlow door: a model becomes TFLite bytes in memory, which the float TFLite reader takes.

Files are loaded by Keras, but only after their description was found to hold no code; see ``keras_config``.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mcuq.errors import McuqError, ToolMissingError, UnsupportedOperatorError, UsageError
from mcuq.float_graph import FloatGraph
from mcuq.frontends import keras2
from mcuq.frontends.extras import KERAS
from mcuq.frontends.flatbuffer import FileGraph, parse
from mcuq.frontends.keras_config import checked, custom_objects, unreadable
from mcuq.frontends.saved_model import Description, imported, values_of
from mcuq.frontends.tflite_float import float_graph_of
from mcuq.graph import identifier
from mcuq.reading import gate, line_of, require_regular


def read_keras(model: Any, name: str = "", looked: Callable[[], object] = lambda: None) -> FloatGraph:
    """Read a live ``keras.Model`` or ``tf_keras.Model``, a ``.keras`` or ``.h5`` file, or a SavedModel folder.

    Args:
        model: the object or the path. Its batch dimension becomes 1, its weights stay as they are.
        name: default: the file's or the model's name.
        looked: called when a file was looked through, before TensorFlow opens it.

    Returns:
        The float model as TFLite has it, NHWC; passes are still to be applied.

    Raises:
        McuqError: when TensorFlow is missing, the file holds code or custom objects, or mcuq lacks an operator.
    """
    if not isinstance(model, str | Path):
        _tensorflow()
        return float_graph_of(_converted(model), identifier(name or model.name))
    path = Path(model)
    if find_spec("tensorflow") is None:
        raise ToolMissingError(KERAS)
    with gate(path, "a Keras model"):
        if path.is_dir():
            looked()
            _tensorflow()
            file = _converted_saved_model(path)
        else:
            file = _converted(_loaded(path, looked))
        return float_graph_of(file, identifier(name or path.stem))


def _tensorflow() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        with _quiet():
            import tensorflow
    except ImportError:
        raise ToolMissingError(KERAS) from None
    import keras

    if keras.backend.backend() != "tensorflow":
        raise UsageError(
            f"Keras runs on {keras.backend.backend()} here, and only models on TensorFlow can be converted: save the "
            "model and read the file with the environment variable KERAS_BACKEND=tensorflow"
        )
    return tensorflow


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's notes to itself: those of Python, and those that its C++ writes to the file descriptor."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl", "h5py")]
    levels = [logger.level for logger in loggers]
    with suppress(OSError), open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, not a file
        saved = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        with suppress(OSError, UnboundLocalError):
            os.dup2(saved, 2)
            os.close(saved)


def _loaded(path: Path, looked: Callable[[], object]) -> Any:
    """Return the model in a file, after a look at its description."""
    require_regular(path)
    with tempfile.TemporaryDirectory() as folder:
        found = checked(path, Path(folder))
        looked()
        _tensorflow()
        if found.by_keras_2 and found.file.suffix == ".keras":
            with _quiet():
                return keras2.load(found.file, found.version)
        import keras

        try:
            with _quiet():
                return keras.saving.load_model(
                    found.file, custom_objects=custom_objects(), compile=False, safe_mode=True
                )
        except Exception as error:  # whatever Keras raises, it is about the file
            if not found.by_keras_2:
                raise unreadable(error) from None
            with _quiet():
                return keras2.load(found.file, found.version, line_of(error))


def _converted(model: Any) -> FileGraph:
    """Return the float TFLite file of a live model with batch 1."""
    import keras
    import tensorflow as tf

    inputs, structure = _inputs(model)
    pack = keras.tree.pack_sequence_as if isinstance(model, keras.Model) else tf.nest.pack_sequence_as
    specs = [tf.TensorSpec((1, *x.shape[1:]), x.dtype, name=x.name) for x in inputs]

    def infer(*tensors: Any) -> Any:
        return tf.nest.flatten(model(pack(structure, list(tensors)), training=False))

    try:
        with _quiet():
            function = tf.function(infer, autograph=False).get_concrete_function(*specs)
    except Exception as error:
        raise UnsupportedOperatorError(f"TensorFlow cannot trace {model.name}: {line_of(error)}") from None
    outputs = getattr(model, "output_names", None) or [model.layers[-1].name]  # a Sequential has but layers
    return _renamed(_tflite(_frozen(function)), outputs)


def _inputs(model: Any) -> tuple[Sequence[Any], Any]:
    """Return the model's symbolic inputs, all of static shape, and in which structure it takes them."""
    inputs = list(getattr(model, "inputs", None) or ())
    if not inputs:
        raise UsageError(
            f"{model.name} has no inputs of known shape; make it a functional model: "
            "x = keras.Input(shape); keras.Model(x, model(x))"
        )
    for x in inputs:
        _refuse_dynamic(x.name, tuple(x.shape))
    try:
        return inputs, model.input
    except (AttributeError, ValueError):  # a Sequential that was never called
        return inputs, inputs if len(inputs) > 1 else inputs[0]


def _refuse_dynamic(name: str, shape: Sequence[int | None]) -> None:
    if not shape or any(d in (None, -1) for d in shape[1:]):
        shown = ", ".join("?" if d in (None, -1) else str(d) for d in shape)
        raise UnsupportedOperatorError(f"input {name} has the dynamic shape [{shown}]; only the batch may be open")


def _renamed(file: FileGraph, names: Sequence[str]) -> FileGraph:
    """Name the outputs as the model does; TFLite's converter forgets."""
    tensors = list(file.tensors)
    if len(names) == len(file.outputs) == len(set(file.outputs)):
        for index, name in zip(file.outputs, names, strict=True):
            tensors[index] = replace(tensors[index], name=name or tensors[index].name)
    return replace(file, tensors=tuple(tensors))


def _frozen(function: Any) -> Any:
    """Return the converter of a function whose variables become constants: so it is without a trackable object."""
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_concrete_functions([function], function)


def _tflite(converter: Any) -> FileGraph:
    """Convert; what TFLite does not have becomes a custom operator, which the reader names."""
    converter.allow_custom_ops = True
    try:
        with _quiet():
            return parse(converter.convert())
    except McuqError:
        raise
    except Exception as error:
        raise UnsupportedOperatorError(f"TensorFlow's converter cannot take it: {line_of(error)}") from None


def _converted_saved_model(path: Path) -> FileGraph:
    """Return the float TFLite file of a SavedModel's only, or serving, signature."""
    import tensorflow as tf

    with _quiet():
        description = Description(path)
    ends = description.signature
    for name, info in ends.inputs.items():
        _refuse_dynamic(name, () if info.tensor_shape.unknown_rank else [d.size for d in info.tensor_shape.dim])
    try:
        with _quiet():
            serving = imported(description, values_of(path, description.variables))
            specs = [
                tf.TensorSpec(
                    (1, *(d.size for d in info.tensor_shape.dim[1:])), tf.dtypes.as_dtype(info.dtype), name=name
                )
                for name, info in sorted(ends.inputs.items())
            ]
            function = tf.function(lambda *x: list(serving(*x)), autograph=False).get_concrete_function(*specs)
    except McuqError:
        raise
    except Exception as error:
        raise unreadable(error, "TensorFlow") from None
    return _renamed(_tflite(_frozen(function)), sorted(ends.outputs))
