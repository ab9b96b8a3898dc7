"""The format of a project: what its C and the programs that build and run it expect of each other.

The number stands in ``mcuq.h`` and counts up with every change that one of them would not understand. The first
projects of mcuq 0.1.0 have none, which is 1.
"""

from __future__ import annotations

import re
from pathlib import Path

from mcuq.errors import UsageError
from mcuq.limits import TEXT_BYTES
from mcuq.reading import content_of, gate
from mcuq.resources import resource

HEADER = Path("lib/mcuq/src/mcuq.h")
NUMBER = re.compile(rb"^#define MCUQ_FORMAT +([0-9]{1,9})\s*$", re.MULTILINE)
FIRST = 1


def written_format() -> int:
    """Return the format that this mcuq writes."""
    return _number((resource("firmware") / "kernels" / "shared" / HEADER.name).read_bytes())


def project_format(project: Path) -> int | None:
    """Return a project's format; None where mcuq has written nothing.

    Raises:
        UsageError: its ``mcuq.h`` cannot be read.
    """
    path = project / HEADER
    with gate(path, "a header of mcuq's", UsageError):
        return _number(content_of(path, TEXT_BYTES)) if path.exists() else None


def refuse_newer(project: Path) -> None:
    """Refuse a project that a newer mcuq wrote.

    Raises:
        UsageError: naming both formats.
    """
    found = project_format(project)
    if found is not None and found > written_format():
        raise UsageError(
            f"{project}: has format {found}, this mcuq knows formats up to {written_format()}; install a newer mcuq"
        )


def require_format(project: Path, rebuild: str) -> None:
    """Refuse a project whose C is of another format than this mcuq's.

    Args:
        project: the folder.
        rebuild: the command that brings an older one up to date.

    Raises:
        UsageError: naming the format, and what to do.
    """
    refuse_newer(project)
    found = project_format(project)
    if found is not None and found < written_format():
        raise UsageError(
            f"{project}: has format {found}, of an older mcuq, this one runs format {written_format()}; "
            f"build it again: {rebuild}"
        )


def _number(header: bytes) -> int:
    found = NUMBER.search(header)
    return int(found[1]) if found else FIRST
