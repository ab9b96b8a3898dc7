"""`mcuq search` on the digits ended in a traceback: all layers in codebooks of 4 was the best so far, and for one layer
2 bits had the same bytes and less noise, so that its ladder had no such rung."""

from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.formats import Choice
from mcuq.search.ladder import ladder
from mcuq.search.strategy import lowered_layers

WIDEST = Measurement(1000, 1000, 900, 0.0)
SAME_BYTES = {"cb4": Measurement(400, 400, 890, 9.0), "2": Measurement(400, 400, 895, 5.0)}
LARGER = {"4": Measurement(600, 600, 899, 1.0), "cb4": Measurement(1010, 1010, 880, 20.0)}


def test_a_layer_may_be_in_a_format_that_is_not_worth_it():
    own = ladder("a", {"4": LARGER["4"], **SAME_BYTES}, WIDEST)
    small = ladder("b", LARGER, WIDEST)

    assert [rung.format for rung in own.rungs] == ["2", "4", "8"]
    assert own.below("cb4") == () and own.below("4") == ("2",)
    assert small.below("cb4") == ("8", "4") and small.below("8") == ("4",)


def test_moves_from_all_layers_alike():
    alike = Candidate.of({"a": Choice("cb4"), "b": Choice("cb4")})
    moves = list(lowered_layers(alike, [ladder("a", SAME_BYTES, WIDEST), ladder("b", LARGER, WIDEST)]))
    assert moves == [("b", Choice("8")), ("b", Choice("4"))]
