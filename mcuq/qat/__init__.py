"""Quantization-aware training of PyTorch models: ``prepare``, train as ever, ``mcuq.load``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcuq.errors import ToolMissingError
from mcuq.qat.spec import Bits

__all__ = ["Bits", "LayerIntegers", "clip_", "distill", "integers", "plain", "prepare"]
_HOMES = {
    "LayerIntegers": "handover",
    "integers": "handover",
    "plain": "handover",
    "clip_": "wrapping",
    "distill": "distillation",
    "prepare": "wrapping",
}

if TYPE_CHECKING:
    from mcuq.qat.distillation import distill
    from mcuq.qat.handover import LayerIntegers, integers, plain
    from mcuq.qat.wrapping import clip_, prepare


def __getattr__(name: str) -> Any:
    """Import torch when the first verb is used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mcuq.qat' has no attribute {name!r}")
    import importlib

    try:
        importlib.import_module("torch")
    except ImportError:
        raise ToolMissingError('mcuq.qat needs torch: pip install "mcuq[torch]"') from None
    return getattr(importlib.import_module(f"mcuq.qat.{_HOMES[name]}"), name)
