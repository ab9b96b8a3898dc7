"""An interrupted search prints one line, whatever loky's manager thread finds of the work it has thrown away."""

import threading

import pytest

from mcuq.search import workers


def looks_up(error: type[Exception], name: str) -> None:
    def look() -> None:
        raise error(1)

    thread = threading.Thread(target=look, name=name)
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    ("error", "name", "told"),
    [
        (KeyError, "ExecutorManagerThread", 0),
        (OSError, "ExecutorManagerThread", 1),
        (KeyError, "of-the-user", 1),
    ],
)
def test_only_what_loky_has_thrown_away_is_quiet(monkeypatch, error, name, told):
    heard = []
    monkeypatch.setattr(threading, "excepthook", heard.append)
    before = threading.excepthook
    with workers._quiet_end():
        looks_up(error, name)
    assert len(heard) == told
    assert threading.excepthook is before
