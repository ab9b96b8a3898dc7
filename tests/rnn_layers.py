"""Random simple recurrent layers: what the tests of their kernels share."""

import math

import numpy as np

from mcuq.ops.rnn import Rnn, RnnParams
from mcuq.tensor import QConstant, QTensor


class Layer:
    """A random layer, quantized by hand."""

    def __init__(self, rng, steps=3, inputs=5, units=4, per_tensor=False):
        self.rng = rng
        self.x = QTensor((1, steps, inputs), float(rng.uniform(0.004, 0.06)), int(rng.integers(-128, 128)))
        self.y = QTensor((1, steps, units), float(rng.uniform(0.006, 1 / 100)), int(rng.integers(-20, 20)))
        self.h = QTensor((1, units), self.y.scale, self.y.zero_point)
        gain = float(rng.uniform(0.5, 4))
        self.weights, self.recurrent = (self._weights((units, n), gain, per_tensor) for n in (inputs, units))
        scale = self.x.scale * self.weights.scale
        self.bias = QConstant(np.round(rng.uniform(-1, 1, units) / scale).astype(np.int32), scale)

    def _weights(self, shape, gain, per_tensor) -> QConstant:
        scale = gain / (127 * math.sqrt(shape[1])) * self.rng.uniform(0.5, 1.5, 1 if per_tensor else shape[0])
        return QConstant(self.rng.integers(-127, 128, shape).astype(np.int8), scale)

    def params(self) -> RnnParams:
        params = Rnn().lower([self.x, self.h, self.weights, self.recurrent, self.bias], self.y)
        assert isinstance(params, RnnParams)
        return params

    def samples(self, count=6):
        x = self.rng.integers(-128, 128, (count, self.x.elements)).astype(np.int8)
        x[1], x[2] = -128, 127
        return [x, self.rng.integers(-128, 128, (count, self.h.elements)).astype(np.int8)]
