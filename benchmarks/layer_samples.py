"""Layers of sizes drawn at random, as graphs of many inputs: what ``count_layers.py`` counts beside real models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import more_samples
import numpy as np

from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.log_softmax import LogSoftmax
from mcuq.ops.logistic import Logistic
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.maximum import Maximum
from mcuq.ops.mean import Mean
from mcuq.ops.mean_of_sums import MeanOfSums
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.pixels import FORMATS, Pixels, nearest
from mcuq.ops.prelu import PRelu
from mcuq.ops.recurrent import GatedOp
from mcuq.ops.reduce_max import ReduceMax
from mcuq.ops.requantize import Requantize
from mcuq.ops.resize_bilinear import ResizeBilinear
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.ops.slice import Slice
from mcuq.ops.softmax import Softmax
from mcuq.ops.squared_difference import SquaredDifference
from mcuq.ops.sub import Sub
from mcuq.ops.transpose import Transpose
from mcuq.ops.window import same_padding
from mcuq.tensor import QConstant, QTensor, Shape

MOST_MACS = 600_000
MOST_INPUTS = 8_000  # elements of one layer: an emulated chip's line is slow
TOGETHER = 24  # layers in one graph
CHANNELS = (1, 3, 4, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128)
SIDES = (1, 2, 3, 5, 7, 8, 10, 12, 16, 20, 24)
SCALE, ZERO_POINT = 0.05, -3
STATE_SCALE = 1 / 128  # of what lies between -1 and 1


@dataclass
class Samples:
    """A graph in the making: every layer reads inputs of its own, and its output is one of the graph's."""

    name: str
    rng: np.random.Generator
    nodes: list[Node] = field(default_factory=list)
    values: dict[str, QTensor] = field(default_factory=dict)
    constants: dict[str, QConstant] = field(default_factory=dict)

    def add(
        self, op: Op, *shapes: Shape, weights: Shape = (), axis: int | None = 0, same: bool = False, bits: int = 8
    ) -> None:
        """Add a layer on inputs of some shapes, with weights [..] of one scale, or one per index of an axis."""
        i = len(self.nodes)
        names = [f"x{i}_{k}" for k in range(len(shapes))]
        self.values |= {n: QTensor(s, SCALE, ZERO_POINT) for n, s in zip(names, shapes, strict=True)}
        constants = self._weights(f"w{i}", weights, axis, bits) if weights else []
        shape = op.infer_shape(*shapes, *(self.constants[name].shape for name in constants))
        fixed = op.fixed_output
        scale, zero = (fixed.scale, fixed.zero_point) if fixed else (SCALE, ZERO_POINT) if same else (0.1, -128)
        self.values[f"y{i}"] = QTensor(shape, scale, zero)
        self.nodes.append(Node(f"layer{i}", op, (*names, *constants), (f"y{i}",)))

    def add_steps(self, op: GatedOp, steps: int, inputs: int, units: int) -> None:
        """Add a recurrent layer that begins at zeros; what it remembers in 16 bits has scale 2^-12."""
        i, states = len(self.nodes), []
        for k in range(op.remembered):
            wide = 1 + k in op.wide_operands
            zeros = np.zeros((1, units), np.int16 if wide else np.int8)
            states.append(f"h{i}_{k}")
            self.constants[states[-1]] = QConstant(zeros, np.array([2.0**-12 if wide else STATE_SCALE]))
        channels = op.gates * units
        weights = [*self._weights(f"w{i}", (channels, inputs), 0, 8), *self._weights(f"r{i}", (channels, units), 0, 8)]
        self.values[f"x{i}_0"] = QTensor((1, steps, inputs), SCALE, ZERO_POINT)
        self.values[f"y{i}"] = QTensor((1, steps, units), STATE_SCALE, 0)
        left = [f"left{i}"] if op.last else []
        self.values |= {name: QTensor((1, units), 2.0**-12, 0, "int16") for name in left}
        self.nodes.append(Node(f"layer{i}", op, (f"x{i}_0", *states, *weights), (f"y{i}", *left)))

    def _weights(self, name: str, shape: Shape, axis: int | None, bits: int) -> list[str]:
        most = 2 ** (bits - 1) - 1
        values = self.rng.integers(-most, most + 1, shape).astype(np.int8)
        scales = self.rng.uniform(0.0005, 0.002, 1 if axis is None else shape[axis])
        self.constants[name] = QConstant(values, scales * 127 / most, axis=axis, bits=bits)
        return [name]

    def graphs(self) -> Iterator[Graph]:
        """Yield graphs of a few layers each."""
        for start in range(0, len(self.nodes), TOGETHER):
            nodes = tuple(self.nodes[start : start + TOGETHER])
            used = [name for node in nodes for name in (*node.inputs, *node.outputs)]
            values = {name: self.values[name] for name in used if name in self.values}
            constants = {name: self.constants[name] for name in used if name in self.constants}
            read = tuple(name for name in values if name.startswith("x"))
            outputs = tuple(node.outputs[0] for node in nodes)
            yield Graph(f"{self.name}_{start}", read, outputs, nodes, values, constants).verify()


def graphs() -> Iterator[Graph]:
    """Yield the graphs, the same ones always."""
    rng = np.random.default_rng(20)
    kinds = (_convolutions, _depthwise, _vectors, _pools, _elementwise, _moves, _more, _few_bits)
    for kind in (*kinds, _additions, _sums, _frames, *more_samples.KINDS):
        samples = Samples(f"samples{kind.__name__}", rng)
        kind(samples, rng)
        yield from samples.graphs()


def _convolutions(samples: Samples, rng: np.random.Generator) -> None:
    while len(samples.nodes) < 24:
        window = (int(rng.choice((1, 1, 3, 3, 5))), int(rng.choice((1, 3, 3, 5))))
        window = (1, 1) if window[0] == 1 else window
        depth, filters, height, width = (int(rng.choice(c)) for c in (CHANNELS, CHANNELS, SIDES, SIDES))
        stride = int(rng.choice((1, 1, 2)))
        macs = height * width * depth * filters * window[0] * window[1] // stride**2
        if 2000 <= macs <= MOST_MACS and height * width * depth <= MOST_INPUTS:
            padding = same_padding((height, width), window, (stride, stride), (1, 1))
            op = Conv2d((stride, stride), padding=padding)
            samples.add(op, (1, height, width, depth), weights=(filters, *window, depth))


def _depthwise(samples: Samples, rng: np.random.Generator) -> None:
    while len(samples.nodes) < 18:
        window = ((3, 3), (3, 3), (5, 5), (1, 3), (7, 1))[int(rng.integers(5))]
        depth, height, width = (int(rng.choice(c)) for c in (CHANNELS, SIDES, SIDES))
        stride = int(rng.choice((1, 1, 2)))
        if 60 <= height * width * depth <= MOST_INPUTS:
            padding = same_padding((height, width), window, (stride, stride), (1, 1))
            op = DepthwiseConv2d((stride, stride), padding=padding)
            samples.add(op, (1, height, width, depth), weights=(1, *window, depth), axis=3)


def _vectors(samples: Samples, rng: np.random.Generator) -> None:
    for _ in range(16):
        inputs, outputs = (int(rng.choice((2, 5, 8, 12, 16, 40, 64, 100, 128, 256, 390))) for _ in range(2))
        samples.add(FullyConnected(), (1, inputs), weights=(outputs, inputs))
    for rows, depth in ((1, 2), (1, 12), (1, 100), (8, 10), (5, 64)):
        samples.add(Softmax(), (rows, depth))
        samples.add(LogSoftmax(), (rows, depth))


def _pools(samples: Samples, rng: np.random.Generator) -> None:
    for _ in range(5):
        depth, side = int(rng.choice(CHANNELS)), int(rng.choice((4, 6, 8, 12)))
        window = int(rng.choice((2, 2, 3)))
        for pool in (AveragePool, MaxPool):
            op = pool((window, window), (window, window))
            samples.add(op, (1, side, side, depth), same=True)
        samples.add(AveragePool((side, side), (side, side)), (1, side, side, depth), same=True)
        samples.add(Mean((1, 2)), (1, side, side, depth))


def _elementwise(samples: Samples, rng: np.random.Generator) -> None:
    for _ in range(4):
        shape = (1, *(int(rng.choice((2, 3, 5, 8, 12))) for _ in range(2)), int(rng.choice(CHANNELS)))
        for op in (Add(), Sub(), Mul()):
            samples.add(op, shape, shape)
        samples.add(Maximum(), shape, shape, same=True)
        samples.add(Logistic(), shape)
        samples.add(Mul(), shape, shape[-1:])
        samples.add(PRelu(), shape, weights=(shape[-1],), axis=None)


def _moves(samples: Samples, rng: np.random.Generator) -> None:
    for _ in range(4):
        height, width = (int(rng.choice((4, 6, 8, 12))) for _ in range(2))
        shape = (1, height, width, int(rng.choice(CHANNELS)))
        samples.add(Pad((0, 1, 1, 0), (0, 1, 1, 0)), shape, same=True)
        samples.add(Slice((0, 1, 1, 0), (1, height - 2, width - 1, shape[-1])), shape, same=True)
        samples.add(Transpose((0, 3, 1, 2)), shape, same=True)
        samples.add(ResizeNearest(2 * height, 2 * width), shape, same=True)
        samples.add(Concatenation(-1), shape, shape, same=True)


def _more(samples: Samples, rng: np.random.Generator) -> None:
    for _ in range(4):
        shape = (1, *(int(rng.choice((2, 3, 5, 8, 12))) for _ in range(2)), int(rng.choice(CHANNELS)))
        samples.add(Requantize(), shape)
        samples.add(SquaredDifference(), shape, shape)
        samples.add(ReduceMax((1, 2)), shape, same=True)
        samples.add(ResizeBilinear(2 * shape[1], 2 * shape[2]), shape, same=True)
        samples.add(Transpose((0, 2, 3, 1)), shape, same=True)
    for height, depth in ((3, 8), (5, 32), (9, 40), (4, 64)):  # a window over all of a strip: streaming models
        samples.add(DepthwiseConv2d(), (1, height, 1, depth), weights=(1, height, 1, depth), axis=3)


def _few_bits(samples: Samples, rng: np.random.Generator) -> None:
    for bits in (4, 2):
        for depth, filters, side, window in (
            (8, 16, 8, 1),
            (32, 32, 6, 1),
            (64, 16, 5, 1),
            (16, 16, 8, 3),
            (12, 24, 5, 3),
        ):
            padding = same_padding((side, side), (window, window), (1, 1), (1, 1))
            shape = (filters, window, window, depth)
            samples.add(Conv2d(padding=padding), (1, side, side, depth), weights=shape, bits=bits)
        for depth, side in ((8, 6), (16, 10), (32, 5), (64, 6)):
            padding = same_padding((side, side), (3, 3), (1, 1), (1, 1))
            layer = (1, side, side, depth)
            samples.add(DepthwiseConv2d(padding=padding), layer, weights=(1, 3, 3, depth), axis=3, bits=bits)
        for inputs, outputs in ((16, 10), (64, 32), (256, 40), (100, 100), (400, 12)):
            samples.add(FullyConnected(), (1, inputs), weights=(outputs, inputs), bits=bits)


def _additions(samples: Samples, _: np.random.Generator) -> None:
    """Sizes that fill vectors and sizes that do not: a kernel for vectors leaves the others to plain C."""
    for depth, side in ((4, 9), (8, 8), (12, 5), (16, 4), (16, 9), (24, 6), (32, 7), (48, 5), (64, 6), (128, 4)):
        samples.add(Add(), (1, side, side, depth), (1, side, side, depth))


def _sums(samples: Samples, _: np.random.Generator) -> None:
    """The ends of means whose rows come strip by strip: four bytes per channel."""
    for channels, pixels in ((8, 64), (12, 25), (64, 64), (64, 125), (100, 9), (256, 9)):
        samples.add(MeanOfSums((1, channels), pixels, SCALE, ZERO_POINT), (4 * channels,))
        samples.add(MeanOfSums((1, channels), pixels, SCALE, ZERO_POINT, divides=True), (4 * channels,), same=True)


def _frames(samples: Samples, _: np.random.Generator) -> None:
    """Frames of a camera, whole rows of them and parts, in every form of pixel."""
    for i, (height, width, rows, columns) in enumerate(
        ((8, 96, 8, 96), (2, 160, 1, 96), (20, 40, 12, 16), (4, 320, 2, 96))
    ):
        for k, (form, size) in enumerate(FORMATS.items()):
            op = Pixels(form, 3 if (i + k) % 3 else 1, nearest(0, height, rows), nearest(0, width, columns))
            frame = (1, height, width, size)
            samples.add(op, frame, same=True)
            samples.values[f"x{len(samples.nodes) - 1}_0"] = QTensor(frame, 1.0, 0, "uint8")
