"""From real numbers to integers: ranges, schemes, corrections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.quantization.activations import keeps_8_bits, tied_groups, weights_of
from mcuq.quantization.auto import search
from mcuq.quantization.bias_correction import correct_biases, corrected
from mcuq.quantization.calibrate import Calibration, Progress, calibrate_all
from mcuq.quantization.deciding import Trial, can_decide, decide
from mcuq.quantization.equalization import equalize, pairs
from mcuq.quantization.mixed import assigned
from mcuq.quantization.options import DEFAULT, Options
from mcuq.quantization.quantizer import quantize_graph
from mcuq.quantization.reconstruction import reconstruct
from mcuq.quantization.rounding import weigh_codebooks
from mcuq.quantization.scheme import Range, Scheme
from mcuq.quantization.tensors import needs_calibration
from mcuq.tensor import Array

__all__ = ["DEFAULT", "Options", "Progress", "Result", "Trial", "quantize", "quantize_calibrated"]


@dataclass(frozen=True, eq=False)
class Result:
    """A quantized model and how it came about.

    Attributes:
        graph: the quantized model.
        source: the float model as it was quantized: equalization changes it.
        options: as applied; with ``auto``, what was chosen.
        ranges: of the activations that were calibrated.
        calibration: what was seen, with a bounded number of the samples; None where nothing had to be calibrated.
        trials: what was tried, to decide on what the options leave open.
    """

    graph: Graph
    source: FloatGraph
    options: Options
    ranges: Mapping[str, Range]
    calibration: Calibration | None
    trials: tuple[Trial, ...] = ()


def quantize(
    graph: FloatGraph, calibration: Any, options: Options = DEFAULT, progress: Progress | None = None
) -> Result:
    """Turn a float model into integers.

    Args:
        graph: the float model, passes applied.
        calibration: samples of any kind that ``samples.batches`` takes, gone through once; None for a model that
            brings the quantization of all its activations along.
        options: what to do.
        progress: told the stage, steps done and steps in all (None where not known).

    Raises:
        UsageError: for missing or unfit samples, or options that do not exist.
        CannotQuantizeError: naming the layer.
    """
    if not options.codebook and (options.codebook_channels or options.codebook_energy):
        what = "codebook_channels" if options.codebook_channels else "codebook_energy"
        raise UsageError(f"{what} is for codebooks, and there are none; choose codebook 4 or 16 too")
    if calibration is None:
        if needed := needs_calibration(graph):
            raise UsageError(f"{needed[0]} has no range: this model needs calibration samples")
        if options.weight_bytes:
            raise UsageError("bits within a number of bytes are chosen by calibration samples; give some")
        if options.codebook_energy:
            raise UsageError("codebooks by the energy of inputs need calibration samples")
        return Result(quantize_graph(graph, {}, options.kind, layer_schemes(graph, options)), graph, options, {}, None)
    if options.weight_bytes and (options.bits, options.codebook) != (8, 0):
        raise UsageError("weight_bytes chooses the bits of layers; give bits of single ones by layer_bits")
    schemes = layer_schemes(graph, options)
    if options.auto or (options.corrections is None and next(pairs(graph), None)):
        variants = {False: graph, True: equalize(graph)}
    else:
        equalized = "equalization" in options.fixed_corrections
        variants = {equalized: equalize(graph) if equalized else graph}
    seen = dict(zip(variants, calibrate_all(list(variants.values()), calibration, progress), strict=True))
    return _Quantization(seen, schemes, progress).result(options)


def layer_schemes(graph: FloatGraph, options: Options) -> dict[str, Scheme]:
    """Return the schemes of layers that have a number of bits of their own, for weights or output.

    Raises:
        UsageError: for a layer that does not exist, has no weights, or whose output keeps 8 bits.
    """
    names = [node.name for node in graph.nodes if weights_of(node)]
    if unknown := [name for name in options.layer_bits if name not in names]:
        raise UsageError(f"{unknown[0]} is no layer with weights; those of the model are {', '.join(names)}")
    schemes = {name: options.layer_kind(bits) for name, bits in options.layer_bits.items()}
    free = {name for members in tied_groups(graph) if not keeps_8_bits(graph, members) for name in members}
    layers = [node.name for node in graph.nodes if node.outputs[0] in free]
    for name, bits in options.layer_activation_bits.items():
        if name not in layers:
            able = ", ".join(layers) or "none"
            raise UsageError(f"{name} is no layer whose output can have fewer than 8 bits; those are {able}")
        schemes[name] = replace(schemes.get(name, options.kind), activation_bits=bits)
    return schemes


class _Quantization:
    """Calibrated variants of a model: as it came, and equalized."""

    def __init__(
        self, seen: Mapping[bool, Calibration], schemes: Mapping[str, Scheme], progress: Progress | None
    ) -> None:
        self.seen, self.schemes, self.progress = seen, schemes, progress

    def result(self, options: Options) -> Result:
        trials: list[Trial] = []
        if (options.auto or options != options.fixed) and can_decide(next(iter(self.seen.values()))):
            choose = search if options.auto else decide
            options, trials = choose(self.seen, options, self.schemes, self._made, self.progress)
        options = options.fixed
        seen = self.seen["equalization" in options.fixed_corrections]
        ranges = seen.ranges(options.fixed_method, options.kind, options.layer_methods, self.schemes)
        if options.weight_bytes:
            options = self._within_bytes(seen, ranges, options)
        graph = quantize_calibrated(seen.graph, ranges, options, self.schemes, inputs=seen.kept, progress=self.progress)
        return Result(graph, seen.graph, options, ranges, seen, tuple(trials))

    def _within_bytes(self, seen: Calibration, ranges: Mapping[str, Range], options: Options) -> Options:
        """Choose the bits of layers; return options that say so."""
        widest = quantize_graph(seen.graph, ranges, options.kind, self.schemes)
        bits = assigned(seen.graph, widest, seen.kept, options, self.progress)
        options = replace(options, layer_bits={**options.layer_bits, **bits})
        self.schemes = layer_schemes(seen.graph, options)
        return options

    def _made(self, options: Options, seen: Calibration) -> tuple[FloatGraph, Graph]:
        """Quantize by what was seen of some samples."""
        ranges = seen.ranges(options.fixed_method, options.kind, options.layer_methods, self.schemes)
        return seen.graph, quantize_calibrated(seen.graph, ranges, options, self.schemes, inputs=seen.kept)


def quantize_calibrated(
    source: FloatGraph,
    ranges: Mapping[str, Range],
    options: Options,
    schemes: Mapping[str, Scheme],
    *,
    inputs: Mapping[str, Array],
    progress: Progress | None = None,
) -> Graph:
    """Turn a float model whose activations were observed into integers.

    Args:
        source: the float model, equalized if the options say so.
        ranges: of every activation that is not ``known``.
        options: what to do; ``schemes`` stand for their ``layer_bits``.
        schemes: of layers that are not quantized as all others.
        inputs: float32 [samples, *shape] per model input, for the corrections.
        progress: told the stage, steps done and steps in all.
    """
    graph = quantize_graph(source, ranges, options.kind, schemes)
    if options.codebook_energy and any(c.codebook is not None for c in graph.constants.values()):
        graph = weigh_codebooks(source, graph, inputs, options.kind, layers=schemes, progress=progress)
    biases = corrected if "bias" in options.fixed_corrections else None
    if "rounding" in options.fixed_corrections:
        kind = options.kind
        return reconstruct(source, graph, inputs, kind, layers=schemes, progress=progress, then=biases)
    return correct_biases(source, graph, inputs, progress) if biases else graph
