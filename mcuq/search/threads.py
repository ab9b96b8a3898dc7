"""One thread for linear algebra: how it is cut into threads changes last digits, and with them how weights round."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from mcuq.errors import ToolMissingError


def one_thread() -> AbstractContextManager[Any]:
    """Return a context within which numpy computes in one thread.

    Raises:
        ToolMissingError: without the extra.
    """
    try:
        import threadpoolctl
    except ImportError:
        raise ToolMissingError('the search needs threadpoolctl: pip install "mcuq[search]"') from None
    limits: AbstractContextManager[Any] = threadpoolctl.threadpool_limits(1)
    return limits
