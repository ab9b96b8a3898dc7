"""Tensors of an ONNX file: arrays of the shape they claim, from the file or from one beside it; names for messages."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.reading import require_regular
from mcuq.tensor import Array

MAX_FILE_BYTES = 256 << 20  # of the model and of the files its weights are in
MAX_RANK = 8
MAX_ELEMENTS = 1 << 26  # of one tensor; twice the largest PSRAM of the family


def array_of(tensor: Any, folder: Path | None) -> Array:
    """Return a tensor of the file as an array.

    Raises:
        MalformedModelError: when its bytes are missing or do not fill its shape.
    """
    import onnx

    name = printable(tensor.name)
    elements(tensor)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        copied = onnx.TensorProto()
        copied.CopyFrom(tensor)
        del copied.external_data[:]
        copied.data_location = onnx.TensorProto.DEFAULT
        copied.raw_data = _external(name, tensor, folder)
        tensor = copied
    if tensor.data_type == onnx.TensorProto.STRING:
        raise UnsupportedOperatorError(f"tensor '{name}' holds texts")
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception as error:  # the package raises what it likes
        raise MalformedModelError(f"tensor '{name}' of shape {list(tensor.dims)} is damaged ({line(error)})") from None


def elements(tensor: Any) -> int:
    """Return the number of elements, of a shape that is possible."""
    if any(d < 0 for d in tensor.dims) or len(tensor.dims) > MAX_RANK or math.prod(tensor.dims) > MAX_ELEMENTS:
        shape = list(tensor.dims)[:MAX_RANK]
        raise MalformedModelError(f"tensor '{printable(tensor.name)}' has the impossible shape {shape}")
    return math.prod(tensor.dims)


def _external(name: str, tensor: Any, folder: Path | None) -> bytes:
    """Read a tensor's bytes from a file beside the model; never from elsewhere."""
    entries = {text_of(entry.key): text_of(entry.value) for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise MalformedModelError(f"the bytes of tensor '{name}' are in the file '{printable(location)}'; give a path")
    path = (folder / location).resolve()
    if not location or "\0" in location or not path.is_relative_to(folder.resolve()):
        raise MalformedModelError(f"tensor '{name}' refers to '{printable(location)}', outside the model's folder")
    offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
    if offset < 0 or length > MAX_FILE_BYTES:
        raise MalformedModelError(f"tensor '{name}' lies at {offset}, {length} bytes: impossible")
    try:
        if path.exists():
            require_regular(path)
        with path.open("rb") as file:
            file.seek(offset)
            content: bytes = file.read(length if length >= 0 else None)
    except OSError as error:
        where = f"'{printable(location)}' beside the model"
        raise MalformedModelError(f"the bytes of tensor '{name}' are in {where}: {error.strerror}") from None
    if len(content) < length:
        raise MalformedModelError(f"'{printable(location)}' ends before tensor '{name}' does")
    return content


def text_of(name: str | bytes) -> str:
    """Return a name; the package gives bytes for what is not UTF-8."""
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name


def printable(text: str | bytes) -> str:
    """Return a name of the file as one short printable line."""
    shown = "".join(c if c.isprintable() else "?" for c in text_of(text))
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def line(error: BaseException) -> str:
    """Return the first line of an error."""
    lines = str(error).strip().splitlines()
    return printable(lines[0]) if lines else type(error).__name__
