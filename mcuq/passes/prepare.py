"""What a float model goes through before it is quantized."""

from __future__ import annotations

from dataclasses import replace

from mcuq.errors import MalformedModelError
from mcuq.float_graph import FloatGraph
from mcuq.passes.absorb_requantize import absorb_requantize
from mcuq.passes.align_ranks import align_ranks
from mcuq.passes.channels_last import channels_last
from mcuq.passes.fold_affine import fold_affine
from mcuq.passes.fold_constants import fold_constants
from mcuq.passes.fold_into_products import fold_into_products
from mcuq.passes.fuse_activations import fuse_activations
from mcuq.passes.merge_pads import merge_pads
from mcuq.passes.recognize_activations import recognize_activations
from mcuq.passes.recognize_blocks import recognize_blocks
from mcuq.passes.recognize_divisions import recognize_divisions
from mcuq.passes.recognize_masks import recognize_masks
from mcuq.passes.recognize_norms import recognize_norms
from mcuq.passes.remove_identities import remove_identities

PREPARATIONS = (
    align_ranks,
    fold_constants,
    recognize_norms,
    recognize_divisions,
    recognize_activations,
    recognize_blocks,
    channels_last,
)
SIMPLIFICATIONS = (
    remove_identities,
    merge_pads,
    fold_affine,
    fold_into_products,
    recognize_masks,
    fuse_activations,
    absorb_requantize,
)


def prepare(graph: FloatGraph) -> FloatGraph:
    """Return a graph that computes the same with NHWC layers, fewer of them, and no transposes of a format's making.

    Norms, activations and blocks are recognized before their pieces are folded into weights, and transposes vanish
    before folding and fusing, which look at neighbours. The simplifications are repeated until nothing changes: one
    makes way for another. To all of them what is remembered is an input, and what shall be is an output.

    Args:
        graph: as a reader made it, any layout.

    Raises:
        MalformedModelError: when the graph does not keep its promises.
    """
    if graph.states:
        return _with_states(prepare(_without_states(graph.verify())), graph)
    graph = graph.verify()
    for recognize in PREPARATIONS:
        graph = recognize(graph)
    while True:
        before = graph
        for simplify in SIMPLIFICATIONS:
            graph = simplify(graph)
        if graph.nodes == before.nodes:
            return graph.verify()


def _without_states(graph: FloatGraph) -> FloatGraph:
    reads = tuple(state.read for state in graph.states)
    writes = [state.write for state in graph.states if state.write not in (*graph.inputs, *reads)]
    outputs = tuple(dict.fromkeys([*graph.outputs, *writes]))
    return replace(graph, inputs=(*graph.inputs, *reads), outputs=outputs, states=())


def _with_states(graph: FloatGraph, original: FloatGraph) -> FloatGraph:
    if turned := [state.read for state in original.states if state.read in graph.layouts]:
        raise MalformedModelError(f"state {turned[0]} is read in another order of dimensions than it is written")
    initial = {state.initial: original.constants[state.initial] for state in original.states}
    constants = {**graph.constants, **initial}
    whole = replace(graph, inputs=original.inputs, outputs=original.outputs, constants=constants)
    return replace(whole, states=original.states).verify()
