"""How a float model is quantized: what the user may choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mcuq.errors import UsageError
from mcuq.quantization.calibrate import DEFAULT_METHOD
from mcuq.quantization.clipping import check_method
from mcuq.quantization.scheme import Activations, Scheme, Weights

CORRECTIONS = ("equalization", "rounding", "bias")
DEFAULT_CORRECTIONS = ("rounding", "bias")


@dataclass(frozen=True)
class Options:
    """The choices, with defaults that serve most models.

    Attributes:
        scheme: "affine", "scale", "fixed-point", or "dynamic-fixed-point": fixed-point with one format per layer.
        weights: which weights share a scale; None: "channel", and "layer" for dynamic fixed-point.
        activations: which activations share a scale; None: "layer".
        bits: of the weights, 2 to 8.
        clip: narrow weight ranges to where the mean squared error of the weights is least.
        method: how ranges of activations are found; see :func:`mcuq.quantization.clipping.choose_range`.
        layer_methods: other methods for some layers, by name.
        corrections: which of ``CORRECTIONS`` are applied, in their order.
        auto: try methods and corrections, and keep what helps on the calibration samples.
    """

    scheme: Literal["affine", "scale", "fixed-point", "dynamic-fixed-point"] = "affine"
    weights: Weights | None = None
    activations: Activations | None = None
    bits: int = 8
    clip: bool = False
    method: str = DEFAULT_METHOD
    layer_methods: Mapping[str, str] = field(default_factory=dict)
    corrections: tuple[str, ...] = DEFAULT_CORRECTIONS
    auto: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not one of the choices.

        Raises:
            UsageError: naming the choices.
        """
        _ = self.kind
        for method in (self.method, *self.layer_methods.values()):
            check_method(method)
        if unknown := [name for name in self.corrections if name not in CORRECTIONS]:
            raise UsageError(f"{unknown[0]!r} is no correction; choose of {', '.join(CORRECTIONS)}")

    @property
    def kind(self) -> Scheme:
        """The scheme with its granularity.

        Raises:
            UsageError: for one that does not exist.
        """
        if self.scheme == "dynamic-fixed-point":
            return Scheme("fixed-point", self.weights or "layer", self.activations or "layer", self.bits, self.clip)
        return Scheme(self.scheme, self.weights or "channel", self.activations or "layer", self.bits, self.clip)


DEFAULT = Options()
