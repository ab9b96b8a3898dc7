"""Modules and programs in float64, float16 or bfloat16 are read as float32 copies of theirs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from mcuq.errors import UnsupportedOperatorError

if TYPE_CHECKING:
    import torch


def in_float32(model: torch.nn.Module) -> torch.nn.Module:
    """Return the module, or a float32 copy of one in float64, float16 or bfloat16."""
    import torch

    kinds = {tensor.dtype for tensor in (*model.parameters(), *model.buffers()) if tensor.is_floating_point()}
    return model if kinds <= {torch.float32} else copy.deepcopy(model).float()


def program_in_float32(program: Any) -> Any:
    """Return an exported program, or one exported anew from a float32 copy of its module.

    Raises:
        UnsupportedOperatorError: for another precision and open dimensions.
    """
    import torch

    kinds = {t.dtype for t in program.state_dict.values() if t.is_floating_point()}
    if kinds <= {torch.float32}:
        return program
    names = program.graph_signature.user_inputs
    values = [node.meta["val"] for node in program.graph.nodes if node.name in names]
    shapes = [tuple(value.shape[i] if i else 1 for i in range(value.ndim)) for value in values]
    if not all(isinstance(d, int) for shape in shapes for d in shape):
        raise UnsupportedOperatorError("its weights are not float32, and its dimensions are open; export it in float32")
    floats = [value.is_floating_point() for value in values]
    inputs = [
        torch.zeros(s, dtype=None if real else v.dtype) for s, v, real in zip(shapes, values, floats, strict=True)
    ]
    return torch.export.export(copy.deepcopy(program.module()).float(), tuple(inputs))
