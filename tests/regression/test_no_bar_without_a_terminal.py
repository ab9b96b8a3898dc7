"""A bar of rich 13 that is disabled still said a newline on stderr, which then was not empty."""

import io

import pytest

from mcuq.report.progress import progress, stages


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "shown"), [(io.StringIO, False), (Screen, True)])
def test_stderr_stays_empty_where_nobody_looks(monkeypatch, stream, shown):
    monkeypatch.setenv("TERM", "xterm")
    error = stream()
    monkeypatch.setattr("sys.stderr", error)
    with progress("simulating", 2) as done:
        done(1)
        done(2)
    with stages() as advance:
        advance("calibrating", 0, None)
        advance("calibrating", 1, 2)
    assert ("simulating" in error.getvalue() and "calibrating" in error.getvalue()) == shown
    assert shown or error.getvalue() == ""
