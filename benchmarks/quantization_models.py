"""Float models with samples to calibrate with and others to judge by: what quantization is measured on.

KWS has real samples to spare. SWW has 45. Those of AD are mixed from the few real inputs there are; IC and VWW see
parts of scikit-learn's two photographs: of the left halves to calibrate, of the right halves to judge.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sklearn

import mcuq
from mcuq.float_graph import FloatGraph

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from digit_nets import CALIBRATION, NETS, digits, trained

Array = npt.NDArray[np.float32]
KWS_SCALE, KWS_ZERO_POINT = 0.5847029, 83
HELD = 250


@dataclass(frozen=True, eq=False)
class Case:
    """A float model, samples in the layout that it was trained in, and labels where there are any."""

    name: str
    graph: FloatGraph
    calibration: Array
    held: Array
    calibration_labels: npt.NDArray[np.int64] | None = None
    labels: npt.NDArray[np.int64] | None = None


def cases(shared: Path) -> Iterator[Case]:
    """Yield the models of SHARED, then the networks trained on the digits."""
    folder = shared / "models/mlperf"
    kws = np.load(shared / "data/kws01.npz")
    x, y = (kws["X"].astype(np.float32) - KWS_ZERO_POINT) * np.float32(KWS_SCALE), kws["Y"].astype(np.int64)
    yield Case("KWS", _load(folder / "kws_savedmodel"), x[:100], x[100:], y[:100], y[100:])
    yield Case("IC", _load(folder / "ic_resnet8_float.tflite"), photographs(100, 32, 0), photographs(HELD, 32, 1))
    vww = _load(folder / "vww_mbv1_025_float.tflite")
    yield Case("VWW", vww, photographs(100, 96, 0) / 255, photographs(HELD, 96, 1) / 255)
    real = _inputs(shared, "ad01_int8")
    yield Case("AD", _load(folder / "ad01_float.tflite"), mixed(real[::2], 100, 0), mixed(real[1::2], HELD, 1))
    sww = np.load(shared / "data/sww_calibration.npz")
    specs, labels = sww["specs"].astype(np.float32), sww["labels"].astype(np.int64)
    yield Case("SWW", _load(folder / "sww.h5"), specs[::2], specs[1::2], labels[::2], labels[1::2])
    sets = [np.load(shared / f"cases/accuracy/{name}.npz") for name in ("cal", "held")]
    uneven = _load(shared / "cases/accuracy/outlierx.pt2")
    yield Case("outlierx", uneven, sets[0]["X"], sets[1]["X"], sets[0]["Y"], sets[1]["Y"])
    yield from digit_cases()


def digit_cases() -> Iterator[Case]:
    """Yield the networks of the tests, trained on scikit-learn's digits."""
    (x, y), (held, labels) = digits()
    for name in NETS:
        graph = mcuq.load(trained(name), held[:1])
        assert isinstance(graph, FloatGraph)
        yield Case(f"digits {name}", graph, x[:CALIBRATION], held, y[:CALIBRATION], labels)


def photographs(count: int, size: int, half: int) -> Array:
    """Cut squares out of one half of scikit-learn's photographs, [count, size, size, 3] in 0..255."""
    rng, images = np.random.default_rng(half), _images()
    made = np.empty((count, size, size, 3), np.float32)
    for i in range(count):
        whole = images[i % len(images)]
        middle = whole.shape[1] // 2
        image = whole[:, middle:] if half else whole[:, :middle]
        side = int(rng.integers(size, 300))
        top, left = (int(rng.integers(n - side + 1)) for n in image.shape[:2])
        pixels = np.arange(size) * side // size
        part = image[top + pixels[:, np.newaxis], left + pixels].astype(np.float32)
        made[i] = np.clip((part[:, ::-1] if rng.random() < 0.5 else part) * rng.uniform(0.6, 1.2), 0, 255)
    return made


def _images() -> list[npt.NDArray[np.uint8]]:
    import tensorflow as tf  # noqa: PLC0415 - for one case, and seconds to import

    folder = Path(sklearn.__file__).parent / "datasets" / "images"
    files = [(folder / f"{name}.jpg").read_bytes() for name in ("china", "flower")]
    return [tf.io.decode_jpeg(file, dct_method="INTEGER_ACCURATE").numpy() for file in files]


def mixed(real: Array, count: int, seed: int) -> Array:
    """Mix samples [n, ...] in pairs, louder or softer by some decibels, with a little noise."""
    rng = np.random.default_rng(seed)
    first, second = (real[rng.integers(len(real), size=count)] for _ in range(2))
    each = (count, *(1,) * (real.ndim - 1))
    share, louder = rng.random(each), rng.uniform(-4, 4, each)
    noise = rng.normal(0, 0.5, first.shape)
    return (share * first + (1 - share) * second + louder + noise).astype(np.float32)


def _inputs(shared: Path, name: str) -> Array:
    integers, golden = (
        mcuq.load(shared / f"models/mlperf/{name}.tflite"),
        np.load(shared / f"golden/mlperf__{name}.npz"),
    )
    assert not isinstance(integers, FloatGraph)
    return integers.values[integers.inputs[0]].dequantize(golden["input"][golden["source"] == "real"])


def _load(path: Path) -> FloatGraph:
    graph = mcuq.load(path)
    assert isinstance(graph, FloatGraph)
    return graph
