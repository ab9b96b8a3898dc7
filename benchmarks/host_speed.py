"""How long a user waits: each command timed as a process of its own, best of three.

Run from anywhere: ``python benchmarks/host_speed.py [SHARED]``; SHARED holds the reference models.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
KWS = SHARED / "models/mlperf/kws_dscnn_int8.tflite"
DATA = SHARED / "data/kws01.npz"
REPEATS = 3


def seconds(folder: str, *arguments: object) -> float:
    """Return the best wall time of one command."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        command = [sys.executable, "-m", "mcuq", *map(str, arguments)]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print a table: command, limit, measured."""
    simulate = ("simulate", KWS, "--input", DATA, "--output", "y.npy", "--engine")
    rows = [
        ("mcuq --help", 0.3, ("--help",)),
        ("build of KWS", 3.0, ("build", KWS, "--board", "esp32dev", "--out", "project")),
        ("host engine, 1000 KWS samples, compilation included", 3.0, (*simulate, "host")),
        ("numpy simulator, 1000 KWS samples", 30.0, (*simulate, "numpy")),
    ]
    print("| what | at most | measured |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for what, limit, arguments in rows:
            print(f"| {what} | {limit} s | {seconds(folder, *arguments):.2f} s |")


if __name__ == "__main__":
    main()
