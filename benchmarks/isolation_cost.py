"""What it costs that frameworks open files in a process of their own: processor seconds, with and without.

    python benchmarks/isolation_cost.py [--times 3] [onnx pt2 keras saved_model]

Each number is user and system time of a Python that reads a small model and ends, its children included, the smallest
of several: `whole` with the process of its own, `direct` without; both import the framework once. `import` is what that
alone takes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

MAIN = Path(__file__).parents[1]
MAKE = {
    "onnx": "import sys; sys.path.insert(0, 'tests'); import numpy as np, onnx_models as o; "
    "w = np.ones((32, 10), np.float32); "
    "o.onnx.save(o.model([o.node('Gemm', 'x w', 'y')], {'x': (1, 32)}, {'w': w}), sys.argv[1])",
    "pt2": "import sys, torch; m = torch.nn.Sequential(torch.nn.Linear(32, 10), torch.nn.ReLU()); "
    "torch.export.save(torch.export.export(m, (torch.ones(1, 32),)), sys.argv[1])",
    "keras": "import sys, keras; keras.Sequential([keras.Input((32,)), keras.layers.Dense(10)]).save(sys.argv[1])",
    "saved_model": "import sys, keras; "
    "keras.Sequential([keras.Input((32,)), keras.layers.Dense(10)]).export(sys.argv[1])",
}
FILES = {"onnx": "m.onnx", "pt2": "m.pt2", "keras": "m.keras", "saved_model": "saved"}
IMPORT = {
    "onnx": "import onnx",
    "pt2": "import torch, torch.export",
    "keras": "import tensorflow, keras",
    "saved_model": "import tensorflow",
}
WHOLE = "import sys; from pathlib import Path; from mcuq.frontends.isolation import read_isolated; "
WHOLE += "read_isolated(Path(sys.argv[1]), 300)"
DIRECT = "import sys; from pathlib import Path; from mcuq.frontends.isolation import read_isolated; "
DIRECT += "from mcuq.frontends.child import _read; _read(Path(sys.argv[1]))"


def seconds(program: str, path: Path) -> float:
    """Return user and system time of a program and its children."""
    before = os.times()
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, cwd=MAIN, env=environment, capture_output=True
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=[*MAKE])
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    print(f"{'':12} {'whole':>7} {'direct':>7} {'cost':>7} {'import':>7}  s of a processor")
    with tempfile.TemporaryDirectory() as folder:
        for what in given.what:
            path = Path(folder) / FILES[what]
            seconds(MAKE[what], path)
            best = [min(seconds(p, path) for _ in range(given.times)) for p in (WHOLE, DIRECT, IMPORT[what])]
            whole, direct, imported = best
            print(f"{what:12} {whole:7.2f} {direct:7.2f} {whole - direct:7.2f} {imported:7.2f}", flush=True)


if __name__ == "__main__":
    main()
