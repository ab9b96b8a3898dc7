"""What Keras 2 saved is read, by Keras 3 or tf_keras, or the message says what opens it; none of it runs."""

import importlib
import json
import shutil

import numpy as np
import pytest
from hostile import rewritten
from requirements import require

import mcuq
from mcuq import float_run
from mcuq.errors import McuqError, ToolMissingError, UnsupportedOperatorError
from mcuq.frontends import keras2
from mcuq.frontends.keras import read_keras
from mcuq.frontends.keras_config import checked

require("tensorflow", "tf_keras")

pytestmark = pytest.mark.xdist_group("tensorflow")
FORMATS = [".keras", ".h5"]


def layered(k):
    """Layers with what only training needs, one of them given by name."""
    x = k.Input((8, 7, 3), name="x")
    y = k.layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2")(x)
    y = k.layers.BatchNormalization(gamma_initializer="random_normal", moving_mean_initializer="random_normal")(y)
    y = k.layers.DepthwiseConv2D(3, padding="same", bias_initializer="random_normal")(y)
    y = k.layers.GlobalAveragePooling2D()(k.layers.ReLU(6.0)(y))
    model = k.Model(x, k.layers.Dense(5, activation="softmax", kernel_constraint=k.constraints.MaxNorm(2))(y))
    model.compile("adam", "mse")
    return model


def functional(k):
    """TensorFlow's functions between layers, which Keras 2 saves as layers and Keras 3 does not know."""
    tf = importlib.import_module("tensorflow")
    x = k.Input((8, 7, 3), name="x")
    y = tf.nn.relu(k.layers.Conv2D(4, 3)(x / 127.5 - 1.0))
    y = tf.reduce_mean(tf.concat([y, y[:, :, :, :2]], -1), [1, 2])
    return k.Model(x, tf.nn.sigmoid(k.layers.Dense(3)(y)))


MODELS = {"layers": layered, "functions": functional}


@pytest.fixture(scope="module")
def models():
    k = importlib.import_module("tf_keras")
    return {name: make(k) for name, make in MODELS.items()}


@pytest.fixture(scope="module")
def saved(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    for name, model in models.items():
        for suffix in FORMATS:
            model.save(folder / f"{name}{suffix}")
    return folder


def assert_agree(graph, model, rng):
    x = rng.normal(size=(4, 8, 7, 3)).astype(np.float32)
    got = float_run.run(graph, {graph.inputs[0]: x[:, np.newaxis]})[graph.outputs[0]]
    wanted = model.predict(x, verbose=0)
    np.testing.assert_allclose(got.reshape(wanted.shape), wanted, atol=1e-5)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_file(models, saved, rng, name, suffix):
    assert_agree(read_keras(saved / f"{name}{suffix}"), models[name], rng)


def test_live_model(models, rng):
    assert_agree(mcuq.load(models["functions"]), models["functions"], rng)


def test_from_the_command_line(run, saved):
    status, out, error = run("inspect", saved / "layers.keras")

    assert (status, error) == (0, "")
    assert "depthwise_conv2d" in out


def test_without_tf_keras_the_message_says_what_opens_it(saved, monkeypatch):
    monkeypatch.setattr(keras2, "find_spec", lambda name: None)
    messages = {
        "layers.keras": r"was saved by Keras 2\.\S+, which Keras 3 does not read: tf_keras opens it",
        "functions.h5": r"Keras 3 cannot load it \(.*TFOpLambda.*\); it was saved by Keras 2\.\S+: tf_keras opens it",
    }
    for name, message in messages.items():
        with pytest.raises(ToolMissingError, match=rf'{name}: {message}: pip install "mcuq\[keras2\]"'):
            read_keras(saved / name)
    assert read_keras(saved / "layers.h5").nodes  # which Keras 3 reads


@pytest.fixture(params=FORMATS)
def changed(request, saved, tmp_path):
    """Change the description of either format's file."""

    def of(name, change):
        path = tmp_path / f"net{request.param}"

        def edit(content):
            config = json.loads(content)
            change(config, config["config"]["layers"])
            return json.dumps(config).encode()

        if path.suffix == ".keras":
            rewritten(saved / f"{name}.keras", path, {"config.json": edit})
        else:
            shutil.copy(saved / f"{name}.h5", path)
            with importlib.import_module("h5py").File(path, "r+") as file:
                file.attrs["model_config"] = edit(file.attrs["model_config"])
        return path

    return of


def refused(path, tmp_path, match):
    with pytest.raises(McuqError, match=match) as error:
        checked(path, tmp_path)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("function", ["io.write_file", "py_function", "raw_ops.WriteFile", "load_library", "map_fn", 7])
def test_functions_that_do_more_than_compute(changed, tmp_path, function):
    def change(config, layers):
        next(each for each in layers if each["class_name"] == "TFOpLambda")["config"]["function"] = function

    refused(changed("functions", change), tmp_path, r"Keras has no TFOpLambda \(1\)")


@pytest.mark.parametrize("kind", ["ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer", "evil"])
def test_other_classes(changed, tmp_path, kind):
    refused(
        changed("functions", lambda config, layers: layers[1].update(class_name=kind, registered_name=None)),
        tmp_path,
        rf"Keras has no {kind} \(1\)",
    )


@pytest.mark.parametrize("module", ["evil", "os", "tf_keras.src.evil", "keras.src.engine.evil"])
def test_other_modules(changed, tmp_path, module):
    refused(changed("layers", lambda config, layers: layers[1].update(module=module)), tmp_path, "Keras has no Conv2D")


def test_functions_of_keras_that_are_no_activation(changed, tmp_path):
    path = changed("layers", lambda config, layers: layers[1]["config"].update(activation="deserialize"))
    refused(path, tmp_path, "Keras has no activation 'deserialize'")


def test_what_compiles_and_trains_is_left_out(changed, tmp_path):
    evil = {"module": "evil", "class_name": "Evil", "config": {}, "registered_name": "evil"}

    def change(config, layers):
        layers[1]["compile_config"] = {"optimizer": evil, "loss": "evil"}
        layers[1]["config"]["kernel_regularizer"] = evil

    assert read_keras(changed("layers", change)).nodes


def test_damaged_weights_are_one_line(changed):
    path = changed("functions", lambda config, layers: layers[3]["config"].update(filters=5))
    with pytest.raises(UnsupportedOperatorError, match=r"was saved by Keras 2\.\S+, and tf_keras cannot load it: "):
        read_keras(path)
