"""Networks that were measured on boards and are nowhere as a file, built anew: whatever they learned, one C."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, NamedTuple

import bench_peers
import torch
from bench_chip import Program
from torch import nn

# Expansion, channels at width 1, repeats, first stride: MobileNetV2's table (Sandler et al., 2018, table 2).
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
CALIBRATION = 16


class Net(NamedTuple):
    """A network, and the shape of its input [C, H, W]."""

    module: nn.Module
    shape: tuple[int, int, int]


class Residual(nn.Module):
    """A block whose input is added to what it computes."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add."""
        total: torch.Tensor = x + self.body(x)
        return total


def mnist_net() -> Net:
    """Two convolutions and a fully connected layer on 28x28."""
    first = [nn.Conv2d(1, 4, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(4, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2)]
    return Net(nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(392, 10)), (1, 28, 28))


def mobilenet_v2(width: float = 0.25) -> Net:
    """MobileNetV2 of ten classes on 32x32x3; 745,888 multiplications at a width of 0.25."""
    depth = _eighths(32 * width)
    layers: list[nn.Module] = [*_layer(3, depth, 3, 2), nn.ReLU6()]
    for expansion, channels, repeats, first in BLOCKS:
        for stride in (first, *[1] * (repeats - 1)):
            wanted = _eighths(channels * width)
            block = _block(depth, wanted, expansion, stride)
            layers.append(Residual(block) if stride == 1 and depth == wanted else block)
            depth = wanted
    layers += [*_layer(depth, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10)]
    return Net(nn.Sequential(*layers), (3, 32, 32))


def _block(depth: int, wanted: int, expansion: int, stride: int) -> nn.Module:
    hidden = depth * expansion
    widened = [*_layer(depth, hidden, 1), nn.ReLU6()] if expansion > 1 else []
    return nn.Sequential(*widened, *_layer(hidden, hidden, 3, stride, hidden), nn.ReLU6(), *_layer(hidden, wanted, 1))


def _layer(depth: int, wanted: int, window: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(depth, wanted, window, stride, window // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(wanted)]


def _eighths(channels: float) -> int:
    """Return the multiple of 8 that is nearest, but not under nine tenths."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def program(net: Net, folder: Path) -> tuple[Program, tuple[int, int, int], list[list[int]]]:
    """Let BakeNN quantize a network and write its C; return it, the input's shape, and what its convolutions sweep."""
    torch.manual_seed(0)
    net.module.train()
    for _ in range(30):  # so that batch norms know what passes
        net.module(torch.randn(CALIBRATION, *net.shape))
    net.module.eval()
    samples = torch.randn(CALIBRATION, *net.shape)
    sys.path.append(str(bench_peers.BAKENN))
    bakenn: Any = importlib.import_module("bakenn")
    target, policy, esp_nn = bench_peers.KINDS["esp_nn"]
    options = bakenn.CBackendOptions(kernel_policy=getattr(bakenn.KernelPolicy, policy), enable_esp_nn=esp_nn)
    named: dict[str, Any] = {"name": "peer", "backend_options": options, "target": target}
    bakenn.compile_torch_ptq(net.module, samples[:1], samples, folder, **named)
    return bench_peers.listed_program(folder, "peer"), net.shape, []  # none of their filters is beyond a cache
