"""The example: as few bits as issue 7 asks for, as near to float."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from requirements import require_module

require_module("torch")
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_example_loses_little(tmp_path):
    command = [sys.executable, ROOT / "examples/qat/train.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment)
    rows = {line[:10].strip(): [float(word) for word in line[10:].split()] for line in done.stdout.splitlines()[1:]}
    for name, points in (("LSQ, 2-bit", 1), ("binary", 3), ("XNOR", 6)):
        *_, last, integers = rows[name]
        assert last >= rows["float"][-1] - points
        assert abs(integers - last) <= 0.5  # of 540 digits, at most 0.5 % are answered otherwise
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == ["binary", "lsq", "xnor"]
