"""Why a layer of integers differs from the float model's: by its weights, by the steps of activations, by clipping.

Each cause is put into the float layer by itself, and the squared error that it makes is counted. What would help is
tried: the layer's output with ranges by other methods, its weights with 8 bits, its activations without any steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph, Node
from mcuq.ops.base import Real
from mcuq.ops.groups import RECURRENT, WINDOWED
from mcuq.ops.logistic import Logistic
from mcuq.ops.softmax import Softmax
from mcuq.quantization.arrays import linear_quantize
from mcuq.quantization.clipping import choose_range
from mcuq.quantization.histogram import Histogram
from mcuq.quantization.joins import apart
from mcuq.quantization.scheme import Scheme
from mcuq.tensor import Array, QConstant, QTensor

SAMPLES = 16  # that causes are looked for in
METHODS = ("wide", "minmax", "percentile:99.99", "mse")
WORTH = 0.5  # dB, less is no remedy
COARSE = 35.0  # dB


@dataclass(frozen=True)
class Remedy:
    """What was tried: in words, and by how many decibels it brings the layer nearer to the float model's."""

    what: str
    gain: float


@dataclass(frozen=True)
class Causes:
    """Squared errors of a layer's output by what makes them, and what was tried against them.

    Attributes:
        weights: weights and biases are integers.
        steps: inputs and output have steps.
        clipping: the output's range ends.
        remedies: that can be taken, the best first.
        wider: what activations of 16 bits would gain, in dB.
        hint: what int8 cannot hold, in words; empty: nothing is odd.
    """

    weights: float
    steps: float
    clipping: float
    remedies: tuple[Remedy, ...] = field(default=())
    wider: float = 0.0
    hint: str = ""

    @property
    def shares(self) -> dict[str, float]:
        """The parts of the error, of 1 in all; nothing where there is none."""
        parts = {"weights": self.weights, "steps": self.steps, "clipping": self.clipping}
        total = sum(parts.values())
        return {name: part / total for name, part in parts.items()} if total else {}

    @property
    def main(self) -> str:
        """The largest part in words; empty where there is no error."""
        name = max(self.shares, key=lambda cause: self.shares[cause], default="")
        return f"{name} {100 * self.shares[name]:.0f} %" if name else ""


def find_causes(source: FloatGraph, graph: Graph, real: Mapping[str, Array]) -> dict[str, Causes]:
    """Return the causes of every layer's error by the name of its output.

    Args:
        source: the float model.
        graph: the quantized model.
        real: float32 [samples, *shape], what the float model computes, by name.
    """
    nodes = {node.name: node for node in graph.nodes}
    few = {name: x[:SAMPLES] for name, x in real.items()}
    judged = [node for node in source.nodes if node.name in nodes and not isinstance(node.op, RECURRENT)]
    return {n.outputs[0]: _Layer(source, graph, n, nodes[n.name], few).causes() for n in judged if len(n.outputs) == 1}


class _Layer:
    """A layer on samples of the float model's values."""

    def __init__(
        self, source: FloatGraph, graph: Graph, node: Node, quantized: Node, real: Mapping[str, Array]
    ) -> None:
        self.source, self.graph, self.node, self.quantized, self.real = source, graph, node, quantized, real
        self.wanted = np.asarray(real[node.outputs[0]], np.float32)
        self.tensor = graph.values[node.outputs[0]]

    def causes(self) -> Causes:
        exact = [self._exact(name) for name in self.node.inputs]
        stepped = [self._stepped(name, x) for name, x in zip(self.node.inputs, exact, strict=True)]
        inputs = self._error(stepped)
        weights = self._error(self._with_constants(exact)) if isinstance(self.node.op, WINDOWED) else 0.0
        clipping, output = self._kept(self.tensor)
        total = inputs + weights + clipping + output
        remedies = [Remedy(f"--layer-method {self.node.name}={m}", e) for m, e in self._ranges(inputs + weights)]
        remedies += [Remedy(f"--layer-bits {self.node.name}=8", e) for e in self._finer(exact, total - weights)]
        gains = [Remedy(r.what, _gain(total, r.gain)) for r in remedies]
        gains.sort(key=lambda remedy: -remedy.gain)
        wider = _gain(total, weights)
        return Causes(weights, inputs + output, clipping, tuple(gains), wider, self._hint())

    def _exact(self, name: str) -> Real:
        return np.asarray(self.real[name] if name in self.real else self.source.real(name), np.float32)

    def _stepped(self, name: str, x: Real) -> Real:
        tensor = self.graph.values.get(name)
        return x if tensor is None or name not in self.real else tensor.dequantize(tensor.quantize(x))

    def _error(self, operands: list[Real]) -> float:
        """Return the squared error of the output that the float layer computes of other operands."""
        made = self.node.op.compute(*operands).astype(np.float32)
        return _power(made - self.wanted)

    def _with_constants(self, exact: list[Real]) -> list[Real]:
        names = self.quantized.inputs[1:]
        return [exact[0], *(np.asarray(self.graph.constants[name].real(), np.float32) for name in names)]

    def _kept(self, tensor: QTensor) -> tuple[float, float]:
        """Return the squared errors of values more than a step beyond a range, and of all others."""
        low, high = (tensor.scale * (limit - tensor.zero_point) for limit in tensor.limits)
        margin = 1.0001 * tensor.scale  # a softmax of 1 is 255/256, as near as its integers come
        beyond = (self.wanted < low - margin) | (self.wanted > high + margin)
        error = tensor.dequantize(tensor.quantize(self.wanted)) - self.wanted
        return _power(error[beyond]), _power(error[~beyond])

    def _ranges(self, others: float) -> Iterator[tuple[str, float]]:
        """Yield methods and the error that is left with them, where the output's quantization is the layer's own."""
        if self.node.op.ties or self.node.op.fixed_output or self.tensor.dtype != "int8":
            return
        histogram = Histogram()
        histogram.add(self.wanted)
        if self.tensor.bits == 1 or histogram.is_constant:
            return
        kind = Scheme(self.tensor.kind, activation_bits=self.tensor.bits)
        for method in METHODS:
            yield method, others + sum(self._kept(kind.activation((), choose_range(histogram, method, kind))))

    def _finer(self, exact: list[Real], others: float) -> Iterator[float]:
        """Yield the error that is left with weights of 8 bits, where they have fewer."""
        constant = self.graph.constants.get(self.quantized.inputs[1]) if isinstance(self.node.op, WINDOWED) else None
        if isinstance(constant, QConstant) and constant.bits < 8:
            axis = self.node.op.weights_axis or 0
            integers, scale, _ = linear_quantize(exact[1], 8, "scale", axis)
            weights = np.moveaxis(np.moveaxis(integers, axis, -1) * scale, -1, axis).astype(np.float32)
            yield others + self._error([exact[0], weights, *exact[2:]])

    def _hint(self) -> str:
        """Say what int8 cannot hold of this layer."""
        op, name = self.node.op, self.node.name
        spans = {n: float(np.abs(self.real[n]).max(initial=0)) for n in self.node.inputs if n in self.real}
        if line := apart(self.node, spans):
            return line
        if isinstance(op, Softmax | Logistic):
            error, signal = sum(self._kept(self.tensor)), _power(self.wanted)
            lost = float(np.mean((self.wanted > 0) & (self.wanted < self.tensor.scale / 2)))
            if error and 10 * np.log10(signal / error) < COARSE:
                return (
                    f"{name}: steps of {self.tensor.scale:.3g} are all that int8 has between 0 and 1, and "
                    f"{100 * lost:.0f} % of the values become 0: take what goes into it, or activations of 16 bits"
                )
        return ""


def _power(x: Real) -> float:
    return float(np.square(x, dtype=np.float64).sum())


def _gain(before: float, after: float) -> float:
    return float(10 * np.log10(before / after)) if before > 0 and after > 0 else 0.0
