"""How the weights of a layer may be stored, as the search names it: "8", "4", "2" bits, codebooks "cb16" and "cb4"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mcuq.errors import UsageError
from mcuq.quantization.options import usual_span
from mcuq.quantization.scheme import Scheme

WIDEST = "8"
FORMATS = (WIDEST, "cb16", "4", "cb4", "2")  # 3 bits are stored as 4, and 5 to 7 as 8


def scheme_of(name: str, widest: Scheme) -> Scheme:
    """Return how a layer is quantized.

    Few bits are clipped: their ranges hold the bulk of the weights, not the largest (KWS with 2 bits throughout: 54 %
    instead of 32 %; with 4 bits 90.8 % instead of 90.6 %).

    Args:
        name: one of ``FORMATS``.
        widest: the scheme of 8 bits.
    """
    if name == WIDEST:
        return widest
    if name.startswith("cb"):
        return replace(widest, codebook=int(name.removeprefix("cb")))
    bits = int(name)
    return replace(widest, bits=bits, clip=True, span=usual_span(widest.kind, bits))


@dataclass(frozen=True)
class Choice:
    """The format of a layer, or of its first output channels and of the rest of them.

    >>> str(Choice("4")), str(Choice("4", 48, "8"))
    ('4', '4:48+8')
    """

    format: str
    first: int = 0  # channels; 0: all
    rest: str = ""

    def __str__(self) -> str:
        return f"{self.format}:{self.first}+{self.rest}" if self.first else self.format


def parse_choice(text: str) -> Choice:
    """Undo ``str``.

    >>> parse_choice("4:48+8")
    Choice(format='4', first=48, rest='8')
    """
    name, _, parts = text.partition(":")
    first, _, rest = parts.partition("+")
    return Choice(name, int(first), rest) if parts else Choice(name)


def parse_formats(text: str) -> tuple[str, ...]:
    """Return the formats of a list such as "2,4,cb16", each once; 8 bits are always among them.

    Raises:
        UsageError: for one that does not exist, or none beside 8 bits.
    """
    names = text.split(",")
    if unknown := [name for name in names if name not in FORMATS]:
        raise UsageError(f"{unknown[0]!r} is no format of weights; choose of {', '.join(FORMATS)}")
    if not set(names) - {WIDEST}:
        raise UsageError("with 8 bits alone there is nothing to search; give formats such as 2,4")
    return tuple(name for name in FORMATS if name in {*names, WIDEST})
