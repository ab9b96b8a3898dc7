"""Frames of a camera, pushed row by row through a model, and what they show over serial.

    python examples/camera/camera.py [DIR]               the digits of examples/digits
    python examples/camera/camera.py [DIR] --model M     a model of your own for pictures of 0 to 255, here of noise

It makes frames of 160 x 120 pixels, rgb565, and a project, DIR/project, whose program takes them out of flash in place
of a sensor. ``--engine host``, ``rv32`` or ``xtensa`` compiles that program for this computer or an emulated chip and
runs it.
"""

import argparse
import shutil
import subprocess
from pathlib import Path

import numpy as np

import mcuq
from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.engines.host import compiler
from mcuq.engines.sources import compile_and_link, library_folders, library_sources
from mcuq.resources import resource

HERE = Path(__file__).parent
DIGITS = HERE.parent / "digits"
HEIGHT, WIDTH, CROP = 120, 160, (0, 20, 0, 20)  # the 120 x 120 pixels in the middle
NOISE = 10  # of a pixel's 256 levels
EMBEDDED = 4  # frames in the program


def rgb565(colors):
    """Return colors, uint8 [..., 3], as a camera's words, the upper byte first."""
    r, g, b = np.moveaxis(colors.astype(np.uint16), -1, 0)
    words = r >> 3 << 11 | g >> 2 << 5 | b >> 3
    return np.stack([words >> 8, words & 255], -1).astype(np.uint8)


def digit_frames(seed=0):
    """Return frames of held-out digits, every pixel 15 times as wide and high, with noise; and the digits."""
    with np.load(DIGITS / "holdout.npz") as file:
        x, y = file["X"][..., 0], file["Y"]
    large = np.kron(x * 16, np.ones((1, 15, 15)))
    gray = np.pad(large, ((0, 0), (0, 0), (CROP[1], CROP[3])))
    rng = np.random.default_rng(seed)
    noisy = [image[..., None] + rng.integers(-NOISE, NOISE + 1, (HEIGHT, WIDTH, 3)) for image in gray]
    return rgb565(np.clip(np.stack(noisy), 0, 255)), y


def noise_frames(seed=0):
    """Return frames of nothing."""
    return np.random.default_rng(seed).integers(0, 256, (EMBEDDED, HEIGHT, WIDTH, 2)).astype(np.uint8)


def built(graph, frames, project, board):
    """Write the project of a model that takes these frames: generated C, the program, a few of the frames."""
    written = mcuq.write_project(graph, board, project, name="picture", setup=mcuq.Setup(push_rows=True))
    source = project / "src"
    for name in ("camera.h", "camera.c", "main.cpp" if written.record.framework == "arduino" else "main.c"):
        shutil.copy(HERE / name, source / name)
    if (lists := source / "CMakeLists.txt").exists():
        lists.write_text('idf_component_register(SRCS "main.c" "camera.c" "frames.c" INCLUDE_DIRS ".")\n')
    rows = "\n".join("    " + ", ".join(map(str, row)) + "," for row in frames.reshape(len(frames) * HEIGHT, -1))
    head = f'#include "camera.h"\n\nconst int32_t frame_count = {len(frames)};\nconst uint8_t frames[] = {{\n'
    (source / "frames.c").write_text(f"{head}{rows}\n}};\n")
    return written


def run(project, engine, folder):
    """Compile the project's program for this computer ("host") or an emulated chip, run it, return what it says."""
    folder.mkdir(parents=True, exist_ok=True)
    folders, source, program = library_folders(project, ["picture"]), project / "src", folder / f"camera_{engine}"
    served = {path.name for path in (resource("firmware") / "app").iterdir()} | {"picture_model.c"}  # for mcuq verify
    library = [path for path in library_sources(folders, (".c", ".S")) if path.name not in served]
    own = [source / "camera.c", source / "frames.c", HERE / "main.c"]
    flags = ["-O2", *(f"-I{path}" for path in (*folders, source))]
    if engine == "host":
        kernels = [path for path in library if path.suffix == ".c"]
        compile_and_link(compiler(), ["-std=c99", *flags], [*kernels, *own, HERE / "port.c"], program)
        command = [str(program)]
    else:
        compile_emulated(engine, [*library, *own], [*flags, "-UMCUQ_TRACE"], program)
        command = emulator_command(engine, program)
    return subprocess.run(command, input=b"", capture_output=True, check=True).stdout.decode()


def main(folder, model="", board="esp32dev", engine=""):
    """Make frames and project; say how many frames get the right label; run the program."""
    taken = {"pixels": "rgb565", "resize": (HEIGHT, WIDTH), "crop": CROP}
    if model:
        graph, frames, labels = mcuq.take_frames(mcuq.load(model), std=(255,), **taken), noise_frames(), None
    else:
        graph = mcuq.take_frames(mcuq.load(DIGITS / "digits.tflite"), std=(16,), **taken)
        frames, labels = digit_frames()
    found = mcuq.simulate(mcuq.compile(graph), frames).reshape(len(frames), -1).argmax(axis=1)
    if labels is not None:
        print(f"{np.sum(found == labels)} of {len(labels)} frames of held-out digits get the right label")
    written = built(graph, frames[:EMBEDDED], folder / "project", board)
    bytes_of = f"{written.report.total_bytes:,} bytes of arena, input and output; a frame has {frames[0].size:,}"
    print(f"{bytes_of}; project: {folder / 'project'}")
    print("labels by the simulator:", *found[:EMBEDDED])
    if engine:
        print(run(folder / "project", engine, folder / "program"), end="")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/camera"))
    parser.add_argument("--model", default="", help="an int8 model of pictures of 1 or 3 channels, 0 to 255 over 255")
    parser.add_argument("--board", default="esp32dev")
    parser.add_argument("--engine", choices=["host", "rv32", "xtensa"], default="")
    main(**vars(parser.parse_args()))
