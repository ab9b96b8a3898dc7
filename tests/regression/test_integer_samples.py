"""The same array of integers was real values to `quantize` and `evaluate`, stored integers to `simulate` and `verify`:
99.8 % here, 10 % there, exit 0. One rule holds wherever samples are read, and every verb prints how it read them."""

import json
from pathlib import Path

import numpy as np
import pytest
from requirements import require

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


def test_the_search_follows_the_same_rule(run, holdout, tmp_path):
    """A file of the quantized model's own integers is refused until it is said what they are."""
    require("joblib", "threadpoolctl")
    model, data = tmp_path / "digits.mcuq", tmp_path / "d.npz"
    assert run("quantize", FLOAT, "--calibration", CALIBRATION, "--out", model)[0] == 0
    graph = mcuq.load(model)
    np.savez(data, X=graph.values[graph.inputs[0]].quantize(holdout["X"]), Y=holdout["Y"])
    rest = ("--data", data, "--out", tmp_path / "m.mcuq", "--board", "esp32dev", "--formats", "8,4", "--jobs", "1")
    status, _, error = run("search", model, *rest)
    said = json.loads(run("search", model, *rest, "--samples", "stored", "--json")[1])
    of_float = run("search", FLOAT, *rest, "--samples", "stored")

    assert (status, error.count("\n")) == (2, 1) and "--samples real or --samples stored" in error
    assert said["int8_accuracy"] == 1.0 and "integers as the model stores them" in said["notes"][0]
    assert of_float[0] == 2 and "none can be stored integers" in of_float[2]


def test_the_search_of_python_follows_it_too(quantized, holdout, tmp_path):
    """What is stored integers to a quantized model is real values to a float model, and other types are to both."""
    require("joblib", "threadpoolctl")
    graph, model = mcuq.load(quantized), tmp_path / "m.mcuq"
    mcuq.save(graph, model, reference=mcuq.load(FLOAT))
    pixels = holdout["X"].astype(np.int8)
    arrays = {
        "stored": graph.values[graph.inputs[0]].quantize(holdout["X"]),
        "pixels": pixels,
        "bytes": pixels.astype(np.uint8),
        "wide": pixels.astype(np.int64),
    }

    def found(given, name, samples=None):
        np.savez(tmp_path / f"{name}.npz", X=arrays[name], Y=holdout["Y"])
        out = tmp_path / f"{name}{given.suffix}.mcuq"
        options = {"formats": ("8", "4"), "jobs": 1, "samples": samples}
        outcome = mcuq.fewest_bits(given, tmp_path / f"{name}.npz", "esp32dev", out, **options)
        return outcome.limits.widest.hits, outcome.task.notes[0].partition(": ")[2]

    for name in ("stored", "pixels"):
        with pytest.raises(UsageError, match='samples="real"'):
            found(model, name)
    assert found(model, "stored", "stored") == (68, "X int8[100, 8, 8, 1]: integers as the model stores them; labels Y")
    assert found(model, "pixels", "real") == (68, "X int8[100, 8, 8, 1]: real values; labels Y")
    assert found(FLOAT, "pixels") == (68, "X int8[100, 8, 8, 1]: real values; labels Y")
    assert found(model, "bytes") == (68, "X uint8[100, 8, 8, 1]: real values; labels Y")
    assert found(FLOAT, "wide") == (68, "X int64[100, 8, 8, 1]: real values; labels Y")
