"""What a training step costs with fake quantization, next to the float step of the same network.

Run: ``python benchmarks/qat_steps.py [OUT.md]``; needs ``mcuq[torch]``. One thread, batches of 64; plain and prepared
steps in turn: what else the computer does adds to the CPU time of both, so the factor is the median of the pairs'.
"""

import copy
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import torch
from torch import nn

from mcuq import qat

ROOT = Path(__file__).parents[1]
BATCH, TURNS = 64, 40
WARM = 2  # steps before the first that counts
SPECS = {
    "2 bits, inputs of 8 (lsq)": qat.Bits(2, 8),
    "8 bits, inputs of 8 (lsq)": qat.Bits(8, 8),
    "4 bits, inputs of 8 (minmax)": qat.Bits(4, 8, "minmax"),
    "4 bits (lsq), real inputs": qat.Bits(4),
    "codebook of 4, inputs of 8": qat.Bits(2, 8, "kmeans"),
    "1 bit, inputs of 8 (binary)": qat.Bits(1, 8, "binary"),
}


def separable() -> tuple[nn.Module, torch.Tensor]:
    """Return the DS-CNN that MLPerf Tiny spots keywords with, and a batch for it."""

    def block(*layers: nn.Module) -> list[nn.Module]:
        return [layer for each in layers for layer in (each, nn.BatchNorm2d(64), nn.ReLU())]

    pairs = [(nn.Conv2d(64, 64, 3, 1, 1, groups=64, bias=False), nn.Conv2d(64, 64, 1, bias=False)) for _ in range(4)]
    first = nn.Conv2d(1, 64, (10, 4), 2, (5, 1), bias=False)
    layers = block(first, *(layer for pair in pairs for layer in pair))
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 12))
    return net, torch.randn(BATCH, 1, 49, 10)


def small() -> tuple[nn.Module, torch.Tensor]:
    """Return a small network for images of 28x28, and a batch for it."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(288, 10)), torch.randn(BATCH, 1, 28, 28)


NETS = {"DS-CNN of KWS, 49x10": separable, "three convolutions, 28x28": small}


def step_of(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Return the CPU seconds of a step."""
    start = time.process_time()
    net.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    return time.process_time() - start


def factors(net: nn.Module, x: torch.Tensor) -> Iterator[tuple[str, float, float, float]]:
    """Yield, per spec, the median seconds of a plain and of a prepared step, and the median of their quotients."""
    y = torch.randint(10, (BATCH,))
    for what, spec in SPECS.items():
        plain, prepared = copy.deepcopy(net).train(), qat.prepare(copy.deepcopy(net), spec).train()
        for _ in range(WARM):
            step_of(plain, x, y), step_of(prepared, x, y)
        seconds = [(step_of(plain, x, y), step_of(prepared, x, y)) for _ in range(TURNS)]
        quotients = [few / real for real, few in seconds]
        yield what, *(median(each) for each in zip(*seconds, strict=True)), median(quotients)


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    yield "# Steps of quantization-aware training\n"
    yield f"`python benchmarks/qat_steps.py`; torch {torch.__version__}, one thread, batches of {BATCH}: CPU time,"
    yield f"forward and backward, next to the float step of the same network; medians of {TURNS}, in turn.\n"
    yield "| network | weights | plain, ms | prepared, ms | factor |\n|---|---|---|---|---|"
    for name, make in NETS.items():
        net, x = make()
        for what, plain, prepared, factor in factors(net, x):
            yield f"| {name} | {what} | {1000 * plain:.1f} | {1000 * prepared:.1f} | {factor:.2f} |"


def main() -> None:
    """Print the report and write it."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "benchmarks/results/qat-steps-2026-11-29.md"
    lines = []
    for line in report():
        print(line, flush=True)
        lines.append(line)
    target.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
