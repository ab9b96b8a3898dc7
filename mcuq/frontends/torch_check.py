"""Whether the graph computes what the module does: PyTorch's exporter drops arguments that ONNX lacks, in silence.

Module (or program) and graph run on the example; where they differ, the first layer that does is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from mcuq import float_run
from mcuq.errors import McuqError, UnsupportedOperatorError
from mcuq.float_graph import FloatGraph
from mcuq.tensor import Array

if TYPE_CHECKING:
    import torch

CLOSE = 1e-3  # of the largest value: what sums in another order, and folded constants, may change
CLOSE_QUANTIZED = 0.15  # of the values' root mean square: values at a tie round either way, layer after layer
SEED = 0

Read = Callable[[bytes], FloatGraph]


def examples(graph: FloatGraph, given: Sequence[torch.Tensor] | None) -> list[torch.Tensor]:
    """Return a sample of every input: the given ones, but noise for what is not given, or is one value throughout.

    Args:
        graph: the model, its inputs in the order of the module's.
        given: [1, ...] per input; None: all noise.
    """
    import torch

    generator = torch.Generator().manual_seed(SEED)
    found = []
    for index, name in enumerate(graph.inputs):
        x = given[index] if given else torch.zeros(graph.shapes[name])
        found.append(torch.randn(x.shape, generator=generator) if x.is_floating_point() and _is_flat(x) else x)
    return found


def _is_flat(x: torch.Tensor) -> bool:
    return bool((x == x.flatten()[0]).all())


def run(program: Any, inputs: Sequence[torch.Tensor]) -> Any:
    """Return the results of an exported program, flat."""
    import torch

    return torch.fx.Interpreter(program.module()).run(*inputs, enable_io_processing=False)


def check(graph: FloatGraph, results: Any, inputs: Sequence[torch.Tensor]) -> str:
    """Return how the graph's outputs differ from the module's; nothing where they do not.

    Args:
        graph: as the reader made it, before any pass: inputs and outputs have the module's layout.
        results: what the module returned.
        inputs: what it was given.
    """
    wanted = [_array(tensor) for tensor in _tensors(results)]
    if len(inputs) != len(graph.inputs) or len(wanted) != len(graph.outputs):
        return ""
    if not all(np.all(np.isfinite(array)) for array in wanted):
        return ""  # what is not finite is found, and named, by calibration
    got = _run(graph, inputs)
    pairs = zip(graph.outputs, wanted, strict=True)
    return next((found for name, want in pairs if (found := _difference(graph, got[name][0], want))), "")


def first_difference(program: Any, model: Any, read: Read, inputs: Sequence[torch.Tensor]) -> str:
    """Return the first layer of an exported program whose value differs in the graph; nothing where none does.

    Args:
        program: the exported program, decomposed, as ONNX' exporter took it: its values have ONNX' names.
        model: what the exporter made of it, an ``onnx.ModelProto``.
        read: makes a graph of its bytes.
        inputs: a sample per input.
    """
    import torch

    names = {name for node in model.graph.node for name in node.output}
    for node, value in _trace(program, inputs):
        if node.name not in names or not isinstance(value, torch.Tensor):
            continue
        with suppress(McuqError):  # a value that is constant, or one of the inputs
            graph = read(_up_to(model, node.name))
            if found := check(graph, value, inputs):
                return f"{_layer(node)} {found}"
    return ""


def refused(name: str, where: str) -> UnsupportedOperatorError:
    """Return the error for an export that computes something else."""
    return UnsupportedOperatorError(
        f"{name}: PyTorch's exporter makes something else of it than it computes: {where}; an argument may have been "
        "dropped: write that layer with others"
    )


def _tensors(results: Any) -> list[torch.Tensor]:
    import torch
    from torch.utils._pytree import tree_leaves

    return [leaf for leaf in tree_leaves(results) if isinstance(leaf, torch.Tensor)]


def _array(tensor: torch.Tensor) -> Array:
    plain = tensor.dequantize() if tensor.is_quantized else tensor
    return np.asarray(plain.detach().cpu().float().numpy(), np.float32)


def _run(graph: FloatGraph, inputs: Sequence[torch.Tensor]) -> Mapping[str, Array]:
    given = {name: _array(x).reshape(1, *graph.shapes[name]) for name, x in zip(graph.inputs, inputs, strict=True)}
    return float_run.run(graph, given)


def _difference(graph: FloatGraph, got: Array, want: Array) -> str:
    """Say by how much a value is another one than it should be."""
    if got.size != want.size:
        return f"has shape {got.shape}, in the module {want.shape}"
    error = np.abs(got.ravel().astype(np.float64) - want.ravel())
    largest = float(np.abs(want).max(initial=0))
    if graph.known:
        steps = 3 * max(tensor.scale for tensor in graph.known.values())
        near = (
            np.sqrt(np.mean(error**2)) <= CLOSE_QUANTIZED * np.sqrt(np.mean(np.square(want, dtype=np.float64))) + steps
        )
    else:
        near = error.max(initial=0) <= CLOSE * largest + 1e-6
    if near:
        return ""
    at = int(error.argmax())
    return f"gives {got.flat[at]:.6g} where the module gives {want.flat[at]:.6g}"


def _rms(x: Array) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def _trace(program: Any, inputs: Sequence[torch.Tensor]) -> Iterator[tuple[Any, Any]]:
    """Yield every operator of a program with what it computes."""
    import torch

    module = program.module()
    interpreter = torch.fx.Interpreter(module)
    interpreter.args_iter = iter(inputs)
    for node in module.graph.nodes:
        if node.op == "output":
            return
        interpreter.env[node] = interpreter.run_node(node)
        if node.op == "call_function":
            yield node, interpreter.env[node]


def _up_to(model: Any, name: str) -> bytes:
    """Return the model with one value as its only output."""
    import onnx

    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.output[:]
    part.graph.output.append(onnx.ValueInfoProto(name=name))
    return bytes(part.SerializeToString())


def _layer(node: Any) -> str:
    """Name an operator of a program by the module that it is in."""
    path, kind = next(iter([*(node.meta.get("nn_module_stack") or {}).values()][::-1]), ("", ""))
    operator = str(node.target).removeprefix("aten.").removesuffix(".default")
    shown = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
    return f"layer '{path}', {shown.rsplit('.', 1)[-1]}, {operator}," if path else f"{operator} ({node.name})"
