"""What makes it safe to open a ``.pt2`` file: torch gets an archive that was built anew from what passed.

``torch.export.load`` loads shared libraries of ``data/aotinductor``, unpickles whatever an archive marks so and its
sample inputs, takes everything under ``models/`` for a program, and hands strings to sympy and to ``exec``. Here only
the members of one plain program are known; its description is read field by field (:mod:`mcuq.frontends.pt2_program`).
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mcuq.errors import MalformedModelError
from mcuq.frontends.extras import TORCH_SINCE
from mcuq.frontends.pt2_program import payloads, program
from mcuq.limits import FILE_BYTES
from mcuq.reading import Members, json_of, printable, zipped

FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
WHAT = "a file saved by torch.export.save"
PROGRAM = "models/model.json"
WEIGHTS, CONSTANTS = "data/weights", "data/constants"
CONFIGS = {WEIGHTS: "model_weights_config.json", CONSTANTS: "model_constants_config.json"}
INPUTS = "data/sample_inputs/model.pt"
FIXED = {"archive_format": b"pt2", "archive_version": b"0", "byteorder": b"little", ".data/version": b"6\n"}
DROPPED = re.compile(
    r"data/sample_inputs/model\.pt|\.data/serialization_id|\.format_version|\.storage_alignment|extra/.*"
)
LEGACY = re.compile(r"data/(weights|constants)/model\.pt")
TENSOR = re.compile(r"data/(weights/weight|constants/tensor)_\d{1,6}")
REFUSED = {
    "data/aotinductor/": "machine code (AOTInductor)",
    "data/constants/custom_obj": "pickled objects, which can run code",
    "data/constants/opaque_obj": "pickled objects, which can run code",
}
OTHER_MODEL = re.compile(r"models/.*")


def rebuilt_pt2(path: Path) -> io.BytesIO:
    """Return an archive with the program, the weights and the constants of a file, and nothing else of it.

    Raises:
        MalformedModelError: for another file, and for one that holds anything that is not known to be harmless.
    """
    with zipped(path, WHAT, FILE_BYTES) as members:
        names = _names(members)
        root = next(iter(members.sizes)).partition("/")[0]
        found: dict[str, bytes] = dict(FIXED)
        found[PROGRAM] = program(json_of(members.read(f"{root}/{PROGRAM}")))
        for folder, config in CONFIGS.items():
            described = payloads(json_of(members.read(f"{root}/{folder}/{config}")))
            found[f"{folder}/{config}"] = described.text
            for name, sizes in described.tensors.items():
                member = f"{folder}/{name}"
                if not TENSOR.fullmatch(member) or member not in names:
                    raise MalformedModelError(f"holds no tensor {printable(member, 80)}")
                found[member] = _checked(members.read(f"{root}/{member}"), sizes, member)
        return _archive(found)


def _names(members: Members) -> set[str]:
    """Return the members' names below the archive's folder, all of which are known."""
    roots = {name.partition("/")[0] for name in members.sizes}
    names = {name.partition("/")[2] for name in members.sizes}
    if len(roots) != 1 or PROGRAM not in names:
        found = sorted(name for name in names if OTHER_MODEL.fullmatch(name))
        if len(roots) == 1 and found:
            raise MalformedModelError(f"holds {printable(found[0], 80)}, not the one program {PROGRAM}")
        raise MalformedModelError(
            f"holds no exported program; save one with torch.export.save (torch >= {TORCH_SINCE})"
        )
    configs = {f"{folder}/{config}" for folder, config in CONFIGS.items()}
    for name in sorted(names):
        for start, what in REFUSED.items():
            if name.startswith(start):
                raise MalformedModelError(f"holds {what}, in {printable(name, 80)}; mcuq does not open it")
        if LEGACY.fullmatch(name):
            raise MalformedModelError(
                f"its weights are pickled objects, which can run code, in {name}; save it with torch >= {TORCH_SINCE}"
            )
        if not (
            name in FIXED or name == PROGRAM or name in configs or TENSOR.fullmatch(name) or DROPPED.fullmatch(name)
        ):
            raise MalformedModelError(f"holds {printable(name, 80)}, which torch.export.save does not write")
    for name, content in FIXED.items():
        if name in ("archive_format", "byteorder") and name in names:
            root = next(iter(roots))
            if members.read(f"{root}/{name}") != content:
                raise MalformedModelError(f"its {name} is not {content.decode()}")
    return names


def _checked(content: bytes, elements: int, name: str) -> bytes:
    """Return a tensor's bytes, of which a description may not ask for more elements than there are."""
    if elements > len(content):
        raise MalformedModelError(f"its {name} of {len(content)} bytes is described as {elements} elements")
    return content


def _archive(members: Mapping[str, bytes]) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as file:
        for name, content in {**members, INPUTS: b""}.items():
            file.writestr(zipfile.ZipInfo(f"model/{name}"), content)
    target.seek(0)
    return target


@contextmanager
def only_weights() -> Iterator[None]:
    """Let torch read tensors and nothing else, whatever its own code asks for."""
    before = os.environ.get(FORCE)
    os.environ[FORCE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[FORCE]
        else:
            os.environ[FORCE] = before
