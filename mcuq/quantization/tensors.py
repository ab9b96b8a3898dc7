"""Which quantization every activation gets: from its range, from the model itself, or from an operator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.float_graph import FloatGraph
from mcuq.ops.int16 import INT16_MAX
from mcuq.ops.recurrent import STATE_POWERS, GatedOp
from mcuq.quantization.activations import tied_groups
from mcuq.quantization.scheme import Range, Scheme
from mcuq.tensor import QTensor, Shape

NO_RANGE = Range(0.0, 0.0)


def activation_tensors(
    graph: FloatGraph, ranges: Mapping[str, Range], schemes: Mapping[str, Scheme]
) -> dict[str, QTensor]:
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
    for node in graph.nodes:
        for place, output in zip(node.op.wide_operands, node.op.wide_outputs, strict=True):
            name = node.outputs[output]
            remembered = _remembered if isinstance(node.op, GatedOp) else _linear
            wanted[name] = graph.known.get(name) or remembered(graph.shapes[name], _range(ranges, name))
            if node.inputs[place] in wanted:
                wanted[node.inputs[place]] = wanted[name]
    return wanted


def _remembered(shape: Shape, observed: Range) -> QTensor:
    """Return the quantization of what is remembered in 16 bits: a power of two as scale."""
    largest = max(abs(observed.low), abs(observed.high)) / INT16_MAX
    power = math.ceil(math.log2(max(largest, 2.0 ** STATE_POWERS[0])))
    return QTensor(shape, 2.0 ** min(power, STATE_POWERS[-1]), 0, "int16")


def _linear(shape: Shape, observed: Range) -> QTensor:
    """Return the quantization of what is remembered in 16 bits and no function is taken of: any scale."""
    largest = max(abs(observed.low), abs(observed.high), 2.0 ** STATE_POWERS[0])
    return QTensor(shape, largest / INT16_MAX, 0, "int16")


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
