"""Samples that cannot calibrate well went through in silence: too few, repeated, of another scale, of another model."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from float_nets import Builder, samples

import mcuq
from mcuq.float_run import run as run_float
from mcuq.ops.softmax import Softmax
from mcuq.quantization.calibrate import calibrate

DIGITS = Path(__file__).parents[2] / "examples/digits"
FLOAT, CALIBRATION = DIGITS / "digits_float.tflite", DIGITS / "calibration.npz"
NET = Builder((1, 6)).dense(4).add(Softmax()).graph()
REGRESSION = Builder((1, 6)).dense(1).graph()
X = samples(NET, 64)
ANSWERS = run_float(NET, {"x": X})[NET.outputs[0]].reshape(64, -1).argmax(axis=1)
VALUES = run_float(REGRESSION, {"x": X})[REGRESSION.outputs[0]].ravel()


def test_nothing_is_said_of_good_samples():
    assert not calibrate(NET, (X, ANSWERS)).remarks
    assert not calibrate(REGRESSION, (X, VALUES)).remarks
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mcuq.quantize(FLOAT, CALIBRATION)


@pytest.mark.parametrize(
    ("graph", "data", "what"),
    [
        (NET, X[:15], "only 15 samples calibrate"),
        (NET, np.concatenate([X, X[:5], X[:1]]), "6 of 70 calibration samples repeat another one"),
        (NET, X * 100, "fully_connected_0, the first layer, answers with values around"),
        (
            NET,
            (X, (ANSWERS + 1) % 4),
            "is right on the 64 labelled calibration samples in 0.0 % only",
        ),
        (REGRESSION, (X, -VALUES), "no better on the 64 labelled calibration samples than their mean"),
        (NET, (X, ANSWERS + 7), "nothing was judged by them"),
    ],
    ids=["few", "repeated", "large", "answers", "values", "labels"],
)
def test_it_is_said_in_one_line(graph, data, what):
    (remark,) = calibrate(graph, data).remarks

    assert what in remark
    assert "\n" not in remark


@pytest.mark.parametrize("labels", [np.zeros(64, np.int64), None])
def test_labels_of_one_class_are_no_failure(labels):
    x = X[ANSWERS[0] == ANSWERS]
    x = np.concatenate([x, x + 1e-4, x - 1e-4, x + 2e-4])
    given = None if labels is None else np.full(len(x), ANSWERS[0])

    assert not calibrate(NET, x if given is None else (x, given)).remarks


def test_the_command_line_and_python_say_it(run, tmp_path):
    with np.load(CALIBRATION) as file:
        np.savez(tmp_path / "c.npz", X=file["X"][:10] * 16, Y=file["Y"][:10])
    status, out, _ = run("quantize", FLOAT, "--calibration", tmp_path / "c.npz", "--out", tmp_path / "m.mcuq")
    notes = json.loads(
        run("quantize", FLOAT, "--calibration", tmp_path / "c.npz", "--out", tmp_path / "m.mcuq", "--json")[1]
    )["notes"]

    assert status == 0
    assert "only 10 samples calibrate" in out
    assert any("only 10 samples" in note for note in notes)
    with pytest.warns(UserWarning, match="only 10 samples"):
        mcuq.quantize(FLOAT, tmp_path / "c.npz")


def test_text_labels_of_a_calibration_set_are_mapped(run, tmp_path):
    with np.load(CALIBRATION) as file:
        np.savez(tmp_path / "c.npz", X=file["X"], Y=np.array([f"digit {y}" for y in file["Y"]]))
    command = ("quantize", FLOAT, "--calibration", tmp_path / "c.npz", "--out", tmp_path / "m.mcuq")

    assert "are text (digit 0" in run(*command)[1]
    assert "are text" not in run(*command, "--classes", ",".join(f"digit {i}" for i in range(10)))[1]
