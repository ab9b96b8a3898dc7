"""A streaming keyword spotter: train it, make one step per run of it, stream held-out words through it.

    pip install "mcuq[torch]"
    python examples/wakeword/train.py [DIR]

Features come frame by frame, 20 ms each; after each frame the network says which word it has heard, from what it
remembers. It writes DIR/wakeword.pt2, DIR/calibration.npz, DIR/holdout.npz and a project, DIR/project.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

import mcuq
from mcuq.simulator import simulate

WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown")
FRAMES, FEATURES, UNITS = 49, 10, 64
SCALE, ZERO = 0.5847029, 83  # of the file's integers
EPOCHS, BATCH, RATE, TRAIN = 40, 25, 4e-3, 800
BOARD = "esp32-c3-devkitm-1"


class WakeWord(nn.Module):
    """A recurrent layer over the frames, and a score per word for the last one."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(FEATURES, UNITS, batch_first=True)
        self.words = nn.Linear(UNITS, len(WORDS))

    def forward(self, x):
        """[1, frames, features] to [1, words]."""
        return self.words(self.gru(x)[0][:, -1])


def data():
    """Return features, float32 [samples, frames, features] of about unit size, and words, to train and held out."""
    file = np.load(Path(__file__).with_name("kws01.npz"))
    x = (file["X"].astype(np.float32) - ZERO) * SCALE
    mean, deviation = x[:TRAIN].mean(axis=(0, 1)), x[:TRAIN].std(axis=(0, 1))
    x, y = ((x - mean) / deviation).astype(np.float32), file["Y"].astype(np.int64)
    return (x[:TRAIN], y[:TRAIN]), (x[TRAIN:], y[TRAIN:])


def trained(x, y, seed=0):
    """Train with noise, shifts in time and a falling rate."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    net, x, y = WakeWord(), torch.from_numpy(x), torch.from_numpy(y)
    optimizer = torch.optim.Adam(net.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(x)).split(BATCH):
            moved = torch.roll(x[part], int(torch.randint(-4, 5, ())), 1)
            loss = nn.functional.cross_entropy(net(moved + 0.4 * torch.randn_like(moved)), y[part], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        schedule.step()
    return net.eval()


def main(folder: Path) -> None:
    """Train, quantize, stream, write."""
    (x, y), (held_out, words) = data()
    net = trained(x, y)
    with torch.no_grad():
        right = np.mean(net(torch.from_numpy(held_out)).numpy().argmax(1) == words)
    whole = mcuq.quantize(net, x[:200])
    steps = mcuq.stateful(whole)
    plan, (name,), (answer,) = mcuq.compile(steps, BOARD), steps.inputs, steps.outputs
    frames = steps.values[name].quantize(held_out)
    streamed = [
        simulate(plan, {name: word.reshape(FRAMES, 1, 1, FEATURES)})[answer].reshape(FRAMES, -1) for word in frames
    ]
    at_once = simulate(mcuq.compile(whole), {name: frames[:, np.newaxis]})[answer].reshape(len(words), -1)
    print(f"float {100 * right:.1f} % of {len(words)} held-out words, integers {_percent(at_once, words)}, ", end="")
    print(f"frame by frame {_percent([scores[-1] for scores in streamed], words)}")
    print("the same bytes:", all(np.array_equal(s[-1], a) for s, a in zip(streamed, at_once, strict=True)))
    spoken = next(
        i for i, (s, w) in enumerate(zip(streamed, words, strict=True)) if WORDS[w] == "yes" and s[-1].argmax() == w
    )
    print("one 'yes', every seventh frame:", *(WORDS[scores.argmax()] for scores in streamed[spoken][6::7]))
    folder.mkdir(parents=True, exist_ok=True)
    torch.export.save(torch.export.export(net, (torch.from_numpy(x[:1]),)), folder / "wakeword.pt2")
    np.savez(folder / "calibration.npz", X=x[:200], Y=y[:200])
    np.savez(folder / "holdout.npz", X=held_out, Y=words)
    mcuq.write_project(steps, BOARD, folder / "project", name="wakeword")
    print(f"{plan.state_bytes} bytes of state, {plan.arena_bytes} of arena; project: {folder / 'project'}")


def _percent(scores, words) -> str:
    return f"{100 * np.mean(np.argmax(np.asarray(scores, np.int64), axis=1) == words):.1f} %"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/wakeword"))
