"""Float models on the command line: quantize, evaluate, and what the other verbs do with them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mcuq import archive

DIGITS = Path(__file__).parents[1] / "examples/digits"
FLOAT, CALIBRATION, HOLDOUT = (DIGITS / name for name in ("digits_float.tflite", "calibration.npz", "holdout.npz"))
NEEDED = {".onnx": ("onnx", "mcuq[onnx]"), ".pt2": ("torch", "mcuq[torch]"), ".keras": ("tensorflow", "mcuq[keras]")}


@pytest.fixture
def quantized(run, tmp_path):
    path = tmp_path / "digits.mcuq"
    status, out, err = run("quantize", FLOAT, "--calibration", CALIBRATION, "--out", path)
    assert (status, err) == (0, "")
    assert "mcuq evaluate" in out
    return path


def test_quantize_writes_the_same_file_every_time(run, quantized, tmp_path):
    run("quantize", FLOAT, "--calibration", CALIBRATION, "--out", tmp_path / "again.mcuq")

    assert (tmp_path / "again.mcuq").read_bytes() == quantized.read_bytes()


def test_the_float_model_lies_in_the_file(quantized):
    source = archive.read(quantized).source

    assert source is not None
    assert archive.dump(archive.read(quantized)) == quantized.read_bytes()


def test_evaluate(run, quantized):
    """539 of 540 held-out digits in float, as Keras says; the integers within a point."""
    status, out, _ = run("evaluate", quantized, "--data", HOLDOUT, "--json")
    result = json.loads(out)

    assert status == 0
    assert result["float_accuracy"] == 539 / 540
    assert result["integer_accuracy"] >= result["float_accuracy"] - 0.01
    assert result["agreement"] >= 0.99
    layers = {layer["name"]: layer for layer in result["layers"]}
    assert result["look_at_first"] == min(layers.values(), key=lambda layer: layer["own_sqnr"])["name"]
    assert all(20 < layer["output_sqnr"] <= layer["own_sqnr"] + 1 for layer in layers.values())
    assert all(30 < layer["weights_sqnr"] < 60 for layer in layers.values() if layer["op"].endswith("conv2d"))


def test_evaluate_a_float_file(run, quantized):
    expected = run("evaluate", quantized, "--data", HOLDOUT)
    status, out, err = run("evaluate", FLOAT, "--calibration", CALIBRATION, "--data", HOLDOUT)

    assert (status, err) == (0, "")
    of_calibration = ("samples ", "scheme ", "the calibration samples ")
    others = [line for line in out.splitlines() if not line.startswith(of_calibration)]
    assert others[1:] == [line for line in expected[1].splitlines() if not line.startswith("samples ")][1:]  # the name


def test_evaluate_without_the_float_model(run, tmp_path):
    status, out, _ = run("evaluate", DIGITS / "digits.tflite", "--data", HOLDOUT)

    assert status == 0
    assert "integers 99.6 %" in out
    assert "need the float model" in out


def test_worse_integers_are_seen(run, tmp_path):
    """One scale for all activations of the network: evaluate says what it costs."""
    coarse = ("--activations", "network", "--weights", "network", "--correct", "none", "--method", "minmax")
    found = {}
    for name, options in (("fine", ()), ("coarse", coarse)):
        run("quantize", FLOAT, "--calibration", CALIBRATION, "--out", tmp_path / f"{name}.mcuq", *options)
        found[name] = json.loads(run("evaluate", tmp_path / f"{name}.mcuq", "--data", HOLDOUT, "--json")[1])

    output = {name: result["layers"][-2]["output_sqnr"] for name, result in found.items()}
    assert output["coarse"] < output["fine"] - 6


def test_build_quantizes(run, quantized, tmp_path):
    """The same C, from the float file at once or from the .mcuq; the float model is not copied into the project."""
    direct, kept = tmp_path / "direct", tmp_path / "kept"
    options = ("--board", "esp32dev", "--name", "digits")
    assert run("build", FLOAT, "--calibration", CALIBRATION, *options, "--out", direct)[0] == 0
    assert run("build", quantized, *options, "--out", kept)[0] == 0

    library = sorted(
        path.relative_to(direct)
        for path in (direct / "lib/digits").rglob("*.*")
        if path.name not in ("build.json", "report.html")
    )
    assert library
    assert all((direct / path).read_bytes() == (kept / path).read_bytes() for path in library)
    assert archive.read(kept / "digits.mcuq").source is None
    assert run("verify", kept)[0] == 0


@pytest.mark.parametrize("options", [("--bits", "4", "--clip"), ("--codebook", "16", "--codebook-energy")])
def test_build_with_few_bits(run, options, tmp_path):
    """The packed kernel is there and gives the same bytes."""
    built = ("--calibration", CALIBRATION, "--board", "esp32dev", "--name", "digits", "--out", tmp_path, *options)
    assert run("build", FLOAT, *built)[0] == 0
    assert list(tmp_path.rglob("mcuq_packed.h"))
    assert run("verify", tmp_path)[0] == 0


def test_sizes_are_known_without_samples(run, quantized):
    """Never fewer bytes than after calibration, and hardly more."""
    needed = {}
    for model in (FLOAT, quantized):
        status, out, _ = run("check", model, "--board", "esp32dev", "--json")
        assert status == 0
        needed[model] = {row["region"]: row["needed"] for row in json.loads(out)["regions"]}
    assert needed[FLOAT].keys() == needed[quantized].keys()
    assert all(0 <= needed[FLOAT][region] - needed[quantized][region] < 1000 for region in needed[FLOAT])


def test_inspect_a_float_model(run):
    status, out, _ = run("inspect", FLOAT, "--json")

    assert status == 0
    assert json.loads(out)["macs"] == 88_320
    assert "float model" in run("inspect", FLOAT)[1]
    assert run("inspect", FLOAT, "--memory")[0] == 0


def test_auto_tells_what_it_chose(run, tmp_path):
    arguments = ("--calibration", CALIBRATION, "--out", tmp_path / "q.mcuq", "--auto", "--json")
    notes = json.loads(run("quantize", FLOAT, *arguments)[1])["notes"]

    assert sum("(cross-validated)" in note for note in notes) == 1
    assert notes[-1].startswith("scheme affine, ranges by ")


@pytest.mark.parametrize("scheme", ["scale", "fixed-point", "dynamic-fixed-point"])
def test_schemes(run, scheme, tmp_path):
    run("quantize", FLOAT, "--calibration", CALIBRATION, "--out", tmp_path / "q.mcuq", "--scheme", scheme)
    result = json.loads(run("evaluate", tmp_path / "q.mcuq", "--data", HOLDOUT, "--json")[1])

    assert result["integer_accuracy"] >= result["float_accuracy"] - 0.02


def _write(path: Path, x) -> Path:
    np.save(path, x)
    return path


def test_bad_samples_are_one_line(run, tmp_path, rng):
    images = rng.random((4, 8, 8, 1)).astype(np.float32)
    broken = images.copy()
    broken[2, 3, 3, 0] = np.nan
    wrong = {
        "nchw": (images.reshape(4, 1, 8, 8), "NCHW"),
        "shape": (images[:, :7], "expected [N, 8, 8, 1]"),
        "nan": (broken, "NaN"),
        "empty": (images[:0], "no samples"),
        "constant": (0 * images, "everywhere"),
        "text": (np.array(["a"]), "expected"),
    }
    for name, (x, message) in wrong.items():
        path = _write(tmp_path / f"{name}.npy", x)
        status, out, err = run("quantize", FLOAT, "--calibration", path, "--out", tmp_path / "q.mcuq")
        assert (status, out, err.count("\n")) == (2, "", 1), (name, err)
        assert message in err, (name, err)
        assert not (tmp_path / "q.mcuq").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "median"), "median"),
        (("--method", "percentile:200"), "percentile"),
        (("--layer-method", "conv2d_99=kl"), "conv2d_99 is no layer"),
        (("--layer-method", "kl"), "LAYER=METHOD"),
        (("--correct", "magic"), "'magic' is no correction"),
        (("--scheme", "float8"), "invalid choice"),
        (("--bits", "9"), "9 is no number of bits"),
        (("--layer-bits", "conv2d_99=4"), "conv2d_99 is no layer"),
        (("--layer-bits", "conv2d_0"), "LAYER=BITS"),
        (("--codebook", "7"), "7 is no size of a codebook"),
        (("--codebook", "16", "--codebook-channels", "1"), "larger than"),
        (("--out", "model.zip"), "--out is given twice"),
    ],
)
def test_bad_options_are_one_line(run, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run("quantize", FLOAT, "--calibration", CALIBRATION, "--out", "q.mcuq", *options)

    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert message in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["build", "simulate", "evaluate"])
def test_a_float_model_needs_samples(run, verb, tmp_path):
    more = {
        "build": ("--board", "esp32dev", "--out", tmp_path / "p"),
        "simulate": ("--input", HOLDOUT),
        "evaluate": ("--data", HOLDOUT),
    }
    status, _, err = run(verb, FLOAT, *more[verb])

    assert (status, err.count("\n")) == (2, 1)
    assert "float model" in err
    assert list(tmp_path.iterdir()) == []


def test_a_quantized_model_is_not_quantized_again(run, quantized, tmp_path):
    status, _, err = run(
        "quantize", quantized, "--calibration", CALIBRATION, "--out", tmp_path / "q.mcuq", "--method", "kl"
    )

    assert (status, err.count("\n")) == (2, 1)
    assert "quantized already" in err


@pytest.mark.parametrize("suffix", NEEDED)
def test_missing_extras_are_named(run, suffix, tmp_path, monkeypatch):
    module, extra = NEEDED[suffix]
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / f"model{suffix}").write_bytes(b"anything")
    status, _, err = run("inspect", tmp_path / f"model{suffix}")

    assert (status, err.count("\n")) == (2, 1), err
    assert f'pip install "{extra}"' in err


def test_the_file_written_is_a_mcuq_file(run, tmp_path):
    status, out, err = run("quantize", FLOAT, "--calibration", CALIBRATION, "--out", tmp_path / "model.zip")
    assert (status, out, err.count("\n")) == (2, "", 1) and ".mcuq" in err
    assert not list(tmp_path.iterdir())
