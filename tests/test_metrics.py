"""How good answers are: against scikit-learn, and where it has no word for it against its definition."""

import json

import numpy as np
import pytest
from float_nets import Builder, samples
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from requirements import require

import mcuq
from mcuq.errors import UsageError
from mcuq.float_run import run as run_float
from mcuq.loading import quantize_float
from mcuq.ops.logistic import Logistic
from mcuq.ops.reshape import Reshape
from mcuq.samples import metrics
from mcuq.samples.judging import Tally
from mcuq.samples.task import KINDS, Said, Task, find_task

CLASSES = Builder((1, 6)).dense(4).graph()
LABELS = Builder((1, 6)).dense(3).add(Logistic()).graph()
YES_NO = Builder((1, 6)).dense(1).add(Logistic()).graph()
SEQUENCE = Builder((1, 6)).dense(15).add(Reshape((1, 5, 3))).graph()
MIRROR = Builder((1, 6)).dense(3, "relu").dense(6).graph()


def sklearn():
    require("sklearn")
    return pytest.importorskip("sklearn.metrics")


def judged(task, *parts) -> metrics.Metrics:
    tally = Tally(task)
    for outputs, truth in parts:
        tally.add(outputs, truth)
    return tally.metrics()


def halves(outputs, truth):
    return (outputs[:70], truth[:70]), (outputs[70:], truth[70:])


def test_classes(rng):
    """Scores in steps of a quarter: many are equal."""
    known = sklearn()
    truth = rng.integers(0, 7, 200)
    scores = np.round(4 * (rng.normal(size=(200, 7)) + 1.5 * np.eye(7)[truth])) / 4
    m = judged(Task("classes", 7), *halves(scores, truth))
    answers = scores.argmax(axis=1)

    assert m.answers == 200
    assert m.accuracy.value == pytest.approx(known.accuracy_score(truth, answers))
    np.testing.assert_array_equal(m.confusion, known.confusion_matrix(truth, answers))
    np.testing.assert_allclose(m.recall, known.recall_score(truth, answers, average=None))
    np.testing.assert_allclose(m.precision, known.precision_score(truth, answers, average=None))
    assert m.auc.value == pytest.approx(known.roc_auc_score(np.eye(7)[truth], scores, average="macro"))
    distinct = scores - 1e-6 * np.arange(7)  # of equal ones the first is the largest
    assert m.top == {k: pytest.approx(known.top_k_accuracy_score(truth, distinct, k=k)) for k in (2, 3, 5)}


def test_decisions(rng):
    known = sklearn()
    truth = rng.integers(0, 2, 200)
    scores = np.round(rng.normal(truth - 0.2, 1.0), 1)[:, np.newaxis]
    m = judged(Task("decisions", 1, 0.5), *halves(scores, truth))
    at, best = m.best

    assert m.auc.value == pytest.approx(known.roc_auc_score(truth, scores[:, 0]))
    shares = [((scores[:, 0] >= t) == truth).mean() for t in np.arange(-5, 5, 0.05)]
    assert best == pytest.approx(max(shares))
    assert ((scores[:, 0] >= at) == truth).mean() == pytest.approx(best)
    np.testing.assert_array_equal(m.confusion, known.confusion_matrix(truth, scores[:, 0] >= 0.5))


def test_several_labels(rng):
    known = sklearn()
    truth = rng.integers(0, 2, (200, 3))
    scores = rng.normal(truth, 0.7)
    m = judged(Task("multilabel", 3, 0.5), *halves(scores, truth))
    answers = scores >= 0.5

    assert m.accuracy.value == pytest.approx(known.accuracy_score(truth, answers))
    assert m.auc.value == pytest.approx(known.roc_auc_score(truth, scores, average="macro"))
    np.testing.assert_allclose(m.labels, [known.accuracy_score(truth[:, i], answers[:, i]) for i in range(3)])


def test_values(rng):
    known = sklearn()
    truth = rng.normal(3, 2, (200, 2))
    outputs = truth + rng.normal(0, 0.5, (200, 2))
    m = judged(Task("values", 2), *halves(outputs, truth))

    assert m.rmse.value == pytest.approx(known.root_mean_squared_error(truth.ravel(), outputs.ravel()))
    assert m.mae == pytest.approx(known.mean_absolute_error(truth, outputs))
    assert m.r2 == pytest.approx(known.r2_score(truth, outputs, multioutput="variance_weighted"))


def test_a_reconstruction_that_tells_odd_samples(rng):
    known = sklearn()
    x, odd = rng.normal(size=(200, 6)), rng.integers(0, 2, 200)
    outputs = x + rng.normal(size=x.shape) * (0.2 + 0.1 * odd)[:, np.newaxis]
    tally = Tally(Task("reconstruction", 6))
    tally.add(outputs, x)
    tally.mark(odd)

    assert tally.metrics().auc.value == pytest.approx(known.roc_auc_score(odd, np.square(outputs - x).mean(axis=1)))


@given(arrays(np.int8, st.integers(1, 30)), st.data())
def test_the_best_threshold_is_the_best(scores, data):
    truth = data.draw(arrays(np.int64, len(scores), elements=st.integers(0, 1)))
    at, share = metrics.best_threshold(scores.astype(float), truth, 0.5)

    assert share == ((scores >= at) == truth).mean()
    assert share == max(((scores >= t) == truth).mean() for t in range(-128, 130))


@given(arrays(np.int8, st.integers(2, 30)), st.data())
def test_the_area_is_the_share_of_pairs_in_order(scores, data):
    truth = data.draw(arrays(np.int64, len(scores), elements=st.integers(0, 1)))
    yes, no = scores[truth == 1].astype(int), scores[truth == 0].astype(int)
    found = metrics.area(scores, truth)
    if not (yes.size and no.size):
        assert found is None
        return
    pairs = np.sign(yes[:, np.newaxis] - no).astype(float)
    assert found.value == pytest.approx((pairs.mean() + 1) / 2)


def test_standard_errors_are_those_of_other_samples(rng):
    """500 draws of 100 samples: figures spread as their standard errors say."""
    shares, areas, roots = [], [], []
    for _ in range(500):
        truth = rng.integers(0, 2, 100)
        scores = rng.normal(1.2 * truth, 1.0)
        shares.append(metrics.share(int(((scores > 0.6) == truth).sum()), 100))
        areas.append(metrics.area(scores, truth))
        roots.append(metrics.root_mean(np.square(rng.normal(size=100))))
    for figures in (shares, areas, roots):
        spread = np.std([f.value for f in figures])
        assert np.mean([f.error for f in figures]) == pytest.approx(spread, rel=0.15)


def test_a_difference_on_the_same_samples():
    """Both are right on 90; one more is right for the one, three more for the other."""
    first, second = (np.arange(100) < 91), (np.arange(100) < 90) | (np.arange(100) >= 97)
    gain = metrics.paired_difference(first, second)

    assert gain.value == pytest.approx(0.02)
    assert gain.error == pytest.approx(np.std([*[-1.0], *3 * [1.0], *96 * [0.0]]) / 10)


def test_a_sequence_answers_at_every_step():
    x = samples(SEQUENCE, 40)
    outputs = run_float(SEQUENCE, {"x": x})[SEQUENCE.outputs[0]]
    right = outputs.reshape(40, 5, 3).argmax(axis=2)
    right[0, 2] = (right[0, 2] + 1) % 3
    result = mcuq.evaluate(quantize_float(SEQUENCE, x).graph, (x, right), reference=SEQUENCE)

    assert result.task == Task("classes", 3, steps=5)
    assert (result.samples, result.real.answers, result.float_accuracy) == (40, 200, 199 / 200)
    assert result.agreement > 0.97


def test_several_labels_are_found_behind_a_sigmoid():
    x = samples(LABELS, 100)
    said = run_float(LABELS, {"x": x})[LABELS.outputs[0]].reshape(100, 3) >= 0.5
    result = mcuq.evaluate(quantize_float(LABELS, x).graph, (x, said.astype(int)), reference=LABELS)

    assert result.task == Task("multilabel", 3, 0.5)
    assert result.float_accuracy == 1.0
    assert result.gain.value == pytest.approx(result.integer_accuracy - 1.0)


@pytest.mark.parametrize(
    ("graph", "kind", "labels", "match"),
    [
        (YES_NO, "classes", np.zeros(4), "its task is decisions, or values"),
        (CLASSES, "decisions", np.zeros(4), "the model has 4"),
        (CLASSES, "reconstruction", None, "the first output does not"),
        (CLASSES, "values", None, "there are none"),
        (CLASSES, "multilabel", np.full((4, 4), 2), "each of several labels is 0 or 1"),
        (CLASSES, "multilabel", np.zeros(4), "1 values per sample"),
        (CLASSES, "classes", np.array([0, 9]), "9"),
    ],
)
def test_a_task_that_is_not_this_models_is_refused(graph, kind, labels, match):
    with pytest.raises(UsageError, match=match):
        find_task(graph, labels, said=Said(kind))


def test_what_is_said_goes_before_what_is_found():
    one_hot = np.eye(3)[[0, 1, 2]]

    assert find_task(LABELS, one_hot).kind == "classes"
    assert find_task(LABELS, one_hot, said=Said("multilabel", 0.3)) == Task("multilabel", 3, 0.3)
    assert find_task(MIRROR, None, said=Said("reconstruction")).kind == "reconstruction"
    with pytest.raises(UsageError, match="a threshold decides"):
        find_task(CLASSES, np.array([0, 1]), said=Said(threshold=0.5))


def test_the_command_line(run, tmp_path, rng):
    x = samples(YES_NO, 60)
    y = run_float(YES_NO, {"x": x})[YES_NO.outputs[0]].ravel()
    mcuq.save(quantize_float(YES_NO, x).graph, tmp_path / "m.mcuq", reference=YES_NO)
    np.savez(tmp_path / "d.npz", X=x, Y=(y >= 0.7).astype(int))
    arguments = ("evaluate", tmp_path / "m.mcuq", "--data", tmp_path / "d.npz")
    status, out, _ = run(*arguments)
    found = json.loads(run(*arguments, "--threshold", "0.7", "--json")[1])
    values = json.loads(run(*arguments, "--task", "values", "--json")[1])

    assert status == 0
    assert "AUC: float 1.0000" in out
    assert "best threshold: float 0.6" in out or "best threshold: float 0.7" in out
    assert found["float"]["accuracy"]["value"] == found["float_accuracy"] == 1.0
    assert found["float"]["classes"]["confusion"][0][1] == 0
    assert values["task"] == "values" and 0 < values["float"]["rmse"]["value"] == values["float_rmse"]
    assert run(*arguments, "--task", "classes")[0] == 2


def test_the_command_line_knows_every_task():
    from mcuq.cli.options import TASKS

    assert TASKS == KINDS
