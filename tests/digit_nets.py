"""Small networks of the usual families, trained on scikit-learn's digits in seconds."""

import numpy as np
from requirements import require_module
from sklearn.datasets import load_digits

torch = require_module("torch")
require_module("onnxscript")  # that torch exports with
nn, F = torch.nn, torch.nn.functional

EPOCHS, BATCH = 30, 64
CALIBRATION = 100


def digits():
    """Train and holdout sets: float32 [N, 1, 8, 8] in 0..1, labels."""
    data = load_digits()
    x = (data.images[:, np.newaxis] / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], data.target[order]
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def convolution(inputs, outputs, size=3, stride=1, groups=1, activation=nn.ReLU):
    layers = [nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = convolution(channels, channels, activation=None)

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)))


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class Inverted(nn.Module):
    """MobileNet's block: expand, depthwise, project, and the way around where shapes allow."""

    def __init__(self, inputs, outputs, stride, activation, squeeze=False):
        super().__init__()
        middle = 4 * inputs
        self.layers = nn.Sequential(
            convolution(inputs, middle, 1, activation=activation),
            convolution(middle, middle, 3, stride, groups=middle, activation=activation),
            *([SqueezeExcite(middle)] if squeeze else []),
            convolution(middle, outputs, 1, activation=None),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.shortcut else self.layers(x)


class Lines(nn.Module):
    """One-dimensional: an image's rows are the channels of its columns."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv1d(8, 32, 3, padding=1), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2)),
            *(nn.Conv1d(32, 32, 3, padding=1, groups=32), nn.Conv1d(32, 48, 1), nn.ReLU()),
        )
        self.head = nn.Linear(48 * 4, 10)

    def forward(self, x):
        return self.head(self.features(x.squeeze(1)).flatten(1))


def pooled(*layers, channels):
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(channels, 10))


NETS = {
    "mlp": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    ),
    "cnn": lambda: nn.Sequential(
        *(convolution(1, 16), nn.MaxPool2d(2), convolution(16, 32), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 4, 10), nn.Softmax(1)),
    ),
    "residual": lambda: pooled(
        convolution(1, 16), Residual(16), convolution(16, 32, stride=2), Residual(32), channels=32
    ),
    "mobilenet_v2": lambda: pooled(
        convolution(1, 12, activation=nn.ReLU6),
        *(Inverted(12, 12, 1, nn.ReLU6), Inverted(12, 24, 2, nn.ReLU6), Inverted(24, 24, 1, nn.ReLU6)),
        convolution(24, 48, 1, activation=nn.ReLU6),
        channels=48,
    ),
    "mobilenet_v3": lambda: pooled(
        convolution(1, 12, activation=nn.Hardswish),
        *(Inverted(12, 12, 1, nn.ReLU, squeeze=True), Inverted(12, 24, 2, nn.Hardswish, squeeze=True)),
        Inverted(24, 24, 1, nn.Hardswish, squeeze=True),
        convolution(24, 48, 1, activation=nn.Hardswish),
        channels=48,
    ),
    "conv1d": Lines,
}


def trained(name):
    """Return the network, trained the same way every time, in inference mode."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    (x, y), _ = digits()
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    net = NETS[name]()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-3)
    steps = EPOCHS * len(x) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps + EPOCHS)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(x)).split(BATCH):
            logits = net[:-1](x[part]) if name == "cnn" else net(x[part])
            optimizer.zero_grad()
            F.cross_entropy(logits, y[part]).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def accuracy(outputs, labels):
    return float((np.asarray(outputs).reshape(len(labels), -1).argmax(axis=1) == labels).mean())
