"""MLPerf Tiny's image model (ResNet-8) in few bits, on the pictures of CIFAR-10 that are at hand.

    pip install --no-deps foolbox==3.3.4
    python benchmarks/few_bits_pictures.py [SHARED] [--bits 8,4,3,2] [--save NOW.npz] [--before THEN.npz]

No labelled CIFAR-10 is to be had here. There are 36 of its pictures: the first 20 of its test set come with foolbox, 16
are real inputs in SHARED, labelled by eye. Moved, turned, scaled and mirrored as in training they judge, a quarter at a
time. The other three quarters calibrate, with 20 pictures of CIFAR-100 and parts of 22 photographs (foolbox's of
ImageNet, scikit-learn's): 100 samples. Standard errors are over pictures, of which there are few; a ratio to what
another revision makes of the same ones (``--before``, which that revision wrote by ``--save``) says more.
"""

import argparse
import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sklearn
from scipy.ndimage import map_coordinates

import mcuq
from mcuq import float_run
from mcuq.quantization import Options, quantize
from mcuq.quantization.layers import run_integers

Array = npt.NDArray[np.float32]
ROOT = Path(__file__).parents[1]
SIDE = 32
BY_EYE = (7, 5, 3, 8, 8, 0, 1, 3, 2, 5, 8, 5, 7, 9, 9, 3)
CALIBRATED, VARIANTS, DRAWS, QUARTERS = 100, 24, 3, 4
TURN, ZOOM, SHIFT = 10.0, 0.1, 3.0  # degrees, share, pixels: at the most
SURE = 0.9  # of the float model's class
LOST_THEN = {3: 3.0, 2: 19.7}  # points of accuracy on CIFAR-10, at e551889 with --clip
SAMPLED = 4000
FIGURES = ("lost, points", "other class", "other class, float sure", "right ones lost")


def files(pattern: str) -> list[Path]:
    """Return foolbox's pictures of a name."""
    found = importlib.util.find_spec("foolbox")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the pictures come with foolbox: pip install --no-deps foolbox==3.3.4")
    return sorted(Path(found.submodule_search_locations[0], "data").glob(pattern))


def decoded(path: Path) -> npt.NDArray[np.uint8]:
    """Return a picture, [height, width, 3]."""
    import tensorflow as tf  # noqa: PLC0415 - seconds to import

    return np.asarray(tf.io.decode_image(path.read_bytes(), channels=3).numpy())


def labelled(shared: Path) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return the pictures of CIFAR-10, [n, 32, 32, 3] in 0..255, and their classes."""
    golden = np.load(shared / "golden/mlperf__ic_resnet8_int8.npz")
    real = golden["input"][golden["source"] == "real"][:, 0].astype(np.float32) + 128
    paths = files("cifar10_*.png")
    first = np.stack([decoded(path) for path in paths]).astype(np.float32)
    classes = [int(path.stem.rsplit("_", 1)[1]) for path in paths]
    return np.concatenate([first, real]), np.array([*classes, *BY_EYE])


def others(rng: np.random.Generator, count: int) -> Array:
    """Return pictures of other origin: CIFAR-100's, then squares out of photographs, made small."""
    small = [decoded(path).astype(np.float32) for path in files("cifar100_*.png")]
    folder = Path(sklearn.__file__).parent / "datasets" / "images"
    photographs = [decoded(path) for path in (*files("imagenet_*.jpg"), folder / "china.jpg", folder / "flower.jpg")]
    while len(small) < count:
        whole = photographs[len(small) % len(photographs)]
        most = min(whole.shape[:2]) // SIDE
        factor = int(rng.integers((most + 1) // 2, most + 1))
        top, left = (int(rng.integers(n - factor * SIDE + 1)) for n in whole.shape[:2])
        part = whole[top : top + factor * SIDE, left : left + factor * SIDE].astype(np.float32)
        small.append(part.reshape(SIDE, factor, SIDE, factor, 3).mean(axis=(1, 3)))
    return np.stack(small[:count])


def variant(picture: Array, rng: np.random.Generator) -> Array:
    """Turn, scale, move and perhaps mirror a picture."""
    angle, zoom = np.deg2rad(rng.uniform(-TURN, TURN)), rng.uniform(1 - ZOOM, 1 + ZOOM)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    x = -x if rng.random() < 0.5 else x
    middle = (SIDE - 1) / 2 + rng.uniform(-SHIFT, SHIFT, 2)
    rows = middle[0] + zoom * (np.cos(angle) * y + np.sin(angle) * x)
    columns = middle[1] + zoom * (np.cos(angle) * x - np.sin(angle) * y)
    channels = [map_coordinates(picture[..., c], [rows, columns], order=1, mode="mirror") for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def folds(pictures: Array) -> Iterator[tuple[Array, Array, npt.NDArray[np.int64]]]:
    """Yield samples that calibrate, samples that judge, and which picture each of these is of."""
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(pictures))
        for quarter in range(QUARTERS):
            rng = np.random.default_rng((draw, quarter))
            judged = order[quarter::QUARTERS]
            kept = pictures[np.setdiff1d(order, judged)]
            calibration = np.concatenate([kept, others(rng, CALIBRATED - len(kept))])
            seen = [x for i in judged for x in (pictures[i], *(variant(pictures[i], rng) for _ in range(VARIANTS)))]
            yield rng.permutation(calibration), np.stack(seen), np.repeat(judged, VARIANTS + 1)


def measured(shared: Path, options: dict[int, Options]) -> tuple[dict[int, Array], dict[int, list[float]]]:
    """Return for every number of bits counts [pictures, figures, 2], things found of so many; and each fold's dB."""
    graph = mcuq.load(shared / "models/mlperf/ic_resnet8_float.tflite")
    name = next(node for node in graph.nodes if node.op.name == "softmax").inputs[0]
    pictures, classes = labelled(shared)
    counts = {bits: np.zeros((len(pictures), len(FIGURES) + 1, 2), np.float32) for bits in options}
    decibels: dict[int, list[float]] = {bits: [] for bits in options}
    for calibration, judged, of in folds(pictures):
        fresh = {graph.inputs[0]: judged[:, np.newaxis]}
        wanted = float_run.run(replace(graph, outputs=(name,)), fresh)[name].reshape(len(judged), -1)
        for bits, chosen in options.items():
            result = quantize(graph, calibration, chosen)
            integers = replace(result.graph, outputs=(name,))
            given = run_integers(result.source, integers, fresh)[name].reshape(wanted.shape)
            np.add.at(counts[bits], of, _found(wanted, given, classes[of]))
            noise = float(((wanted - given) ** 2).sum())
            decibels[bits].append(10 * np.log10(float((wanted**2).sum()) / noise))
            print(f"{bits} bits: {decibels[bits][-1]:.1f} dB", flush=True)
    return counts, decibels


def _found(wanted: Array, given: Array, classes: npt.NDArray[np.int64]) -> Array:
    """Return what is counted of each sample, [samples, figures, 2]; last, whether the float model is right."""
    right, then_right = wanted.argmax(axis=1) == classes, given.argmax(axis=1) == classes
    other = wanted.argmax(axis=1) != given.argmax(axis=1)
    sure = 1 / np.exp(wanted - wanted.max(axis=1, keepdims=True)).sum(axis=1) > SURE
    every = np.ones(len(wanted), bool)
    found = (right.astype(np.float32) - then_right, other, other & sure, right & ~then_right, right)
    return np.stack([np.stack(found, axis=1), np.stack([every, every, sure, every, every], axis=1)], axis=2)


def rate(counts: Array, figure: int) -> float:
    """Return the percentage of a figure over pictures."""
    return 100 * float(counts[:, figure, 0].sum() / max(counts[:, figure, 1].sum(), 1))


def drawn(pictures: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield pictures as they could have come: the bootstrap over pictures."""
    rng = np.random.default_rng(0)
    for _ in range(SAMPLED):
        yield rng.integers(pictures, size=pictures)


def table(counts: dict[int, Array], decibels: dict[int, list[float]]) -> Iterator[str]:
    """Yield a row for every number of bits."""
    yield f"| weights | dB | {' | '.join(FIGURES)} |\n|---|---|{'---|' * len(FIGURES)}"
    for bits, found in counts.items():
        cells = [f"{np.mean(decibels[bits]):.1f} ± {np.std(decibels[bits]) / len(decibels[bits]) ** 0.5:.1f}"]
        for figure in range(len(FIGURES)):
            error = np.std([rate(found[index], figure) for index in drawn(len(found))])
            cells.append(f"{rate(found, figure):.1f} ± {error:.1f}")
        yield f"| {bits} bits | {' | '.join(cells)} |"
    yield f"\nThe float model is right on {rate(next(iter(counts.values())), len(FIGURES)):.1f} % of these samples."


def compared(counts: dict[int, Array], before: dict[str, Array]) -> Iterator[str]:
    """Yield what is lost on CIFAR-10, if it is the same part of what was lost there as it is here."""
    yield f"| weights | lost then | {' | '.join(f'by: {figure}' for figure in FIGURES)} |"
    yield f"|---|---|{'---|' * len(FIGURES)}"
    for bits, lost in LOST_THEN.items():
        if bits not in counts or str(bits) not in before:
            continue
        cells = []
        for figure in range(len(FIGURES)):
            now, then = counts[bits], before[str(bits)]
            sampled = [lost * rate(now[i], figure) / max(rate(then[i], figure), 1e-3) for i in drawn(len(now))]
            part = lost * rate(now, figure) / rate(then, figure)
            cells.append(f"{part:.1f} ({' to '.join(f'{p:.1f}' for p in np.percentile(sampled, [10, 90]))})")
        yield f"| {bits} bits | {lost} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shared", nargs="?", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--bits", default="8,4,3,2")
    parser.add_argument("--clip", action="store_true", help="scales by the weights' error, as few bits had them once")
    parser.add_argument("--span", choices=("full", "symmetric"), help="of the integers, instead of the default")
    parser.add_argument("--save", type=Path, help="counts, for --before")
    parser.add_argument("--before", type=Path, help="counts that another revision saved")
    arguments = parser.parse_args()
    more = {"span": arguments.span} if arguments.span else {}
    options = {int(bits): Options(bits=int(bits), clip=arguments.clip, **more) for bits in arguments.bits.split(",")}
    counts, decibels = measured(arguments.shared, options)
    if arguments.save:
        np.savez(arguments.save, **{str(bits): found for bits, found in counts.items()})
    print("\n".join(table(counts, decibels)))
    if arguments.before:
        print("\n".join(compared(counts, dict(np.load(arguments.before)))))


if __name__ == "__main__":
    main()
