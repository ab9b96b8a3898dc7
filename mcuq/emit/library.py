"""Libraries of a project: lib/<model>, and lib/mcuq, which its models share and which holds what they need."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq import __version__, archive
from mcuq.emit.ownership import KERNELS
from mcuq.emit.rendering import Files, render
from mcuq.errors import McuqError, UsageError
from mcuq.plan import Plan
from mcuq.plan.arrivals import MARK_BYTES, shared_bytes
from mcuq.resources import resource
from mcuq.target.chip import load_chip

ARENA = "mcuq_shared_arena"
GUARD = (  # what lib/mcuq/src/mcuq.h, which every firmware needs, is while the other files do not belong together
    "lib/mcuq/src/mcuq.h",
    b'#error "an interrupted `mcuq build` left this project half written; run it again, or `mcuq verify .`"\n',
)
KEYWORDS = ["neural network", "quantization", "tinyml", "esp32"]
INCLUDE = re.compile(rb'^#include "(\w+\.h)"', re.MULTILINE)


@dataclass(frozen=True)
class Manifest:
    """What a library says of itself: ``targets`` are the chips, as ESP-IDF calls them, that have all its kernels."""

    name: str
    description: str
    sources: Sequence[str]
    headers: Sequence[str]
    targets: Sequence[str]
    requires: Sequence[str] = ()


def targets(kernels: Iterable[type]) -> list[str]:
    """Return the chips, as ESP-IDF calls them, that have the families of these kernels."""
    modules = (kernel.__module__.split(".") for kernel in kernels)
    families = {parts[2] for parts in modules if parts[1:2] == ["kernels"]} - {"portable"}
    chips = (load_chip(path.stem) for path in sorted((resource("boards") / "chips").glob("*.toml")))
    return list(dict.fromkeys(chip.id.split("_")[0] for chip in chips if families <= {*chip.kernels}))


def library(about: Manifest) -> Files:
    """Return what makes lib/<name> a library for PlatformIO and a component for ESP-IDF."""
    manifest = {
        "name": about.name,
        "version": __version__,
        "description": about.description,
        "keywords": KEYWORDS,
        "frameworks": "*",
        "platforms": "*",
        "headers": list(about.headers),
        "dependencies": dict.fromkeys(about.requires, __version__),
        "build": {"flags": ["-O2"], "libArchive": True},
    }
    context = {"version": __version__, **vars(about)}
    return {
        f"lib/{about.name}/library.json": (json.dumps(manifest, indent=2) + "\n").encode(),
        f"lib/{about.name}/CMakeLists.txt": render("library_cmakelists.txt.j2", context),
        f"lib/{about.name}/idf_component.yml": render("idf_component.yml.j2", context),
    }


def shared_library(headers: Iterable[str], chips: Sequence[str], sharing: Mapping[str, Plan]) -> Files:
    """Return lib/mcuq: needed kernels, the application, the emulated chip, PlatformIO's script.

    Args:
        headers: what the project's models include; those that are not mcuq's count for nothing.
        chips: that have all its kernels; see :func:`targets`.
        sharing: models that share an arena, by name; none: it is not there.
    """
    firmware = resource("firmware")
    application = [path.name for path in (firmware / "app").iterdir()]
    sources = needed_files((*kernel_folders(), firmware / "app"), (*application, *headers))
    files = {f"lib/mcuq/src/{path.name}": path.read_bytes() for path in sources}
    for path in sorted((firmware / "emulator").rglob("*")):
        name = path.relative_to(firmware).as_posix()
        if path.is_file() and not {"xtensa", "s3", "__pycache__"} & set(path.parts):
            files[f"lib/mcuq/{name}"] = path.read_bytes()
    files["lib/mcuq/mcuq_generate.py"] = (firmware / "platformio" / "mcuq_generate.py").read_bytes()
    compiled = [path.name for path in sources if path.suffix in (".c", ".cpp", ".S")]
    if sharing:
        context = {"version": __version__, "models": list(sharing), "bytes": shared_bytes(sharing.values())}
        context["mark"] = MARK_BYTES if any(plan.rows_arrive for plan in sharing.values()) else 0
        texts = {f"{ARENA}.{suffix}": render(f"shared_arena.{suffix}.j2", context) for suffix in ("h", "c")}
        files |= {f"lib/mcuq/src/{name}": text for name, text in texts.items()}
        compiled.append(f"{ARENA}.c")
    return files | library(Manifest("mcuq", KERNELS, compiled, ["mcuq.h", "mcuq_app.h"], chips))


def kernel_folders() -> list[Path]:
    """Return the folders of the kernels' C: one per family, and what families share."""
    return sorted(path for path in (resource("firmware") / "kernels").iterdir() if path.is_dir())


def needed_files(folders: Sequence[Path], names: Iterable[str]) -> list[Path]:
    """Return some files and all that these need, sorted by name.

    A file needs what it includes; a header needs the files that define what it declares: C, and assembly beside it for
    chips that have the instructions.

    Args:
        folders: where the files lie; of what is not there nothing is returned.
        names: of files.
    """
    files = {path.name: path for folder in folders for path in folder.iterdir()}
    needed = {name: files[name] for name in names if name in files}
    pending = list(needed)
    while pending:
        more = [name for name in _needs(files[pending.pop()]) if name in files and name not in needed]
        needed |= {name: files[name] for name in more}
        pending += more
    return [needed[name] for name in sorted(needed)]


def _needs(path: Path) -> Iterator[str]:
    yield from included(path.read_bytes())
    if path.suffix == ".h":
        yield from (f"{path.stem}.c", f"{path.stem}_asm.S")


def included(source: bytes) -> list[str]:
    r"""Return the headers that a C file names, of the kind that lies beside it.

    >>> included(b'#include "mcuq_add_s8.h"\n#include <stdint.h>\n')
    ['mcuq_add_s8.h']
    """
    return [name.decode() for name in INCLUDE.findall(source)]


def models_beside(directory: Path, name: str) -> list[archive.Archive]:
    """Return the models of a project but ``name``.

    A model is one of the project's if its .mcuq file lies there, as for ``verify``, and its C in lib/<model>: one
    without C is only kept there.

    Raises:
        McuqError: for a file that cannot be read: what the project needs is not known then.
    """
    paths = [path for path in sorted(directory.glob("*.mcuq")) if path.name != f"{name}.mcuq"]  # this is made anew
    try:
        models = [model for model in map(archive.read, paths) if model.graph.name != name]
        return [model for model in models if (directory / "lib" / model.graph.name / "src").is_dir()]
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot read ({os.strerror(error.errno or 0)})") from None
    except McuqError as error:
        why = "lib/mcuq holds what all models of the project need"
        raise type(error)(f"{error}; {why}: build this one again, or remove the file") from None
