"""The digits networks once more in Keras, with PyTorch's weights: one float function through both doors."""

import os

import numpy as np
import pytest
from digit_nets import CALIBRATION, accuracy, digits, torch, trained
from requirements import require

import mcuq

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
require("tensorflow")


def convolution(x, block, stride=1, activation=True):
    """A Conv2d and BatchNorm2d of PyTorch, with its padding of 1."""
    from keras import layers

    conv, norm = block[0], block[1]
    x = layers.ZeroPadding2D(1)(x)
    weights = conv.weight.detach().numpy().transpose(2, 3, 1, 0)
    x = _with(layers.Conv2D(weights.shape[-1], 3, stride, use_bias=False), x, weights)
    numbers = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    x = _with(layers.BatchNormalization(epsilon=norm.eps), x, *(n.detach().numpy() for n in numbers))
    return layers.ReLU()(x) if activation else x


def _with(layer, x, *weights):
    y = layer(x)
    layer.set_weights(weights)
    return y


def cnn(net):
    import keras
    from keras import layers

    image = keras.Input((8, 8, 1))
    x = layers.MaxPooling2D(2)(convolution(image, net[0]))
    x = layers.MaxPooling2D(2)(convolution(x, net[2]))
    weights = net[5].weight.detach().numpy().reshape(10, 32, 2, 2).transpose(0, 2, 3, 1).reshape(10, -1).T
    x = _with(layers.Dense(10), layers.Flatten()(x), weights, net[5].bias.detach().numpy())
    return keras.Model(image, layers.Softmax()(x))


def residual(net):
    import keras
    from keras import layers

    image = keras.Input((8, 8, 1))
    x = convolution(image, net[0])
    for index, block in enumerate((net[1], net[3])):
        x = convolution(x, net[2], stride=2) if index else x
        branch = convolution(convolution(x, block.first), block.second, activation=False)
        x = layers.ReLU()(layers.Add()([x, branch]))
    head = net[-1]
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, _with(layers.Dense(10), x, head.weight.detach().numpy().T, head.bias.detach().numpy()))


@pytest.mark.parametrize("twin", [cnn, residual])
def test_one_float_model_through_both_doors(twin):
    """Int8 within a point of float through Keras; the same arg-max as through PyTorch and ONNX on 99 % of samples."""
    net = trained(twin.__name__)
    model = twin(net)
    (x, _), (holdout, labels) = digits()
    images, calibration = holdout.transpose(0, 2, 3, 1), x[:CALIBRATION].transpose(0, 2, 3, 1)
    with torch.no_grad():
        expected = net(torch.from_numpy(holdout)).numpy()
    assert np.allclose(model.predict(images, verbose=0), expected, atol=1e-4)

    through_tflite = mcuq.simulate(mcuq.compile(mcuq.quantize(model, calibration)), images).reshape(len(labels), -1)
    through_onnx = mcuq.quantize(net, x[:CALIBRATION], example=x[:1])
    through_onnx = mcuq.simulate(mcuq.compile(through_onnx), holdout).reshape(len(labels), -1)

    assert accuracy(expected, labels) - accuracy(through_tflite, labels) <= 0.01
    assert (through_tflite.argmax(axis=1) == through_onnx.argmax(axis=1)).mean() >= 0.99
