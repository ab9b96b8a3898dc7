"""Mutants of every kind of file that mcuq reads: ``make fuzz SECONDS=600``, or ``python -m fuzz --mutants 1000 pt2``.

A mutant is accepted, or refused in one line with exit status 2 and nothing written. Anything else is a finding, and so
are 10 seconds of computing, and a process of more than 1.5 GB. What is accepted of a model is also simulated. A mutant
is its reader, the seed and its number: ``python -m fuzz --show READER SEED NUMBER FILE`` writes it to a file.
"""

import argparse
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from requirements import PARTS

from fuzz.readers import READERS
from fuzz.serial import run_serial
from fuzz.worker import mutant

BYTES = 1_500_000_000
SILENCE = 120.0  # seconds without an answer: the process hangs where no signal reaches it
# How many of each reader's mutants in a thousand, where only their number in all is asked for
SHARES = {
    "tflite": 265,
    "mcuq": 265,
    "npy": 75,
    "npz": 75,
    "toml": 60,
    "page": 15,
    "elf": 65,
    "journal": 45,
    "record": 45,
    "c": 20,
}
SERIAL = "serial"  # inputs of libFuzzer: microseconds each, so twenty to a mutant, and not counted among them
SHARES |= {SERIAL: 20_000, "onnx": 35, "pt2": 17, "keras": 10, "h5": 5, "saved_model": 3}  # frameworks: 0.1 s and more


@dataclass
class Tally:
    """What came of one reader's mutants."""

    mutants: int = 0
    accepted: int = 0
    refused: int = 0
    computing: float = 0.0
    slowest: float = 0.0
    largest: int = 0
    findings: list[str] = field(default_factory=list)

    def add(self, name: str, seed: int, line: dict) -> None:
        self.mutants += 1
        self.computing += line["seconds"]
        self.slowest, self.largest = max(self.slowest, line["seconds"]), max(self.largest, line["bytes"])
        if line["bytes"] > BYTES:
            self.find(name, seed, line["index"], f"{line['bytes'] / 1e6:.0f} MB")
        if line["result"] == "accepted":
            self.accepted += 1
        elif line["result"] == "refused":
            self.refused += 1
        else:
            self.find(name, seed, line["index"], f"{line['result']}: {line['said']}")

    def find(self, name: str, seed: int, index: int, what: str) -> None:
        self.findings.append(f"{name} {seed} {index}: {what}")
        print(self.findings[-1], flush=True)


def tried(name: str, seed: int, count: int, seconds: float) -> Tally:
    """Try mutants of one reader, in processes that take over from each other where one dies."""
    tally, first, end = Tally(), 0, time.monotonic() + seconds
    while first < count and time.monotonic() < end:
        first = _part(name, seed, first, count - first, end, tally)
    return tally


def _part(name: str, seed: int, first: int, count: int, end: float, tally: Tally) -> int:
    """Try mutants in one process until it ends; return the number of the next."""
    here = Path(__file__).parents[1]
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    path = os.pathsep.join([str(here), str(here.parent), *(entry for entry in sys.path if entry)])
    command = [sys.executable, "-m", "fuzz.worker", name, str(seed), str(first), str(count)]
    command.append(f"{max(0.0, end - time.monotonic()):.0f}")
    environment = {**os.environ, **threads, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, bufsize=0)
    assert process.stdout and process.stderr
    begun, done, errors = None, first, b""
    buffer = b""
    while True:
        ready, _, _ = select.select([process.stdout, process.stderr], [], [], SILENCE)
        if process.stderr in ready:
            errors = (errors + (said := os.read(process.stderr.fileno(), 1 << 16)))[-4_000:]
            if not said and process.stdout not in ready:
                process.wait()
        if process.stdout in ready:
            said = os.read(process.stdout.fileno(), 1 << 16)
            if not said:
                break
            *lines, buffer = (buffer + said).split(b"\n")
            for line in map(json.loads, lines):
                if "begun" in line:
                    begun = line["begun"]
                else:
                    tally.add(name, seed, line)
                    begun, done = None, line["index"] + 1
        if not ready:
            process.kill()
            break
    status = process.wait()
    if begun is not None:
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or [""]
        tally.find(name, seed, begun, f"the process ended with {status}: {last[0]}")
        tally.mutants += 1
        return begun + 1
    if status != 0:
        text = errors.decode(errors="replace").strip()
        if "Skipped: " in text:
            print(f"{name}: skipped: {text.rpartition('Skipped: ')[2].splitlines()[0]}", flush=True)
            return first + count
        raise RuntimeError(f"the process for {name} ended with {status}: {text[-2000:]}")
    return done if done < first + count and time.monotonic() < end else first + count


def of_serial(seed: int, count: int, seconds: float) -> Tally:
    """Let libFuzzer try sequences of frames; none is a file, so none is accepted or refused."""
    if not PARTS["clang sanitizers"].present():
        print(f"{SERIAL}: skipped: {PARTS['clang sanitizers'].install}", flush=True)
        return Tally()
    start = time.monotonic()
    try:
        runs = run_serial(min(count, 1 << 31), int(min(seconds, 10**6)), seed + 1)
    except subprocess.CalledProcessError as error:
        print(error.stderr, flush=True)
        return Tally(1, findings=[f"{SERIAL} {seed}"])
    return Tally(runs, computing=time.monotonic() - start)


def table(tallies: dict[str, Tally]) -> str:
    """What is printed at the end: a row per reader, and one of all together."""
    heads = ("mutants", "accepted", "refused", "seconds", "worst s", "worst MB", "findings")
    rows = [f"{'reader':<12}{''.join(f'{text:>10}' for text in heads)}"]
    total = Tally()
    for name, tally in tallies.items():
        rows.append(_row(name, tally))
        for key in ("mutants", "accepted", "refused", "computing", "findings"):
            setattr(total, key, getattr(total, key) + getattr(tally, key))
        total.slowest, total.largest = max(total.slowest, tally.slowest), max(total.largest, tally.largest)
    return "\n".join([*rows, _row("all", total)])


def _row(name: str, t: Tally) -> str:
    cells = (f"{t.mutants:,}", f"{t.accepted:,}", f"{t.refused:,}", f"{t.computing:.0f}", f"{t.slowest:.2f}")
    return f"{name:<12}{''.join(f'{c:>10}' for c in (*cells, f'{t.largest / 1e6:.0f}', len(t.findings)))}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"default: all ({', '.join(READERS)})")
    parser.add_argument("--seconds", type=float, help="for all readers together; default: until all mutants are tried")
    parser.add_argument("--mutants", type=int, help="in all; default: as many as the seconds allow")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", nargs=4, metavar=("READER", "SEED", "NUMBER", "FILE"), help="write one mutant")
    arguments = parser.parse_args()
    if arguments.show:
        name, seed, index, path = arguments.show
        Path(path).write_bytes(mutant(name, int(seed), int(index)))
        return 0
    names = arguments.readers or [*READERS, SERIAL]
    if unknown := set(names) - {*READERS, SERIAL}:
        parser.error(f"no such reader: {', '.join(unknown)}")
    tallies = {}
    whole = sum(SHARES[n] for n in names if n != SERIAL) or SHARES[SERIAL]
    for name in names:
        share = SHARES[name] / whole
        count = 10**9 if arguments.mutants is None else max(1, round(arguments.mutants * share))
        seconds = 10**6 if arguments.seconds is None else arguments.seconds / len(names)
        tallies[name] = (of_serial if name == SERIAL else partial(tried, name))(arguments.seed, count, seconds)
        print(f"{name}: {tallies[name].mutants:,} mutants", file=sys.stderr, flush=True)
    print(table(tallies))
    return int(any(tally.findings for tally in tallies.values()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pytest.skip.Exception as missing:
        sys.exit(f"skipped: {missing}")
