"""What makes it safe to open a ``.pt2`` file: a zip of JSON and raw weights that may hold pickles and expressions.

``torch.export.load`` unpickles whatever an archive marks so, falls back to a full unpickling of its sample inputs, and
hands strings to sympy, which evaluates them. Such archives are refused before torch sees them.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcuq.errors import MalformedModelError

MAX_BYTES = 1 << 30
HARMLESS = re.compile(r"[A-Za-z0-9_ +*/()-]*")  # an expression without attributes, indices or strings
TARGET = re.compile(r"torch\.ops\.(aten|prim|quantized_decomposed|torchao)\.\w+(\.\w+)?|_operator\.getitem")
FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


def check_pt2(path: Path) -> None:
    """Refuse an archive that holds anything but a graph and plain tensors.

    Raises:
        MalformedModelError: saying what it holds.
    """
    try:
        with zipfile.ZipFile(path) as file:
            if sum(info.file_size for info in file.infolist()) > MAX_BYTES:
                raise MalformedModelError(f"{path}: unpacks to more than {MAX_BYTES >> 20} MB")
            names = file.namelist()
            documents = [json.loads(file.read(name)) for name in names if name.endswith(".json")]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise MalformedModelError(f"{path}: damaged, or not saved by torch.export.save ({error})") from None
    if not any("/models/" in name for name in names):
        raise MalformedModelError(f"{path}: holds no exported program; save one with torch.export.save (torch >= 2.8)")
    if any("custom_obj" in name or "opaque_obj" in name for name in names) or any(_pickled(d) for d in documents):
        raise MalformedModelError(f"{path}: holds pickled objects, which can run code; mcuq does not open them")
    for document in documents:
        for text in _texts(document, "expr_str"):
            if not HARMLESS.fullmatch(text):
                raise MalformedModelError(f"{path}: holds the expression {text[:60]!r}; export with static shapes")
        for text in _texts(document, "target"):
            if not TARGET.fullmatch(text):
                raise MalformedModelError(f"{path}: calls {text[:60]!r}, which is no operator of torch's own")


@contextmanager
def only_weights() -> Iterator[None]:
    """Let torch read tensors and nothing else, whatever its own code asks for."""
    before = os.environ.get(FORCE)
    os.environ[FORCE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[FORCE]
        else:
            os.environ[FORCE] = before


def _walk(document: Any) -> Iterator[tuple[str, Any]]:
    stack = [document]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield from item.items()
            stack += item.values()
        elif isinstance(item, list):
            stack += item


def _pickled(document: Any) -> bool:
    return any(key == "use_pickle" and value for key, value in _walk(document))


def _texts(document: Any, key: str) -> Iterator[str]:
    return (str(value) for name, value in _walk(document) if name == key)
