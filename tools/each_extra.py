"""The wheel with one extra alone in an environment of its own, and what needs that extra: WHEEL EXTRA...

What is installed is what the extra names and no more, so that one which lacks a package is found. Run by `make extras`.
"""

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build/extras"
NO_EXTRA = "none"
LAYER = "models.Sequential([keras.Input((4,)), keras.layers.Dense(3)])"

# A program that needs the extra, and commands that read what it wrote; all run in an empty folder but for the example.
NEEDED = {
    NO_EXTRA: ("", ["build digits.tflite --board esp32dev --out p", "verify p"]),
    "onnx": (
        "import numpy, onnx.helper as h, onnx.numpy_helper as n\n"
        "w = n.from_array(numpy.ones((4, 3), numpy.float32), 'w')\n"
        "x, y = (h.make_tensor_value_info(name, 1, [1, size]) for name, size in (('x', 4), ('y', 3)))\n"
        "graph = h.make_graph([h.make_node('MatMul', ['x', 'w'], ['y'])], 'net', [x], [y], [w])\n"
        "open('m.onnx', 'wb').write(h.make_model(graph, opset_imports=[h.make_opsetid('', 17)]).SerializeToString())\n",
        ["inspect m.onnx"],
    ),
    "torch": (
        "import torch, mcuq\nx = torch.rand(8, 4)\n"
        "mcuq.save(mcuq.quantize(torch.nn.Linear(4, 3).eval(), x.numpy(), example=x[:1]), 'm.mcuq')\n",
        ["check m.mcuq --board esp32dev"],
    ),
    "keras": (f"import keras\nkeras.{LAYER}.save('m.keras')\n", ["inspect m.keras"]),
    "keras2": (f"import tf_keras as keras\nkeras.{LAYER}.save('m.h5')\n", ["inspect m.h5"]),
    "solver": ("import ortools\n", ["inspect digits.tflite --memory"]),
    "search": ("", ["search {example}/digits_float.tflite {search}"]),
    "dask": ("import distributed\n", ["search {example}/digits_float.tflite {search}"]),
}
SAMPLES = "--data few.npz --calibration {example}/calibration.npz"
SEARCH = f"{SAMPLES} --board esp32dev --max-drop 50 --formats 8,4 --out s.mcuq"
FEW = "import numpy\na = numpy.load('{example}/holdout.npz')\nnumpy.savez('few.npz', X=a['X'][:60], Y=a['Y'][:60])\n"


def tried(wheel: Path, extra: str) -> None:
    """Install the wheel with the extra, and run what needs it."""
    venv.create(FOLDER / extra, clear=True, with_pip=True)
    scripts, example = FOLDER / extra / "bin", ROOT / "examples/digits"
    name = str(wheel) if extra == NO_EXTRA else f"{wheel}[{extra}]"
    _run(scripts / "python", "-m", "pip", "install", "--quiet", name)
    program, commands = NEEDED[extra]
    with tempfile.TemporaryDirectory(prefix="mcuq-extra-") as folder:
        shutil.copy(example / "digits.tflite", folder)
        search = SEARCH.format(example=example)
        _run(scripts / "python", "-c", FEW.format(example=example) + program, folder=folder)
        for command in commands:
            words = command.format(example=example, search=search).split()
            _run(scripts / "mcuq", *words, folder=folder)
    print(f"{extra}: {'; '.join(command.split()[0] for command in commands)}", flush=True)


def _run(*command: str | Path, folder: str | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    given = Path(sys.argv[1]).resolve()
    for chosen in sys.argv[2:] or NEEDED:
        tried(given, chosen)
