"""Recurrent networks on JapaneseVowels: accuracy of the integers, whole sequences and step by step, PyTorch and Keras.

    pip install --no-deps aeon        the data set lies in its wheel; nothing of it is imported
    python benchmarks/japanese_vowels.py [--seeds 0 1 2] [--out benchmarks/results/japanese_vowels.json]

270 utterances of nine speakers to train, 370 to test: 12 coefficients per step, 7 to 29 steps, zeros before the first.
M. Kudo, J. Toyama, M. Shimbo, "Multidimensional curve classification using passing-through regions", 1999 (UCI).
"""

from __future__ import annotations

import argparse
import json
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import mcuq
from mcuq import float_run
from mcuq.graph import without_states
from mcuq.simulator import simulate

STEPS, COEFFICIENTS, SPEAKERS, UNITS = 29, 12, 9, 48
EPOCHS, BATCH, RATE, NOISE = 40, 27, 4e-3, 0.3
KINDS = ("LSTM", "GRU")
REMEMBERED = 20  # sequences that run on one state too, as a chip runs them
INSTALL = "the data set comes with aeon: pip install --no-deps aeon"


class Data(NamedTuple):
    """Sequences, float32 [samples, steps, coefficients], and speakers from 0."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def folder() -> Path | None:
    """Return where the data set lies; None where aeon is not installed."""
    found = find_spec("aeon")
    place = Path(found.origin).parent / "datasets/data/JapaneseVowels" if found and found.origin else None
    return place if place and place.is_dir() else None


def load() -> Data:
    """Read the data set, every coefficient with mean 0 and standard deviation 1 over the training steps."""
    place = folder()
    if place is None:
        raise SystemExit(INSTALL)
    parts = [_read(place / f"JapaneseVowels_{part}.ts") for part in ("TRAIN", "TEST")]
    steps = np.concatenate([sequence for sequence, _ in parts[0]])
    mean, deviation = steps.mean(axis=0), steps.std(axis=0)
    arrays = []
    for part in parts:
        x = np.zeros((len(part), STEPS, COEFFICIENTS), np.float32)
        for sample, (sequence, _) in zip(x, part, strict=True):
            sample[STEPS - len(sequence) :] = (sequence - mean) / deviation
        arrays += [x, np.array([speaker for _, speaker in part])]
    return Data(*arrays)


def _read(path: Path) -> list[tuple[np.ndarray, int]]:
    """Return the sequences [steps, coefficients] of a .ts file, and their speakers."""
    lines = path.read_text("utf-8").split("@data")[1].split()
    rows = [line.rsplit(":", 1) for line in lines]
    return [(np.array([c.split(",") for c in text.split(":")], float).T, int(who) - 1) for text, who in rows]


def net(kind: str) -> Any:
    """Return a recurrent layer and a linear one for its last step."""

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = getattr(torch.nn, kind)(COEFFICIENTS, UNITS, batch_first=True)
            self.speaker = torch.nn.Linear(UNITS, SPEAKERS)

        def forward(self, x: Any) -> Any:
            return self.speaker(self.recurrent(x)[0][:, -1])

    return Net()


def trained(kind: str, seed: int, data: Data, epochs: int = EPOCHS) -> Any:
    """Train with Adam, a falling rate, and noise on the inputs."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = net(kind)
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    optimizer = torch.optim.Adam(model.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(BATCH):
            noisy = x[part] + NOISE * torch.randn(len(part), STEPS, COEFFICIENTS)
            loss = torch.nn.functional.cross_entropy(model(noisy), y[part], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return model.eval()


def in_keras(model: Any, kind: str) -> Any:
    """Return the same network in Keras, with the same weights."""
    import keras  # noqa: PLC0415 - asked for with the door

    layers = [getattr(keras.layers, kind)(UNITS, name="recurrent"), keras.layers.Dense(SPEAKERS, name="speaker")]
    twin = keras.Sequential([keras.Input((STEPS, COEFFICIENTS)), *layers])
    parts = [p.detach().numpy() for p in model.recurrent.parameters()]  # W, R, b of W x, b of R h
    if kind == "GRU":  # r, z, n here; z, r, n there
        parts = [np.concatenate([np.split(p, 3)[k] for k in (1, 0, 2)]) for p in parts]
    weights, recurrent, fed, back = parts
    bias = np.stack([fed, back]) if kind == "GRU" else fed + back
    layers[0].set_weights([weights.T, recurrent.T, bias])
    layers[1].set_weights([model.speaker.weight.detach().numpy().T, model.speaker.bias.detach().numpy()])
    return twin


def accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of the samples whose largest answer is theirs, in percent."""
    return 100 * float(np.mean(answers.reshape(len(labels), -1).argmax(axis=1) == labels))


def measure(graph: Any, data: Data, **options: Any) -> dict[str, Any]:
    """Quantize a float model; return its accuracy, and whether a sequence step by step gives the same bytes."""
    integers = mcuq.quantize(graph, data.x, **options)
    (name,), (answer,) = integers.inputs, integers.outputs
    q = integers.values[name].quantize(data.test_x)[:, np.newaxis]
    whole = simulate(mcuq.compile(integers), {name: q})[answer]
    stateful = mcuq.stateful(integers)
    steps, one_by_one = mcuq.compile(stateful), all_step_by_step(stateful, q.reshape(-1, STEPS, COEFFICIENTS))
    some = [simulate(steps, {name: s.reshape(STEPS, 1, 1, COEFFICIENTS)})[answer][-1] for s in q[:REMEMBERED]]
    same = np.array_equal(one_by_one, whole) and np.array_equal(np.array(some), whole[:REMEMBERED])
    real = float_run.run(graph, {graph.inputs[0]: data.test_x[:, np.newaxis]})[graph.outputs[0]]
    return {
        "float": accuracy(real, data.test_y),
        "integers": accuracy(whole, data.test_y),
        "same_bytes_step_by_step": bool(same),
        "state_bytes": steps.state_bytes,
    }


def all_step_by_step(graph: Any, x: np.ndarray) -> np.ndarray:
    """Return the last answers to all sequences at once, [samples, ...]; what is remembered is carried on by hand."""
    plan, samples = mcuq.compile(without_states(graph)), len(x)
    kept = {s.read: np.repeat(graph.constants[s.initial].values[np.newaxis], samples, axis=0) for s in graph.states}
    for step in range(STEPS):
        outputs = simulate(plan, {graph.inputs[0]: x[:, step].reshape(samples, 1, 1, -1)} | kept)
        kept = {state.read: outputs[state.write] for state in graph.states}
    return outputs[graph.outputs[0]]


def rows(seeds: list[int], doors: list[str], epochs: int = EPOCHS) -> list[dict[str, Any]]:
    """Return a row per kind and seed: PyTorch with weights of 8 and 4 bits, and Keras."""
    data, result = load(), []
    for kind in KINDS:
        for seed in seeds:
            model = trained(kind, seed, data, epochs)
            graph = mcuq.load(model, data.x[:1])
            row = {"kind": kind, "seed": seed, "torch": measure(graph, data)}
            row["torch_4_bits"] = measure(graph, data, bits=4)
            if find_spec("keras") and "keras" in doors:
                row["keras"] = measure(mcuq.load(in_keras(model, kind)), data)
            result.append(row)
            print(json.dumps(row), flush=True)
    return result


def summary(result: list[dict[str, Any]]) -> dict[str, Any]:
    """Return means over the seeds, per kind and door."""
    doors = [key for key in result[0] if key not in ("kind", "seed")]
    return {
        f"{kind} {door}": {
            what: round(float(np.mean([row[door][what] for row in result if row["kind"] == kind])), 2)
            for what in ("float", "integers")
        }
        | {"same_bytes": all(row[door]["same_bytes_step_by_step"] for row in result if row["kind"] == kind)}
        for kind in KINDS
        for door in doors
    }


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--doors", nargs="+", default=["torch", "keras"], help="keras: the same weights, read there too"
    )
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    result = rows(arguments.seeds, arguments.doors)
    said = {"means": summary(result), "rows": result}
    print(json.dumps(said["means"], indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(said, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
