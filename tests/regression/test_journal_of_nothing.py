"""A search that ended before it measured anything (--dask with a dead address) left a journal, for which the same
search with another setup was refused as "another board or setup"."""

import pytest

from mcuq.errors import UsageError
from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.journal import Journal


def test_a_journal_without_measurements_is_begun_anew(tmp_path):
    path = tmp_path / "m.mcuq.journal"
    Journal(path, {"board or setup": "a"})
    Journal(path, {"board or setup": "b"}).add(Candidate(), Measurement(1, 2, 3, 0.5))

    assert Journal(path, {"board or setup": "b"}).measurements
    with pytest.raises(UsageError, match="another board or setup"):
        Journal(path, {"board or setup": "a"})
