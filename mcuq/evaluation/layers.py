"""What every layer of an integer model loses against the float model, on samples as they pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from mcuq import float_run, simulator
from mcuq.evaluation.causes import Causes, find_causes
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph, Node
from mcuq.plan import Plan, Step
from mcuq.quantization.arrays import decibels
from mcuq.tensor import Array, QConstant


@dataclass
class Error:
    """Sums of squares of a signal and of its error, over all samples so far."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, real: Array, approximation: Array) -> None:
        """Add samples of a value and what stands for it, same shape."""
        self.signal += float(np.square(real, dtype=np.float64).sum())
        self.noise += float(np.square(real.astype(np.float64) - approximation).sum())

    @property
    def sqnr(self) -> float | None:
        """Signal to quantization noise ratio in dB; None where there is no noise or no signal."""
        ratio = decibels(self.signal, self.noise)
        return ratio if np.isfinite(ratio) else None


@dataclass
class Layer:
    """One layer of the integer model against the float one.

    Attributes:
        name: of the layer.
        weights: SQNR of its weights in dB; None without weights.
        output: its output against the float model's, with the errors of all layers before it.
        own: the same when its inputs are the float model's, rounded to integers: what this layer alone loses.
        clipped: share of the float model's values more than one step outside the output's range.
        causes: what its own error comes from, and what would help; None where that is not known.
    """

    name: str
    op: str
    weights: float | None = None
    output: Error = field(default_factory=Error)
    own: Error = field(default_factory=Error)
    beyond: int = 0
    values: int = 0
    causes: Causes | None = None

    @property
    def clipped(self) -> float:
        """Share of the float model's values that the integers cannot reach."""
        return self.beyond / self.values if self.values else 0.0


@dataclass
class Memory:
    """What both models remember from one batch of a sequence to the next, by the names of their states."""

    integers: dict[str, Array] = field(default_factory=dict)
    real: dict[str, Array] = field(default_factory=dict)


def run_both(
    plan: Plan, source: FloatGraph | None, inputs: Mapping[str, Array], layers: Mapping[str, Layer], memory: Memory
) -> tuple[Array, Array | None]:
    """Return the first output of both models, real [samples, elements] each, and add to the layers' errors."""
    graph, output = plan.graph, plan.graph.outputs[0]
    samples, tensor = len(next(iter(inputs.values()))), plan.graph.values[output]
    if source is None:
        return tensor.dequantize(simulator.simulate(plan, inputs)[output]).reshape(samples, -1), None
    integers = {name: graph.values[name].quantize(x) for name, x in inputs.items()}
    computed = {name: x.reshape(len(x), -1) for name, x in integers.items()}
    kept = simulator.with_states(plan, integers, memory.integers)
    for step, raw in simulator.trace(plan, integers, kept):
        computed[step.outputs[0]] = raw.view(graph.values[step.outputs[0]].dtype)
    real = {name: np.asarray(x, np.float32) for name, x in inputs.items()}
    real = float_run.with_states(source, real, memory.real)
    real |= {name: x for name, x, _ in float_run.trace(source, real)}
    if not any(layer.causes for layer in layers.values()):
        for name, causes in find_causes(source, graph, real).items():
            layers[name].causes = causes
    for step in plan.steps:
        if step.outputs[0] in layers:
            _judge(plan, step, layers[step.outputs[0]], computed, real)
    if output not in computed:  # a reshape, or parts that were written where they belong
        first = {name: x[:1] for name, x in kept.items()}
        computed[output] = simulator.simulate(plan, integers, kept=first)[output]
    return tensor.dequantize(computed[output]).reshape(samples, -1), real[output].reshape(samples, -1)


def _judge(plan: Plan, step: Step, layer: Layer, computed: Mapping[str, Array], real: Mapping[str, Array]) -> None:
    name = step.outputs[0]
    tensor, wanted = plan.graph.values[name], real[name].reshape(len(real[name]), -1)
    layer.output.add(wanted, tensor.dequantize(computed[name]))
    if alone := _alone(plan, step, real):
        layer.own.add(wanted, tensor.dequantize(alone[0]))
    low, high = (tensor.scale * (limit - tensor.zero_point) for limit in tensor.limits)
    margin = 1.0001 * tensor.scale  # a softmax of 1 is 255/256, as near as its integers come
    layer.beyond += int(np.count_nonzero((wanted < low - margin) | (wanted > high + margin)))
    layer.values += wanted.size


def _alone(plan: Plan, step: Step, real: Mapping[str, Array]) -> list[Array]:
    """Return what a step makes of the float model's values, or nothing where one of them is not in the float model."""
    samples = len(real[step.outputs[0]])
    operands = []
    for name in step.inputs:
        tensor = plan.graph.tensor(name)
        if isinstance(tensor, QConstant):
            operands.append(np.broadcast_to(tensor.values.reshape(1, -1), (samples, tensor.elements)))
        elif name in real:
            operands.append(tensor.quantize(real[name]).reshape(samples, -1))
        else:
            return []
    result = step.params.run(*(np.ascontiguousarray(x) for x in operands))
    return [np.ascontiguousarray(result).view(plan.graph.values[step.outputs[0]].dtype)]


def judge_weights(graph: Graph, source: FloatGraph, layers: Mapping[str, Layer]) -> None:
    """Fill in what the weights of every layer lose."""
    quantized = {node.name: node for node in graph.nodes}
    for node, weights in _weighted(source):
        error = Error()
        error.add(source.real(weights), graph.constants[quantized[node.name].inputs[1]].real())
        layers[node.outputs[0]].weights = error.sqnr


def _weighted(source: FloatGraph) -> Iterator[tuple[Node, str]]:
    return ((node, node.inputs[1]) for node in source.nodes if node.op.weights_axis is not None)
