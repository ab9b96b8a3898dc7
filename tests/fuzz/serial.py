"""Frames on a damaged line against the firmware's application, by libFuzzer: ``python -m fuzz.serial --seconds 60``."""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from mcuq.resources import resource

HERE = Path(__file__).parent
FLAGS = ("-g", "-O1", "-std=c99", "-Wall", "-Wextra", "-DMCUQ_TRACE")
SANITIZERS = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
LONGEST = 600  # bytes of instructions


def run_serial(runs: int = -1, seconds: int = 0, seed: int = 1, change: tuple[str, str] | None = None) -> int:
    """Compile and run it; return how many inputs were tried.

    Args:
        runs: how many inputs; -1: as many as the seconds allow.
        seconds: 0: without a limit.
        seed: of libFuzzer's.
        change: a text of ``mcuq_app.c``, and what stands there instead: a fault to be found.

    Raises:
        subprocess.CalledProcessError: an input breaks a promise; it is among what is printed.
    """
    app = resource("firmware") / "app"
    with tempfile.TemporaryDirectory() as folder:
        if change:
            text = (app / "mcuq_app.c").read_text()
            assert change[0] in text
            Path(folder, "mcuq_app.c").write_text(text.replace(*change))
        include = [f"-I{path}" for path in (folder, app, resource("firmware") / "kernels" / "shared")]
        sources = [HERE / "serial_frames.c", app / "mcuq_frame.c", app / "mcuq_self_test.c"]
        program = Path(folder, "serial_frames")
        subprocess.run(["clang", *FLAGS, *SANITIZERS, *include, *sources, "-o", program], check=True)
        limits = [f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST}"]
        command = [program, *limits, f"-artifact_prefix={folder}/"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr[-4000:])
    return int(re.findall(r"^Done (\d+) runs", done.stderr, re.MULTILINE)[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        print(f"serial frames: {run_serial(seconds=arguments.seconds, seed=arguments.seed):,} inputs, no finding")
    except subprocess.CalledProcessError as error:
        print(error.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
