"""What is tried, small enough to be sent anywhere, and what is found out about it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mcuq.search.formats import WIDEST, Choice, parse_choice


@dataclass(frozen=True)
class Candidate:
    """The choices for layers that do not have 8 bits throughout, by name, sorted."""

    choices: tuple[tuple[str, Choice], ...] = ()

    @classmethod
    def of(cls, choices: Mapping[str, Choice]) -> Candidate:
        """Return the candidate with these choices; 8 bits need not be among them."""
        return cls(tuple(sorted((name, choice) for name, choice in choices.items() if choice != Choice(WIDEST))))

    def choice(self, layer: str) -> Choice:
        """Return a layer's."""
        return dict(self.choices).get(layer, Choice(WIDEST))

    def having(self, layer: str, choice: Choice) -> Candidate:
        """Return a candidate with another choice for one layer."""
        return Candidate.of({**dict(self.choices), layer: choice})

    def to_dict(self) -> dict[str, str]:
        """Return plain values for JSON."""
        return {layer: str(choice) for layer, choice in self.choices}

    @classmethod
    def from_dict(cls, texts: Mapping[str, str]) -> Candidate:
        """Undo :meth:`to_dict`."""
        return cls.of({layer: parse_choice(text) for layer, text in texts.items()})

    def formats(self, layers: int) -> Counter[str]:
        """Return how many of so many layers have each choice."""
        counts = Counter(str(choice) for _, choice in self.choices)
        counts[WIDEST] += layers - len(self.choices)
        return +counts


@dataclass(frozen=True)
class Measurement:
    """What a candidate costs.

    Attributes:
        weights: bytes of the weights as they are stored for the board.
        flash: bytes that the model takes there: all its constants, its kernels and the calls of them.
        hits: samples that the integers get right.
        right: which ones, a bit each, in hexadecimal.
        noise: mean squared difference of the outputs from the float model's.
        digest: of the quantized model.
        problem: why the board cannot have it; empty if it can.
    """

    weights: int
    flash: int
    hits: int
    noise: float
    right: str = ""
    digest: str = ""
    problem: str = ""

    def doubt(self, other: Measurement) -> float:
        """Return the standard error of the difference in hits from another candidate, in samples.

        That is the root of how many samples the two disagree on being right: each of them might as well have gone
        the other way.
        """
        changed = int(self.right or "0", 16) ^ int(other.right or "0", 16)
        return math.sqrt(changed.bit_count())
