"""One output is no arg-max: `evaluate` said 49 % of a sigmoid that is right on every sample, "accuracy 0.5 %" of a
regression, and 0.0 % where the labels were text. The task is found, or the labels are refused."""

import json

import numpy as np
import pytest
from float_nets import Builder, samples

import mcuq
from mcuq import archive
from mcuq.errors import UsageError
from mcuq.evaluation import evaluate
from mcuq.float_run import run as run_float
from mcuq.loading import quantize_float
from mcuq.ops.logistic import Logistic
from mcuq.ops.reshape import Reshape
from mcuq.ops.softmax import Softmax
from mcuq.ops.tanh import Tanh
from mcuq.quantization.samples import batches
from mcuq.samples.judging import Tally
from mcuq.samples.task import Task, find_task

CLASSES = Builder((1, 6)).dense(3).graph()
SOFTMAX = Builder((1, 6)).dense(3).add(Softmax()).graph()
LOGIT = Builder((1, 6)).dense(1).graph()
YES_NO = Builder((1, 6)).dense(1).add(Logistic()).graph()
SIGN = Builder((1, 6)).dense(1).add(Tanh()).graph()
MIRROR = Builder((1, 6)).dense(3, "relu").dense(6).graph()


def outputs(graph, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    x = samples(graph, count)
    return x, run_float(graph, {"x": x})[graph.outputs[0]].reshape(count, -1)


@pytest.mark.parametrize(("graph", "threshold"), [(LOGIT, 0.0), (YES_NO, 0.5), (SIGN, 0.0)])
def test_one_output_is_yes_or_no(graph, threshold):
    x, y = outputs(graph)
    labels = (y[:, 0] >= threshold).astype(np.int64)
    assert 20 < labels.sum() < 180
    result = evaluate(quantize_float(graph, x).graph, graph, batches(graph, (x, labels)))

    assert result.task == Task("decisions", 1, threshold)
    assert result.float_accuracy == 1.0
    assert result.integer_accuracy > 0.97
    assert result.agreement == result.integer_accuracy


def test_the_case_of_the_report(run, shared, tmp_path):
    """The float model is right on every sample, the integers on all but one: five samples have the same integers.

    The network adds its first two inputs. Theirs add up to -0.006, of class 0, and to 0.0005 to 0.0097, of class 1;
    a step of the input is 0.027, and what the integers say of all five is 0. So no threshold tells them apart, and the
    integers answer as the float model does when it is given what their inputs stand for.
    """
    model, data = (shared / "cases/use" / name for name in ("bin.onnx", "bin.npz"))
    pytest.importorskip("onnx")
    assert run("quantize", model, "--calibration", data, "--out", tmp_path / "b.mcuq")[0] == 0
    result = json.loads(run("evaluate", tmp_path / "b.mcuq", "--data", data, "--json")[1])

    assert result["float_accuracy"] == 1.0
    assert result["integer_accuracy"] == 399 / 400
    content = archive.read(tmp_path / "b.mcuq")
    graph, source = content.graph, content.source
    with np.load(data) as file:
        x, labels = file["X"].reshape(-1, *source.shapes["x"]), file["Y"].ravel()
    integers = graph.values["x"].quantize(x).astype(int).reshape(-1, 8)
    known = graph.values["x"].dequantize(graph.values["x"].quantize(x))
    of_float = run_float(source, {"x": known})["y"].ravel() >= 0.5
    answers = graph.values["y"].dequantize(mcuq.simulate(mcuq.compile(graph), x[:, 0])).ravel() >= 0.5
    near = np.flatnonzero((integers[:, :2] - graph.values["x"].zero_point).sum(axis=1) == 0)

    assert np.array_equal(answers, of_float)
    assert labels[near].tolist().count(0) == 1 and len(near) == 5
    assert np.flatnonzero(answers != labels).tolist() == near[labels[near] == 0].tolist()


def test_labels_of_minus_one_and_one_are_two_classes():
    _, y = outputs(SIGN)
    labels = np.where(y[:, 0] >= 0, 1, -1)
    task = find_task(SIGN, labels)
    tally = Tally(task)
    tally.add(y, task.truth(labels))

    assert tally.accuracy == 1.0


def test_numbers_are_a_regression():
    x, y = outputs(LOGIT)
    wanted = y[:, 0] + np.where(np.arange(len(y)) % 2, 0.25, -0.25)
    result = evaluate(quantize_float(LOGIT, x).graph, LOGIT, batches(LOGIT, (x, wanted)))

    assert result.task.kind == "values"
    assert (result.integer_accuracy, result.float_accuracy, result.agreement) == (None, None, None)
    assert result.float_rmse == pytest.approx(0.25, abs=1e-5)
    assert result.integer_rmse == pytest.approx(0.25, abs=0.02)
    assert 0 < result.difference < 0.05


def test_hello_world_is_a_regression(run, shared):
    model, data = shared / "models/tflm/hello_world_int8.tflite", shared / "cases/use/sine.npz"
    result = json.loads(run("evaluate", model, "--data", data, "--json")[1])
    text = run("evaluate", model, "--data", data)[1]

    assert result["integer_accuracy"] is None
    assert 0.01 < result["integer_rmse"] < 0.05
    assert "RMSE on 200 samples" in text
    assert "accuracy" not in text


@pytest.mark.parametrize("labels", [None, np.arange(200) % 2])
def test_an_output_like_the_input_is_a_reconstruction(labels):
    x, y = outputs(MIRROR)
    task = find_task(MIRROR, labels)
    result = evaluate(quantize_float(MIRROR, x).graph, MIRROR, batches(MIRROR, (x, labels)))

    assert task == Task("reconstruction", 6)
    assert result.float_rmse == pytest.approx(float(np.sqrt(np.mean((y - x.reshape(y.shape)) ** 2))), rel=1e-5)
    assert result.integer_accuracy is None


@pytest.mark.parametrize("form", ["numbers", "column", "floats", "one-hot", "text"])
def test_every_form_of_labels_means_the_same(form):
    _, y = outputs(CLASSES)
    right = y.argmax(axis=1)
    names = ("cat", "dog", "emu")
    labels = {
        "numbers": right,
        "column": right[:, np.newaxis],
        "floats": right.astype(np.float32),
        "one-hot": np.eye(3)[right],
        "text": np.array(names)[right],
    }[form]
    task = find_task(CLASSES, labels, names if form == "text" else ())
    tally = Tally(task)
    tally.add(y, task.truth(labels))

    assert (tally.accuracy, tally.samples) == (1.0, 200)


BAD = {
    "text": (CLASSES, np.array(["a", "b"] * 5), (), "are text"),
    "text that is no class": (CLASSES, np.array(["a", "x"] * 5), ("a", "b", "c"), "none of the classes"),
    "too few classes": (CLASSES, np.array(["a", "b"] * 5), ("a", "b"), "tells 3 apart"),
    "minus one": (CLASSES, np.array([0, 1, -1, 2]), (), "-1"),
    "beyond the outputs": (CLASSES, np.array([1, 2, 3]), (), "0 to 2"),
    "one-hot of another width": (CLASSES, np.eye(4), (), "4 values per sample"),
    "several classes at a time": (CLASSES, np.array([[1, 1, 0], [1, 0, 0]]), (), "do not name one class"),
    "a number for several outputs": (CLASSES, np.array([0.5, 1.5]), (), "0.5"),
    "not a number": (LOGIT, np.array([0.5, np.nan]), (), "no numbers"),
    "two for one output": (LOGIT, np.eye(2), (), "2 values per sample"),
    "classes of a sigmoid": (YES_NO, np.array([0, 1, 2]), (), "hold 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_labels_of_another_model_are_refused(case):
    graph, labels, classes, message = BAD[case]
    with pytest.raises(UsageError, match=message) as error:
        find_task(graph, labels, classes, "d.npz: labels")

    assert str(error.value).startswith("d.npz: labels")
    assert "\n" not in str(error.value)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "net.mcuq"
    path.write_bytes(archive.dump(quantize_float(CLASSES, samples(CLASSES, 64))))
    return path


def test_text_labels_are_mapped_on_the_command_line(run, model, tmp_path):
    x, y = outputs(CLASSES)
    names = np.array(["cat", "dog", "emu"])
    data, own = tmp_path / "d.npz", tmp_path / "own.npz"
    np.savez(data, X=x, Y=names[y.argmax(axis=1)])
    np.savez(own, X=x, Y=names[y.argmax(axis=1)], class_names=names)
    (tmp_path / "classes.txt").write_text("cat\ndog\nemu\n", "utf-8")
    verbs = (("evaluate", model, "--data"), ("simulate", model, "--input"))

    for verb in verbs:
        status, out, error = run(*verb, data)
        assert (status, out, error.count("\n")) == (2, "", 1)
        assert "--classes" in error
        for given in ("cat,dog,emu", tmp_path / "classes.txt"):
            assert run(*verb, data, "--classes", given)[0] == 0
    key = {"evaluate": "integer_accuracy", "simulate": "accuracy"}
    found = {json.loads(run(*v, own, "--json")[1])[key[v[0]]] for v in verbs}
    found |= {json.loads(run(*v, data, "--classes", "cat,dog,emu", "--json")[1])[key[v[0]]] for v in verbs}
    assert len(found) == 1
    assert found.pop() > 0.95


@pytest.mark.parametrize(
    "keys", [("x", "y"), ("x_train", "y_train"), ("images", "labels"), ("test_x", "test_y"), ("data", "target")]
)
def test_samples_and_labels_are_found(run, model, tmp_path, keys):
    x, y = outputs(CLASSES)
    np.savez(tmp_path / "d.npz", **{keys[0]: x, keys[1]: y.argmax(axis=1)})
    status, out, _ = run("evaluate", model, "--data", tmp_path / "d.npz", "--json")

    assert status == 0
    assert json.loads(out)["float_accuracy"] == 1.0


@pytest.mark.parametrize(
    ("keys", "what"),
    [(("x_train", "y_train", "x_test", "y_test"), "could be the samples"), (("a", "b"), "has no array")],
)
def test_what_the_file_holds_is_listed_where_it_is_not_clear(run, model, tmp_path, keys, what):
    np.savez(tmp_path / "d.npz", **{key: np.zeros((4, 6), np.float32) for key in keys})
    status, out, error = run("evaluate", model, "--data", tmp_path / "d.npz")

    assert (status, out, error.count("\n")) == (2, "", 1)
    assert what in error
    assert f"the file holds {', '.join(sorted(keys))}; wanted: samples as X, their labels as Y" in error


def test_what_only_moves_does_not_hide_the_sigmoid():
    graph = Builder((1, 6)).dense(1).add(Logistic()).add(Reshape((1, 1, 1))).graph()

    assert find_task(graph, np.array([0, 1])) == Task("decisions", 1, 0.5)
    assert find_task(graph, None) is None
