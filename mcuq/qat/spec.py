"""What a layer is trained for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from mcuq.errors import UsageError

Method = Literal["lsq", "minmax", "binary", "stochastic", "xnor", "kmeans"]
Span = Literal["full", "symmetric"]
Per = Literal["channel", "tensor"]
Backward = Literal["quantized", "real"]
WEIGHT_BITS: dict[str, tuple[int, ...]] = {
    "lsq": tuple(range(2, 9)),
    "minmax": tuple(range(2, 9)),
    "binary": (1,),
    "stochastic": (1,),
    "xnor": (1,),
    "kmeans": (2, 4),
}


@dataclass(frozen=True)
class Bits:
    """Number of bits of a layer's weights and inputs, and how they are trained.

    - lsq: learned step size; its inputs' step is learned too.
    - minmax: the scale follows the largest weight, and a moving average of the inputs' extremes, as in all below.
    - binary, stochastic: BinaryConnect's sign(w), or a drawn sign in training; call ``clip_`` after each step.
    - xnor: signs of weights and of inputs; ``activations`` is 1.
    - kmeans: a codebook of 2^weights centroids, which are what is trained.

    Attributes:
        weights: bits per weight; 2 to 8 for lsq and minmax, 1 for signs, 2 or 4 for kmeans.
        activations: bits of the layer's input, 2 to 8; None: it stays real, and is calibrated later.
        method: see above.
        span: uniform integers are -2^(b-1)..2^(b-1)-1 or, symmetric, ±(2^(b-1)-1).
        per: whether each output channel has a scale of its own.
        codebook_channels: kmeans: consecutive output channels that share a codebook; 0: all of a layer.
        backward: whether the gradient of the layer's input goes through the quantized weights, as in BinaryConnect's
            algorithm 1, or through the real ones (only the forward pass is quantized).

    >>> Bits(2, 8)
    Bits(weights=2, activations=8, method='lsq', span='full', per='channel', codebook_channels=0, backward='quantized')
    """

    weights: int = 8
    activations: int | None = None
    method: Method = "lsq"
    span: Span = "full"
    per: Per = "channel"
    codebook_channels: int = 0
    backward: Backward = "quantized"

    def __post_init__(self) -> None:
        """Refuse what is not one of the choices."""
        self._one_of("method", self.method, get_args(Method))
        self._one_of("number of bits per weight", self.weights, WEIGHT_BITS[self.method])
        inputs = (1,) if self.method == "xnor" else (None, *range(2, 9))
        self._one_of("number of bits per activation", self.activations, inputs)
        self._one_of("span", self.span, get_args(Span))
        self._one_of("granularity", self.per, get_args(Per))
        self._one_of("backward pass", self.backward, get_args(Backward))
        if type(self.codebook_channels) is not int or self.codebook_channels < 0:
            raise UsageError(
                f"{self.codebook_channels!r} channels cannot share a codebook; give 1 or more, or 0 for all"
            )
        if self.codebook_channels and self.method != "kmeans":
            raise UsageError(f"codebook_channels is for kmeans; {self.method} has no codebook")

    def _one_of(self, what: str, value: object, choices: tuple[object, ...]) -> None:
        if value not in choices or isinstance(value, bool | float):
            raise UsageError(f"{value!r} is no {what} for {self.method}; choose one of {', '.join(map(str, choices))}")

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest integer of a uniformly quantized weight.

        >>> Bits(2).limits, Bits(2, span="symmetric").limits
        ((-2, 1), (-1, 1))
        """
        most = 2 ** (self.weights - 1) - 1
        return -most - (self.span == "full"), most


Spec = Mapping[str, Bits] | Bits


def assigned(spec: Spec, layers: list[str]) -> dict[str, Bits]:
    """Return the bits of every layer that a pattern names; the first that does decides.

    Raises:
        UsageError: for a pattern that names no layer.

    >>> sorted(assigned({"head": Bits(8), "*": Bits(2)}, ["conv", "head"]).items())[0][1].weights
    2
    """
    spec = {"*": spec} if isinstance(spec, Bits) else spec
    if not spec:
        raise UsageError("the spec is empty: it maps patterns of layer names to mcuq.qat.Bits")
    for pattern, bits in spec.items():
        if not isinstance(bits, Bits):
            raise UsageError(f"{pattern!r} stands for {bits!r} in the spec: mcuq.qat.Bits is needed")
        if not any(fnmatchcase(name, pattern) for name in layers):
            raise UsageError(f"{pattern!r} names no layer; the model has {', '.join(layers) or 'none to prepare'}")
    found: dict[str, Bits] = {}
    for name in layers:
        for pattern, bits in spec.items():
            if fnmatchcase(name, pattern):
                found.setdefault(name, bits)
    return found
