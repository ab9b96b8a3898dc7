"""The Keras door refuses what it cannot or must not read: one line, and no code of the file runs."""

import importlib.util
import json
import pickle
import sys
import zipfile

import numpy as np
import pytest
from requirements import absent

from mcuq.errors import MalformedModelError, ToolMissingError, UnsupportedOperatorError, UsageError
from mcuq.frontends.keras import read_keras

if not importlib.util.find_spec("tensorflow"):
    absent("tensorflow", 'pip install "mcuq[keras]"')

pytestmark = pytest.mark.xdist_group("tensorflow")


@pytest.fixture(scope="module")
def keras():
    return importlib.import_module("keras")


def assert_refused(model, kind, match):
    with pytest.raises(kind, match=match) as caught:
        read_keras(model)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def small(keras, *layers, shape=(6,)):
    return keras.Sequential([keras.Input(shape, name="x"), *layers])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_is_not_run(keras, tmp_path, suffix):
    mark = tmp_path / "ran"
    file = str(mark)
    trap = keras.layers.Lambda(lambda x: [open(file, "w").close(), x][1], output_shape=(6,), name="my trap")  # noqa: PTH123
    path = tmp_path / f"model{suffix}"
    small(keras, trap).save(path)
    mark.unlink(missing_ok=True)
    assert_refused(path, UnsupportedOperatorError, f"model{suffix}: the layer 'my trap' is a .*code")
    assert not mark.exists()


def test_two_descriptions_in_one_file(keras, tmp_path):
    """An HDF5 file with a zip archive behind it: the description that Keras loads is the one looked at."""
    small(keras, keras.layers.Dense(3)).save(tmp_path / "fine.keras")
    path = tmp_path / "model.h5"
    small(keras, keras.layers.Lambda(lambda x: x * 2, output_shape=(6,))).save(path)
    path.write_bytes(path.read_bytes() + (tmp_path / "fine.keras").read_bytes())
    assert zipfile.is_zipfile(path)
    assert_refused(path, UnsupportedOperatorError, "that is code")


def test_lambda_of_a_live_model_is_the_users_own(keras):
    graph = read_keras(small(keras, keras.layers.Lambda(lambda x: x * 2)))
    assert [node.op.name for node in graph.nodes] == ["mul"]


def save_with(tmp_path, keras, change):
    """Save a small model with its description changed."""
    path, changed = tmp_path / "model.keras", tmp_path / "changed.keras"
    small(keras, keras.layers.Dense(3)).save(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config["config"]["layers"][1])
                content = json.dumps(config)
            target.writestr(name, content)
    return changed


def test_classes_of_other_modules_are_not_imported(tmp_path, keras, monkeypatch):
    (tmp_path / "evil_module.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    changes = {"module": "evil_module", "class_name": "Evil", "registered_name": "evil>Evil"}
    path = save_with(tmp_path, keras, lambda layer: layer.update(changes))
    assert_refused(path, UnsupportedOperatorError, r"changed\.keras: Keras has no evil>Evil \(1\): custom objects")
    assert "evil_module" not in sys.modules


def test_functions_of_other_modules(tmp_path, keras):
    function = {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"}
    path = save_with(tmp_path, keras, lambda layer: layer["config"].update(activation=function))
    assert_refused(path, UnsupportedOperatorError, r"Keras has no system \(1\)")


def test_wrong_fields(tmp_path, keras):
    path = save_with(tmp_path, keras, lambda layer: layer["config"].update(units="many"))
    assert_refused(path, MalformedModelError, r"changed\.keras: Keras cannot load it: ")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_custom_layers(keras, tmp_path, suffix):
    """They are code that is not in the file, registered in this process or not; the live model is read."""

    class Twice(keras.layers.Layer):
        def call(self, x):
            return x * 2

    path = tmp_path / f"model{suffix}"
    for register in (lambda cls: cls, keras.saving.register_keras_serializable(package=f"test{suffix}")):
        model = small(keras, register(Twice)(), Twice())
        model.save(path)
        assert_refused(path, UnsupportedOperatorError, r"Keras has no .*Twice \(2\): custom objects")
        assert [node.op.name for node in read_keras(model).nodes] == ["mul", "mul"]


def test_dynamic_shapes(keras):
    model = small(keras, keras.layers.Conv2D(2, 3), shape=(None, 8, 3))
    assert_refused(model, UnsupportedOperatorError, r"input x has the dynamic shape \[\?, \?, 8, 3\]; only the batch")


def test_dynamic_saved_model(keras, tmp_path):
    small(keras, keras.layers.Conv2D(2, 3), shape=(None, 8, 3)).export(tmp_path / "model", verbose=False)
    assert_refused(tmp_path / "model", UnsupportedOperatorError, r"has the dynamic shape \[\?, \?, 8, 3\]")


def test_subclassed_and_unbuilt_models(keras):
    class Own(keras.Model):
        def call(self, x):
            return x

    for model in (Own(), keras.Sequential([keras.layers.Dense(2)])):
        assert_refused(model, UsageError, "no inputs of known shape; make it a functional model")


def test_operators_that_mcuq_does_not_have_are_listed(keras):
    model = small(keras, keras.layers.Lambda(keras.ops.erfinv))
    assert_refused(model, UnsupportedOperatorError, r"mcuq has no CUSTOM 'Erfinv' \(1\)")


def test_files_of_another_kind(keras, tmp_path):
    import h5py

    (tmp_path / "junk.keras").write_bytes(b"junk")
    (tmp_path / "pickle.h5").write_bytes(pickle.dumps({"a": np.zeros(3)}))
    (tmp_path / "empty.h5").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("readme.txt", "no model")
    with zipfile.ZipFile(tmp_path / "broken.keras", "w") as archive:
        archive.writestr("config.json", "{")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    for name, match in [
        ("junk.keras", "damaged, or not a .keras file"),
        ("pickle.h5", "damaged, or not an HDF5 file"),
        ("empty.h5", "damaged, or not an HDF5 file"),
        ("other.keras", "holds no config.json"),
        ("broken.keras", "its description is damaged"),
        ("data.h5", "holds no model, weights at most"),
    ]:
        assert_refused(tmp_path / name, MalformedModelError, f"{name}: {match}")
    assert_refused(tmp_path / "none.h5", UsageError, "no such file")


def test_cut_files(keras, tmp_path):
    model = small(keras, keras.layers.Dense(3))
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        for length in range(0, len(whole) - 1, len(whole) // 6):
            (tmp_path / name).write_bytes(whole[:length])
            assert_refused(tmp_path / name, MalformedModelError, name)


def test_saved_models_that_are_none(keras, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"junk")
    assert_refused(tmp_path, MalformedModelError, "TensorFlow cannot load it: ")


def test_missing_tensorflow(keras, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert_refused(tmp_path / "model.keras", ToolMissingError, r'pip install "mcuq\[keras\]"')


def test_another_backend(keras, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    assert_refused(small(keras, keras.layers.Dense(3)), UsageError, "Keras runs on torch here")
