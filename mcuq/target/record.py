"""``lib/<model>/build.json``: what was decided when a model was built into a project, recorded once and kept."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from mcuq.errors import MalformedModelError, UsageError
from mcuq.limits import TEXT_BYTES
from mcuq.reading import content_of
from mcuq.target.setup import PLAIN, Setup

FORMAT = 1
FILE = "build.json"
FRAMES = ("pixels", "resize", "crop", "mean", "std")  # options that let a model take a camera's frames
STREAM = re.compile(r"-?[0-9]{1,9}(:[1-9][0-9]{0,8})?")  # AXIS[:FRAMES]


@dataclass(frozen=True)
class Record:
    """Where a model runs and what it was made from.

    ``file`` is the name of the model's file, without folders: a rebuild from it finds its model again.
    ``quantization`` holds the options that a float model was quantized with, ``board_text`` the file of a board of the
    user's own, so that the project can be judged and written anywhere. ``stream`` is the axis, or axis and frames, that
    the model was made a streaming one along. ``frames`` holds the options with which it takes a camera's frames.
    """

    board: str
    framework: str
    setup: Setup = PLAIN
    file: str = ""
    quantization: Mapping[str, Any] = field(default_factory=dict)
    board_text: str = ""
    stream: str = ""
    frames: Mapping[str, Any] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return the file's content, every decision on a line of its own."""
        setup = dataclasses.asdict(self.setup)
        maps = {"quantization": dict(self.quantization), "frames": dict(self.frames)}
        plain = {"format": FORMAT, **vars(self), "setup": setup, **maps}
        return (json.dumps(plain, indent=2) + "\n").encode()

    @property
    def text(self) -> str:
        """The decisions in one line, the setup as the options that make it."""
        return ", ".join([self.board, self.framework, *self.setup.options, *self.forms])

    @property
    def forms(self) -> list[str]:
        """The options that give the model another form."""
        stream = [f"--stream {self.stream}"] if self.stream else []
        return [*stream, *(f"--{name} {_text(name, value)}" for name, value in self.frames.items())]


def _text(option: str, value: Any) -> str:
    """Return an option's value as the command line has it."""
    parts = [value] if isinstance(value, str) else [f"{number:.17g}" for number in value]
    return ("x" if option == "resize" else ",").join(parts)


def record_path(project: Path, name: str) -> Path:
    """Return where the record of a project's model lies."""
    return project / "lib" / name / FILE


def read_record(path: Path) -> Record | None:
    """Read a record; None where there is none.

    Raises:
        MalformedModelError: it is damaged, or written by a newer mcuq.
    """
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise MalformedModelError(f"{path}: cannot be read ({error.strerror})") from None
    content = content_of(path, TEXT_BYTES)
    try:
        plain = json.loads(content)
        if type(plain["format"]) is int and plain["format"] > FORMAT:
            known = f"this mcuq reads up to {FORMAT}"
            raise MalformedModelError(f"{path}: has format {plain['format']:.9g}, {known}; install a newer mcuq")
        return _restored(plain)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedModelError(f"{path}: damaged ({error}); remove it, then build with every option again") from None


def records(project: Path) -> dict[str, Record]:
    """Return the records of a project's models by name."""
    found = {path.parent.name: read_record(path) for path in sorted(project.glob(f"lib/*/{FILE}"))}
    return {name: record for name, record in found.items() if record}


def recorded_name(project: Path, file: str) -> str:
    """Return the name that a model's file was built under in a project; empty if it was not.

    Raises:
        UsageError: it was built under several.
    """
    names = [name for name, record in records(project).items() if record.file == file]
    if len(names) > 1:
        raise UsageError(f"{file} was built into {project} as {' and as '.join(names)}: --name says which")
    return names[0] if names else ""


def _restored(plain: Any) -> Record:
    if plain["format"] != FORMAT:
        raise ValueError(f"format {plain['format']!r}, this mcuq reads {FORMAT}")
    texts = {name: plain[name] for name in ("board", "framework", "file")}
    texts |= {name: plain.get(name, "") for name in ("board_text", "stream")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("board, framework, file, board_text and stream are texts")
    if texts["stream"] and not STREAM.fullmatch(texts["stream"]):
        raise ValueError(f"stream {texts['stream'][:20]!r} is not AXIS or AXIS:FRAMES")
    if not isinstance(plain["setup"], dict) or not isinstance(plain["quantization"], dict):
        raise ValueError("setup and quantization are objects")
    quantization = {n: tuple(v) if isinstance(v, list) else v for n, v in plain["quantization"].items()}
    setup, frames = Setup.restored(plain["setup"]), _frames(plain.get("frames", {}))
    return Record(**texts, setup=setup, quantization=quantization, frames=frames)


def _frames(plain: Any) -> dict[str, Any]:
    """Return the options of frames: texts and lists of numbers; what they may be says who uses them."""
    if not isinstance(plain, dict) or not plain.keys() <= set(FRAMES) or (plain and "pixels" not in plain):
        raise ValueError("frames are an object of pixels, resize, crop, mean and std")
    for name, value in plain.items():
        whole = name in ("resize", "crop")
        kinds = (int,) if whole else (int, float)
        fits = isinstance(value, str) if name == "pixels" else isinstance(value, list)
        if not fits or (name != "pixels" and any(type(n) not in kinds or not isfinite(n) for n in value)):
            raise ValueError(f"frames: {name} cannot be {str(value)[:40]}")
    if len(plain.get("resize", (1, 1))) != 2:
        raise ValueError("frames: resize is a height and a width")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
