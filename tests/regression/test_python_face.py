"""`evaluate`, `fewest_bits`, `verify` and `save` were not public, options were not typed, and an example was asked for
when samples were there; `repr` of a graph printed every weight."""

import dataclasses
import inspect
import typing
from pathlib import Path

import numpy as np
import pytest
from float_nets import Builder, samples, separable_net
from requirements import require

import mcuq
from mcuq.float_run import run as run_float
from mcuq.quantization.options import Choices

DIGITS = Path(__file__).parents[2] / "examples/digits"
FLOAT, CALIBRATION, HOLDOUT = (DIGITS / name for name in ("digits_float.tflite", "calibration.npz", "holdout.npz"))


def test_every_public_name_is_there_and_described():
    for name in mcuq.__all__:
        assert inspect.getdoc(getattr(mcuq, name)), name
    assert set(mcuq.__all__) <= set(dir(mcuq))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mcuq.nothing  # noqa: B018


def test_options_are_typed_and_all_there():
    hints = typing.get_type_hints(mcuq.Options)

    assert typing.get_type_hints(Choices) == hints
    assert set(hints) == {field.name for field in dataclasses.fields(mcuq.Options)}
    for verb in (mcuq.evaluate, mcuq.fewest_bits, mcuq.verify, mcuq.save, mcuq.simulate, mcuq.write_project):
        signature = inspect.signature(verb)
        assert all(p.annotation is not p.empty for p in signature.parameters.values()), verb
        assert signature.return_annotation is not signature.empty, verb


def test_quantize_takes_options_and_changes_of_them():
    x = samples(separable_net(), 32)
    given = mcuq.quantize(separable_net(), x, options=mcuq.Options(bits=4, corrections=()))
    changed = mcuq.quantize(separable_net(), x, options=mcuq.Options(bits=4), corrections=())

    assert {c.bits for n, c in given.constants.items() if n.endswith("weights")} == {4}
    assert all(np.array_equal(given.constants[n].values, changed.constants[n].values) for n in given.constants)


def test_evaluate_save_and_load(tmp_path):
    source = mcuq.load(FLOAT)
    graph = mcuq.quantize(source, CALIBRATION, corrections=("rounding", "bias"))
    result = mcuq.evaluate(graph, HOLDOUT, reference=source)
    mcuq.save(graph, tmp_path / "d.mcuq", reference=source)
    again = mcuq.evaluate(tmp_path / "d.mcuq", HOLDOUT)
    with np.load(HOLDOUT) as file:
        alone = mcuq.evaluate(graph, (file["X"], file["Y"]))
        streamed = mcuq.evaluate(graph, ((file["X"][i : i + 60], file["Y"][i : i + 60]) for i in range(0, 540, 60)))

    assert isinstance(result, mcuq.Evaluation)
    assert result.float_accuracy == 539 / 540
    assert result.layers
    assert again == result
    assert alone.integer_accuracy == streamed.integer_accuracy == result.integer_accuracy
    assert (alone.float_accuracy, alone.layers) == (None, ())
    with pytest.raises(mcuq.McuqError, match=r"written to a \.mcuq file"):
        mcuq.save(graph, tmp_path / "d.bin")
    with pytest.raises(mcuq.McuqError, match="is a float model"):
        mcuq.evaluate(FLOAT, HOLDOUT)


def test_verify(tmp_path):
    require("gcc")
    x = samples(separable_net(), 32)
    mcuq.write_project(mcuq.quantize(separable_net(), x), "esp32dev", tmp_path)
    (result,) = mcuq.verify(tmp_path)

    assert isinstance(result, mcuq.Verification)
    assert result.passed


@pytest.mark.slow
def test_fewest_bits(tmp_path):
    require("joblib", "threadpoolctl")
    net = Builder((1, 6)).dense(16, "relu").dense(3).graph()
    x = samples(net, 80)
    labels = run_float(net, {"x": x})[net.outputs[0]].reshape(80, -1).argmax(axis=1)
    np.savez(tmp_path / "d.npz", X=x, Y=labels)
    mcuq.save(mcuq.quantize(net, x), tmp_path / "m.mcuq", reference=net)
    found = mcuq.fewest_bits(
        tmp_path / "m.mcuq",
        tmp_path / "d.npz",
        "esp32dev",
        tmp_path / "o.mcuq",
        formats=("8", "4"),
        max_drop=20,
        jobs=1,
    )

    assert (tmp_path / "o.mcuq").is_file()
    assert found.found.measured[found.best].flash <= found.limits.widest.flash
    assert len(repr(found)) < 300


@pytest.mark.parametrize("form", ["array", "tensor", "loader", "file", "array and labels"])
def test_samples_are_example_enough(form, tmp_path):
    require("torch", "onnx", "onnxscript")
    import torch

    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(72, 3))
    x = np.random.default_rng(0).normal(size=(32, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "x.npz", X=x)
    data = {
        "array": x,
        "tensor": torch.as_tensor(x),
        "loader": torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.as_tensor(x)), batch_size=8),
        "file": tmp_path / "x.npz",
        "array and labels": (x, np.zeros(32, np.int64)),
    }[form]
    given = mcuq.quantize(net.eval(), data)
    expected = mcuq.quantize(net.eval(), x, example=x[:1])

    assert all(np.array_equal(given.constants[n].values, expected.constants[n].values) for n in expected.constants)


def test_a_repr_fits_a_screen(tmp_path):
    source = mcuq.load(FLOAT)
    graph = mcuq.quantize(source, CALIBRATION)
    plan = mcuq.compile(graph, "esp32dev")
    report = mcuq.check_fit(plan, "esp32dev", setup=mcuq.Setup(app_ram=200_000))
    written = mcuq.write_project(graph, "esp32dev", tmp_path)
    result = mcuq.evaluate(graph, HOLDOUT, reference=source)
    for what in (source, graph, plan, report, mcuq.check_fit(plan, "esp32dev"), result, written):
        text = repr(what)
        assert len(text) < 2000, text
        assert text.count("\n") < 24
    assert repr(graph).startswith("<Graph digits_float: ")
    assert "8, 8, 1" in repr(graph)
    assert "does not fit esp32dev" in repr(report)
