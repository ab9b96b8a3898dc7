"""An Arduino sketch as the IDE compiles it, over the stubs and fakes of ``tests/stubs``."""

from pathlib import Path

from requirements import require
from test_frameworks import STRICT, STUBS, run

AS_SKETCH = ["g++", "-std=gnu++2b", "-x", "c++", "-include", "Arduino.h"]
LANGUAGES = {".c": ["gcc", "-std=gnu17"], ".cpp": ["g++", "-std=gnu++2b"], ".ino": AS_SKETCH}


def compiled(sketch: Path, library: Path, folder: Path, *includes: Path) -> list[str]:
    """Compile a sketch as C++, strictly, everything in a library's ``src`` and the fakes; return the objects.

    The sketch's is the first, that of the fakes the last.
    """
    require("gcc", "g++")
    flags = ["-DARDUINO=10812", "-DESP_PLATFORM", "-DSTUB_IDF_MAJOR=5", f"-I{library}"]
    flags += [f"-I{path}" for path in (*includes, STUBS / "arduino", STUBS / "espidf")]
    run([*AS_SKETCH, *STRICT, *flags, "-fsyntax-only", str(sketch)])
    objects: list[str] = []
    for source in [sketch, *sorted(library.glob("*.c*")), STUBS / "arduino" / "fake.cpp"]:
        objects.append(str(folder / f"{len(objects)}.o"))
        run([*LANGUAGES[source.suffix], "-O1", *flags, "-c", str(source), "-o", objects[-1]])
    return objects


def linked(objects: list[str], program: Path) -> Path:
    """Link objects into a program of this computer."""
    run(["g++", *objects, "-o", str(program)])
    return program
