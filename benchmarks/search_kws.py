"""Search the fewest bits of the MLPerf Tiny keyword model: what the README says of it.

Run: ``python benchmarks/search_kws.py [SHARED] [OPTION ...]``; SHARED holds the reference models. Options go to
``mcuq search``, ``--margin 0`` for one. A tenth of kws01 calibrates, the other 900 samples score. Needs
``mcuq[keras,search]``.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from calibrators import KWS_SCALE, KWS_ZERO_POINT, ROOT

BOARD = "esp32-c3-devkitm-1"


def main() -> int:
    """Run the search in a folder of its own; return its exit code."""
    given = len(sys.argv) > 1 and not sys.argv[1].startswith("-")
    shared = Path(sys.argv[1]) if given else ROOT.parent / "shared"
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder, "kws.npz"), Path(folder, "kws.mcuq")
        kws = np.load(shared / "data/kws01.npz")
        np.savez(data, X=(kws["X"].astype(np.float32) - KWS_ZERO_POINT) * np.float32(KWS_SCALE), Y=kws["Y"])
        command = [sys.executable, "-m", "mcuq", "search", str(shared / "models/mlperf/kws_savedmodel")]
        command += ["--data", str(data), "--board", BOARD, "--max-drop", "1.0", "--out", str(out)]
        return subprocess.run([*command, *sys.argv[1 + given :]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
