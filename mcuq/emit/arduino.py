"""A project's models as an Arduino library in a zip, which the Arduino IDE and ``arduino-cli lib install`` take.

The layout is that of the Arduino library specification, revision 2.2: ``library.properties``, everything that is
compiled in ``src/``, a sketch in ``examples/``.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from mcuq import __version__
from mcuq.emit.flat import flat
from mcuq.emit.names import MODEL, c_name
from mcuq.emit.rendering import Files, render
from mcuq.target.board import Board

EPOCH = (1980, 1, 1, 0, 0, 0)
COMPILED = (".c", ".cpp", ".h", ".S")


def arduino_zip(project: Path, board: Board, name: str, call: str) -> bytes:
    """Return the library of a project's models, the same bytes for the same project.

    Args:
        project: as :func:`mcuq.pipeline.write_project` wrote it.
        board: whose kernels the project has.
        name: of the model that the example runs and the library is called after.
        call: how it is run in C.

    Raises:
        UsageError: for names of models with which two files would have one name.
    """
    sources = sorted(path for path in project.glob("lib/*/src/*") if path.suffix in COMPILED)
    models = sorted(path.parent.name for path in project.glob("lib/*/build.json"))
    folder, c = f"{name}_mcuq", c_name(name, MODEL)
    context = {
        "version": __version__,
        "name": c,
        "names": ", ".join(models),
        "models": models,
        "headers": [f"{model}.h" for model in models],
        "board": board,
        "call": call,
    }
    files: Files = {
        f"{folder}/library.properties": render("arduino_library.properties.j2", context),
        f"{folder}/examples/{c}/{c}.ino": render("arduino_sketch.ino.j2", context),
    }
    compiled = flat((path.name, path.read_bytes()) for path in sources)
    return _zipped(files | {f"{folder}/src/{name}": content for name, content in compiled.items()})


def _zipped(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return target.getvalue()
