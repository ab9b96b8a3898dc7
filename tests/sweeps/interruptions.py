"""Kill commands at random moments, and run two at once: nothing mixed, nothing lost, nothing left running or lying.

    python tests/sweeps/interruptions.py build 200
    python tests/sweeps/interruptions.py quantize 50
    python tests/sweeps/interruptions.py search 50
    python tests/sweeps/interruptions.py pairs 100

Of three kills one falls anywhere between a command's start and its end, one while it lays files ready, one while it
renames them (of a search: once it has measured so many candidates). One command in ten is started as users do, the
others are forked from this process, which is quicker. ``--seed`` chooses other moments; they depend on the computer's
speed too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))  # as a script

import numpy as np
from float_nets import Builder
from models import small_graph
from processes import Forked, kill, marked, start, wait_until

import mcuq
from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.files.locks import LOCK
from mcuq.files.renames import JOURNAL, STAGE

DIGITS = Path(__file__).parents[2] / "examples/digits"
BOARD = "esp32dev"
SHARED_MEMORY = Path("/dev/shm")
ORPHAN = 20.0  # seconds in which a busy computer lets a killed command's children end
Contents = dict[str, bytes]
Begun = Callable[[Path, int], bool]


@dataclass(frozen=True)
class Case:
    """A command in a folder: what lies there before and after it, how long it takes, and its phases."""

    arguments: list[str]
    old: Contents
    new: Contents
    seconds: float
    phases: Sequence[tuple[Begun, float]]  # how one knows that it has begun, and how long it takes
    may_be: Callable[[Contents, Case], bool]


def contents(folder: Path) -> Contents:
    """Every file, but what mcuq keeps there for itself while it writes."""
    files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith((STAGE, LOCK))}


def laid(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    folder.mkdir(exist_ok=True)
    return folder


def completed(mark: str, arguments: list[str], folder: Path, temporary: Path) -> None:
    """Run a command to its end, which must be a good one that leaves nothing."""
    process = Forked(mark, arguments, folder, TMPDIR=str(temporary))
    said = process.communicate()[1]
    assert process.returncode == 0, said.decode()
    assert not (folder / STAGE).exists() and not (folder / LOCK).exists()
    assert not [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert not any(temporary.iterdir()), list(temporary.iterdir())
    assert wait_until(lambda: not marked(mark), 5)


def case(
    root: Path,
    arguments: list[str],
    old: Contents,
    phases: Sequence[Begun],
    may_be: Callable[[Contents, Case], bool],
) -> Case:
    """Run a command once, to know what it makes of a folder."""
    folder, temporary = laid(root / "measured", old), laid(root / "measured-tmp", {})
    begin, seen = time.monotonic(), [list[float]() for _ in phases]
    process = Forked(str(root), arguments, folder, TMPDIR=str(temporary))
    while process.poll() is None:
        for times, phase in zip(seen, phases, strict=True):
            times.extend([time.monotonic()] if phase(folder, 0) else [])
        time.sleep(0.0002)
    seconds = time.monotonic() - begin
    new = contents(folder)
    completed(str(root), arguments, folder, temporary)
    assert same(contents(folder), new)
    lasting = [moments[-1] - moments[0] if moments else 0.0 for moments in seen]
    found = Case(arguments, old, new, seconds, [*zip(phases, lasting, strict=True)], may_be)
    assert found.old != found.new
    return found


def is_laying(folder: Path, _: int) -> bool:
    return (folder / STAGE).exists()


def is_renaming(folder: Path, _: int) -> bool:
    return (folder / STAGE / JOURNAL).exists()


WRITING = (is_laying, is_renaming)


def old_or_new(state: Contents, case: Case) -> bool:
    return state in (case.old, case.new)


def project(root: Path) -> Contents:
    """A project of two models."""
    for seed, name in enumerate(("beside", "model")):
        pipeline.write_project(small_graph(np.random.default_rng(seed), name), BOARD, root / "old")
    return contents(root / "old")


def build(root: Path) -> list[Case]:
    """One of a project's two models is replaced by another one, which needs other kernels."""
    model = str(DIGITS / "digits.tflite")
    arguments = ["build", model, "--name", "model", "--board", BOARD, "--out", "."]
    return [case(root, arguments, project(root), WRITING, old_or_new)]


def quantize(root: Path) -> list[Case]:
    """An older model is replaced; mcuq reads the one float model by itself, the other one's framework a process."""
    old = {"m.mcuq": archive.dump(Archive(small_graph(np.random.default_rng(0))))}
    files = [DIGITS / "digits_float.tflite", onnx_model(root)]
    np.save(root / "x.npy", np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32))
    samples = [DIGITS / "calibration.npz", root / "x.npy"]
    commands = [["quantize", str(f), "--calibration", str(s)] for f, s in zip(files, samples, strict=True)]
    return [
        case(laid(root / str(n), {}), [*command, "--out", "m.mcuq"], old, WRITING, old_or_new)
        for n, command in enumerate(commands)
    ]


def onnx_model(root: Path) -> Path:
    import onnx_models

    rng = np.random.default_rng(0)
    constants = {"w": rng.normal(size=(32, 10)).astype(np.float32), "b": rng.normal(size=10).astype(np.float32)}
    made = onnx_models.model([onnx_models.node("Gemm", "x w b", "y")], {"x": (1, 32)}, constants)
    onnx_models.onnx.save(made, str(root / "dense.onnx"))
    return root / "dense.onnx"


def search(root: Path) -> list[Case]:
    """Nothing is there before; what was measured stays, and the next one goes on from it."""
    arrays = np.load(DIGITS / "holdout.npz")
    np.savez(root / "few.npz", X=arrays["X"][:100], Y=arrays["Y"][:100])
    samples = {"x": arrays["X"][:100].astype(np.float32)}
    graph = Builder((1, 8, 8, 1)).conv(4, 3).conv(4, 3).dense(10).graph()
    (root / "net.mcuq").write_bytes(archive.dump(Archive(mcuq.quantize(graph, samples), source=graph)))
    arguments = ["search", str(root / "net.mcuq"), "--data", str(root / "few.npz"), "--board", BOARD]
    arguments += ["--calibration", str(DIGITS / "calibration.npz"), "--max-drop", "9", "--margin", "0"]
    arguments += ["--formats", "8,4", "--jobs", "2", "--out", "m.mcuq"]
    return [case(root, arguments, {}, [has_measured], partly_measured)]


def has_measured(folder: Path, number: int) -> bool:
    journal = folder / "m.mcuq.journal"
    return journal.exists() and journal.read_bytes().count(b"\n") > number % 12


def partly_measured(state: Contents, case: Case) -> bool:
    """Whether the lines of the journal, but a torn last one, are those of a search that nobody killed."""
    lines, all_lines = (set(s.get("m.mcuq.journal", b"").split(b"\n")[:-1]) for s in (state, case.new))
    return lines <= all_lines and state.get("m.mcuq") in (None, case.new["m.mcuq"])


def same(state: Contents, wanted: Contents) -> bool:
    """Whether two folders hold the same, a journal's lines in any order."""
    return ordered(state) == ordered(wanted)


def ordered(state: Contents) -> dict[str, list[bytes]]:
    return {n: sorted(c.split(b"\n")) if n.endswith(".journal") else [c] for n, c in state.items()}


def kills(root: Path, cases: list[Case], count: int, seed: int = 14) -> tuple[Counter[str], float]:
    """Kill commands; return how many were killed in which state, and the seconds that a child outlived one at most.

    Raises:
        AssertionError: for what must never be.
    """
    random, moments, longest = Random(seed), Counter[str](), 0.0
    for number in range(count):
        chosen = cases[number // 3 % len(cases)]
        folder, temporary = laid(root / f"kill{number}", chosen.old), laid(root / f"kill{number}-tmp", {})
        mark = str(folder)
        process = (Forked if number % 10 else start)(mark, chosen.arguments, folder, TMPDIR=str(temporary))
        try:
            strike(process, chosen, folder, number, random)
            killed = time.monotonic()
            assert wait_until(lambda mark=mark: not marked(mark), ORPHAN), f"kill {number}: something goes on running"
            longest = max(longest, time.monotonic() - killed)
            assert not [*SHARED_MEMORY.glob(f"joblib*_{process.pid}_*")]
        finally:
            kill(mark)
        moments[judged(chosen, folder, temporary, number)] += 1
        if any(temporary.iterdir()):
            moments["left a temporary folder, swept by the next"] += 1
            for path in temporary.iterdir():
                os.utime(path, (0, 0))  # as if it were old
        completed(mark, chosen.arguments, folder, temporary)
        assert same(contents(folder), chosen.new), f"kill {number}: the next run ends otherwise"
        shutil.rmtree(folder)
        shutil.rmtree(temporary)
    return moments, longest


def strike(process: subprocess.Popen[bytes] | Forked, case: Case, folder: Path, number: int, random: Random) -> None:
    if number % 3:
        begun, seconds = case.phases[number % 3 % len(case.phases)]
        while process.poll() is None and not begun(folder, number // 3):
            time.sleep(0.0002)
        time.sleep(random.uniform(0, 1.1 * min(seconds, 1)))
    else:
        time.sleep(random.uniform(0, case.seconds))
    process.kill()
    process.communicate()


def judged(case: Case, folder: Path, temporary: Path, number: int) -> str:
    """Say in which state a killed command has left its folder; all but the allowed ones are errors."""
    state = contents(folder)
    if not (folder / STAGE / JOURNAL).exists():
        assert case.may_be(state, case), f"kill {number}: neither the old files nor the new ones"
        return "with the new files" if same(state, case.new) else "with the old files"
    if state in (case.old, case.new):
        return "with a journal, nothing mixed"
    assert (folder / "platformio.ini").exists(), f"kill {number}: a mixture that is no project"
    good, said = compiles(folder)
    assert not good and "#error" in said and "mcuq build" in said, f"kill {number}: a mixture compiles: {said}"
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    completed(str(copy), ["verify", "."], copy, temporary)  # which has finished it before
    assert contents(copy) == case.new, f"kill {number}: a mixture was verified"
    shutil.rmtree(copy)
    return "with a mixture that its journal and an #error tell of"


def compiles(folder: Path, name: str = "model") -> tuple[bool, str]:
    """Whether a project's model compiles as PlatformIO compiles it, and what the compiler says."""
    folders = [folder / "lib/mcuq/src", folder / f"lib/{name}/src"]
    command = ["gcc", "-fsyntax-only", *(f"-I{f}" for f in folders), str(folders[1] / f"{name}.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def pairs(root: Path, count: int, seed: int = 14) -> Counter[str]:
    """Run two builds at once into one folder: of two models, or of two for the same name.

    Raises:
        AssertionError: for anything but what one after the other gives.
    """
    random, ends = Random(seed), Counter[str]()
    other = laid(root / "other", {"other.mcuq": archive.dump(Archive(small_graph(np.random.default_rng(5))))})
    files = [DIGITS / "digits.tflite", other / "other.mcuq"]
    common = ["--board", BOARD, "--out", "."]
    old, temporary = project(root), laid(root / "tmp", {})
    wanted = []
    for names in (("one", "two"), ("model", "model")):
        commands = [["build", str(f), "--name", n, *common] for f, n in zip(files, names, strict=True)]
        for order in (commands, commands[::-1]):
            folder = laid(root / f"after{len(wanted)}", old)
            for command in order:
                completed(str(folder), command, folder, temporary)
            wanted.append(contents(folder))
        completed(str(folder), ["verify", "."], folder, temporary)
    assert wanted[0] == wanted[1] and wanted[2] != wanted[3]
    for number in range(count):
        names = ("model", "model") if number % 2 else ("one", "two")
        folder = laid(root / f"pair{number}", old)
        commands = [["build", str(f), "--name", n, *common] for f, n in zip(files, names, strict=True)]
        random.shuffle(commands)
        running = []
        for command in commands:
            running.append((Forked if number % 10 else start)(str(folder), command, folder, TMPDIR=str(temporary)))
            time.sleep(random.uniform(0, 0.05))
        for process in running:
            said = process.communicate()[1]
            assert process.returncode == 0, f"pair {number}: {said.decode()}"
        state = contents(folder)
        ending = [n for n in ((2, 3) if number % 2 else (0,)) if state == wanted[n]]
        assert ending, f"pair {number}: neither order of the two gives this"
        ends[("two models, both there", "", "one name, the second's", "one name, the first's")[ending[0]]] += 1
        assert not (folder / STAGE).exists() and not (folder / LOCK).exists() and not any(temporary.iterdir())
        assert wait_until(lambda mark=str(folder): not marked(mark), 5)
        shutil.rmtree(folder)
    return ends


CASES = {"build": build, "quantize": quantize, "search": search}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*CASES, "pairs"])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=14)
    given = parser.parse_args()
    begin, longest = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory(prefix="sweep-") as name:
        root = Path(name)
        if given.what == "pairs":
            found = pairs(root, given.count, given.seed)
        else:
            found, longest = kills(root, CASES[given.what](root), given.count, given.seed)
    print(f"{given.what} {given.count}, seed {given.seed}: all as it must be ({time.monotonic() - begin:.0f} s)")
    for text, number in sorted(found.items()):
        print(f"{number:6} {text}")
    if given.what != "pairs":
        print(f"The last child ended {longest:.2f} s after its command was killed, at the latest.")


if __name__ == "__main__":
    main()
