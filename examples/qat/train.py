"""Train a digits CNN in float, then for few bits; print how often it is right; write its integers: train.py [SEED]."""

import copy
import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import mcuq
from mcuq import qat

EPOCHS, BATCH, SHOWN, BOARD = 20, 64, (1, 2, 3, 5, 10, 15, 20), "esp32-c3-devkitm-1"
SPECS = {
    "LSQ, 2-bit": {"*": qat.Bits(2, 8)},
    "binary": {"*": qat.Bits(1, 8, "binary")},
    "XNOR": {"0": qat.Bits(8, 8), "10": qat.Bits(8, 8), "*": qat.Bits(1, 1, "xnor")},
}
torch.manual_seed(seed := int(sys.argv[1]) if len(sys.argv) > 1 else 0)
torch.set_num_threads(1)
X, Y = load_digits(return_X_y=True)
X = X.reshape(-1, 1, 8, 8).astype("float32") / 16
x, holdout, y, answers = map(torch.tensor, train_test_split(X, Y, test_size=540, random_state=seed, stratify=Y))


def right(scores):
    """Return the percentage of the holdout whose answer has the largest score."""
    return f"{100 * float((torch.as_tensor(scores).reshape(540, 10).argmax(1) == answers).float().mean()):7.2f}"


def train(name, net, rate):
    """Train, and print the accuracy on the holdout after some epochs."""
    optimizer = torch.optim.Adam(net.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    print(f"{name:10}", end="")
    for epoch in range(1, EPOCHS + 1):
        for part in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net.train()(x[part]), y[part]).backward()
            optimizer.step()
            qat.clip_(net)
        schedule.step()
        print(right(net.eval()(holdout)) if epoch in SHOWN else "", end="")
    return net


def block(inputs, outputs, stride, activation=nn.Hardtanh):
    """Return convolution, batch norm, activation."""
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), activation()


print(f"{'epoch':10}", *(f"{epoch:6}" for epoch in SHOWN), "integers")
layers = (*block(1, 32, 1), *block(32, 64, 2), *block(64, 64, 2, nn.ReLU), nn.Flatten(), nn.Linear(256, 10))
trained = train("float", nn.Sequential(*layers), 2e-3)
for name, spec in SPECS.items():
    print()
    net = train(name, qat.prepare(copy.deepcopy(trained), spec), 1e-3)
    integers = mcuq.quantize(mcuq.load(net, holdout), x[:200].numpy())
    print(right(mcuq.simulate(mcuq.compile(integers, BOARD), holdout.numpy())), end="")
    mcuq.write_project(integers, BOARD, f"build/{name.split(',')[0].lower()}")
print()
