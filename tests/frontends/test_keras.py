"""The Keras door: what the float graph computes is what Keras computes."""

import importlib.util

import numpy as np
import pytest
from requirements import absent

from mcuq import float_run
from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.keras import read_keras
from mcuq.frontends.tflite import read_tflite

if not importlib.util.find_spec("tensorflow"):
    absent("tensorflow", 'pip install "mcuq[keras]"')

pytestmark = pytest.mark.xdist_group("tensorflow")
TOLERANCE = 1e-5  # of the largest output


@pytest.fixture(scope="module")
def keras():
    """Keras on TensorFlow; imported late, as it takes seconds."""
    return importlib.import_module("keras")


@pytest.fixture(scope="module")
def tf(keras):
    return importlib.import_module("tensorflow")


def train_a_little(model, rng):
    """Give batch norms, biases and slopes values that are not 0 and 1."""
    for weight in model.weights:
        low = 0.5 if weight.name in ("moving_variance", "gamma") else -0.5
        if len(weight.shape) == 1 or "alpha" in weight.path:
            weight.assign(rng.uniform(low, low + 1, weight.shape))


def samples(model, rng, count=3):
    return [rng.normal(0, 2, (count, *x.shape[1:])).astype(np.float32) for x in model.inputs]


def assert_equals_keras(model, rng, graph=None, tolerance=TOLERANCE):
    """Every output of the graph, by position, is that of the live model."""
    inputs = samples(model, rng)
    graph = graph or read_keras(model)
    given = {name: x[:, np.newaxis] for name, x in zip(graph.inputs, inputs, strict=True)}
    results = float_run.run(graph, given)
    wanted = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    wanted = wanted if isinstance(wanted, list | tuple) else [wanted]
    assert len(graph.outputs) == len(wanted)
    for name, y in zip(graph.outputs, wanted, strict=True):
        y = y.numpy()  # noqa: PLW2901
        np.testing.assert_allclose(results[name][:, 0], y, rtol=0, atol=tolerance * max(np.abs(y).max(), 1))
    return graph


IMAGE, SERIES, VECTOR = (9, 8, 4), (12, 4), (6,)
LAYERS = {
    "conv": (IMAGE, lambda k: k.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")),
    "conv valid": (IMAGE, lambda k: k.layers.Conv2D(6, (3, 2), use_bias=False)),
    "conv dilated": (IMAGE, lambda k: k.layers.Conv2D(6, 3, padding="same", dilation_rate=2)),
    "conv in groups": (IMAGE, lambda k: k.layers.Conv2D(6, 3, groups=2)),
    "depthwise": (IMAGE, lambda k: k.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)),
    "depthwise dilated": (IMAGE, lambda k: k.layers.DepthwiseConv2D(3, dilation_rate=2, padding="same")),
    "separable": (IMAGE, lambda k: k.layers.SeparableConv2D(5, 3, padding="same")),
    "transpose": (IMAGE, lambda k: k.layers.Conv2DTranspose(3, 3, strides=2, padding="same")),
    "transpose valid": (IMAGE, lambda k: k.layers.Conv2DTranspose(3, 4, strides=(3, 2))),
    "transpose with output padding": (
        IMAGE,
        lambda k: k.layers.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1),
    ),
    "conv 1d": (SERIES, lambda k: k.layers.Conv1D(5, 3, strides=2, padding="same", activation="relu")),
    "conv 1d causal": (SERIES, lambda k: k.layers.Conv1D(5, 3, padding="causal", dilation_rate=2)),
    "separable 1d": (SERIES, lambda k: k.layers.SeparableConv1D(5, 3)),
    "depthwise 1d": (SERIES, lambda k: k.layers.DepthwiseConv1D(3, padding="same")),
    "transpose 1d": (SERIES, lambda k: k.layers.Conv1DTranspose(5, 3, strides=2)),
    "max pool": (IMAGE, lambda k: k.layers.MaxPooling2D(2)),
    "average pool same": (IMAGE, lambda k: k.layers.AveragePooling2D(3, strides=2, padding="same")),
    "max pool 1d": (SERIES, lambda k: k.layers.MaxPooling1D(2)),
    "average pool 1d": (SERIES, lambda k: k.layers.AveragePooling1D(2)),
    "global average": (IMAGE, lambda k: k.layers.GlobalAveragePooling2D()),
    "global average 1d": (SERIES, lambda k: k.layers.GlobalAveragePooling1D()),
    "global max": (IMAGE, lambda k: k.layers.GlobalMaxPooling2D()),
    "global max 1d": (SERIES, lambda k: k.layers.GlobalMaxPooling1D(keepdims=True)),
    "batch norm": (IMAGE, lambda k: k.layers.BatchNormalization()),
    "dense": (VECTOR, lambda k: k.layers.Dense(5, activation="tanh")),
    "dense on series": (SERIES, lambda k: k.layers.Dense(5)),
    "dense on images": (IMAGE, lambda k: k.layers.Dense(5)),
    "flatten": (IMAGE, lambda k: k.layers.Flatten()),
    "reshape": (IMAGE, lambda k: k.layers.Reshape((4, 72))),
    "permute": (IMAGE, lambda k: k.layers.Permute((3, 1, 2))),
    "zero padding": (IMAGE, lambda k: k.layers.ZeroPadding2D(((1, 0), (2, 1)))),
    "cropping": (IMAGE, lambda k: k.layers.Cropping2D(((1, 0), (2, 1)))),
    "upsampling": (IMAGE, lambda k: k.layers.UpSampling2D((2, 3))),
    "upsampling bilinear": (IMAGE, lambda k: k.layers.UpSampling2D(2, interpolation="bilinear")),
    "upsampling 1d": (SERIES, lambda k: k.layers.UpSampling1D(2)),
    "resizing": (IMAGE, lambda k: k.layers.Resizing(5, 6)),
    "rescaling": (IMAGE, lambda k: k.layers.Rescaling(1 / 255, offset=-0.5)),
    "softmax": (VECTOR, lambda k: k.layers.Softmax()),
    "prelu": (IMAGE, lambda k: k.layers.PReLU(shared_axes=[1, 2])),
    "prelu of vectors": (VECTOR, lambda k: k.layers.PReLU()),
    "leaky relu": (IMAGE, lambda k: k.layers.LeakyReLU(0.2)),
    "relu 6": (IMAGE, lambda k: k.layers.ReLU(6.0)),
    "relu with all": (IMAGE, lambda k: k.layers.ReLU(max_value=3.0, threshold=0.0)),
    "elu": (IMAGE, lambda k: k.layers.ELU()),
    **{
        name: (VECTOR, lambda k, name=name: k.layers.Activation(name))
        for name in "relu sigmoid tanh hard_sigmoid hard_silu silu gelu elu relu6 leaky_relu softmax".split()
    },
    "gelu approximate": (
        VECTOR,
        lambda k: k.layers.Activation(lambda x: k.activations.gelu(x, approximate=True)),
    ),
    "tile": (SERIES, lambda k: k.layers.Lambda(lambda x: k.ops.tile(x, (1, 2, 3)))),
    "normalization": (VECTOR, lambda k: k.layers.Normalization(mean=[1.0] * 6, variance=[4.0] * 6)),
}
SAMPLE = ["conv", "transpose", "conv 1d", "separable", "prelu", "gelu", "upsampling", "global max"]


def one_layer(keras, name):
    shape, layer = LAYERS[name]
    return keras.Sequential([keras.Input(shape), layer(keras)])


@pytest.mark.parametrize("name", SAMPLE)
def test_one_layer(keras, rng, name):
    model = one_layer(keras, name)
    train_a_little(model, rng)
    assert_equals_keras(model, rng)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LAYERS if name not in SAMPLE])
def test_sweep_of_layers(keras, rng, name):
    model = one_layer(keras, name)
    train_a_little(model, rng)
    assert_equals_keras(model, rng)


def residual_net(keras):
    """Two inputs, two outputs, a shortcut, squeeze-and-excite, inverted residual, concatenation."""
    k, layers = keras, keras.layers
    image, extra = k.Input((12, 10, 3), name="image"), k.Input((5,), name="extra")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.Activation("hard_silu")(layers.BatchNormalization()(y))
    gate = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    y = layers.Multiply()([y, layers.Dense(8, activation="hard_sigmoid")(gate)])
    x = layers.Add()([x, layers.Conv2D(8, 1)(y)])
    x = layers.Concatenate()([layers.MaxPooling2D(2)(x), layers.AveragePooling2D(2)(x)])
    x = layers.Dropout(0.3)(layers.Flatten()(layers.ZeroPadding2D(1)(x)))
    x = layers.Concatenate()([x, layers.LeakyReLU(0.1)(layers.Dense(7)(extra))])
    return k.Model(
        [image, extra], [layers.Dense(4, activation="softmax", name="kind")(x), layers.Dense(1, name="age")(x)]
    )


def test_branches_inputs_and_outputs(keras, rng):
    model = residual_net(keras)
    train_a_little(model, rng)
    graph = assert_equals_keras(model, rng)
    assert graph.inputs == ("image", "extra")
    assert graph.outputs == ("kind", "age")
    assert graph.shapes["image"] == (1, 12, 10, 3)


def test_upsampling_is_one_step(keras, rng):
    """Keras repeats rows, then columns; one resize does both, and the reshapes around it are views."""
    x = keras.Input((3, 5, 2))
    y = keras.layers.UpSampling2D((2, 3))(keras.layers.UpSampling2D((3, 2))(x))
    model = keras.Model(x, keras.layers.Conv2D(2, 3)(y))
    graph = assert_equals_keras(model, rng)
    assert [node.op.name for node in graph.nodes if node.op.name != "reshape"] == ["resize_nearest"] * 2 + ["conv2d"]
    branch = keras.layers.UpSampling2D((2, 1))(x)
    assert_equals_keras(keras.Model(x, [branch, keras.layers.UpSampling2D((1, 3))(branch)]), rng)


def test_many_outputs_keep_their_order(keras, rng):
    x = keras.Input((4,), name="x")
    model = keras.Model(x, [keras.layers.Dense(i + 1, name=f"head_{12 - i}")(x) for i in range(12)])
    assert assert_equals_keras(model, rng).outputs == tuple(f"head_{12 - i}" for i in range(12))


def test_inputs_in_a_dictionary(keras, rng):
    a, b = keras.Input((4,), name="b"), keras.Input((3,), name="a")
    model = keras.Model({"b": a, "a": b}, {"z": keras.layers.Dense(2)(a), "y": keras.layers.Dense(3)(b)})
    graph = read_keras(model)
    given = {name: rng.normal(size=(2, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}
    wanted = model({name: x[:, 0] for name, x in given.items()})
    for name, y in zip(graph.outputs, (wanted["y"], wanted["z"]), strict=True):
        np.testing.assert_allclose(float_run.run(graph, given)[name][:, 0], y.numpy(), atol=TOLERANCE)


def test_model_stays_as_it_is(keras, rng):
    """Batch norms keep their statistics, dropout is off, and training goes on afterwards."""
    model = residual_net(keras)
    model.compile("sgd", "mse")
    before = [np.array(weight) for weight in model.get_weights()]
    assert_equals_keras(model, rng)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.train_on_batch(samples(model, rng, 2), [np.zeros((2, 4)), np.zeros((2, 1))])


@pytest.mark.parametrize("kind", ["net.keras", "net.h5", "exported", "saved"])
def test_files(keras, tf, rng, tmp_path, capfd, kind):
    model = residual_net(keras)
    train_a_little(model, rng)
    path = tmp_path / kind
    if kind == "exported":
        model.export(path, verbose=False)
    elif kind == "saved":
        tf.saved_model.save(model, str(path))
    else:
        model.save(path)
    capfd.readouterr()
    graph = read_keras(path)
    assert capfd.readouterr() == ("", "")
    assert graph.name == path.stem
    if kind in ("net.keras", "net.h5"):
        assert_equals_keras(model, rng, graph)
        assert graph.outputs == ("kind", "age")
        return
    given = {name: rng.normal(size=(2, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}
    by_rank = sorted(given.values(), key=lambda x: -x.ndim)
    wanted = {y.shape[1]: y.numpy() for y in model([x[:, 0] for x in by_rank])}
    for y in float_run.run(graph, given).values():
        np.testing.assert_allclose(y[:, 0], wanted[y.shape[2]], atol=TOLERANCE)


@pytest.mark.parametrize(("kind", "tolerance"), [("float16", 2e-3), ("dynamic range", 3e-2)])
def test_compressed_weights(keras, tf, rng, tmp_path, kind, tolerance):
    """float16 twins, and those with int8 weights (of more than 1,024 elements), are read as float models."""
    x = keras.Input((12, 10, 3))
    y = keras.layers.ReLU()(keras.layers.Conv2D(48, 3)(x))
    y = keras.layers.Conv2D(32, 1)(keras.layers.DepthwiseConv2D(3)(y))
    model = keras.Model(x, keras.layers.Dense(20)(keras.layers.Flatten()(y)))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    path = tmp_path / "twin.tflite"
    path.write_bytes(converter.convert())
    assert {t.dtype for t in parse(path.read_bytes()).tensors} & {"float16", "int8"}
    graph = read_tflite(path)
    assert not graph.known
    assert all(constant.dtype == np.float32 for constant in graph.constants.values())
    assert_equals_keras(model, rng, graph, tolerance)


def test_keyword_spotting_saved_model(keras, shared):
    """What TensorFlow 1 saved, float: 91.3 % on the accuracy set, 91.0 % on its last 900 (environment.md)."""
    graph = read_keras(shared / "models" / "mlperf" / "kws_savedmodel")
    assert (graph.inputs, graph.outputs) == (("input_1",), ("dense",))
    data = np.load(shared / "data" / "kws01.npz")
    x = ((data["X"].astype(np.float32) - 83) * np.float32(0.5847029)).reshape(-1, *graph.shapes[graph.inputs[0]])
    hit = float_run.run(graph, {graph.inputs[0]: x})[graph.outputs[0]].reshape(len(x), -1).argmax(1) == data["Y"]
    assert (round(hit.mean(), 3), round(hit[100:].mean(), 3)) == (0.913, 0.910)


def test_files_of_keras_2(keras, shared):
    """``ic_resnet8.h5`` is the network of the float TFLite file; ``sww.h5`` writes ``groups`` that Keras 3 refuses."""
    graph = read_keras(shared / "models" / "mlperf" / "ic_resnet8.h5")
    twin = read_tflite(shared / "models" / "mlperf" / "ic_resnet8_float.tflite")
    x = np.load(shared / "golden" / "mlperf__ic_resnet8_int8.npz")["input"].astype(np.float32) + 128
    results = [float_run.run(g, {g.inputs[0]: x})[g.outputs[0]] for g in (graph, twin)]
    np.testing.assert_allclose(*results, atol=1e-4)
    wake = read_keras(shared / "models" / "mlperf" / "sww.h5")
    data = np.load(shared / "data" / "sww_calibration.npz")
    x = data["specs"].astype(np.float32).reshape(-1, *wake.shapes[wake.inputs[0]])
    kinds = float_run.run(wake, {wake.inputs[0]: x})[wake.outputs[0]].reshape(len(x), -1).argmax(1)
    assert (kinds == data["labels"].ravel()).sum() == 41


def test_integer_inputs_are_indices(keras, rng):
    model = keras.Sequential([keras.Input((4,), dtype="int32"), keras.layers.Embedding(9, 3)])
    graph, x = read_keras(model), rng.integers(0, 9, (5, 1, 4))
    result = float_run.run(graph, {graph.inputs[0]: x.astype(np.float32)})[graph.outputs[0]]

    np.testing.assert_array_equal(result[:, 0], model(x[:, 0]).numpy())
