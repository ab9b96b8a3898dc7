"""Candidates in parallel, through joblib: processes of this computer, or a Dask cluster."""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mcuq import __version__
from mcuq.errors import McuqError, ToolMissingError, UsageError
from mcuq.processes import end_with_parent
from mcuq.processes.folders import temporary_folder
from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.measuring import measured
from mcuq.search.task import Task

CONNECT_SECONDS = 10
LOST = ("TerminatedWorkerError", "BrokenProcessPool", "KilledWorker", "CommClosedError")  # loky's and Dask's


def measure(task: Task, candidates: Sequence[Candidate], jobs: int = -1) -> Iterator[tuple[Candidate, Measurement]]:
    """Yield candidates with their measurements, in the order in which they are done.

    Args:
        task: sent along with each candidate.
        candidates: what to measure.
        jobs: processes at a time; -1: as many as there are processors. A cluster has its own number.

    Raises:
        McuqError: a worker died.
    """
    joblib = _module("joblib", "search")
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    try:
        with _quiet_end():
            yield from parallel(joblib.delayed(measured)(task, candidate) for candidate in candidates)
    except (KeyboardInterrupt, GeneratorExit):
        _end_workers()
        raise
    except Exception as error:
        if type(error).__name__ not in LOST:
            raise
        raise McuqError(f"a worker was lost ({type(error).__name__}: memory?); the same command goes on") from None


def _end_workers() -> None:
    """End this computer's processes, which would else measure on."""
    loky = _module("joblib.externals.loky", "search")
    with _quiet_end():
        loky.get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Keep loky's manager thread from printing a traceback when it is told to kill its workers.

    It throws away the work that waits and, where a worker has just become free, then looks for the next piece of it:
    a KeyError after the workers have been killed (loky 3.6.0, ``flag_executor_shutting_down``).
    """
    printed = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not KeyError or args.thread is None or args.thread.name != "ExecutorManagerThread":
            printed(args)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = printed


@contextmanager
def local() -> Iterator[None]:
    """Measure what is measured within the block in processes of this computer, which end when this one does."""
    joblib = _module("joblib", "search")
    with temporary_folder() as folder:  # joblib's own may stay when the process is killed
        options = {"temp_folder": str(folder), "initializer": end_with_parent, "initargs": (os.getpid(),)}
        with joblib.parallel_config("loky", **options):
            yield


@contextmanager
def cluster(address: str, task: Task) -> Iterator[None]:
    """Hand what is measured within the block to a Dask cluster, to which the task is sent once.

    Raises:
        UsageError: nothing answers at the address, or it has no workers.
        McuqError: its workers have no mcuq, or another version of it.
    """
    joblib, distributed = _module("joblib", "search"), _module("distributed", "dask")
    with _connected(distributed, address) as client:
        _check_workers(client, address)
        with joblib.parallel_config("dask", scatter=[task]):
            yield


@contextmanager
def _connected(distributed: Any, address: str) -> Iterator[Any]:
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a dead address is said once, below
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError, RuntimeError, AssertionError) as error:  # the last: its loop did not start
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"--dask {address}: no Dask scheduler answers there ({reason})") from None
    with client:
        yield client


def _check_workers(client: Any, address: str) -> None:
    try:
        versions = set(client.run(version).values())
    except ImportError as error:
        raise McuqError(f"--dask {address}: its workers lack a module: {error}") from None
    if not versions:
        raise UsageError(f"--dask {address}: the cluster has no workers; start some: dask worker {address}")
    if versions != {__version__}:
        others = ", ".join(sorted(versions - {__version__}))
        raise McuqError(f"--dask {address}: its workers have mcuq {others}, this is {__version__}")


def version() -> str:
    """Return the version of mcuq where this runs."""
    return __version__


def _module(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ToolMissingError(f'{name} is not installed: pip install "mcuq[{extra}]"') from None
