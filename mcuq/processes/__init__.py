"""What mcuq starts ends with it, however that ends: processes here, the folders of their files in ``folders``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

LOOK_SECONDS = 0.25
DIE_WITH_PARENT = 1  # of Linux' prctl
LAUNCH = (  # for a program that cannot say so itself
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9, 0, 0, 0); "
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execvp(sys.argv[2], sys.argv[2:])"
)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process that has a session of its own, and what it started."""
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def end_with_parent(parent: int) -> None:
    """End this process soon after the one that started it has ended; not on Windows.

    A thread looks for that. It serves processes of a pool, whose kernel would take the end of the thread that started
    them for that of the process.

    Args:
        parent: its process id.
    """
    if os.name == "posix":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def die_with_parent(parent: int) -> None:
    """Let Linux kill this process when the one that started it ends, or end it now if that has; elsewhere nothing.

    Raises:
        OSError: the system does not do that.
        AttributeError: nor has it heard of it.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(DIE_WITH_PARENT, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def ending_with_us(command: Sequence[str]) -> list[str]:
    """Return the command of a program that would outlive us, as a killed process cannot end it; for Linux."""
    if sys.platform != "linux":
        return [*command]
    return [sys.executable, "-I", "-S", "-c", LAUNCH, str(os.getpid()), *command]
