"""Float graph and ranges to a quantized graph: the one place where constants become integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from types import MappingProxyType

import numpy as np

from mcuq.errors import CannotQuantizeError, McuqError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph, Node
from mcuq.ops.base import Op
from mcuq.ops.requantize import Requantize
from mcuq.passes.rewriting import same_quantization
from mcuq.quantization.activations import activation_schemes, tied_groups
from mcuq.quantization.biases import (
    MAX_BIAS,
    fraction_bits,
    quantize_bias,
    rounded,
    shifting_bits,
    sign_bias,
    signs_only,
)
from mcuq.quantization.codebooks import raised, with_codebook
from mcuq.quantization.scheme import Range, Scheme
from mcuq.tensor import Array, QConstant, QTensor

LEAST_MULTIPLIER = 2.0**-21  # finer products round away; chips' fast kernels take no smaller ones
NO_RANGE = Range(0.0, 0.0)
NO_LAYERS: Mapping[str, Scheme] = MappingProxyType({})
CLIP_FRACTIONS = np.linspace(1, 0.3, 71)


def quantize_graph(
    graph: FloatGraph,
    ranges: Mapping[str, Range],
    scheme: Scheme = Scheme(),  # noqa: B008
    layers: Mapping[str, Scheme] = NO_LAYERS,
) -> Graph:
    """Turn every constant and activation into integers.

    Args:
        graph: the float model, passes applied.
        ranges: of every activation that is not ``known``.
        scheme: kind of scale and granularity.
        layers: another scheme for the weights and the output of some layers, by name.

    Raises:
        CannotQuantizeError: naming the layer.
    """
    return _Quantizer(graph, ranges, scheme, layers).graph()


class _Quantizer:
    """Names and types of the graph being built."""

    def __init__(
        self, graph: FloatGraph, ranges: Mapping[str, Range], scheme: Scheme, layers: Mapping[str, Scheme]
    ) -> None:
        self.source, self.ranges, self.scheme, self.layers = graph, ranges, scheme, layers
        self.values: dict[str, QTensor] = {}
        self.constants: dict[str, QConstant] = {}
        self.nodes: list[Node] = []

    def graph(self) -> Graph:
        """Quantize node by node, in execution order."""
        source = self.source
        self.wanted = _wanted(source, self.ranges, activation_schemes(source, self.scheme, self.layers))
        self.values |= {name: self.wanted[name] for name in source.inputs}
        for node in source.nodes:
            try:
                self._node(node)
            except McuqError as error:
                raise error.at(node.name) from None
        values, constants, nodes = self.values, self.constants, tuple(self.nodes)
        graph = Graph(source.name, source.inputs, source.outputs, nodes, values, constants, source.layouts)
        return replace(graph, from_float=bool(self.ranges)).verify()

    def _node(self, node: Node) -> None:
        output = self.wanted[node.outputs[0]]
        made = output
        if node.op.fixed_output:
            made = replace(node.op.fixed_output, shape=output.shape)
        inputs = self._weighted(node, made) if node.op.weights_axis is not None else self._operands(node, made)
        if made == output:
            self._add(node.name, node.op, inputs, node.outputs[0], output)
        else:
            between = f"{node.outputs[0]}_{node.op.name}"
            self._add(node.name, node.op, inputs, between, made)
            self._add(f"{node.name}_requantize", Requantize(), (between,), node.outputs[0], output)

    def _add(self, name: str, op: Op, inputs: tuple[str, ...], output: str, tensor: QTensor) -> None:
        self.values[output] = tensor
        self.nodes.append(Node(name, op, inputs, (output,)))

    def _operands(self, node: Node, output: QTensor) -> tuple[str, ...]:
        """Return the operands' names; where the op ties them, those of the output's quantization."""
        return tuple(self._operand(node, index, name, output) for index, name in enumerate(node.inputs))

    def _operand(self, node: Node, index: int, name: str, output: QTensor) -> str:
        if name in self.source.constants:
            return self._constant(node, index, name, output if node.op.ties else None)
        x = self.values[name]
        if not node.op.ties or same_quantization(x, output):
            return name
        between = f"{node.name}_operand_{index}"
        tied = replace(output, shape=x.shape)
        self._add(f"{between}_requantize", Requantize(), (name,), between, tied)
        return between

    def _constant(self, node: Node, index: int, name: str, tied: QTensor | None) -> str:
        """Quantize a constant operand like an activation of its range, or as the op ties it; integers stay."""
        own = f"{node.name}_constant_{index}"
        constant = self.source.constants[name]
        if isinstance(constant, QConstant) and tied is None and constant.values.dtype == np.int8:
            self.constants[own] = constant
            return own
        real = self.source.real(name)
        in_bytes = replace(self.scheme, activation_bits=8)
        tensor = tied or in_bytes.activation(real.shape, Range(float(real.min()), float(real.max())))
        self.constants[own] = QConstant(tensor.quantize(real), np.array([tensor.scale]), tensor.zero_point)
        return own

    def _weighted(self, node: Node, output: QTensor) -> tuple[str, ...]:
        """Quantize a layer's weights, and its bias at the scale of its products."""
        x, axis = self.values[node.inputs[0]], node.op.weights_axis
        assert axis is not None
        channels = self.source.shape(node.inputs[1])[axis]
        real = self.source.real(node.inputs[2]) if len(node.inputs) > 2 else np.zeros(channels)
        bias = real.astype(np.float64).ravel()
        names = (f"{node.name}_weights", f"{node.name}_bias")
        for_bias = np.abs(bias) / (x.scale * MAX_BIAS)
        weights = self._weights(node, axis, np.maximum(for_bias, LEAST_MULTIPLIER * output.scale / x.scale))
        kinds = [isinstance(self.source.constants[name], QConstant) for name in node.inputs[1:]]
        is_trained = kinds == [True, False]  # integers that stay, beside a real bias
        weights = raised(weights, for_bias) if is_trained else weights
        self.constants[names[0]] = weights
        only_signs = signs_only(self.source, node.outputs[0])
        faster = 0 if only_signs or weights.bits in (1, 8) else shifting_bits(bias, x.scale, weights, output)
        if len(node.inputs) == 2 and not faster:
            return (node.inputs[0], names[0])
        if only_signs:
            bias = sign_bias(bias, x.scale * weights.scale, output.scale)
        fraction = max(faster, fraction_bits(bias, x.scale, weights, output) if is_trained else 0)
        self.constants[names[1]] = quantize_bias(bias, x.scale, weights, fraction)
        return (node.inputs[0], *names)

    def _weights(self, node: Node, axis: int, least: Array) -> QConstant:
        """Quantize weights with scales of at least ``least``, per channel."""
        constant, scheme = self.source.constants[node.inputs[1]], self.layers.get(node.name, self.scheme)
        if isinstance(constant, QConstant):
            return constant
        real = np.moveaxis(constant.astype(np.float64), axis, 0)
        channels = real.reshape(len(real), -1)
        if scheme.weights == "channel":
            largest = largest_kept(channels, scheme)
        else:
            largest = (
                self.network_largest if scheme.weights == "network" else largest_kept(channels.reshape(1, -1), scheme)
            )
            least = least.max()
        scale = scheme.weight_scales(np.maximum(largest, least * scheme.limit))
        integers = np.clip(rounded(channels / scale[:, np.newaxis]), scheme.lowest, scheme.limit).astype(np.int8)
        values = np.ascontiguousarray(np.moveaxis(integers.reshape(real.shape), 0, axis))
        weights = QConstant(values, scale, bits=scheme.bits, axis=axis)
        return with_codebook(weights, constant, scheme) if scheme.codebook else weights

    @cached_property
    def network_largest(self) -> Array:
        """The largest magnitude of any layer's weights that is kept, [1]."""
        names = {node.inputs[1] for node in self.source.nodes if node.op.weights_axis is not None}
        return largest_kept(
            np.concatenate([self.source.real(name).ravel() for name in sorted(names)])[np.newaxis], self.scheme
        )


def largest_kept(rows: Array, scheme: Scheme) -> Array:
    """Return, for weights [rows, n] that share a scale by row, what the largest integer shall stand for, [rows].

    So much that no weight is clipped; with ``scheme.clip`` what has the least squared error of clipping and rounding.
    """
    rows = rows.astype(np.float64)
    largest = np.maximum(rows.max(axis=1), rows.min(axis=1) * (scheme.limit / scheme.lowest))
    if not scheme.clip:
        return np.asarray(largest)
    best, least = largest, np.full(len(rows), np.inf)
    for fraction in CLIP_FRACTIONS:
        scale = scheme.weight_scales(largest * fraction)[:, np.newaxis]
        error = np.sum((np.clip(np.round(rows / scale), scheme.lowest, scheme.limit) * scale - rows) ** 2, axis=1)
        best, least = np.where(error < least, largest * fraction, best), np.minimum(error, least)
    return np.asarray(best)


def _wanted(graph: FloatGraph, ranges: Mapping[str, Range], schemes: Mapping[str, Scheme]) -> dict[str, QTensor]:
    """Return every activation's quantization: one for all values that ops tie to each other."""
    if any(scheme.activations == "network" for scheme in schemes.values()):
        widest = reduce(Range.union, (_range(ranges, name) for name in graph.shapes if name not in graph.known))
        ranges = dict.fromkeys(graph.shapes, widest)
    groups = tied_groups(graph)
    fixed = {node.outputs[0]: node.op.fixed_output for node in graph.nodes if node.op.fixed_output}
    wanted: dict[str, QTensor] = {}
    for members in groups:
        known = [graph.known[name] for name in members if name in graph.known]
        if known:
            common = known[0]
        else:
            unseen = len(members) == 1 and members[0] in fixed and members[0] not in ranges
            observed = NO_RANGE if unseen else reduce(Range.union, (_range(ranges, name) for name in members))
            common = _fixed(members, fixed, observed) or schemes[members[0]].activation((), observed)
        for name in members:
            wanted[name] = replace(graph.known.get(name, common), shape=graph.shapes[name])
    return wanted


def needs_calibration(graph: FloatGraph) -> list[str]:
    """Return the activations whose quantization neither the model nor an operator determines."""
    fixed = {node.outputs[0] for node in graph.nodes if node.op.fixed_output}
    groups = [members for members in tied_groups(graph) if not any(name in graph.known for name in members)]
    return [members[0] for members in groups if len(members) > 1 or members[0] not in fixed]


def _range(ranges: Mapping[str, Range], name: str) -> Range:
    if name not in ranges:
        raise CannotQuantizeError(f"{name} has no range: calibrate with samples that run through it")
    low, high = ranges[name]
    if not (np.isfinite(low) and np.isfinite(high)):
        raise CannotQuantizeError(f"{name} takes the values {low:g}..{high:g}: the model or its samples are not finite")
    return ranges[name]


def _fixed(members: Sequence[str], fixed: Mapping[str, QTensor], observed: Range) -> QTensor | None:
    """Return the quantization that an op of the group insists on, if it holds the group's range."""
    for name in members:
        if name in fixed:
            low, high = fixed[name].limits
            scale, zero_point = fixed[name].scale, fixed[name].zero_point
            held = Range(scale * (low - 0.5 - zero_point), scale * (high + 1.5 - zero_point))
            if held.low <= observed.low and observed.high <= held.high:
                return fixed[name]
    return None
