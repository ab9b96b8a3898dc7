"""Every reader: how its files are mutated, and which command is tried on a mutant."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz import seeds
from fuzz.library_mutants import any_h5, any_onnx, any_saved_graph
from fuzz.mutations import Mutation, Rng, any_bytes, any_json, any_npy, any_text, in_zip, one_of, pick
from mcuq.files import renames
from mcuq.page.figures import CLOSING, OPENING

Command = list[str]
BOARDS = ("esp32dev", "esp32-c3-devkitm-1", "esp32-s3-devkitc-1", "esp32-p4")
COMPANION = "small.mcuq"  # a sound model, for what is no model
DIGITS = str(seeds.DIGITS / "digits.tflite")
FLOAT = str(seeds.DIGITS / "digits_float.tflite")


def written(content: bytes, folder: Path, suffix: str) -> Path:
    path = folder / f"net{suffix}"
    path.write_bytes(content)
    return path


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    ``place`` writes a mutant into an empty folder and returns what the command is about; ``framework`` is what a child
    process imports to open it; ``is_model`` says that what is accepted is compiled and simulated too.
    """

    suffix: str
    seeds: Callable[[], Sequence[bytes]]
    mutate: Mutation
    command: Callable[[Path, Rng], Command]
    place: Callable[[bytes, Path, str], Path] = written
    framework: tuple[str, ...] = ()
    is_model: bool = False


def on_model(path: Path, rng: Rng) -> Command:
    name, board = str(path), pick(rng, BOARDS)
    kind = rng.integers(0, 20)
    if kind < 14:
        return ["check", name, "--board", board]
    if kind < 19:
        return ["inspect", name]
    return ["build", name, "--board", board, "--out", str(path.parent / "p")]


def on_samples(path: Path, rng: Rng) -> Command:
    out = str(path.parent / "out")
    commands = [
        ["simulate", COMPANION, "--input", str(path), "--output", f"{out}.npy"],
        ["evaluate", COMPANION, "--data", str(path)],
        ["quantize", FLOAT, "--calibration", str(path), "--out", f"{out}.mcuq"],
    ]
    return commands[int(pick(rng, (*(0,) * 6, *(1,) * 4, 2)))]


def on_board(path: Path, rng: Rng) -> Command:
    if rng.random() < 0.95:
        return ["check", COMPANION, "--board", str(path)]
    return ["build", COMPANION, "--board", str(path), "--out", str(path.parent / "p")]


def on_elf(path: Path, rng: Rng) -> Command:
    return ["check", DIGITS, "--board", BOARDS[1], "--elf", str(path)]


def on_project(path: Path, rng: Rng) -> Command:
    return ["inspect", str(path)]


def on_page(path: Path, rng: Rng) -> Command:
    return ["compare", str(path), COMPANION, *(["--markdown", f"{path}.md"] if rng.random() < 0.5 else [])]


# --- journals and records ------------------------------------------------------------------------------------------


def interrupted(content: bytes, folder: Path, suffix: str) -> Path:
    """A project whose last write was interrupted, with this journal."""
    project = folder / "p"
    stage = project / renames.STAGE
    stage.mkdir(parents=True)
    for index in range(4):
        (stage / str(index)).write_bytes(str(index).encode())
    (project / "old").write_bytes(b"old")
    (project / "stale").write_bytes(b"stale")
    (project / "small.mcuq").write_bytes(seeds.mcuq()[0])
    (stage / renames.JOURNAL).write_bytes(content)
    return project / "small.mcuq"


def recorded(content: bytes, folder: Path, suffix: str) -> Path:
    """A project with this record."""
    record = folder / "lib" / "small" / "build.json"
    record.parent.mkdir(parents=True)
    record.write_bytes(content)
    (folder / "small.mcuq").write_bytes(seeds.mcuq()[0])
    return folder / "small.mcuq"


def unpacked(content: bytes, folder: Path, suffix: str) -> Path:
    """The folder of a SavedModel, from its zip."""
    path = folder / "net"
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        file.extractall(path)
    return path


# --- mutations ----------------------------------------------------------------------------------------------------


def any_quantization(data: bytes, rng: Rng) -> bytes:
    """Give some activations and constants other scales and zero points, so far apart that multipliers reach their ends.

    Values that were quantized alike stay so: many operators want that.
    """
    try:
        tree = json.loads(data)
        held = [*tree["values"].values(), *tree["constants"].values()]
        groups = {json.dumps([fields["scale"], fields["zero_point"]]): (fields["scale"], 0) for fields in held}
        for key in groups:
            if rng.random() < 0.4:
                groups[key] = 10.0 ** rng.uniform(-14, 14), int(rng.integers(-128, 128))
        for fields in held:
            key = json.dumps([fields["scale"], fields["zero_point"]])
            scale, zero_point = groups[key]
            if isinstance(scale, float) and "dtype" in fields:
                fields.update(scale=scale, zero_point=zero_point + (128 if fields["dtype"] == "uint8" else 0))
            elif isinstance(scale, float) and not isinstance(groups[key][0], list):
                fields.update(scale=[s * scale for s in fields["scale"]])
        return json.dumps(tree).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # it has been mutated before
        return any_bytes(data, rng)


_MCUQ = in_zip({"model.json": one_of(any_json, any_json, any_json, any_quantization), ".npy": any_npy})
_PT2 = in_zip(
    {".json": any_json, ".pt": any_bytes, "weight_0": any_bytes, "byteorder": any_bytes, "version": any_bytes}
)
_KERAS = in_zip({"config.json": any_json, "metadata.json": any_json, ".h5": any_h5})
_SAVED = in_zip({"saved_model.pb": any_saved_graph, ".index": any_bytes, "00001": any_bytes})


def any_saved_model(data: bytes, rng: Rng) -> bytes:
    """Only members change: the folder is no archive."""
    while True:
        content = _SAVED(data, rng)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                plain = all(not n.startswith(("/", "..")) and len(n) < 200 for n in file.namelist())
                if plain and file.testzip() is None:
                    return content
        except Exception:
            continue


def any_tflite(data: bytes, rng: Rng) -> bytes:
    from fuzz.tflite_mutants import mutant

    return mutant(data, rng)


def any_page(data: bytes, rng: Rng) -> bytes:
    """Change what a report holds for programs, seldom the page around it."""
    before, opening, rest = data.partition(OPENING.encode())
    content, closing, after = rest.partition(CLOSING.encode())
    if not opening or rng.random() < 0.1:
        return any_bytes(data, rng)
    return before + opening + any_json(content, rng) + closing + after


TENSORFLOW, TORCH = ("tensorflow", "keras", "h5py"), ("torch", "torch.export", "onnx", "onnxscript", "torch.onnx")

READERS: Mapping[str, Reader] = {
    "tflite": Reader(".tflite", seeds.tflite, any_tflite, on_model, is_model=True),
    "mcuq": Reader(".mcuq", seeds.mcuq, _MCUQ, on_model, is_model=True),
    "onnx": Reader(".onnx", seeds.onnx, any_onnx, on_model, framework=("onnx",), is_model=True),
    "pt2": Reader(".pt2", seeds.pt2, _PT2, on_model, framework=TORCH, is_model=True),
    "keras": Reader(".keras", seeds.keras, _KERAS, on_model, framework=TENSORFLOW, is_model=True),
    "h5": Reader(".h5", seeds.h5, any_h5, on_model, framework=TENSORFLOW, is_model=True),
    "saved_model": Reader(
        "", seeds.saved_model, any_saved_model, on_model, place=unpacked, framework=TENSORFLOW, is_model=True
    ),
    "c": Reader(".cc", seeds.c_arrays, any_text, on_model),
    "npy": Reader(".npy", seeds.npy, any_npy, on_samples),
    "npz": Reader(".npz", seeds.npz, in_zip({".npy": any_npy}, zipfile.ZIP_DEFLATED), on_samples),
    "toml": Reader(".toml", seeds.boards, any_text, on_board),
    "elf": Reader(".elf", seeds.elf, any_bytes, on_elf),
    "journal": Reader("", seeds.journals, any_json, on_project, place=interrupted),
    "page": Reader(".html", seeds.pages, any_page, on_page),
    "record": Reader("", seeds.records, any_json, on_model, place=recorded),
}
