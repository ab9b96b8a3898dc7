"""Models trained with ``mcuq.qat``: their integers go around the exporter and are put back behind it.

The exported copy has ordinary layers whose weights are addresses: a number of its own for every integer of the model.
Whatever the exporter and the reader do to the order and the dimensions of weights, the addresses tell which integer
belongs where; what is not addresses any more was computed with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.binarize import Binarize
from mcuq.ops.groups import REARRANGING
from mcuq.ops.pad import Pad
from mcuq.ops.requantize import Requantize
from mcuq.passes.rewriting import free_name, producers
from mcuq.tensor import Array, QConstant, QTensor

if TYPE_CHECKING:
    import torch

    from mcuq.qat import LayerIntegers

FIRST = 0x3F800000  # the float32 1.0, as an integer: from here on all are ordinary numbers


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained layer: its name, its integers and the address of the first."""

    name: str
    layer: LayerIntegers
    first: int

    @property
    def end(self) -> int:
        """The address behind the last integer."""
        return self.first + self.layer.weights.size


def is_prepared(model: torch.nn.Module) -> bool:
    """Whether a module has layers that ``mcuq.qat.prepare`` made."""
    from mcuq.qat.layer import QuantizedLayer

    return any(isinstance(module, QuantizedLayer) for module in model.modules())


def with_addresses(prepared: torch.nn.Module) -> tuple[Any, list[Trained]]:
    """Return a copy to be exported, and what its addresses stand for.

    Raises:
        UsageError: for a model that was not trained.
    """
    import torch

    from mcuq import qat

    model, trained, first = qat.plain(prepared), list[Trained](), FIRST
    for name, layer in qat.integers(prepared).items():
        module = model.get_submodule(name)
        ordinary = module[1] if isinstance(module, torch.nn.Sequential) else module
        addresses = np.arange(first, first + layer.weights.size, dtype=np.uint32).view(np.float32)
        ordinary.weight = torch.nn.Parameter(torch.from_numpy(addresses.reshape(layer.weights.shape)))
        trained.append(Trained(name, layer, first))
        first = trained[-1].end
    return model.eval(), trained


def with_trained(graph: FloatGraph, trained: Sequence[Trained]) -> FloatGraph:
    """Put integers in the place of addresses, and the quantization of their input in front of layers.

    Raises:
        UnsupportedOperatorError: for a layer whose addresses are not to be found.
    """
    found: set[str] = set()
    for node in graph.nodes:
        if node.op.weights_axis is not None and (own := _at(graph, node, trained)):
            weights = _integers(own, graph.constants[node.inputs[1]], node.op.weights_axis)
            name = free_name(f"{node.name}_trained", {*graph.shapes, *graph.constants})
            layer = replace(node, inputs=(node.inputs[0], name, *node.inputs[2:]))
            graph = replace(_with_node(graph, layer), constants={**graph.constants, name: weights})
            graph = _with_input(graph, layer, own.layer)
            found.add(own.name)
    if missing := [own.name for own in trained if own.name not in found]:
        raise UnsupportedOperatorError(
            f"the trained layer {missing[0]} is not in the exported model: inference does not use it, or computes with "
            "its weights"
        )
    return graph


def _at(graph: FloatGraph, node: Node, trained: Sequence[Trained]) -> Trained | None:
    """Return the trained layer whose addresses a node has as weights: all of them, each once."""
    constant = graph.constants.get(node.inputs[1])
    if not isinstance(constant, np.ndarray) or not constant.size:
        return None
    addresses = np.sort(_addresses(constant).ravel())
    for own in trained:
        if own.first == addresses[0] and np.array_equal(addresses, np.arange(own.first, own.end)):
            return own
    return None


def _addresses(constant: Array) -> Array:
    return np.ascontiguousarray(constant, np.float32).view(np.uint32).astype(np.int64)


def _integers(own: Trained, constant: Array | QConstant, axis: int) -> QConstant:
    """Return a layer's integers in the order of its addresses, whose output channels lie along ``axis``."""
    assert isinstance(constant, np.ndarray)
    layer, places = own.layer, _addresses(constant) - own.first
    outputs = len(layer.weights)
    channels = np.moveaxis(places // (layer.weights.size // outputs), axis, 0).reshape(outputs, -1)
    if np.any(channels != np.arange(outputs)[:, np.newaxis]):
        raise UnsupportedOperatorError(f"the exporter spread the output channels of {own.name}")
    values = layer.weights.ravel()[places]
    return QConstant(values, layer.scale, bits=layer.bits, axis=axis, codebook=layer.codebook)


def _with_input(graph: FloatGraph, node: Node, layer: LayerIntegers) -> FloatGraph:
    """Quantize what a layer reads as it was in training; of signs, what they are taken of."""
    if layer.activation_bits is None:
        return graph
    assert layer.activation_scale is not None and layer.activation_zero_point is not None
    known = dict(graph.known)
    if layer.activation_bits == 1:
        node = _signs(graph, node)
        known[node.outputs[0]] = QTensor(graph.shapes[node.outputs[0]], 1.0, 0, bits=1)
    x = node.inputs[0]
    name = free_name(f"{node.name}_input", {*graph.shapes, *graph.constants, *(n.name for n in graph.nodes)})
    bits = 8 if layer.activation_bits == 1 else layer.activation_bits
    known[name] = QTensor(graph.shapes[x], layer.activation_scale, layer.activation_zero_point, bits=bits)
    before = Node(name, Requantize(), (x,), (name,))
    behind = replace(node, inputs=(name, *node.inputs[1:]))
    nodes = [made for n in graph.nodes for made in ((before, behind) if n.name == node.name else (n,))]
    shapes = {**graph.shapes, name: graph.shapes[x]}
    return replace(graph, nodes=tuple(nodes), shapes=shapes, known=known)


def _signs(graph: FloatGraph, node: Node) -> Node:
    """Return the node that makes the signs which a layer reads; padding and order of dimensions may lie between."""
    made = producers(graph)
    before = made[node.inputs[0]]
    while isinstance(before.op, (Pad, *REARRANGING)):
        before = made[before.inputs[0]]
    assert isinstance(before.op, Binarize)
    return before


def _with_node(graph: FloatGraph, node: Node) -> FloatGraph:
    return replace(graph, nodes=tuple(node if n.name == node.name else n for n in graph.nodes))
