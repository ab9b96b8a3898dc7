"""Small transformers, PyTorch and Keras: accuracy of the integers, and the same bytes on every engine.

    pip install --no-deps aeon        JapaneseVowels lies in its wheel; nothing of it is imported
    python benchmarks/transformers.py [--seeds 0 1 2] [--engines host rv32 xtensa] [--out FILE.json]

A vision transformer on scikit-learn's digits (8x8 pixels as 16 patches of 2x2, a class token) and an encoder on
JapaneseVowels (:mod:`japanese_vowels`), each written as people write it in PyTorch and in Keras, trained here.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import japanese_vowels
import numpy as np
import torch
from torch import nn
from torch.nn import functional

import mcuq
from mcuq.archive import Archive
from mcuq.pipeline import write_project
from mcuq.verification import verify_project

SIDE, PATCH, CLASSES = 8, 2, 10
STEPS, COEFFICIENTS, SPEAKERS = 29, 12, 9
WIDTH, HEADS, HIDDEN, LAYERS = 24, 2, 48, 2
EPOCHS, BATCH, RATE = 40, 32, 3e-3
SEED = 0
BOARDS = {"host": "esp32dev", "rv32": "esp32-c3-devkitm-1", "xtensa": "esp32dev"}


class Data(NamedTuple):
    """Samples, float32 [samples, ...], and classes from 0."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def digits() -> Data:
    """Return scikit-learn's digits, [samples, 1, 8, 8] in 0..1: 1,200 to train, 597 to test."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - the other data set needs none of it

    held = load_digits()
    x = (held.images[:, np.newaxis] / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], held.target[order]
    return Data(x[:1200], y[:1200], x[1200:], y[1200:])


def vowels() -> Data:
    """Return JapaneseVowels, [samples, 29 steps, 12 coefficients]."""
    return Data(*japanese_vowels.load())


class Block(nn.Module):
    """Attention of one projection to queries, keys and values, and two layers with GELU; norms in front."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, width))

    def forward(self, x: Any) -> Any:
        """Return [samples, tokens, width]."""
        samples, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(samples, tokens, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = qkv.unbind(0)
        attended = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.proj(attended.transpose(1, 2).reshape(samples, tokens, width))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Patches by a convolution, a class token, positions, blocks, a norm, the class token's classes."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, WIDTH, PATCH, PATCH)
        self.token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.randn(1, 1 + (SIDE // PATCH) ** 2, WIDTH) / 50)
        self.blocks = nn.Sequential(*(Block(WIDTH) for _ in range(LAYERS)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Any) -> Any:
        """Return [samples, classes]."""
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


class Encoder(nn.Module):
    """PyTorch's own encoder layers behind a linear one, and the mean over the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(COEFFICIENTS, WIDTH)
        self.positions = nn.Parameter(torch.randn(1, STEPS, WIDTH) / 50)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, dropout=0.1, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS)
        self.speaker = nn.Linear(WIDTH, SPEAKERS)

    def forward(self, x: Any) -> Any:
        """Return [samples, speakers]."""
        return self.speaker(self.layers(self.enter(x) + self.positions).mean(dim=1))


def by_torch(make: Callable[[], Any], data: Data, seed: int = SEED, epochs: int = EPOCHS) -> Any:
    """Train with AdamW, a rate that rises and falls, and noise on the inputs."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = make()
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y).long()
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=1e-2)
    steps = epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(BATCH):
            noisy = x[part] + 0.1 * x[part].std() * torch.randn_like(x[part])
            loss = functional.cross_entropy(model(noisy), y[part], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def _keras_block(x: Any) -> Any:
    """Return two layers around keras.layers.MultiHeadAttention, norms in front."""
    from keras import layers  # noqa: PLC0415 - asked for with the door

    normal = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(HEADS, WIDTH // HEADS, dropout=0.1)(normal, normal)])
    normal = layers.LayerNormalization(epsilon=1e-6)(x)
    hidden = layers.Dense(HIDDEN, activation="gelu")(normal)
    return layers.Add()([x, layers.Dense(WIDTH)(hidden)])


def _with_positions(x: Any, tokens: int) -> Any:
    """Return the tokens plus an embedding of their places."""
    from keras import layers, ops  # noqa: PLC0415

    return x + layers.Embedding(tokens, WIDTH)(ops.arange(tokens))


def keras_vision_transformer() -> Any:
    """Return the vision transformer of Keras's examples: patches by a convolution, the mean over the tokens."""
    import keras  # noqa: PLC0415
    from keras import layers  # noqa: PLC0415

    tokens = (SIDE // PATCH) ** 2
    image = keras.Input((SIDE, SIDE, 1))
    x = layers.Reshape((tokens, WIDTH))(layers.Conv2D(WIDTH, PATCH, PATCH)(image))
    x = _with_positions(x, tokens)
    for _ in range(LAYERS):
        x = _keras_block(x)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(x))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x), name="vision_transformer")


def keras_encoder() -> Any:
    """Return an encoder of sequences."""
    import keras  # noqa: PLC0415
    from keras import layers  # noqa: PLC0415

    sequence = keras.Input((STEPS, COEFFICIENTS))
    x = _with_positions(layers.Dense(WIDTH)(sequence), STEPS)
    for _ in range(LAYERS):
        x = _keras_block(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(sequence, layers.Dense(SPEAKERS, activation="softmax")(x), name="encoder")


def by_keras(make: Callable[[], Any], data: Data, seed: int = SEED) -> Any:
    """Train with Adam and a falling rate."""
    import keras  # noqa: PLC0415

    keras.utils.set_random_seed(seed)
    model = make()
    rate = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * -(-len(data.x) // BATCH))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(data.x, data.y, BATCH, EPOCHS, verbose=0)
    return model


def channels_last(data: Data) -> Data:
    """Return images [samples, 1, 8, 8] as Keras has them, [samples, 8, 8, 1]."""
    return data._replace(x=np.moveaxis(data.x, 1, -1), test_x=np.moveaxis(data.test_x, 1, -1))


NETS: Mapping[str, Callable[[int], tuple[Any, Data]]] = {
    "torch vision": lambda seed: (by_torch(VisionTransformer, data := digits(), seed), data),
    "torch encoder": lambda seed: (by_torch(Encoder, data := vowels(), seed), data),
    "keras vision": lambda seed: (by_keras(keras_vision_transformer, data := channels_last(digits()), seed), data),
    "keras encoder": lambda seed: (by_keras(keras_encoder, data := vowels(), seed), data),
}


def answers(model: Any, x: np.ndarray) -> np.ndarray:
    """Return what the trained model itself says, [samples, classes]."""
    if isinstance(model, nn.Module):
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()
    return model.predict(x, verbose=0)


def accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of the samples whose largest answer is theirs, in percent."""
    return 100 * float(np.mean(outputs.reshape(len(labels), -1).argmax(axis=1) == labels))


def equal_bytes(integers: Any, x: np.ndarray, engine: str) -> bool:
    """Whether an engine, host, rv32 or xtensa, computes the simulator's bytes for samples, every one."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "samples.npy"
        np.save(data, x)
        project = Path(folder) / "project"
        write_project(Archive(integers), BOARDS[engine], project)
        (result,) = verify_project(project, engine, data=data, samples="real")
    return result.passed and result.samples == len(x)


def quantized(model: Any, data: Data) -> Any:
    """Quantize as mcuq does by itself."""
    return mcuq.quantize(mcuq.load(model, data.x[:1]), data.x)


def measure(model: Any, data: Data, engines: Sequence[str] = (), vectors: int = 8) -> dict[str, Any]:
    """Compare the integers' classes with the trained model's, and their bytes on the engines."""
    integers = quantized(model, data)
    plan = mcuq.compile(integers)
    return {
        "float": accuracy(answers(model, data.test_x), data.test_y),
        "integers": accuracy(mcuq.simulate(plan, data.test_x), data.test_y),
        "steps": len(plan.steps),
        "arena": plan.arena_bytes,
        "equal": {engine: equal_bytes(integers, data.test_x[:vectors], engine) for engine in engines},
    }


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--engines", nargs="*", choices=BOARDS, default=list(BOARDS))
    parser.add_argument("--vectors", type=int, default=8, help="samples that every engine runs")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name in arguments.nets:
        for seed in arguments.seeds:
            row = measure(*NETS[name](seed), arguments.engines, arguments.vectors)
            rows.append({"net": name, "seed": seed} | row)
            print(json.dumps(rows[-1]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
