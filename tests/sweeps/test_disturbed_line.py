"""A fixed sample of the exchanges in CI, a thousand with the slow tests; see disturbed_line.py."""

import pytest
from disturbed_line import exchanges, median_repair
from requirements import require

from mcuq.engines import device as protocol


@pytest.mark.parametrize("count", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_nothing_wrong_is_accepted(count, monkeypatch):
    require("gcc")
    if count < 1000:  # less patience than with a board, so that lost frames cost little time
        monkeypatch.setattr(protocol, "ACCEPT_SECONDS", 0.3)
        monkeypatch.setattr(protocol, "STALL_SECONDS", 0.1)
    found = exchanges(count)
    assert sum(map(len, found.values())) == count
    assert sum(repaired for all_of in found.values() for _, repaired in all_of) >= count // 4
    print(f"a repair takes {1000 * median_repair(found):.0f} ms (median)")
