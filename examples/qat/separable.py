"""Train a depthwise-separable network in float, then with 2 bits in all layers and the float network as teacher.

separable.py [SEED ...]: the digits of scikit-learn. separable.py --kws SHARED [SEED ...]: the keywords in SHARED,
trained on the first 500 of them and judged on the others. Prints how often float network, 2 bits and integers are
right.
"""

import copy
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import mcuq
from mcuq import qat

BATCH, BOARD = 32, "esp32-c3-devkitm-1"


def digits(seed):
    """Return samples and labels to train with, then to judge by."""
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 1, 8, 8).astype("float32") / 16
    seen, fresh, labels, answers = train_test_split(x, y, test_size=540, random_state=seed, stratify=y)
    return seen, labels, fresh, answers


def keywords(shared):
    """Return the same of the keywords: 49 frames of 10 coefficients."""
    data = np.load(Path(shared) / "data/kws01.npz")
    x = data["X"].transpose(0, 3, 1, 2).astype("float32") / 32
    y = data["Y"].astype("int64")
    return x[:500], y[:500], x[500:], y[500:]


def separable(first, channels, pairs, classes):
    """Return a convolution, pairs of a depthwise and a pointwise one, the mean of all pixels, a linear layer."""
    layers = [first]
    for _ in range(pairs):
        layers += [
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False),
        ]
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=False)]
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]
    return nn.Sequential(*layers)


def moved(x):
    """Return samples, each batch moved by up to a pixel or frame."""
    shifts = [int(torch.randint(-1, 2, ())) for _ in range(2)]
    return torch.roll(x, shifts, (2, 3))


def train(net, data, epochs, rate, teacher=None):
    """Train, by the labels or by the teacher's answers too."""
    x, y = data
    optimizer = torch.optim.Adam(net.parameters(), rate)
    steps = epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(epochs):
        for part in torch.randperm(len(x)).split(BATCH):
            given = moved(x[part])
            optimizer.zero_grad()
            scores = net.train()(given)
            if teacher is None:
                loss = nn.functional.cross_entropy(scores, y[part])
            else:
                with torch.no_grad():
                    wanted = teacher.eval()(given)
                loss = qat.distill(scores, wanted, y[part])
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def right(scores, answers):
    """Return how many percent of the answers have the largest score."""
    return 100 * float((np.asarray(scores).reshape(len(answers), -1).argmax(1) == answers).mean())


def run(seed, shared=None):
    """Train both, and simulate the integers."""
    torch.manual_seed(seed)
    seen, labels, fresh, answers = keywords(shared) if shared else digits(seed)
    x, y, judged = torch.tensor(seen), torch.tensor(labels), torch.tensor(fresh)
    first = nn.Conv2d(1, 64, (10, 4), 2, (5, 1), bias=False) if shared else nn.Conv2d(1, 48, 3, 1, 1, bias=False)
    net = separable(first, first.out_channels, 4 if shared else 3, 12 if shared else 10)
    train(net, (x, y), 40 if shared else 25, 5e-3)
    few = qat.prepare(copy.deepcopy(net), qat.Bits(2, 8))
    train(few, (x, y), 40 if shared else 25, 2e-3, net)
    with torch.no_grad():
        float_right, few_right = (right(each(judged), answers) for each in (net, few))
    integers = mcuq.quantize(mcuq.load(few, judged[:1]), seen[:200])
    simulated = right(mcuq.simulate(mcuq.compile(integers, BOARD), fresh), answers)
    print(f"{seed:4} {float_right:9.2f} {few_right:9.2f} {simulated:9.2f} {simulated - float_right:+9.2f}", flush=True)
    return simulated - float_right


def main():
    """Print a line per seed."""
    torch.set_num_threads(1)
    arguments = sys.argv[1:]
    shared = arguments[1] if arguments[:1] == ["--kws"] else None
    seeds = [int(text) for text in arguments[2 if shared else 0 :]] or range(5)
    print("seed     float    2 bits  integers      lost")
    lost = [run(seed, shared) for seed in seeds]
    print(f"mean {sum(lost) / len(lost):+39.2f}")


if __name__ == "__main__":
    main()
