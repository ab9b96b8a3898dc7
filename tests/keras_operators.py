"""One model of many outputs, each an operator of Keras or TensorFlow: what the table of operators says is read."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

Case = Callable[..., Any]  # of the modules (keras.ops, keras.layers, tf), an image, one of 0.5 to 3.5, vectors [3, 6]


def _pointwise(name: str) -> Case:
    return lambda o, n, t, x, p, m: getattr(o, name)(p if name in POSITIVE else x)


POSITIVE = ("log", "rsqrt", "softplus", "sqrt")
ONE = "abs ceil cos elu exp floor gelu hard_sigmoid hard_swish leaky_relu log logical_not negative relu relu6 round"
ONE += " rsqrt sigmoid sign sin softplus sqrt square tanh"
TWO = "add divide equal floor_divide greater less logical_and logical_or logical_xor maximum minimum mod multiply"
TWO += " not_equal subtract"
LAYERS: Mapping[str, Case] = {
    "AveragePooling2D": lambda o, n, t, x, p, m: n.AveragePooling2D(2)(x),
    "MaxPooling2D": lambda o, n, t, x, p, m: n.MaxPooling2D(2)(x),
    "GlobalAveragePooling2D": lambda o, n, t, x, p, m: n.GlobalAveragePooling2D()(x),
    "GlobalMaxPooling2D": lambda o, n, t, x, p, m: n.GlobalMaxPooling2D()(x),
    "Conv2D": lambda o, n, t, x, p, m: n.Conv2D(3, 3, padding="same")(x),
    "Conv2DTranspose": lambda o, n, t, x, p, m: n.Conv2DTranspose(3, 2, strides=2)(x),
    "DepthwiseConv2D": lambda o, n, t, x, p, m: n.DepthwiseConv2D(3)(x),
    "GroupNormalization": lambda o, n, t, x, p, m: n.GroupNormalization(2)(x),
    "RMSNormalization": lambda o, n, t, x, p, m: n.RMSNormalization()(m),
    "LayerNormalization": lambda o, n, t, x, p, m: n.LayerNormalization()(m),
    "Dense": lambda o, n, t, x, p, m: n.Dense(5)(m),
    "PReLU": lambda o, n, t, x, p, m: n.PReLU("random_normal", shared_axes=[1, 2])(n.ZeroPadding2D(2)(x)),
    "ZeroPadding2D": lambda o, n, t, x, p, m: n.ZeroPadding2D(1)(x),
    "UpSampling2D": lambda o, n, t, x, p, m: n.UpSampling2D(2)(x),
    "Resizing": lambda o, n, t, x, p, m: n.Resizing(9, 7)(x),
    "Embedding": lambda o, n, t, x, p, m: n.Embedding(7, 3)(
        n.Lambda(lambda m: t.argmax(m, -1, output_type="int32"))(m)
    ),
}
OPS: Mapping[str, Case] = {
    **{name: _pointwise(name) for name in ONE.split() if name != "logical_not"},
    **{
        name: lambda o, n, t, x, p, m, name=name: o.cast(getattr(o, name)(x, p), "float32")
        for name in TWO.split()
        if not name.startswith("logical")
    },
    **{
        name: lambda o, n, t, x, p, m, name=name: o.cast(getattr(o, name)(x > 0, p > 1), "float32")
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": lambda o, n, t, x, p, m: o.cast(o.logical_not(x > 0), "float32"),
    "argmax": lambda o, n, t, x, p, m: o.cast(o.argmax(m, -1), "float32"),
    "argmin": lambda o, n, t, x, p, m: o.cast(o.argmin(m, -1), "float32"),
    "cast": lambda o, n, t, x, p, m: o.cast(x > p, "float32"),
    "clip": lambda o, n, t, x, p, m: o.clip(x, -0.5, 0.7),
    "concatenate": lambda o, n, t, x, p, m: o.concatenate([x, p], 1),
    "stack": lambda o, n, t, x, p, m: o.stack([x, p], 1),
    "cumsum": lambda o, n, t, x, p, m: o.cumsum(m, 1),
    "expand_dims": lambda o, n, t, x, p, m: o.expand_dims(m, 2),
    "flip": lambda o, n, t, x, p, m: o.flip(x, 2),
    "log_softmax": lambda o, n, t, x, p, m: o.log_softmax(m),
    "matmul": lambda o, n, t, x, p, m: o.matmul(m, o.transpose(m, (0, 2, 1))),
    "max": lambda o, n, t, x, p, m: o.max(x, (1, 2)),
    "mean": lambda o, n, t, x, p, m: o.mean(x, (1, 2)),
    "min": lambda o, n, t, x, p, m: o.min(x, 3),
    "one_hot": lambda o, n, t, x, p, m: o.one_hot(t.argmax(m, -1), 6),
    "pad": lambda o, n, t, x, p, m: o.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)), "reflect"),
    "power": lambda o, n, t, x, p, m: o.power(p, 1.7),
    "prod": lambda o, n, t, x, p, m: o.prod(x, 2),
    "reshape": lambda o, n, t, x, p, m: o.reshape(x, (-1, 36, 4)),
    "roll": lambda o, n, t, x, p, m: o.roll(x, 2, 2),
    "silu": lambda o, n, t, x, p, m: o.silu(x + 0.1),
    "softmax": lambda o, n, t, x, p, m: o.softmax(m),
    "split": lambda o, n, t, x, p, m: o.split(x, 2, 3)[1],
    "squeeze": lambda o, n, t, x, p, m: o.squeeze(x[:, 1:2], 1),
    "sum": lambda o, n, t, x, p, m: o.sum(x, 2),
    "take": lambda o, n, t, x, p, m: o.take(x, [3, 1, 1, 5], axis=2),
    "tile": lambda o, n, t, x, p, m: o.tile(x, (1, 2, 1, 3)),
    "top_k": lambda o, n, t, x, p, m: o.top_k(m, 2)[0],
    "transpose": lambda o, n, t, x, p, m: o.transpose(x, (0, 3, 1, 2)),
    "where": lambda o, n, t, x, p, m: o.where(x > 0.2, x, p),
    **{f"layers.{name}": layer for name, layer in LAYERS.items()},
    "activations.mish": lambda o, n, t, x, p, m: m * o.tanh(o.softplus(m)),
    "tf.argmax": lambda o, n, t, x, p, m: t.cast(t.argmax(m, -1), "float32"),
    "tf.argmin": lambda o, n, t, x, p, m: t.cast(t.argmin(m, -1), "float32"),
    "tf.batch_to_space": lambda o, n, t, x, p, m: t.batch_to_space(
        t.space_to_batch(x, [2, 2], [[0, 0]] * 2), [2, 2], [[0, 0]] * 2
    ),
    "tf.math.squared_difference": lambda o, n, t, x, p, m: t.math.squared_difference(x, p),
    "tf.math.top_k": lambda o, n, t, x, p, m: t.cast(t.math.top_k(m, 2)[1], "float32"),
    "tf.nn.depth_to_space": lambda o, n, t, x, p, m: t.nn.depth_to_space(x, 2),
    "tf.nn.l2_normalize": lambda o, n, t, x, p, m: t.nn.l2_normalize(m, -1),
    "tf.nn.space_to_depth": lambda o, n, t, x, p, m: t.nn.space_to_depth(x, 2),
}


def _function(case: Case, keras: Any, tf: Any) -> Callable[[Any], Any]:
    return lambda given: case(keras.ops, keras.layers, tf, *given)


def model(names: Any = tuple(OPS)) -> Any:
    """Return a Keras model with one output per name, each a layer of that operator alone."""
    keras, tf = importlib.import_module("keras"), importlib.import_module("tensorflow")
    keras.utils.set_random_seed(1)
    x, p, m = keras.Input((6, 6, 4)), keras.Input((6, 6, 4)), keras.Input((3, 6))
    outputs = []
    for name in names:
        case = OPS[name]
        if name.startswith("layers."):
            outputs.append(case(keras.ops, keras.layers, tf, x, p, m))
        else:
            outputs.append(keras.layers.Lambda(_function(case, keras, tf))([x, p, m]))
    return keras.Model([x, p, m], outputs)
