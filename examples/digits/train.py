"""Train a small network on scikit-learn's handwritten digits and write it as TFLite models: float, and int8.

    pip install tensorflow scikit-learn tflite-micro
    python examples/digits/train.py

Writes ``digits.tflite`` (int8), ``digits_float.tflite``, ``holdout.npz`` (``X``: pixels 0..16 as float32
[540, 8, 8, 1], ``Y``: digits) and ``calibration.npz`` (the same of 100 digits of the training part) beside this file,
or into ``--out``.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums on every x86 processor

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tflite_micro.python.tflite_micro import runtime

SEED = 0
EPOCHS = 40
BATCH = 32
CALIBRATION = 100


def main() -> None:
    """Train, quantize, measure, write."""
    parser = argparse.ArgumentParser(description="Train and quantize the digits example.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    out = parser.parse_args().out
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    train_x, holdout_x, train_y, holdout_y = split()
    model = network()
    train(model, train_x, train_y)
    quantized = to_int8(model, train_x)

    out.mkdir(parents=True, exist_ok=True)
    (out / "digits.tflite").write_bytes(quantized)
    (out / "digits_float.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    np.savez_compressed(out / "holdout.npz", X=holdout_x, Y=holdout_y)
    np.savez_compressed(out / "calibration.npz", X=train_x[:CALIBRATION], Y=train_y[:CALIBRATION])

    print(f"{model.count_params()} parameters in float, {len(quantized)} bytes as int8 TFLite")
    report("float, Keras", model.predict(holdout_x, verbose=0), holdout_y)
    report("int8, TensorFlow Lite Micro", run_tflm(quantized, holdout_x), holdout_y)


def split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return pixels [samples, 8, 8, 1] in 0..16 and labels: 70 % to train on, 30 % held out, stratified."""
    digits = load_digits()
    pixels = digits.images[..., np.newaxis].astype(np.float32)
    labels = digits.target.astype(np.uint8)
    train_x, holdout_x, train_y, holdout_y = train_test_split(
        pixels, labels, test_size=0.3, stratify=labels, random_state=SEED
    )
    return train_x, holdout_x, train_y, holdout_y


def network() -> keras.Model:
    """Convolution, a depthwise separable residual block, a second one without residual, a classifier."""
    image = keras.Input((8, 8, 1), name="image")
    x = normalized(layers.Conv2D(24, 3, padding="same", use_bias=False)(image))
    x = layers.Activation("relu")(x)
    x = layers.Activation("relu")(layers.Add()([x, separable(x, 24)]))
    x = layers.AveragePooling2D(2)(x)
    x = layers.Activation("relu")(separable(x, 48))
    x = layers.AveragePooling2D(2)(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(x), name="digits")


def separable(x: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    """3x3 depthwise, then 1x1 to ``channels``; no activation at the end."""
    x = normalized(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
    x = layers.Activation("relu")(x)
    return normalized(layers.Conv2D(channels, 1, use_bias=False)(x))


def normalized(x: keras.KerasTensor) -> keras.KerasTensor:
    """Batch normalization; the converter folds it into the weights before it."""
    return layers.BatchNormalization()(x)


def train(model: keras.Model, x: np.ndarray, y: np.ndarray) -> None:
    """Fit for a fixed number of epochs: the held-out part plays no role."""
    steps = EPOCHS * -(-len(x) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(5e-3, steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-2)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)


def to_int8(model: keras.Model, samples: np.ndarray) -> bytes:
    """Convert to int8 inside and at both borders, calibrated on the training part."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[np.newaxis]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def run_tflm(model: bytes, x: np.ndarray) -> np.ndarray:
    """Run real-valued samples through TensorFlow Lite Micro; the integer outputs [samples, 10]."""
    interpreter = runtime.Interpreter.from_bytes(model)
    border = interpreter.get_input_details(0)["quantization_parameters"]
    quantized = np.clip(np.rint(x / border["scales"][0]) + border["zero_points"][0], -128, 127).astype(np.int8)
    outputs = []
    for sample in quantized:
        interpreter.set_input(sample[np.newaxis], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0].copy())
    return np.stack(outputs)


def report(name: str, outputs: np.ndarray, labels: np.ndarray) -> None:
    """Print the accuracy of scores [samples, 10]."""
    right = int((outputs.argmax(axis=1) == labels).sum())
    print(f"{name}: {right} of {len(labels)} held-out digits right ({right / len(labels):.2%})")


if __name__ == "__main__":
    main()
