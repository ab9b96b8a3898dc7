"""The calibration samples decide, each candidate judged on those it was not made from."""

from dataclasses import replace

import numpy as np
import pytest
from float_nets import Builder, flat_net, integer_outputs, samples, separable_net

from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.ops.softmax import Softmax
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.calibrate import calibrate
from mcuq.quantization.clipping import choose_range, expected_error
from mcuq.quantization.deciding import GAIN, Deciding, scores, summary
from mcuq.quantization.histogram import Histogram
from mcuq.quantization.scheme import Range, Scheme

FIXED = Options(method="mse", corrections=("rounding", "bias"))


def uneven() -> FloatGraph:
    """Two channels 60 times as large as the others, made small again by the layer behind."""
    graph = separable_net()
    constants, node = dict(graph.constants), graph.nodes[0]
    large = np.where(np.arange(len(constants[node.inputs[1]])) < 2, 60.0, 1.0).astype(np.float32)
    constants[node.inputs[1]] = constants[node.inputs[1]] * large[:, None, None, None]
    constants[node.inputs[2]] = constants[node.inputs[2]] * large
    second = graph.nodes[1].inputs[1]
    constants[second] = constants[second] / large
    return replace(graph, constants=constants)


def ratio(graph: FloatGraph, options: Options, x, fresh) -> tuple[float, tuple[str, ...]]:
    result = quantize(graph, x, options)
    wanted = float_run.run(graph, {"x": fresh})[graph.outputs[0]]
    found = sqnr(wanted, integer_outputs(result.source, result.graph, fresh))
    return found, tuple(trial.what for trial in result.trials if trial.kept)


def test_uneven_channels_are_equalized_by_default():
    graph = uneven()
    x, fresh = samples(graph, 60), samples(graph, 200, seed=9)
    (before, _), (after, kept) = (ratio(graph, options, x, fresh) for options in (FIXED, Options()))
    assert "equalization" in kept and after > before + 3


@pytest.mark.parametrize("make", [flat_net, separable_net])
def test_where_nothing_helps_the_default_stays(make):
    graph = make()
    x, fresh = samples(graph, 60), samples(graph, 200, seed=9)
    assert ratio(graph, Options(), x, fresh)[0] > ratio(graph, FIXED, x, fresh)[0] - 0.5


def test_what_is_given_is_not_decided():
    graph = separable_net()
    result = quantize(graph, samples(graph, 40), FIXED)
    assert not result.trials and result.options == FIXED
    open_method = quantize(graph, samples(graph, 40), replace(FIXED, method=None))
    assert "equalization" not in [trial.what for trial in open_method.trials]
    assert open_method.options.corrections == FIXED.corrections


def test_few_samples_decide_nothing():
    graph = separable_net()
    result = quantize(graph, samples(graph, 12))
    assert not result.trials and result.options == FIXED


def test_what_a_softmax_gets_is_judged():
    plain = Builder((1, 4)).dense(3).graph()
    assert scores(plain) == plain.outputs
    graph = Builder((1, 4)).dense(3).add(Softmax()).graph()
    assert scores(graph) == (graph.nodes[-1].inputs[0],)


def test_the_same_samples_decide_the_same():
    graph = uneven()
    first, second = (quantize(graph, samples(graph, 40)) for _ in range(2))
    assert first.options == second.options and first.trials == second.trials
    for name, constant in first.graph.constants.items():
        np.testing.assert_array_equal(constant.values, second.graph.constants[name].values)


def test_answers_count_only_beyond_two_standard_errors():
    graph = separable_net()
    seen = {False: calibrate(graph, samples(graph, 40))}
    deciding = Deciding(seen, FIXED, lambda options, calibration: None)
    deciding.trials.append(None)
    deciding.least, deciding.hits = 30.0, np.array([0.0, 1.0] * 50)
    more, one_more = deciding.hits.copy(), deciding.hits.copy()
    more[:40], one_more[0] = 1.0, 1.0
    assert deciding._is_better(30.0, more, GAIN) and not deciding._is_better(29.0, more, GAIN)
    assert not deciding._is_better(30.0, one_more, GAIN) and deciding._is_better(31.0, one_more, GAIN)
    assert not deciding._is_better(40.0, 1 - np.maximum(more, 0.5), GAIN)


def test_the_summary_says_what_and_by_how_much():
    graph = uneven()
    assert "chose equalization" in summary(quantize(graph, samples(graph, 60)).trials)
    graph = flat_net()
    assert "(cross-validated)" in summary(quantize(graph, samples(graph, 60)).trials)


def test_auto_moves_away_from_what_is_poor():
    graph = separable_net()
    x, fresh = samples(graph, 120), samples(graph, 200, seed=9)
    poor = Options(method="percentile:90", corrections=(), bits=4)
    (before, _), (after, kept) = (ratio(graph, options, x, fresh) for options in (poor, replace(poor, auto=True)))
    assert kept[0] == "as given" and len(kept) > 1 and after > before + 3


def test_auto_is_not_worse_than_the_default():
    graph = flat_net()
    x, fresh = samples(graph, 60), samples(graph, 200, seed=9)
    assert ratio(graph, Options(auto=True), x, fresh)[0] > ratio(graph, Options(), x, fresh)[0] - GAIN


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_histograms_of_two_halves_are_that_of_all(scale):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5000)).astype(np.float32)
    x[1] *= scale
    one, other, both = Histogram(), Histogram(), Histogram()
    one.add(x[0])
    other.add(x[1])
    both.add(x)
    for merged in (one.merged(other), other.merged(one)):
        assert (merged.low, merged.high, merged.samples, merged.zeros) == (both.low, both.high, 10000, 0)
        assert merged.counts.sum() == 10000
        wide = max(merged.exponent, both.exponent)
        assert abs(merged.exponent - both.exponent) <= 1
        at = 2.0**wide * np.arange(-5, 5)
        counts = [[h.counts[h.centers < edge].sum() for edge in at] for h in (merged, both)]
        assert counts[0] == counts[1]


def test_the_widest_range_is_for_what_was_not_seen():
    histogram = Histogram()
    histogram.add(np.random.default_rng(0).normal(size=2000))
    wide, seen = choose_range(histogram, "wide"), Range(histogram.low, histogram.high)
    assert wide.low < seen.low and wide.high > seen.high
    kind = Scheme()
    assert expected_error(histogram, wide, kind) > expected_error(histogram, seen, kind)
    assert expected_error(histogram, Range(seen.low / 3, seen.high / 3), kind) > expected_error(histogram, wide, kind)
    rectified = Histogram()
    rectified.add(np.abs(np.random.default_rng(0).normal(size=2000)))
    assert choose_range(rectified, "wide").low == rectified.low
