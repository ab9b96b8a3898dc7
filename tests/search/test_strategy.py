"""What is measured and what is taken, with measurements that a formula makes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mcuq.errors import UsageError
from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.formats import WIDEST, Choice, parse_formats
from mcuq.search.ladder import Layer, Rung, climb, ladder, worth_it
from mcuq.search.start import Start
from mcuq.search.strategy import Found, Limits, Search, lowered_channels, worth

BITS = {"8": 8, "cb16": 4, "4": 4, "cb4": 2, "2": 2}
FORMATS = ("8", "4", "cb4", "2")
LAYERS = (Layer("a", 16, True), Layer("b", 8, False), Layer("c", 32, True))
WEIGHTS = {"a": 1600, "b": 80, "c": 640}
PAIN = {"a": 1.0, "b": 9.0, "c": 0.1}  # samples lost with 4 bits; 2 bits: twenty times as many
ERROR = {"8": 0.0, "cb16": 0.8, "4": 1.0, "cb4": 12.0, "2": 20.0}


class Chip:
    """A model of 1000 samples whose losses add up; keeps what it was asked."""

    def __init__(self, most: int = 1 << 30, code: int = 0) -> None:
        self.most, self.code, self.asked = most, code, list[tuple[str, Candidate]]()

    def __call__(self, stage: str, candidates: Sequence[Candidate]) -> list[Measurement]:
        self.asked += [(stage, candidate) for candidate in candidates]
        return [self.measure(candidate) for candidate in candidates]

    def measure(self, candidate: Candidate) -> Measurement:
        weights, lost = 0.0, 0.0
        for layer in LAYERS:
            choice = candidate.choice(layer.name)
            share = choice.first / layer.channels if choice.first else 1.0
            for part, format_ in ((share, choice.format), (1 - share, choice.rest or WIDEST)):
                weights += part * WEIGHTS[layer.name] * BITS[format_] / 8
                lost += part * PAIN[layer.name] * ERROR[format_]
        splits = sum(bool(choice.first) for _, choice in candidate.choices)
        flash = int(weights) + self.code * splits
        return Measurement(int(weights), flash, int(900 - lost), lost, problem="too big" * (flash > self.most))

    def search(self, hits: int, formats: Sequence[str] = FORMATS) -> Found:
        return Search(LAYERS, formats, Limits(self.measure(Candidate()), 900 - hits), self).run()


def test_what_is_taken_is_good_enough_and_nothing_next_to_it_is() -> None:
    for hits in (900, 899, 890, 880, 870, 0):
        chip = Chip()
        found = chip.search(hits)
        assert found.best is not None and found.measured[found.best].hits >= hits
        own = found.measured[found.best].weights
        for layer in LAYERS:
            for format_ in FORMATS:
                other = chip.measure(found.best.having(layer.name, Choice(format_)))
                assert other.weights >= own or other.hits < hits


def test_nothing_is_lost_without_limits() -> None:
    """Everything at 2 bits; of equal bytes the codebook, which has less noise."""
    best = Chip().search(0).best
    assert best is not None and best.to_dict() == {"a": "cb4", "b": "cb4", "c": "cb4"}


def test_layers_that_hurt_keep_their_bits() -> None:
    best = Chip().search(897).best
    assert best is not None and best.choice("b") == Choice("8")
    assert best.choice("c").format in {"cb4", "4"}


def test_channels_are_lowered_where_the_layer_cannot_be() -> None:
    """Layer c costs 1.2 samples at 2 bits; a quarter of the channels of a, a quarter of its 12."""
    found = Chip().search(895)
    assert found.best is not None
    split = {layer: choice for layer, choice in found.best.choices if choice.first}
    assert "a" in split and "b" not in split
    assert all(choice.first % 4 == 0 for choice in split.values())


def test_parts_that_cost_more_code_than_they_save_are_left() -> None:
    best = Chip(code=1000).search(895).best
    assert best is not None and not any(choice.first for _, choice in best.choices)


def test_a_board_that_is_too_small_takes_part() -> None:
    """Under the limit of the board, not only under that of accuracy."""
    found = Chip(most=1000).search(880)
    assert found.best is not None and found.measured[found.best].flash <= 1000
    assert Chip(most=100).search(0).best is None
    assert Chip().search(901).best is None


def test_a_loss_is_doubtful_by_the_samples_that_changed() -> None:
    """Sixteen samples, of which two are lost and one is won: one is lost, give or take the root of three."""
    widest, other = Measurement(9, 9, 12, 0.0, "fff0"), Measurement(5, 5, 11, 0.1, "3ff8")
    assert other.doubt(widest) == widest.doubt(other) == 3**0.5
    assert widest.doubt(widest) == 0
    assert Limits(widest, 1).allow(other)
    assert not Limits(widest, 0.9).allow(other)
    assert not Limits(widest, 2, margin=1).allow(other)
    assert Limits(widest, 3, margin=1).allow(other)
    assert Limits(widest, 0, margin=5).allow(widest)


def test_nothing_is_measured_twice_and_refused_moves_are_not_repeated() -> None:
    chip = Chip()
    chip.search(890)
    candidates = [candidate for _, candidate in chip.asked]
    assert len(candidates) == len(set(candidates))
    assert {stage for stage, _ in chip.asked} == {"network", "layers", "raise", "lower", "channels"}


STARTS = [{"a": "2", "b": "8", "c": "2"}, {"a": "4", "b": "8", "c": "2"}, {"a": "8", "b": "8", "c": "8"}]


def estimated(start: dict[str, str]) -> Start:
    """Estimates of the right order: what a layer loses by the format is in proportion to the formula's."""
    rungs = {
        layer.name: [
            Rung(f, WEIGHTS[layer.name] * (8 - BITS[f]) // 8, PAIN[layer.name] * ERROR[f] / 100) for f in ("4", "2")
        ]
        for layer in LAYERS
    }
    ladders = tuple(worth_it(name, own) for name, own in rungs.items())
    return Start(Candidate.of({name: Choice(format_) for name, format_ in start.items()}), ladders)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("hits", [900, 899, 890, 870])
def test_a_start_is_refined_with_fewer_measurements(start, hits) -> None:
    """No layer is looked at alone; what is taken is good enough, and lowering one more layer is not."""
    whole, chip = Chip(), Chip()
    whole.search(hits)
    limits = Limits(chip.measure(Candidate()), 900 - hits)
    found = Search(LAYERS, ("8", "4", "2"), limits, chip, estimated(start)).run()

    assert {stage for stage, _ in chip.asked} <= {"network", "raise", "lower", "channels"}
    first = list(dict.fromkeys([Candidate(), estimated(start).candidate]))
    assert [candidate for _, candidate in chip.asked[: len(first)]] == first
    assert len(chip.asked) < len(whole.asked)
    assert found.best is not None and found.measured[found.best].hits >= hits
    for layer in LAYERS:
        for format_ in estimated(start).ladders[LAYERS.index(layer)].below(found.best.choice(layer.name).format):
            assert chip.measure(found.best.having(layer.name, Choice(format_))).hits < hits


def test_a_ladder_leaves_out_what_saves_nothing_or_only_adds_noise() -> None:
    widest = Measurement(100, 0, 0, 1.0)
    measured = {
        "cb16": Measurement(60, 0, 0, 1.6),
        "4": Measurement(50, 0, 0, 1.5),
        "cb4": Measurement(20, 0, 0, 2.0),
        "2": Measurement(20, 0, 0, 3.0),
    }
    assert ladder("x", measured, widest).rungs == (Rung("cb4", 80, 1.0), Rung("4", 50, 0.5), Rung("8", 0, 0.0))
    useless = {"4": Measurement(100, 0, 0, 1.5), "2": Measurement(0, 0, 0, 0.0, problem="cannot")}
    assert ladder("x", useless, widest).rungs == (Rung("8", 0, 0.0),)


def test_climbing_goes_from_the_fewest_bytes_to_eight_bits() -> None:
    rungs = {"a": [(80, 1.0), (50, 0.5)], "b": [(8, 6.0), (5, 1.0)]}
    ladders = [
        ladder(
            name,
            {f: Measurement(100 - s, 0, 0, n) for f, (s, n) in zip(("2", "4"), own, strict=True)},
            Measurement(100, 0, 0, 0.0),
        )
        for name, own in rungs.items()
    ]
    path = [candidate.to_dict() for candidate in climb(ladders)]
    assert path == [
        {"a": "2", "b": "2"},
        {"a": "2", "b": "4"},  # 5 / 3 of noise by the byte
        {"a": "2"},  # 1 / 5
        {"a": "4"},  # 0.5 / 30
        {},
    ]


def test_worth_counts_bytes_by_the_sample_lost() -> None:
    now = Measurement(1000, 1000, 500, 0.1)
    cheap, dear = Measurement(900, 900, 499, 0.1), Measurement(700, 700, 490, 0.1)
    assert worth(now, cheap) > worth(now, dear)
    assert worth(now, Measurement(900, 900, 505, 0.1))[0] == worth(now, cheap)[0] == 100


def test_few_channels_are_not_cut() -> None:
    own = ladder("a", {"4": Measurement(50, 0, 0, 1.0)}, Measurement(100, 0, 0, 0.0))
    assert list(lowered_channels(Candidate(), [own], [Layer("a", 4, True)])) == []
    moves = list(lowered_channels(Candidate(), [own], [Layer("a", 10, True)]))
    assert moves == [("a", Choice("4", 4, "8")), ("a", Choice("8", 6, "4"))]


def test_formats_are_checked() -> None:
    assert parse_formats("2,8,2") == ("8", "2")
    for text in ("3", "2,cb8", "", "8"):
        with pytest.raises(UsageError):
            parse_formats(text)


def test_candidates_as_text_and_back() -> None:
    candidate = Candidate.of({"z": Choice("4", 12, "8"), "a": Choice("cb4"), "m": Choice("8")})
    assert candidate.to_dict() == {"a": "cb4", "z": "4:12+8"}
    assert Candidate.from_dict(candidate.to_dict()) == candidate
    assert candidate.formats(3) == {"4:12+8": 1, "cb4": 1, "8": 1}
