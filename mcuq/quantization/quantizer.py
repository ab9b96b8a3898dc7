"""Float graph and ranges to a quantized graph: the one place where constants become integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType

import numpy as np

from mcuq.errors import CannotQuantizeError, McuqError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph, Node
from mcuq.ops.base import Op
from mcuq.ops.int16 import GATE_SCALE
from mcuq.ops.recurrent import GatedOp
from mcuq.ops.requantize import Requantize
from mcuq.ops.svdf import Svdf
from mcuq.passes.rewriting import same_quantization
from mcuq.quantization.activations import activation_schemes, weights_of
from mcuq.quantization.biases import (
    MAX_BIAS,
    fraction_bits,
    quantize_bias,
    rounded,
    shifting_bits,
    sign_bias,
    signs_only,
    time_scale,
)
from mcuq.quantization.codebooks import raised, with_codebook
from mcuq.quantization.scheme import Range, Scheme
from mcuq.quantization.tensors import activation_tensors
from mcuq.tensor import Array, QConstant, QTensor

LEAST_MULTIPLIER = 2.0**-21  # finer products round away; chips' fast kernels take no smaller ones
FINE, FINEST = 2.0**23, 1e-9  # the largest integer of a fine constant, the least largest real value of one
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
        self.wanted = activation_tensors(source, self.ranges, activation_schemes(source, self.scheme, self.layers))
        self.values |= {name: self.wanted[name] for name in (*source.inputs, *(s.read for s in source.states))}
        for node in source.nodes:
            try:
                self._node(node)
            except McuqError as error:
                raise error.at(node.name) from None
        for state in source.states:
            tensor = self.values[state.read]
            initial = tensor.quantize(source.real(state.initial))
            self.constants[state.initial] = QConstant(initial, np.array([tensor.scale]), tensor.zero_point)
        values, constants, nodes = self.values, self.constants, tuple(self.nodes)
        graph = Graph(source.name, source.inputs, source.outputs, nodes, values, constants, source.layouts)
        graph = replace(graph, states=source.states)
        return replace(graph, from_float=bool(self.ranges)).verify()

    def _node(self, node: Node) -> None:
        if isinstance(node.op, GatedOp | Svdf):
            (self._gated if isinstance(node.op, GatedOp) else self._filtered)(node)
            return
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
            return self._constant(node, index, name, output if node.op.is_tied(index) else None)
        x = self.values[name]
        if not node.op.is_tied(index) or same_quantization(x, output):
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
        if node.op.fine_constants:
            scale = max(float(np.abs(real).max(initial=0)), FINEST) / FINE
            self.constants[own] = QConstant(np.rint(real / scale).astype(np.int32), np.array([scale]))
            return own
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

    def _filtered(self, node: Node) -> None:
        """Quantize features, weights along time and bias of an SVDF layer, each per tensor."""
        (x, state), (output, after) = (
            [v[n] for n in names] for v, names in ((self.values, node.inputs[:2]), (self.wanted, node.outputs))
        )
        if {output.kind, x.kind} != {"affine"}:
            raise CannotQuantizeError(f"{node.op.name} layers have no {output.kind} scheme; choose the scheme affine")
        scheme = self.layers.get(node.name, self.scheme)
        features, time, *given = (self.source.real(name).astype(np.float64) for name in node.inputs[2:])
        bias = given[0].ravel() if given else np.zeros(1)
        along_time = time_scale(time, bias, output.elements, state.scale)
        scale = max(float(np.abs(features).max(initial=0)) / scheme.limit, LEAST_MULTIPLIER * state.scale / x.scale)
        small = np.clip(rounded(features / scale), scheme.lowest, scheme.limit).astype(np.int8)
        made = [
            QConstant(small, np.array([scale]), bits=scheme.bits),
            QConstant(rounded(time / along_time).astype(np.int16), np.array([along_time])),
            QConstant(
                rounded(bias / (state.scale * along_time)).astype(np.int32), np.array([state.scale * along_time])
            ),
        ][: len(node.inputs) - 2]
        names = [f"{node.name}_{what}" for what in ("features", "time", "bias")][: len(made)]
        self.constants |= dict(zip(names, made, strict=True))
        self.values |= {node.outputs[0]: output, node.outputs[1]: after}
        self.nodes.append(Node(node.name, node.op, (*node.inputs[:2], *names), node.outputs))

    def _gated(self, node: Node) -> None:
        """Quantize the weights of a layer that is run step by step, and what it remembers before the first one."""
        assert isinstance(node.op, GatedOp)
        x, output, at = self.values[node.inputs[0]], self.wanted[node.outputs[0]], node.op.weights_at
        if output.kind != "affine" or x.kind != "affine":
            raise CannotQuantizeError(f"{node.op.name} layers have no {output.kind} scheme; choose the scheme affine")
        inputs = [node.inputs[0], *(self._state(node, place) for place in range(1, at))]
        given, biases = node.inputs[at + 2 :], []
        for k, (tensor, what) in enumerate(((x, "weights"), (output, "recurrent"))):
            name = f"{node.name}_{what}"
            bias = self.source.real(given[k]).astype(np.float64).ravel() if k < len(given) else np.zeros(1)
            least = np.maximum(np.abs(bias) / MAX_BIAS, LEAST_MULTIPLIER * GATE_SCALE) / tensor.scale
            self.constants[name] = weights = self._weights(node, 0, least, at + k)
            inputs.append(name)
            if k < len(given):
                biases.append(f"{name}_bias")
                self.constants[biases[-1]] = quantize_bias(bias, tensor.scale, weights)
        inputs += biases
        self.values |= {name: self.wanted[name] for name in node.outputs}
        self.nodes.append(Node(node.name, node.op, tuple(inputs), node.outputs))

    def _state(self, node: Node, place: int) -> str:
        """Return what a layer remembers before the first step, quantized as it is after the last."""
        name, wide = node.inputs[place], node.op.wide_operands
        made = node.op.wide_outputs[wide.index(place)] if place in wide else 0
        tensor = replace(self.wanted[node.outputs[made]], shape=self.source.shape(name))
        own = f"{node.name}_state_{place}"
        if name in self.source.constants:
            self.constants[own] = QConstant(
                tensor.quantize(self.source.real(name)), np.array([tensor.scale]), tensor.zero_point
            )
            return own
        if same_quantization(self.values[name], tensor):
            return name
        self._add(f"{own}_requantize", Requantize(), (name,), own, tensor)
        return own

    def _weights(self, node: Node, axis: int, least: Array, place: int = 1) -> QConstant:
        """Quantize weights, operand ``place``, with scales of at least ``least``, per channel."""
        constant, scheme = self.source.constants[node.inputs[place]], self.layers.get(node.name, self.scheme)
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
        names = {name for node in self.source.nodes for name in weights_of(node)}
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
