"""What Git LFS leaves of a file that was not fetched is named as that, for every kind of file that a verb reads."""

import numpy as np
import pytest
from requirements import require

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
NAMES = ["m.tflite", "m.onnx", "m.pt2", "m.keras", "m.h5", "m.mcuq", "m.cc", "saved/saved_model.pb",
         "saved/variables/variables.data-00000-of-00001"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_model(run, tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if "variables" in name:
        file.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "saved/saved_model.pb").write_bytes(b"x")
    file.write_text(POINTER)
    model = tmp_path / "saved" if name.startswith("saved") else file
    status, _, error = run("check", model, "--board", "esp32dev")

    assert status == 2
    assert error == f"mcuq: error: {file}: is a Git LFS pointer, not the file itself; fetch it: git lfs pull\n"


def test_samples(run, tmp_path, shared):
    (tmp_path / "x.npz").write_text(POINTER)
    model = shared / "models/tflm/hello_world_float.tflite"
    status, _, error = run("quantize", model, "--calibration", tmp_path / "x.npz", "--out", tmp_path / "m.mcuq")

    assert status == 2 and "x.npz: is a Git LFS pointer" in error


def test_weights_beside_an_onnx_model(run, tmp_path):
    require("onnx")
    import onnx

    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, (1, 2)) for n in "xy")
    weights = onnx.numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    model = onnx.helper.make_model(
        onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weights])
    )
    options = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save_model(model, tmp_path / "m.onnx", **options)
    (tmp_path / "weights.bin").write_text(POINTER)
    status, _, error = run("inspect", tmp_path / "m.onnx")

    assert status == 2 and "weights.bin: is a Git LFS pointer" in error


def test_case_of_a_user(run, shared):
    status, _, error = run("inspect", shared / "cases/readers/lfs_pointer.tflite")

    assert status == 2 and "is a Git LFS pointer" in error
