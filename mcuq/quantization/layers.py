"""Float model and quantized model side by side, layer by layer: where corrections of constants hook in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.float_run import rounded, run, with_states
from mcuq.graph import Graph, Node
from mcuq.ops.base import ACTIVATIONS, Op, Real, activate
from mcuq.ops.window import parts_of
from mcuq.tensor import Array, QConstant, QTensor

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer with weights: what it gets and holds in the float and in the quantized model.

    Attributes:
        node: of the quantized model.
        float_input: [samples, *shape], what the float model computed.
        wanted: [samples, *shape], what the float model computed, before the fused activation.
        input: [samples, *shape], real values of the integers that the quantized model computed.
        float_weights: the float model's.
        float_bias: [channels], 0 where it has none.
        weights: of the quantized model.
        bias: of the quantized model, [channels] in real numbers.
        input_scale: of the integers.
        fraction: of the bias.
        output: of the quantized model.
        onward: given other outputs of some samples, before the fused activation, returns what the float model's outputs
            would be that depend on them.
    """

    node: Node
    float_input: Real
    wanted: Real
    input: Real
    float_weights: Array
    float_bias: Array
    weights: QConstant
    bias: Array
    input_scale: float
    fraction: int
    output: QTensor
    onward: Callable[[Real, slice], dict[str, Array]]

    def of(self, samples: slice) -> Layer:
        """Return the layer as it is with some of the samples."""
        float_input, wanted, given = (x[samples] for x in (self.float_input, self.wanted, self.input))
        return replace(self, float_input=float_input, wanted=wanted, input=given)

    @property
    def op(self) -> Op:
        """The operator without its fused activation, so that its output tells of every input."""
        return without_activation(self.node.op)

    def passes(self, y: Array) -> Array:
        """Return where the fused activation lets an output through as it is, bool."""
        low, high = ACTIVATIONS[getattr(self.node.op, "activation", "none")]
        return (y > (-np.inf if low is None else low)) & (y < (np.inf if high is None else high))

    @property
    def axis(self) -> int:
        """The dimension of the weights that holds the output channels."""
        assert self.node.op.weights_axis is not None
        return self.node.op.weights_axis


def without_activation(op: Op) -> Op:
    """Return an operator without its fused activation."""
    fields = {field.name for field in dataclasses.fields(op)}
    return replace(op, activation="none") if "activation" in fields else op  # type: ignore[call-arg]


What = Literal["weights", "bias"]
Correct = Callable[[Layer], Mapping[What, QConstant]]  # gives new weights, a new bias, or both


def correct_layers(  # noqa: PLR0917
    graph: FloatGraph,
    quantized: Graph,
    inputs: Mapping[str, Array],
    correct: Correct,
    stage: str,
    progress: Progress | None = None,
    *,
    then: Correct | None = None,
) -> Graph:
    """Replace weights or biases layer by layer, each knowing what the replaced ones before it make of its input.

    Args:
        graph: the float model.
        quantized: what ``quantize_graph`` made of it.
        inputs: float32 [samples, *shape] per model input.
        correct: given a layer, returns its new constants. Layers whose weights arrived as integers are left alone.
        stage: what to tell ``progress`` that is being done.
        progress: told the number of layers done.
        then: given the layer as it is now, returns newer constants.
    """
    corrections = [correct] if then is None else [correct, then]
    return _Walk(graph, quantized, inputs).corrected(corrections, stage, progress)


class _Walk:
    """The values of both models while they are needed, and the quantized model's constants and nodes so far."""

    def __init__(self, graph: FloatGraph, quantized: Graph, inputs: Mapping[str, Array]) -> None:
        self.graph, self.quantized = graph, quantized
        inputs = with_states(graph, inputs, {})  # the float model's states serve both: errors do not add up
        self.integers = {name: quantized.values[name].quantize(x) for name, x in inputs.items()}
        self.real = {name: rounded(graph, name, np.asarray(x, np.float32)) for name, x in inputs.items()}
        self.samples = len(next(iter(self.real.values())))
        self.constants = dict(quantized.constants)
        self.nodes: dict[str, Node] = {node.name: node for node in quantized.nodes}

    def corrected(self, corrections: Sequence[Correct], stage: str, progress: Progress | None) -> Graph:
        sources = {node.name: node for node in self.graph.nodes}
        last = {name: i for i, node in enumerate(self.quantized.nodes) for name in node.inputs}
        last_real = {name: node.name for node in self.graph.nodes for name in node.inputs}
        for i, node in enumerate(self.quantized.nodes):
            source = sources.get(node.name)
            before = None
            if source and self._is_correctable(source):
                before = self._before_activation(source)
                given = self._given(node)
                for correct in corrections:
                    now = self.nodes[node.name]
                    self._replace(now, correct(self._layer(source, now, before, given)))
                del given
            self._run(self.nodes[node.name])
            if source:
                self._run_real(source, before)
                for name in [n for n in self.real if last_real.get(n) == node.name]:
                    del self.real[name]
            for name in [n for n in self.integers if last.get(n, i) == i and n not in self.quantized.outputs]:
                del self.integers[name]
            if progress:
                progress(stage, i + 1, len(self.quantized.nodes))
        return replace(self.quantized, nodes=tuple(self.nodes.values()), constants=self.constants).verify()

    def _is_correctable(self, source: Node) -> bool:
        weighted = source.op.weights_axis is not None and source.inputs[0] in self.real
        return weighted and not isinstance(self.graph.constants.get(source.inputs[1]), QConstant)

    def _before_activation(self, source: Node) -> Real:
        """Return the float model's outputs of a layer before the fused activation, float32 [samples, *shape]."""
        op = without_activation(source.op)
        operands = [self.real[source.inputs[0]], *(self.graph.real(name) for name in source.inputs[1:])]
        return np.asarray(op.compute(*operands), np.float32)

    def _given(self, node: Node) -> Real:
        """Return the real values of the integers that a node gets, float32 [samples, *shape]."""
        x = self.quantized.values[node.inputs[0]]
        return x.dequantize(self.integers[node.inputs[0]]).reshape(-1, *x.shape)

    def _layer(self, source: Node, node: Node, before: Real, given: Real) -> Layer:
        graph, x = self.graph, self.quantized.values[node.inputs[0]]
        weights, axis = self.constants[node.inputs[1]], node.op.weights_axis
        assert axis is not None
        channels = weights.shape[axis]
        none = np.zeros(channels)
        return Layer(
            node=node,
            float_input=self.real[source.inputs[0]],
            wanted=before,
            input=given,
            float_weights=graph.real(source.inputs[1]),
            float_bias=graph.real(source.inputs[2]).ravel() if len(source.inputs) > 2 else none,
            weights=weights,
            bias=self.constants[node.inputs[2]].real().ravel() if len(node.inputs) > 2 else none,
            input_scale=x.scale,
            fraction=self.constants[node.inputs[2]].fraction if len(node.inputs) > 2 else 0,
            output=self.quantized.values[node.outputs[0]],
            onward=partial(self._onward, source),
        )

    def _onward(self, source: Node, before: Real, samples: slice) -> dict[str, Array]:
        graph, name = self.graph, source.outputs[0]
        rest = replace(graph, nodes=graph.nodes[graph.nodes.index(source) + 1 :], states=())
        values = {each: x[samples] if len(x) == self.samples else x for each, x in self.real.items()}
        values[name] = rounded(graph, name, activate(getattr(source.op, "activation", "none"), before))
        return {each: values[each] for each in graph.outputs if each == name} | run(rest, values)

    def _replace(self, node: Node, constants: Mapping[What, QConstant]) -> None:
        if "weights" in constants:
            self.constants[node.inputs[1]] = constants["weights"]
        bias = constants.get("bias")
        if bias is None:
            return
        if len(node.inputs) == 2:
            if not np.any(bias.values):
                return
            node = self.nodes[node.name] = replace(node, inputs=(*node.inputs, f"{node.name}_bias"))
        self.constants[node.inputs[2]] = bias

    def _run(self, node: Node) -> None:
        """Compute the integers of a node."""
        tensors = [self.constants[n] if n in self.constants else self.quantized.values[n] for n in node.inputs]
        output = self.quantized.values[node.outputs[0]]
        params = node.op.lower(tensors, output)
        parts = []
        for samples in self._parts(node):
            operands = [self._operand(name, samples) for name in node.inputs[: node.op.operands]]
            parts.append(params.run_all(*operands))
        for name, made in zip(node.outputs, zip(*parts, strict=True), strict=True):
            tensor = self.quantized.values[name]
            self.integers[name] = (
                np.ascontiguousarray(np.concatenate(made)).view(tensor.dtype).reshape(-1, *tensor.shape)
            )

    def _operand(self, name: str, samples: slice) -> Array:
        """Return some samples of an operand, [samples, elements]."""
        count = samples.stop - samples.start
        if name in self.integers:
            return np.ascontiguousarray(self.integers[name][samples].reshape(count, -1))
        values = self.constants[name].values.reshape(1, -1)
        return np.ascontiguousarray(np.broadcast_to(values, (count, values.size)))

    def _run_real(self, source: Node, before: Real | None = None) -> None:
        """Compute the real values of a node, of a layer from what it gives before its activation."""
        if before is not None:
            after = activate(getattr(source.op, "activation", "none"), before)
            self.real[source.outputs[0]] = rounded(self.graph, source.outputs[0], after)
            return
        parts = []
        for samples in self._parts(source):
            operands = [self.real[n][samples] if n in self.real else self.graph.real(n) for n in source.inputs]
            parts.append(source.op.observe(*operands)[0])
        for name, made in zip(source.outputs, zip(*parts, strict=True), strict=True):
            self.real[name] = rounded(self.graph, name, np.asarray(np.concatenate(made), np.float32))

    def _parts(self, node: Node) -> Iterator[slice]:
        """Cut the samples so that a node's windows over some of them, and its output, stay in bounds."""
        values = self.quantized.values
        elements = [values[name].elements for name in (*node.inputs, *node.outputs) if name in values]
        return parts_of(self.samples, 4 * max(elements))

    def outputs(self) -> Iterator[tuple[str, Array]]:
        """Run all nodes; yield the real values of the model's outputs."""
        for node in self.quantized.nodes:
            self._run(node)
        for name in self.quantized.outputs:
            yield name, self.quantized.values[name].dequantize(self.integers[name])


def run_integers(graph: FloatGraph, quantized: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return what the integers of the quantized model's outputs stand for, float32 [samples, *shape] each."""
    return dict(_Walk(graph, quantized, inputs).outputs())
