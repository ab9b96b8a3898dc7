"""A model's layers as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.page.layers import facts
from mcuq.passes.fold_constant_channels import fold_constant_channels, saved
from mcuq.passes.frames import frame_notes
from mcuq.report import Report, thousands


def inspection(graph: Graph | FloatGraph) -> Report:
    """Report a model's layers."""
    return _quantized_inspection(graph) if isinstance(graph, Graph) else _float_inspection(graph)


def _float_inspection(graph: FloatGraph) -> Report:
    layers: list[dict[str, Any]] = []
    for node in graph.nodes:
        shapes = [graph.shape(name) for name in node.inputs]
        parameters = sum(int(np.prod(graph.shape(n))) for n in node.inputs if n in graph.constants)
        shape = graph.shapes[node.outputs[0]]
        layers.append({"name": node.name, "op": node.op.name, "shape": shape, "parameters": parameters})
        layers[-1]["macs"] = node.op.macs(*shapes)
    totals = {key: sum(int(layer[key]) for layer in layers) for key in ("parameters", "macs")}
    borders = {n: {"shape": graph.shapes[n], "dtype": "float32"} for n in (*graph.inputs, *graph.outputs)}
    rows = [
        [
            layer["name"],
            " x ".join(map(str, layer["shape"])),
            thousands(layer["parameters"]),
            thousands(layer["macs"]),
        ]
        for layer in layers
    ]
    lines = [f"{thousands(totals['parameters'])} parameters, {thousands(totals['macs'])} multiply-accumulates"]
    for kind, names in (("input", graph.inputs), ("output", graph.outputs)):
        lines += [f"{kind} {name}: float, {' x '.join(map(str, graph.shapes[name]))}" for name in names]
    lines.append("a float model: `mcuq quantize` makes integers of it")
    data = {"model": graph.name, "borders": borders, "layers": layers, **totals}
    return Report("inspect", data, graph.name, ["layer", "output", ">parameters", ">MACs"], rows, lines)


def _quantized_inspection(graph: Graph) -> Report:
    layers: list[dict[str, Any]] = []
    for node in graph.nodes:
        output, known = graph.values[node.outputs[0]], facts(graph, node)
        layers.append(
            {
                "name": node.name,
                "op": known.op,
                "shape": known.shape,
                "parameters": known.parameters,
                "macs": known.macs,
                "bits": output.bits,
                "scale": output.scale,
                "zero_point": output.zero_point,
                "weights": _granularity(graph, node.inputs),
            }
        )
    totals = {key: sum(int(layer[key]) for layer in layers) for key in ("parameters", "macs")}
    borders = {n: dataclasses.asdict(graph.values[n]) for n in (*graph.inputs, *graph.outputs)}
    data = {"model": graph.name, "borders": borders, "layers": layers, **totals}
    rows = [
        [
            layer["name"],
            " x ".join(map(str, layer["shape"])) + _few_bits(layer["bits"]),
            thousands(layer["parameters"]),
            thousands(layer["macs"]),
            layer["weights"],
            f"{layer['scale']:.6g}",
            str(layer["zero_point"]),
        ]
        for layer in layers
    ]
    lines = [f"{thousands(totals['parameters'])} parameters, {thousands(totals['macs'])} multiply-accumulates"]
    for kind, names in (("input", graph.inputs), ("output", graph.outputs)):
        for name in names:
            t = graph.values[name]
            shape = " x ".join(map(str, t.shape))
            lines.append(f"{kind} {name}: {t.dtype} {shape}, scale {t.scale:.6g}, zero point {t.zero_point}")
    lines += frame_notes(graph)
    lines += saved(graph, fold_constant_channels(graph)).lines
    columns = ["layer", "output", ">parameters", ">MACs", "weights", ">scale", ">zero point"]
    return Report("inspect", data, graph.name, columns, rows, lines)


def _few_bits(bits: int) -> str:
    if bits == 8:
        return ""
    return ", signs" if bits == 1 else f", int{bits}"


def _granularity(graph: Graph, inputs: Sequence[str]) -> str:
    constants = [graph.constants[name] for name in inputs[1:2] if name in graph.constants]
    if not constants:
        return ""
    weights = constants[0]
    granularity = f"per {'channel' if weights.scale.size > 1 else 'tensor'}"
    if weights.codebook is None:
        return f"{'binary' if weights.bits == 1 else f'int{weights.bits}'} {granularity}"
    books = len(np.unique(weights.codebook, axis=0))
    return f"{'codebook' if books == 1 else f'{books} codebooks'} of {weights.codebook.shape[1]}"
