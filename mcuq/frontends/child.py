"""``python -m mcuq.frontends.child BYTES PATH PARENT``: what opens a file; see :mod:`mcuq.frontends.isolation`.

Limits come first: nothing of a framework, and not even numpy, is imported before.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mcuq.processes import die_with_parent, end_with_parent

if TYPE_CHECKING:
    from mcuq.float_graph import FloatGraph

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # of Linux' unshare


def main() -> None:
    """Read one file and say on standard output what it holds, or what is wrong with it."""
    limit, path = int(sys.argv[1]), Path(sys.argv[2])
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print to where the answer goes
    parent = int(sys.argv[3])
    _restrict(limit, parent)
    import json

    from mcuq import archive
    from mcuq.errors import McuqError
    from mcuq.frontends.isolation import ANSWER, ERROR
    from mcuq.reading import gate

    try:
        with gate(path, "a model that mcuq reads"):
            message = ANSWER + archive.dump_float(_read(path))
    except McuqError as error:
        message = ERROR + json.dumps({"kind": type(error).__name__, "text": str(error)}).encode()
    target.write(message)
    target.close()
    os._exit(0)  # a framework's threads have nothing more to do


def _read(path: Path) -> FloatGraph:
    from mcuq.limits import LOOK_SECONDS
    from mcuq.passes.prepare import prepare

    if path.suffix.lower() == ".onnx":
        from mcuq.frontends.onnx import read_onnx

        return prepare(read_onnx(path))
    timed = hasattr(signal, "setitimer")
    if timed:
        signal.setitimer(signal.ITIMER_PROF, LOOK_SECONDS)
    looked: Callable[[], object] = (lambda: signal.setitimer(signal.ITIMER_PROF, 0)) if timed else (lambda: None)
    if path.suffix.lower() == ".pt2":
        from mcuq.frontends.torch import read_pt2

        return prepare(read_pt2(path, looked))
    from mcuq.frontends.keras import read_keras

    return prepare(read_keras(path, looked=looked))


def _restrict(limit: int, parent: int) -> None:
    """Give up life without the parent, memory beyond a limit, core dumps and the network, as far as the system can."""
    with suppress(OSError, AttributeError):
        die_with_parent(parent)
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    if sys.platform == "linux":
        _leave_network()
    else:
        end_with_parent(parent)


def _leave_network() -> None:
    """Go where there is no network; an ordinary user becomes the only user of a name space first."""
    import ctypes

    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        user, group = os.getuid(), os.getgid()
        if libc.unshare(NEW_NETWORK) != 0 and libc.unshare(NEW_USER | NEW_NETWORK) == 0:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


if __name__ == "__main__":
    main()
