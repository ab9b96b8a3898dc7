"""Small networks for the digits, trained with fake quantization in a second or two."""

from digit_nets import digits, nn, torch

from mcuq import qat
from mcuq.qat import Bits

FLOAT_EPOCHS, EPOCHS, BATCH = 6, 5, 64


def block(inputs, outputs, stride=1, activation=nn.ReLU, groups=1):
    """Convolution, batch norm with factors of both signs, activation."""
    norm = nn.BatchNorm2d(outputs)
    with torch.no_grad():
        norm.weight[::3] = -1
    return nn.Conv2d(inputs, outputs, 3, stride, 1, groups=groups, bias=False), norm, activation()


def cnn(activation=nn.ReLU):
    return nn.Sequential(
        *block(1, 16, 1, activation), *block(16, 32, 2, activation), *block(32, 32, 2), nn.Flatten(), nn.Linear(128, 10)
    )


def separable():
    """Depthwise and pointwise layers, a batch norm that no layer comes before and one behind an activation."""
    first = (nn.BatchNorm2d(1), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(16))
    second = (*block(16, 32, 2, groups=16), nn.Conv2d(32, 32, 1), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(128, 10))


class Lines(nn.Module):
    """One-dimensional: an image's rows are the channels of its columns."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(8, 32, 3, padding=1), nn.Conv1d(32, 32, 3, padding=1, groups=32)
        self.norm, self.head = nn.BatchNorm1d(32), nn.Linear(32 * 4, 10)

    def forward(self, x):
        y = torch.relu(self.norm(self.first(x.squeeze(1))))
        return self.head(nn.functional.max_pool1d(torch.relu(self.second(y)), 2).flatten(1))


class Residual(nn.Module):
    """Values that a trained layer and others read; an average between layers."""

    def __init__(self):
        super().__init__()
        self.stem, self.left, self.right = (nn.Sequential(*block(n, 16)) for n in (1, 16, 16))
        self.pool, self.head = nn.AvgPool2d(2), nn.Linear(256, 10)

    def forward(self, x):
        y = self.stem(x)
        return self.head(self.pool(y + self.left(y) + self.right(y)).flatten(1))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 10))


def pooled():
    """Signs behind a pool, ahead of a window of even size."""
    layers = (*block(1, 16, 1, nn.Hardtanh), nn.MaxPool2d(2), nn.Conv2d(16, 32, 2, padding="same", bias=False))
    return nn.Sequential(*layers, nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))


INNER = Bits(1, 1, "xnor")
CASES = {
    "lsq 2-bit": (cnn, {"*": Bits(2, 8)}),
    "lsq 2-bit, inputs of 4": (cnn, {"*": Bits(2, 4)}),
    "lsq 2-bit, inputs of 2": (cnn, {"0": Bits(8, 8), "*": Bits(2, 2)}),
    "lsq 3-bit symmetric, real inputs": (cnn, {"*": Bits(3, span="symmetric", per="tensor")}),
    "lsq 5-bit": (cnn, {"*": Bits(5, 6)}),
    "minmax 4-bit": (cnn, {"*": Bits(4, 8, "minmax")}),
    "minmax 8-bit": (cnn, {"*": Bits(8, 8, "minmax")}),
    "binary": (lambda: cnn(nn.Hardtanh), {"*": Bits(1, 8, "binary")}),
    "xnor": (lambda: cnn(nn.Hardtanh), {"0": Bits(8, 8), "10": Bits(8, 8), "*": INNER}),
    "xnor behind a pool": (pooled, {"4": INNER, "*": Bits(8, 8)}),
    "codebook": (cnn, {"*": Bits(4, 8, "kmeans")}),
    "codebooks by group": (
        cnn,
        {"0": Bits(2, 8, "kmeans", codebook_channels=2), "*": Bits(4, 8, "kmeans", codebook_channels=8)},
    ),
    "separable": (separable, {"7": Bits(2, 8), "*": Bits(4, 8)}),
    "separable, codebook": (separable, {"7": Bits(2, 8, "kmeans"), "*": Bits(4, 8, "kmeans")}),
    "conv1d": (Lines, {"*": Bits(4, 8)}),
    "residual": (Residual, {"*": Bits(4, 8)}),
    "mlp": (mlp, {"*": Bits(2, 8)}),
    "mixed": (cnn, {"3": Bits(2, 4)}),
}


def train(net, epochs, rate):
    """Train a network in place; return it, ready for inference."""
    (x, y), _ = digits()
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    optimizer = torch.optim.Adam(net.parameters(), rate)
    for _ in range(epochs):
        net.train()
        for part in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[part]), y[part]).backward()
            optimizer.step()
            qat.clip_(net)
    return net.eval()


def trained(name):
    """Return a case's network, trained in float, then fake-quantized."""
    make, spec = CASES[name]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return train(qat.prepare(train(make(), FLOAT_EPOCHS, 3e-3), spec), EPOCHS, 1e-3)
