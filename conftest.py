"""Modules of mcuq that cannot be imported without an optional part: their doctests are skipped where it is missing."""

from collections.abc import Callable, Generator, Iterable
from functools import partial

import pytest
from requirements import PARTS, absent

Nodes = Iterable[pytest.Item | pytest.Collector]


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
