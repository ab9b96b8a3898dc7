"""One candidate: quantize, compile for the board, score. What a worker does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mcuq import archive, fit, loading, pipeline, simulator
from mcuq.archive import Archive
from mcuq.errors import CannotQuantizeError
from mcuq.fit import footprint
from mcuq.fit.regions import Place
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.passes.split_channels import split_channels
from mcuq.plan import Plan
from mcuq.quantization import quantize_calibrated
from mcuq.quantization.scheme import Range, Scheme
from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.formats import scheme_of
from mcuq.search.task import Task
from mcuq.search.threads import one_thread
from mcuq.tensor import Array


def measured(task: Task, candidate: Candidate) -> tuple[Candidate, Measurement]:
    """Return a candidate and what it costs."""
    with one_thread():
        try:
            return candidate, _measurement(task, built(task, candidate).graph)
        except CannotQuantizeError as error:
            return candidate, Measurement(0, 0, 0, 0.0, problem=str(error))


def built(task: Task, candidate: Candidate) -> Archive:
    """Return the quantized model of a candidate."""
    source, ranges, schemes = _described(task, candidate)
    options = replace(task.options, codebook_energy=True)
    graph = quantize_calibrated(source, ranges, options, schemes, inputs=task.kept)
    return loading.with_source(graph, source, task.kept)


def compiled(task: Task, graph: Graph) -> Plan:
    """Lower a quantized model for the board of the search."""
    return pipeline.compile_for(Archive(graph), task.board, task.framework, task.setup)


def _described(task: Task, candidate: Candidate) -> tuple[FloatGraph, Mapping[str, Range], Mapping[str, Scheme]]:
    """Return the float model with layers split, the ranges of its activations, and the schemes of its layers."""
    source, ranges, widest = task.source, dict(task.ranges), task.options.kind
    schemes: dict[str, Scheme] = {}
    for layer, choice in candidate.choices:
        if not choice.first:
            schemes[layer] = scheme_of(choice.format, widest)
            continue
        source = split_channels(source, layer, choice.first)
        (joined,) = (node for node in source.nodes if node.name == layer)
        for name, format_ in zip(joined.inputs, (choice.format, choice.rest), strict=True):
            (part,) = (node for node in source.nodes if node.outputs[0] == name)
            schemes[part.name] = scheme_of(format_, widest)
            if joined.outputs[0] in ranges:
                ranges[name] = ranges[joined.outputs[0]]
    return source, ranges, schemes


def _measurement(task: Task, graph: Graph) -> Measurement:
    plan = compiled(task, graph)
    extra = pipeline.application_extra(plan)
    report = fit.estimate(plan, Place(task.board, task.framework, task.setup, extra))
    code = dict(footprint.code(plan, task.board.chip.isa))
    right, noise = _score(task, graph)
    return Measurement(
        weights=footprint.weight_bytes(plan),
        flash=footprint.total(footprint.constants(plan)) + code.get("kernels", 0) + code.get("calls", 0),
        hits=int(right.sum()),
        noise=noise,
        right=np.packbits(right).tobytes().hex(),
        digest=archive.digest(graph),
        problem=report.shortfall,
    )


def _score(task: Task, graph: Graph) -> tuple[Array, float]:
    """Return which samples are right, bool, and the mean squared error of the output.

    Weights lie one to a byte meanwhile: the same integers, without unpacking them.
    """
    constants = {name: constant.in_bytes for name, constant in graph.constants.items()}
    plan = pipeline.compile(replace(graph, constants=constants))
    name = graph.outputs[0]
    output = simulator.simulate(plan, task.inputs)[name].reshape(task.wanted.shape)
    real = graph.values[name].dequantize(output)
    error = real.astype(np.float64) - task.wanted
    return task.judged.right(real, task.labels), float(np.mean(error**2))
