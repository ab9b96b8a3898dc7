"""The example: as few bits as issue 7 asks for, as near to float."""

import subprocess
import sys
from pathlib import Path

import pytest
from requirements import require_module

require_module("torch")
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_example_loses_little():
    command = [sys.executable, ROOT / "examples/qat/train.py"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    last = {line[:10].strip(): float(line.split()[-1]) for line in lines[1:]}
    for name, points in (("LSQ, 2-bit", 1), ("binary", 3), ("XNOR", 6)):
        assert last[name] >= last["float"] - points
