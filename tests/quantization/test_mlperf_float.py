"""The MLPerf Tiny float models, quantized with default settings and run as integers (issue 3, "must show")."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from requirements import require_module

import mcuq
from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.quantization import Options, quantize
from mcuq.quantization.arrays import sqnr
from mcuq.quantization.calibrate import calibrate

KERAS = ("kws_savedmodel", "sww.h5")
ALL = [
    ("ic_resnet8_float.tflite", "ic_resnet8_int8", 16, 15),  # file, int8 twin, real inputs, same arg-max on at least
    ("vww_mbv1_025_float.tflite", "vww_mbv1_025_int8", 8, 8),
    ("sww.h5", "sww_int8", 15, 15),
]


@cache
def load(shared: Path, file: str) -> FloatGraph:
    if file in KERAS:
        require_module("tensorflow", 'pip install "mcuq[keras]"')
    return mcuq.load(shared / "models/mlperf" / file)


def golden(shared: Path, twin: str) -> np.ndarray:
    """The real inputs, as real values."""
    integers = mcuq.load(shared / f"models/mlperf/{twin}.tflite")
    arrays = np.load(shared / f"golden/mlperf__{twin}.npz")
    return integers.values[integers.inputs[0]].dequantize(arrays["input"][arrays["source"] == "real"])


def kws(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    data = np.load(shared / "data/kws01.npz")
    return ((data["X"].astype(np.float32) - 83) * np.float32(0.5847029))[:, np.newaxis], data["Y"]


def outputs(graph: FloatGraph, x: np.ndarray, options: Options, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the float model and the integer simulator give for x, real values."""
    result = quantize(graph, samples, options)
    integers = mcuq.simulate(mcuq.compile(result.graph), x)
    wanted = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    given = result.graph.values[graph.outputs[0]].dequantize(integers)
    return wanted.reshape(len(x), -1), given.reshape(len(x), -1)


def test_kws(shared):
    """Calibrated on 100 samples, scored on the other 900: at least 90.5 % (float 91.0)."""
    graph, (x, labels) = load(shared, "kws_savedmodel"), kws(shared)
    wanted, given = outputs(graph, x[100:], Options(), x[:100])
    accuracy = [float((y.argmax(axis=1) == labels[100:]).mean()) for y in (wanted, given)]
    assert accuracy[0] == pytest.approx(0.91, abs=0.0005)
    assert accuracy[1] >= 0.905


@pytest.mark.parametrize("scheme", ["scale", "fixed-point", "dynamic-fixed-point"])
def test_kws_other_schemes(shared, scheme):
    """Within 2 points of float."""
    graph, (x, labels) = load(shared, "kws_savedmodel"), kws(shared)
    _, given = outputs(graph, x[100:], Options(scheme=scheme), x[:100])
    assert float((given.argmax(axis=1) == labels[100:]).mean()) >= 0.89


@pytest.mark.parametrize(("file", "twin", "count", "least"), ALL, ids=[row[0] for row in ALL])
def test_arg_max(shared, file, twin, count, least):
    graph, x = load(shared, file), golden(shared, twin)
    wanted, given = outputs(graph, x, Options(), x)
    best = wanted.argmax(axis=1)
    tied = given[np.arange(len(x)), best] == given.max(axis=1)
    close = np.ptp(np.sort(wanted, axis=1)[:, -2:], axis=1) < 3 / 256  # steps of the outputs
    assert len(x) == count
    assert ((best == given.argmax(axis=1)) | (tied & close)).sum() >= least


def test_ad_default_beats_min_max_and_the_published_model(shared):
    graph, x = load(shared, "ad01_float.tflite"), golden(shared, "ad01_int8")
    minmax = sqnr(*outputs(graph, x, Options(method="minmax", corrections=()), x))
    assert sqnr(*outputs(graph, x, Options(), x)) > minmax + 3
    published = mcuq.load(shared / "models/mlperf/ad01_int8.tflite")
    wanted = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    integers = mcuq.simulate(mcuq.compile(published), x)
    theirs = sqnr(wanted, published.values[published.outputs[0]].dequantize(integers).reshape(wanted.shape))
    assert minmax > theirs + 5


def test_ad_methods_without_corrections(shared):
    """The default method alone is at least as good as min-max."""
    graph, x = load(shared, "ad01_float.tflite"), golden(shared, "ad01_int8")
    plain = {m: sqnr(*outputs(graph, x, Options(method=m, corrections=()), x)) for m in ("minmax", "mse")}
    assert plain["mse"] > plain["minmax"]


def test_equalization_keeps_mobilenet(shared):
    """Its depthwise layers have channels that live by their bias alone."""
    graph, x = load(shared, "vww_mbv1_025_float.tflite"), golden(shared, "vww_mbv1_025_int8")
    result = quantize(graph, x, Options(corrections=("equalization",)))
    wanted, same = (float_run.run(g, {graph.inputs[0]: x})[graph.outputs[0]] for g in (graph, result.source))
    np.testing.assert_allclose(same, wanted, atol=1e-4)
    highest = [max(h.high for h in calibrate(g, x).histograms.values()) for g in (graph, result.source)]
    assert highest[1] < 10 * highest[0]


def test_streaming_kws_is_the_whole(shared):
    graph, (x, _) = load(shared, "kws_savedmodel"), kws(shared)
    whole, streamed = calibrate(graph, x[:200]), calibrate(graph, np.array_split(x[:200], 13))
    for name, h in whole.histograms.items():
        assert h.width == streamed.histograms[name].width
        np.testing.assert_allclose(
            (h.low, h.high), (streamed.histograms[name].low, streamed.histograms[name].high), rtol=1e-4, atol=1e-5
        )


def test_nchw_samples_are_named(shared):
    graph = replace(load(shared, "ic_resnet8_float.tflite"), layouts={})
    with pytest.raises(mcuq.errors.UsageError, match="looks like NCHW"):
        calibrate(graph, np.zeros((4, 3, 32, 32)))
