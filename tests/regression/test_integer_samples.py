"""The same array of integers was real values to `quantize` and `evaluate`, stored integers to `simulate` and `verify`:
99.8 % here, 10 % there, exit 0. One rule holds wherever samples are read, and every verb prints how it read them."""

import json
from pathlib import Path

import numpy as np
import pytest

import mcuq
from mcuq import archive
from mcuq.errors import UsageError

DIGITS = Path(__file__).parents[2] / "examples/digits"
FLOAT, CALIBRATION = DIGITS / "digits_float.tflite", DIGITS / "calibration.npz"


@pytest.fixture(scope="module")
def holdout() -> dict[str, np.ndarray]:
    with np.load(DIGITS / "holdout.npz") as file:
        return {key: file[key][:100] for key in file.files}


@pytest.fixture(scope="module")
def quantized(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("digits") / "digits.mcuq"
    model = mcuq.quantize(FLOAT, CALIBRATION)
    path.write_bytes(archive.dump(archive.Archive(model)))
    return path


def accuracies(run, model: Path, data: Path, *options, project: Path | None = None) -> dict[str, float]:
    """What every verb says of the same samples."""
    found = {
        "evaluate": json.loads(run("evaluate", model, "--data", data, "--json", *options)[1])["integer_accuracy"],
        "simulate": json.loads(run("simulate", model, "--input", data, "--json", *options)[1])["accuracy"],
    }
    if project:
        found["built"] = json.loads(run("simulate", next(project.glob("*.mcuq")), "--input", data, "--json")[1])[
            "accuracy"
        ]
    return found


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_another_type_than_the_models_is_real_values_to_every_verb(run, quantized, holdout, tmp_path, dtype):
    data, project = tmp_path / "d.npz", tmp_path / "project"
    np.savez(data, X=holdout["X"].astype(dtype), Y=holdout["Y"])
    assert run("build", quantized, "--board", "esp32dev", "--out", project)[0] == 0
    found = accuracies(run, quantized, data, project=project)

    assert set(found.values()) == {1.0}
    assert f"X {np.dtype(dtype)}[100, 8, 8, 1]: real values; labels Y" in run("simulate", quantized, "--input", data)[1]


def test_the_models_own_type_is_stored_integers_where_it_came_quantized(run, holdout, tmp_path):
    model = DIGITS / "digits.tflite"
    tensor = next(iter(mcuq.load(model).values.values()))
    np.savez(tmp_path / "real.npz", X=holdout["X"], Y=holdout["Y"])
    np.savez(tmp_path / "stored.npz", X=tensor.quantize(holdout["X"]), Y=holdout["Y"])
    real, stored = (accuracies(run, model, tmp_path / f"{name}.npz") for name in ("real", "stored"))

    assert real == stored
    assert set(real.values()) == {1.0}
    assert "integers as the model stores them" in run("simulate", model, "--input", tmp_path / "stored.npz")[1]


@pytest.mark.parametrize("verb", ["evaluate", "simulate", "build", "verify"])
def test_where_both_could_be_meant_it_must_be_said(run, quantized, holdout, tmp_path, verb):
    graph, data, project = mcuq.load(quantized), tmp_path / "d.npz", tmp_path / "project"
    np.savez(data, X=graph.values[graph.inputs[0]].quantize(holdout["X"]), Y=holdout["Y"])
    run("build", quantized, "--board", "esp32dev", "--out", project)
    command = {
        "evaluate": ("evaluate", quantized, "--data", data),
        "simulate": ("simulate", quantized, "--input", data),
        "build": ("build", quantized, "--calibration", data, "--board", "esp32dev", "--out", tmp_path / "other"),
        "verify": ("verify", project, "--data", data),
    }[verb]
    status, _, error = run(*command)

    assert status == 2
    assert error.count("\n") == 1
    assert "--samples real or --samples stored" in error
    assert not (tmp_path / "other").exists()
    if verb != "verify":  # which takes a compiler
        assert run(*command, "--samples", "stored")[0] == 0


def test_what_is_said_decides(run, quantized, holdout, tmp_path):
    graph, data = mcuq.load(quantized), tmp_path / "d.npz"
    tensor = graph.values[graph.inputs[0]]
    np.savez(data, X=tensor.quantize(holdout["X"]), Y=holdout["Y"])
    np.savez(tmp_path / "pixels.npz", X=holdout["X"].astype(np.int8), Y=holdout["Y"])

    assert set(accuracies(run, quantized, data, "--samples", "stored").values()) == {1.0}
    assert set(accuracies(run, quantized, tmp_path / "pixels.npz", "--samples", "real").values()) == {1.0}


def test_python_follows_the_same_rule(quantized, holdout):
    plan = mcuq.compile(mcuq.load(quantized))
    tensor = plan.graph.values[plan.graph.inputs[0]]
    expected = mcuq.simulate(plan, holdout["X"])

    np.testing.assert_array_equal(mcuq.simulate(plan, holdout["X"].astype(np.int64)), expected)
    np.testing.assert_array_equal(mcuq.simulate(plan, tensor.quantize(holdout["X"]), samples="stored"), expected)
    np.testing.assert_array_equal(mcuq.simulate(plan, holdout["X"].astype(np.int8), samples="real"), expected)
    with pytest.raises(UsageError, match='samples="real"'):
        mcuq.simulate(plan, tensor.quantize(holdout["X"]))


def test_a_float_model_has_no_stored_integers(run, tmp_path):
    status, _, error = run(
        "quantize", FLOAT, "--calibration", CALIBRATION, "--samples", "stored", "--out", tmp_path / "m.mcuq"
    )

    assert (status, error.count("\n")) == (2, 1)
    assert "is a float model" in error
    assert not (tmp_path / "m.mcuq").exists()


def test_values_beyond_the_input_are_said(run, holdout, tmp_path):
    """Pixels 0..255 for a model of 0..16."""
    np.savez(tmp_path / "d.npz", X=(holdout["X"] * 15.9).astype(np.uint8), Y=holdout["Y"])
    status, out, _ = run("evaluate", DIGITS / "digits.tflite", "--data", tmp_path / "d.npz")

    assert status == 0
    assert "of the values lie outside the input's range" in out
