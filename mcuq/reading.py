"""The gate between a user's file and mcuq: sizes first, then content, and one line for whatever is wrong.

Libraries are told to read only what was measured here. What they raise becomes one :class:`McuqError` that names the
file; nothing is unpickled, nothing is executed, and what is no regular file (a FIFO, a device) is not opened.
"""

from __future__ import annotations

import io
import json
import math
import re
import stat
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from mcuq.errors import MalformedModelError, McuqError, UnsupportedOperatorError, UsageError
from mcuq.limits import ARRAY_BYTES, DESCRIPTION_BYTES, FILE_BYTES, MEMBERS, NAME_CHARACTERS, TEXT_CHARACTERS
from mcuq.tensor import Array, Shape

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
LAST_CHARACTER = 0x10FFFF  # of Unicode
_POINTER = b"version https://git-lfs.github.com/spec/"
_ARRAYS = "biufSU"  # numpy's kinds of plain values
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@contextmanager
def gate(path: Path, what: str, kind: type[McuqError] = MalformedModelError) -> Iterator[None]:
    """Turn whatever is raised about a file into one line that names it.

    Args:
        path: the file.
        what: it should be, as in "a .mcuq file".
        kind: of the error for a damaged file.

    Raises:
        McuqError: instead of any exception; one of mcuq's own gets the file's name.
    """
    try:
        yield
    except McuqError as error:
        said = " ".join(str(error).splitlines())  # a name in the file may hold several lines
        if not isinstance(error, UnsupportedOperatorError) and len(said) > 2 * TEXT_CHARACTERS:  # it lists them all
            said = f"{said[: 2 * TEXT_CHARACTERS - 3]}..."
        text = said if said.startswith(f"{path}: ") else f"{path}: {said}"
        raise (kind if isinstance(error, MalformedModelError) else type(error))(text) from None
    except OSError as error:  # the system's have a number; h5py's own have none
        if error.errno is None:
            raise kind(f"{path}: damaged, or not {what} ({line_of(error)})") from None
        raise UsageError(f"{path}: cannot read ({error.strerror or line_of(error)})") from None
    except MemoryError:
        raise kind(f"{path}: needs more memory than there is") from None
    except RecursionError:
        raise kind(f"{path}: is nested too deeply") from None
    except Exception as error:  # libraries raise what they like about a damaged file
        raise kind(f"{path}: damaged, or not {what} ({line_of(error)})") from None


def line_of(error: object) -> str:
    """Return the first line of an error that says something: printable, of bounded length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable(lines[0] if lines else type(error).__name__)


def printable(text: object, limit: int = TEXT_CHARACTERS) -> str:
    r"""Return text of a file's for a message: no control characters, no more than ``limit`` characters.

    >>> printable("a\x1b[2Jb"), printable("abcdef", 5)
    ('a?[2Jb', 'ab...')
    """
    shown = re.sub(r"[^\x20-\x7e]", "?", str(text)[: 4 * limit])
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def require_regular(path: Path, limit: int | None = FILE_BYTES) -> int:
    """Return the bytes of a file that may be opened.

    Raises:
        UsageError: for what is missing, no regular file, larger than ``limit``, or not fetched by Git LFS.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot read ({getattr(error, 'strerror', None) or line_of(error)})") from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path}: is a {_kind(status.st_mode)}, not a file")
    if limit is not None and status.st_size > limit:
        raise UsageError(f"{path}: has {status.st_size} bytes, at most {limit} are read")
    refuse_pointer(path)
    return status.st_size


def refuse_pointer(path: Path) -> None:
    """Refuse what Git LFS leaves in the place of a file that was not fetched.

    Raises:
        UsageError: saying how to get the file.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_POINTER))
    except OSError:
        return  # whoever reads it says why it cannot be read
    if start == _POINTER:
        raise UsageError(f"{path}: is a Git LFS pointer, not the file itself; fetch it: git lfs pull")


def content_of(path: Path, limit: int = FILE_BYTES) -> bytes:
    """Return a regular file's bytes.

    Raises:
        UsageError: see :func:`require_regular`.
    """
    size = require_regular(path, limit)
    with path.open("rb") as file:
        return file.read(size)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")


@dataclass(frozen=True)
class Members:
    """What a zip archive says it holds, checked; contents are read one by one, on request."""

    archive: zipfile.ZipFile
    sizes: Mapping[str, int]

    def read(self, name: str) -> bytes:
        """Return one member's bytes, as many as were announced.

        Raises:
            MalformedModelError: for a member that is missing or damaged.
        """
        if name not in self.sizes:
            raise MalformedModelError(f"holds no {printable(name, 80)}")
        if self.sizes[name] > ARRAY_BYTES:
            raise MalformedModelError(
                f"its {printable(name, 80)} has {self.sizes[name]} bytes, at most {ARRAY_BYTES} are read"
            )
        try:
            content = self.archive.read(name)
        except MemoryError:
            raise
        except Exception as error:  # zlib, zipfile and struct all have exceptions of their own
            raise MalformedModelError(f"its {printable(name, 80)} is damaged ({line_of(error)})") from None
        if len(content) != self.sizes[name]:
            raise MalformedModelError(f"its {printable(name, 80)} has another size than announced")
        return content


@contextmanager
def zipped(
    path: Path, what: str, limit: int | None = FILE_BYTES, kind: type[McuqError] = MalformedModelError
) -> Iterator[Members]:
    """Open a zip archive whose members are plain, known by one name each and small enough together.

    Args:
        path: the archive.
        what: it should be, as in "a .keras file".
        limit: bytes of all members together; None: of each that is read, ``ARRAY_BYTES``.
        kind: of the error for a damaged file.

    Raises:
        McuqError: for another file, and for whatever is raised about it meanwhile.
    """
    require_regular(path, limit)
    with gate(path, what, kind), zipfile.ZipFile(path) as archive:
        yield Members(archive, _sizes(archive.infolist(), limit))


def _sizes(members: list[zipfile.ZipInfo], limit: int | None) -> dict[str, int]:
    if len(members) > MEMBERS:
        raise MalformedModelError(f"holds {len(members)} members, at most {MEMBERS} are read")
    sizes: dict[str, int] = {}
    for member in members:
        shown = printable(member.filename, 80)
        if len(member.filename) > NAME_CHARACTERS:
            raise MalformedModelError(f"its member {shown} has a name of {len(member.filename)} characters")
        if member.filename in sizes:
            raise MalformedModelError(f"holds {shown} twice")
        if member.flag_bits & _ENCRYPTED:
            raise MalformedModelError(f"its {shown} is encrypted")
        if member.compress_type not in _METHODS:
            raise MalformedModelError(f"its {shown} is compressed by method {member.compress_type}; deflate is read")
        sizes[member.filename] = member.file_size
    if limit is not None and (total := sum(sizes.values())) > limit:
        raise MalformedModelError(f"unpacks to {total} bytes, at most {limit} are read")
    return sizes


def json_of(content: bytes, limit: int = DESCRIPTION_BYTES) -> Any:
    """Parse a JSON text.

    Raises:
        MalformedModelError: for another text, one that is too long, or nested too deeply.
    """
    if len(content) > limit:
        raise MalformedModelError(f"its description has {len(content)} bytes, at most {limit} are read")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedModelError(f"its description is damaged ({line_of(error)})") from None


def array_of(content: bytes) -> Array:
    """Return the plain array in the bytes of an ``.npy`` file, a view, which is as long as it says.

    Raises:
        MalformedModelError: for another file, one that holds objects, or one of another size than its shape's.
    """
    file = io.BytesIO(content)
    shape, fortran, dtype = array_header(file)
    values = memoryview(content)[file.tell() :]
    require_size(shape, dtype, len(values))
    try:
        array = np.frombuffer(values, dtype).reshape(shape, order="F" if fortran else "C")
    except (ValueError, OverflowError) as error:
        raise MalformedModelError(f"holds what is no plain array ({line_of(error)})") from None
    characters = np.dtype(np.uint32).newbyteorder(dtype.byteorder)
    if dtype.kind == "U" and np.any(np.frombuffer(values, characters) > LAST_CHARACTER):
        raise MalformedModelError("holds a text with characters that do not exist")
    return array


def require_size(shape: Shape, dtype: np.dtype[Any], size: int) -> None:
    """Refuse an array whose values take another number of bytes than there are.

    Raises:
        MalformedModelError: saying so.
    """
    if math.prod(shape) * dtype.itemsize != size:
        raise MalformedModelError(f"holds an array of shape {printable(shape, 60)} in {size} bytes")


def array_header(file: IO[bytes]) -> tuple[Shape, bool, np.dtype[Any]]:
    """Return shape, whether it is in Fortran's order, and type of the array in an ``.npy`` file; read no further.

    Raises:
        MalformedModelError: for another file, or one that holds objects.
    """
    try:
        header = _HEADERS.get(np.lib.format.read_magic(file))
        if header is None:
            raise MalformedModelError("holds an array of a version that is not read")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, fortran, dtype = header(file)
    except McuqError:
        raise
    except Exception as error:  # numpy evaluates the header with a parser that has exceptions of its own
        raise MalformedModelError(f"holds what is no plain array ({line_of(error)})") from None
    if dtype.kind not in _ARRAYS or not all(isinstance(d, int) and d >= 0 for d in shape):
        raise MalformedModelError(f"holds values of type {printable(dtype, 40)}; plain numbers and texts are read")
    return shape, fortran, dtype
