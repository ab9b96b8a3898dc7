"""What is refused is refused in a line that says what to do, and before a framework is loaded where that can be."""

import zipfile

import numpy as np
import pytest
from requirements import require

import mcuq
from mcuq import loading
from mcuq.errors import CannotQuantizeError, UnsupportedOperatorError, UsageError
from mcuq.frontends.files import is_surely_float


@pytest.fixture
def no_framework(monkeypatch):
    """Whoever opens a model file fails."""
    monkeypatch.setattr(loading, "read_file", lambda *arguments: pytest.fail("a framework was started"))


@pytest.fixture(params=["net.onnx", "net.pt2", "net.keras", "net.h5", "saved"])
def float_file(request, tmp_path):
    """What a look at the first bytes of every format tells; there is no model behind them."""
    path = tmp_path / request.param
    contents = {".onnx": b"\x08\x08relu", ".h5": b"\x89HDF\r\n"}
    if path.suffix in contents:
        path.write_bytes(contents[path.suffix])
    elif path.suffix:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("config.json", "{}")
    else:
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"graph")
    return path


@pytest.mark.parametrize("verb", ["build", "evaluate", "simulate"])
def test_calibration_is_missed_before_a_framework_is_loaded(run, float_file, tmp_path, no_framework, verb):
    rest = {
        "build": ("--board", "esp32dev", "--out", tmp_path / "project"),
        "evaluate": ("--data", tmp_path / "x.npz"),
        "simulate": ("--input", tmp_path / "x.npz"),
    }
    status, out, error = run(verb, float_file, *rest[verb])

    assert (status, out) == (2, "")
    assert error == (
        f"mcuq: error: {float_file}: is a float model; give samples to calibrate it with: --calibration X.npy\n"
    )
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("m.onnx", b"\x08\x08 QuantizeLinear"), ("m.onnx", b"\x08\x08 QLinearConv"), ("m.onnx", b"{}"), ("m.h5", b"x"),
     ("m.pt2", b"PK quantize_per_tensor"), ("m.tflite", b"TFL3"), ("m.mcuq", b"PK")],
)  # fmt: skip
def test_what_may_bring_integers_is_opened(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    assert not is_surely_float(tmp_path / name)
    assert not is_surely_float(tmp_path / f"none_{name}")


@pytest.mark.parametrize("choice", [{"bit": 4}, {"shceme": "affine"}])
def test_misspelt_options_are_named_before_a_framework_is_loaded(no_framework, choice):
    (name,) = choice
    near = {"bit": "bits", "shceme": "scheme"}[name]
    with pytest.raises(
        UsageError, match=rf"no option '{name}' of quantization; did you mean {near}\? The options: sch"
    ):
        mcuq.quantize("net.onnx", np.zeros((4, 2)), **choice)


def onnx_file(tmp_path, shape, opset):
    require("onnx")
    import onnx

    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_operators_of_long_ago(tmp_path):
    with pytest.raises(
        UnsupportedOperatorError, match=r"ONNX opset 1; export it with opset 13 or later; onnx\.version_"
    ):
        mcuq.load(onnx_file(tmp_path, (1, 4), 1))


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 8, 8)])
def test_a_batch_above_1_in_any_first_layer(tmp_path, shape):
    with pytest.raises(UnsupportedOperatorError, match=rf"input 'x' has a batch of {shape[0]}, .*export with a batch"):
        mcuq.load(onnx_file(tmp_path, shape, 17))


@pytest.mark.parametrize(
    "name", ["arduino_tensorflow_person_detect_model_da_a28a", "arduino_tensorflow_tiny_conv_micro_featur_b367"]
)
def test_uint8_models_of_tensorflow_1(shared, name):
    with pytest.raises(CannotQuantizeError, match=r"operator 0 DEPTHWISE_CONV_2D: .* as TensorFlow 1 did, .* to int8"):
        mcuq.load(shared / f"models/wild/{name}.tflite")


def test_weights_without_a_model(shared):
    require("tensorflow")
    with pytest.raises(mcuq.McuqError, match=r"holds no model, weights at most; save the whole model: model\.save"):
        mcuq.load(shared / "models/wild/e32_ltsm_weights_ada3.h5")
