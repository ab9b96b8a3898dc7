"""What holds for all tests and doctests.

Modules of mcuq that cannot be imported without an optional part: their doctests are skipped where it is missing. And
continuous integration runs each test once: what passed in its first part (MCUQ_PASSED, a file that is written) is left
out of its last one (MCUQ_PASSED_BEFORE, the same file).
"""

import os
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path

import pytest
from requirements import PARTS, absent

Nodes = Iterable[pytest.Item | pytest.Collector]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what passed, once: in the process that hears of all."""
    file = os.environ.get("MCUQ_PASSED")
    if file and report.when == "call" and report.passed and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(file).open("a", encoding="utf-8") as notes:
            notes.write(f"{report.nodeid!a}\n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has passed before."""
    file = os.environ.get("MCUQ_PASSED_BEFORE")
    if not file:
        return
    before = {*Path(file).read_text("utf-8").splitlines()}
    left = [item for item in items if ascii(item.nodeid) not in before]
    config.hook.pytest_deselected(items=[item for item in items if ascii(item.nodeid) in before])
    items[:] = left


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Collect with one more answer to an import that fails."""
    collector.collect = partial(_collected, collector.collect)
    return (yield)


def _collected(collect: Callable[[], Nodes]) -> Nodes:
    try:
        return list(collect())
    except (pytest.Collector.CollectError, ModuleNotFoundError) as error:  # the latter for doctests before pytest 8.1
        cause = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        if isinstance(cause, ModuleNotFoundError) and cause.name in PARTS:
            absent(cause.name, PARTS[cause.name].install)
        raise
