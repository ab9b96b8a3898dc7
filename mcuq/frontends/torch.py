"""The PyTorch door: a module or exported program becomes ONNX in memory, which the ONNX reader takes.

Exporters by what the module is: float and PT2E-quantized ones through ``torch.export``, those of FX graph mode
through TorchScript, the only exporter that takes their quantized modules. A dynamically quantized module is exported
with the real values of its integer weights, whose integers and scales are then put back; likewise one that was trained
with ``mcuq.qat`` (:mod:`mcuq.frontends.torch_trained`). What comes out is run beside what went in
(:mod:`mcuq.frontends.torch_check`).
"""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mcuq.errors import McuqError, ToolMissingError, UnsupportedOperatorError, UsageError
from mcuq.float_graph import FloatGraph
from mcuq.frontends import torch_check
from mcuq.frontends.extras import TORCH, TORCH_SINCE
from mcuq.frontends.pt2_archive import WHAT, only_weights, rebuilt_pt2
from mcuq.frontends.torch_decomposed import decomposed
from mcuq.frontends.torch_precision import in_float32, program_in_float32
from mcuq.frontends.torch_reason import reason
from mcuq.frontends.torch_recurrent import translations
from mcuq.frontends.torch_trained import is_prepared, with_addresses, with_trained
from mcuq.graph import identifier
from mcuq.passes.recognize_activations import recognize_activations
from mcuq.reading import gate
from mcuq.tensor import QConstant

if TYPE_CHECKING:
    import torch

OPSET = 18
TORCHSCRIPT_OPSET = 17


def read_torch(model: Any, example: Any, name: str = "") -> FloatGraph:
    """Read a live module or an ``ExportedProgram``.

    Args:
        model: ``torch.nn.Module`` or ``torch.export.ExportedProgram``; it is left as it is, training mode included.
        example: an input as the module takes it, or a tuple of them; arrays are taken too. Of its batch only the first
            sample counts. Not needed for an exported program.
        name: default: the module's class.

    Raises:
        McuqError: when torch or the exporter is missing, or cannot export the module.
    """
    torch = _torch()
    name = identifier(name or type(getattr(model, "_orig_mod", model)).__name__)
    try:
        if isinstance(model, torch.export.ExportedProgram):
            with torch.no_grad(), _quiet():
                return _of_program(program_in_float32(model), name)
        inputs = _inputs(example)
        model = in_float32(model)
        with _evaluating(model):
            if _is_fx_quantized(model):
                return _checked(_read(_by_torchscript(model, inputs), name), model, inputs)
            if is_prepared(model):
                ordinary, trained = with_addresses(model)
                exported = _exported(torch.export.export(ordinary, inputs), name, optimize=False)
                graph = recognize_activations(_read_exported(exported, name))  # signs among them
                return _checked(with_trained(graph, trained), model, inputs)
            float_model, kept = _without_dynamic(model)
            graph = _of_program(torch.export.export(float_model, inputs), name, float_model, inputs)
        return _with_integers(graph, kept)
    except McuqError:
        raise
    except Exception as error:  # whatever the exporter raises, it is about the user's module
        raise UnsupportedOperatorError(f"torch cannot export {name}: {reason(error)}") from None


def read_pt2(path: Path, looked: Callable[[], object] = lambda: None) -> FloatGraph:
    """Read what ``torch.export.save`` wrote; of it, only operators of PyTorch's own run, on numbers.

    Args:
        path: the file.
        looked: called when the file was looked through, before torch opens it.

    Raises:
        MalformedModelError: for another file, or one that holds anything but a program and plain tensors.
    """
    content = rebuilt_pt2(path)
    looked()
    torch = _torch()
    with gate(path, WHAT), only_weights(), _quiet():
        program = torch.export.load(content)
    try:
        return read_torch(program, None, path.stem)
    except McuqError as error:
        raise error.at(str(path)) from None


def _torch() -> Any:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
        import torch
    except ImportError:
        raise ToolMissingError(TORCH) from None
    if torch.__version__ < TORCH_SINCE:  # which compares as versions do
        raise ToolMissingError(f"torch {torch.__version__} is too old: {TORCH}")
    return torch


def _inputs(example: Any) -> tuple[torch.Tensor, ...]:
    """Return one sample of every input as a tensor."""
    import torch

    if example is None:
        raise UsageError("a torch module needs an example input: mcuq.load(model, example)")
    examples = example if isinstance(example, tuple | list) else (example,)
    tensors = tuple(torch.as_tensor(np.asarray(x) if not isinstance(x, torch.Tensor) else x) for x in examples)
    if any(t.ndim == 0 or len(t) == 0 for t in tensors):
        raise UsageError("the example input needs a batch dimension with at least one sample")
    return tuple(t[:1].detach().cpu().float() if t.is_floating_point() else t[:1].detach().cpu() for t in tensors)


@contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Switch to inference, and every module back to what it was."""
    import torch

    modes = {module: module.training for module in model.modules()}
    if any(modes.values()) and not _is_exported(model):
        model.eval()
    try:
        with torch.no_grad(), _quiet():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _is_exported(model: torch.nn.Module) -> bool:
    """Whether a module came out of torch.export, whose ``eval`` and ``train`` raise."""
    return hasattr(model, "graph") and "eval" in vars(model)


def _of_program(
    program: Any, name: str, model: torch.nn.Module | None = None, inputs: Sequence[torch.Tensor] | None = None
) -> FloatGraph:
    """Read an exported program, and run it, or the module that it was made of, beside what was read.

    Raises:
        UnsupportedOperatorError: naming the first layer that computes something else.
    """
    exported = _exported(program, name)
    graph = _read_exported(exported, name)
    inputs = torch_check.examples(graph, inputs)
    results = model(*inputs) if model else torch_check.run(program, inputs)
    if found := torch_check.check(graph, results, inputs):
        made = exported.exported_program, exported.model_proto
        where = torch_check.first_difference(*made, lambda part: _read(part, name), inputs)
        raise torch_check.refused(name, where or f"its output {found}")
    return graph


def _checked(graph: FloatGraph, model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> FloatGraph:
    """Return the graph if it computes what the module does, quantized as it is."""
    if found := torch_check.check(graph, model(*inputs), inputs):
        raise torch_check.refused(graph.name, f"its output {found}")
    return graph


def _exported(program: Any, name: str, *, optimize: bool = True) -> Any:
    """Return a program as ONNX; without the optimizer, which folds batch norms into weights, if these are to stay."""
    import torch

    try:
        with _quiet():
            program = decomposed(program)
            return torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                verbose=False,
                optimize=optimize,
                custom_translation_table=translations(),
            )
    except Exception as error:  # the exporter's own have no common base
        raise UnsupportedOperatorError(f"torch cannot export {name}: {reason(error, program)}") from None


def _read_exported(exported: Any, name: str) -> FloatGraph:
    return _read(exported.model_proto.SerializeToString(), name)


def _by_torchscript(model: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> bytes:
    import torch

    target = io.BytesIO()
    torch.onnx.export(model, inputs, target, dynamo=False, opset_version=TORCHSCRIPT_OPSET)
    return target.getvalue()


def _read(content: bytes, name: str) -> FloatGraph:
    from mcuq.frontends.onnx import graph_of

    return graph_of(content, name)


def _is_fx_quantized(model: torch.nn.Module) -> bool:
    static = ("torch.ao.nn.quantized.modules", "torch.ao.nn.intrinsic.quantized.modules")
    kinds = {type(module) for module in model.modules()}
    return any(k.__module__.startswith(static) and not k.__name__.endswith("PackedParams") for k in kinds)


def _without_dynamic(model: torch.nn.Module) -> tuple[torch.nn.Module, dict[str, QConstant]]:
    """Replace dynamically quantized layers by float ones with the same real weights; return their integers."""
    import torch

    dynamic = {n: m for n, m in model.named_modules() if type(m).__module__.startswith("torch.ao.nn.quantized.dynamic")}
    if not dynamic:
        return model, {}
    if others := sorted({type(m).__name__ for m in dynamic.values() if not hasattr(m, "in_features")}):
        raise UnsupportedOperatorError(f"mcuq has no dynamically quantized {', '.join(others)}")
    model, kept = copy.deepcopy(model), {}
    for name, module in dynamic.items():
        weight, bias = module.weight(), module.bias()
        layer = torch.nn.Linear(module.in_features, module.out_features, bias=bias is not None)
        layer.weight.data = weight.dequantize()
        if bias is not None:
            layer.bias.data = bias
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer)
        kept[f"{name}.weight"] = _integers(weight)
    return model.eval(), kept


def _integers(weight: torch.Tensor) -> QConstant:
    """Return the integers [outputs, inputs] and scales of a quantized tensor; their zero point is 0."""
    import torch

    if weight.qscheme() == torch.per_tensor_affine:
        return QConstant(weight.int_repr().numpy(), np.array([weight.q_scale()]), int(weight.q_zero_point()))
    return QConstant(weight.int_repr().numpy(), weight.q_per_channel_scales().double().numpy())


def _with_integers(graph: FloatGraph, kept: Mapping[str, QConstant]) -> FloatGraph:
    """Put the integers back in place of their real values."""
    from dataclasses import replace

    constants = dict(graph.constants)
    for weight in kept.values():
        real = weight.real().astype(np.float32)
        for name, constant in graph.constants.items():
            if isinstance(constant, QConstant):
                continue
            if np.array_equal(constant, real):
                constants[name] = weight
            elif np.array_equal(constant, real.T):
                constants[name] = replace(weight, values=np.ascontiguousarray(weight.values.T), axis=1)
    return replace(graph, constants=constants)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' hints about torchvision and deprecations to themselves."""
    loggers = [logging.getLogger(name) for name in ("torch", "torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
