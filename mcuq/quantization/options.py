"""How a float model is quantized: what the user may choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, Literal, TypedDict

from mcuq.errors import UsageError
from mcuq.quantization.calibrate import DEFAULT_METHOD
from mcuq.quantization.clipping import check_method
from mcuq.quantization.scheme import Activations, Scheme, Span, Weights

Kind = Literal["affine", "scale", "fixed-point", "dynamic-fixed-point"]
CORRECTIONS = ("equalization", "rounding", "bias")
DEFAULT_CORRECTIONS = ("rounding", "bias")
FEW_BITS = 4  # of a weight, at most: where a layer is made anew


class Choices(TypedDict, total=False):
    """The fields of :class:`Options` by name: what :func:`mcuq.quantize` takes as keywords."""

    scheme: Kind
    weights: Weights | None
    activations: Activations | None
    bits: int
    layer_bits: Mapping[str, int]
    weight_bytes: str
    span: Span | None
    activation_bits: int
    layer_activation_bits: Mapping[str, int]
    clip: bool
    codebook: int
    codebook_channels: int
    codebook_energy: bool
    method: str | None
    layer_methods: Mapping[str, str]
    corrections: tuple[str, ...] | None
    auto: bool


@dataclass(frozen=True)
class Options:
    """The choices, with defaults that serve most models.

    Attributes:
        scheme: "affine", "scale", "fixed-point", or "dynamic-fixed-point": fixed-point with one format per layer.
        weights: which weights share a scale; None: "channel", and "layer" for dynamic fixed-point.
        activations: which activations share a scale; None: "layer".
        bits: of the weights, 2 to 8.
        layer_bits: other numbers of bits for some layers, by name; these layers have no codebook.
        weight_bytes: that all weights may take: "50%" of what they take with 8 bits, or "24K". Layers that are not
            among ``layer_bits`` get 8, 4 or 2 bits by what these cost at the model's outputs; needs samples.
        span: of the weights' integers: "symmetric", ±(2^(bits-1) - 1), or "full", -2^(bits-1) too; None: full for at
            most 4 bits where the scheme has it, else symmetric.
        activation_bits: of activations, 2 to 8, kept in bytes. The model's inputs and outputs have 8; so have values
            whose scale an operator fixes (softmax, logistic, tanh), and what is tied to these.
        layer_activation_bits: other numbers of bits for the outputs of some layers, by name.
        clip: narrow weight ranges to where the mean squared error of the weights is least.
        codebook: 4 or 16: weights are entries of codebooks of that size, found by optimal clustering; 0: uniform steps.
        codebook_channels: output channels that share a codebook; 0: all of a layer.
        codebook_energy: whether, for the clustering, an error of a weight counts by the energy of its inputs.
        method: how ranges of activations are found; see :func:`mcuq.quantization.clipping.choose_range`. None: the
            calibration samples decide.
        layer_methods: other methods for some layers, by name.
        corrections: which of ``CORRECTIONS`` are applied, in their order. With "rounding", layers of at most 4 bits get
            scales, integers or codebooks, and biases by the least error of their outputs. None: rounding and bias, and
            the calibration samples decide on equalization.
        auto: let the calibration samples decide on more: all methods, and every correction.
    """

    scheme: Kind = "affine"
    weights: Weights | None = None
    activations: Activations | None = None
    bits: int = 8
    layer_bits: Mapping[str, int] = field(default_factory=dict)
    weight_bytes: str = ""
    span: Span | None = None
    activation_bits: int = 8
    layer_activation_bits: Mapping[str, int] = field(default_factory=dict)
    clip: bool = False
    codebook: int = 0
    codebook_channels: int = 0
    codebook_energy: bool = False
    method: str | None = None
    layer_methods: Mapping[str, str] = field(default_factory=dict)
    corrections: tuple[str, ...] | None = None
    auto: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not one of the choices.

        Raises:
            UsageError: naming the choices.
        """
        _ = [self.layer_kind(bits) for bits in self.layer_bits.values()]
        _ = [replace(self.kind, activation_bits=bits) for bits in self.layer_activation_bits.values()]
        _ = self.kind
        for method in (self.fixed_method, *self.layer_methods.values()):
            check_method(method)
        if unknown := [name for name in self.fixed_corrections if name not in CORRECTIONS]:
            raise UsageError(f"{unknown[0]!r} is no correction; choose of {', '.join(CORRECTIONS)}")

    @property
    def fixed_method(self) -> str:
        """The method where nothing decides on it."""
        return self.method or DEFAULT_METHOD

    @property
    def fixed_corrections(self) -> tuple[str, ...]:
        """The corrections where nothing decides on them."""
        return DEFAULT_CORRECTIONS if self.corrections is None else self.corrections

    @property
    def fixed(self) -> Options:
        """The same with nothing left to be decided."""
        return replace(self, method=self.fixed_method, corrections=self.fixed_corrections, auto=False)

    @property
    def kind(self) -> Scheme:
        """The scheme with its granularity.

        Raises:
            UsageError: for one that does not exist.
        """
        dynamic = self.scheme == "dynamic-fixed-point"
        return Scheme(
            "fixed-point" if self.scheme == "dynamic-fixed-point" else self.scheme,
            self.weights or ("layer" if dynamic else "channel"),
            self.activations or "layer",
            self.bits,
            self.clip,
            self.codebook,
            self.codebook_channels,
            self._span(self.bits),
            self.activation_bits,
        )

    def layer_kind(self, bits: int) -> Scheme:
        """Return the scheme of a layer with a number of bits of its own."""
        return replace(self.kind, bits=bits, codebook=0, span=self._span(bits))

    def _span(self, bits: int) -> Span:
        return self.span or usual_span(self.scheme, bits)


def usual_span(scheme: str, bits: int) -> Span:
    """Return the span that weights have where nobody chose: few integers are too dear to leave one out."""
    return "full" if scheme == "affine" and bits <= FEW_BITS else "symmetric"


def options_of(choices: Mapping[str, Any]) -> Options:
    """Return options of fields by name.

    Raises:
        UsageError: for a name that is none, with the nearest that is one, and for what is not one of the choices.
    """
    names = [each.name for each in fields(Options)]
    if unknown := [name for name in choices if name not in names]:
        near = get_close_matches(unknown[0], names, n=1)
        meant = f"; did you mean {near[0]}?" if near else "."
        raise UsageError(f"there is no option {unknown[0]!r} of quantization{meant} The options: {', '.join(names)}")
    return Options(**choices)


DEFAULT = Options()
