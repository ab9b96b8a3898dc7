"""Real models against the bytes TensorFlow Lite Micro computed for them (contracts N3 and N5)."""

import numpy as np
import pytest
from harness import SANITIZERS, STRICT

from mcuq import loading, pipeline
from mcuq.archive import Archive
from mcuq.data import read_samples
from mcuq.engines.host import build_host
from mcuq.simulator import simulate
from mcuq.verification import simulate_on

MODELS = {
    "mlperf/kws_dscnn_int8": "mlperf__kws_dscnn_int8",
    "mlperf/ic_resnet8_int8": "mlperf__ic_resnet8_int8",
    "mlperf/vww_mbv1_025_int8": "mlperf__vww_mbv1_025_int8",
    "mlperf/ad01_int8": "mlperf__ad01_int8",
    "mlperf/sww_int8": "mlperf__sww_int8",
    "tflm/hello_world_int8": "tflm__hello_world_int8",
    "tflm/micro_speech_quantized": "tflm__micro_speech_quantized",
    "tflm/person_detect": "tflm__person_detect",
}


@pytest.fixture(params=MODELS)
def golden(request, shared):
    graph = loading.load(shared / "models" / f"{request.param}.tflite")
    arrays = np.load(shared / "golden" / f"{MODELS[request.param]}.npz")
    return graph, arrays["input"], arrays["output0"]


def test_n5_simulator_equals_tflm(golden):
    graph, x, expected = golden
    np.testing.assert_array_equal(pipeline.simulate(pipeline.compile(graph), x).reshape(expected.shape), expected)


def test_n3_compiled_c_equals_tflm(golden):
    graph, x, expected = golden
    plan = pipeline.compile(graph)
    outputs = simulate_on("host", plan, {graph.inputs[0]: x}).outputs
    np.testing.assert_array_equal(outputs[graph.outputs[0]], expected)


def test_n3_strict_and_sanitized(golden, tmp_path):
    """The real models' C: no warnings, no sanitizer finding, guards intact, TFLM's bytes."""
    graph, x, expected = golden
    pipeline.write_project(graph, "esp32-s3-devkitc-1", tmp_path)
    with build_host(tmp_path, [graph.name], (*STRICT, *SANITIZERS)) as program:
        assert "PASS" in program.self_test()
        got = program.run(pipeline.compile(graph), {graph.inputs[0]: x[:2]}).outputs

    np.testing.assert_array_equal(got[graph.outputs[0]], expected[:2])


def test_kws_accuracy(shared):
    """The published model scores 901 of 1000 on the MLPerf Tiny keyword set."""
    graph = loading.load(shared / "models/mlperf/kws_dscnn_int8.tflite")
    samples = read_samples(shared / "data/kws01.npz", graph)
    scores = simulate(pipeline.compile(graph), samples.inputs)[graph.outputs[0]]

    assert int((scores.reshape(1000, -1).argmax(1) == samples.labels).sum()) == 901


def test_kws_host_equals_simulator_on_1000_samples(shared, tmp_path):
    graph = loading.load(shared / "models/mlperf/kws_dscnn_int8.tflite")
    samples = read_samples(shared / "data/kws01.npz", graph)
    written = pipeline.write_project(Archive(graph), "esp32dev", tmp_path)
    with build_host(tmp_path, [graph.name]) as program:
        got = program.run(written.plan, samples.inputs).outputs

    np.testing.assert_array_equal(got[graph.outputs[0]], simulate(written.plan, samples.inputs)[graph.outputs[0]])
