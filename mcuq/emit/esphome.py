"""Models as ESPHome compiles them: C in one folder, and a header for each that its component ``mcuq`` runs it by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from mcuq import __version__
from mcuq.emit import Built, emit_libraries
from mcuq.emit.flat import flat
from mcuq.emit.library import ARENA, included, kernel_folders, needed_files
from mcuq.emit.rendering import Files, render
from mcuq.samples.task import last_operator, usual_threshold

COMPILED = (".c", ".h")


def esphome_sources(models: Sequence[Built]) -> Files:
    """Return the C of models, the kernels they need, and the component's headers.

    A model has one input and one output, both in the arena.

    The application of a PlatformIO project and the self-test vectors are left out: nothing here asks for them.

    Raises:
        UsageError: for names of models with which two files would have one name.
    """
    rendered = {PurePosixPath(path): content for path, content in emit_libraries(models).items()}
    shared = PurePosixPath("lib/mcuq/src")
    vectors = {f"{model.name}_model.c" for model in models}
    own = [
        (path.name, content)
        for path, content in rendered.items()
        if path.parent.name == "src" and path.suffix in COMPILED and path.name not in vectors
        if path.parent != shared or path.stem == ARENA
    ]
    headers = {header for _, content in own for header in included(content)}
    kernels = [(path.name, path.read_bytes()) for path in needed_files(kernel_folders(), headers)]
    return flat([*own, *kernels, *((f"{model.name}_functions.h", _functions(model)) for model in models)])


def _functions(model: Built) -> bytes:
    context = {"version": __version__, "name": model.name, "prefix": model.name.upper()}
    threshold = usual_threshold(last_operator(model.plan.graph))
    return render("esphome_functions.h.j2", context | {"classes": model.content.classes, "threshold": threshold})
