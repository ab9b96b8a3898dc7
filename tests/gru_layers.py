"""Random GRU layers: what the tests of its kernels share."""

import math

import numpy as np

from mcuq.ops.gru import GATES, Gru, GruParams
from mcuq.tensor import QConstant, QTensor


class Layer:
    """A random layer, quantized by hand."""

    def __init__(self, rng, steps=3, inputs=5, units=4, *, after=True, power=-15, per_tensor=False):
        self.rng, self.op = rng, Gru(reset_after=after)
        self.x = QTensor((1, steps, inputs), float(rng.uniform(0.004, 0.06)), int(rng.integers(-128, 128)))
        self.h = QTensor((1, units), 2.0**power, 0, "int16")
        self.y = QTensor((1, steps, units), float(rng.uniform(0.006, 1 / 100)), int(rng.integers(-20, 20)))
        gain, channels = float(rng.uniform(0.5, 4)), GATES * units
        self.weights = self._weights((channels, inputs), gain, per_tensor)
        self.recurrent = self._weights((channels, units), gain, per_tensor)
        self.bias = self._bias(self.x.scale * self.weights.scale, channels)
        self.constant = self._bias(self.y.scale * self.recurrent.scale, channels)

    def _weights(self, shape, gain, per_tensor) -> QConstant:
        scale = gain / (127 * math.sqrt(shape[1])) * self.rng.uniform(0.5, 1.5, 1 if per_tensor else shape[0])
        return QConstant(self.rng.integers(-127, 128, shape).astype(np.int8), scale)

    def _bias(self, scale, channels) -> QConstant:
        real = self.rng.uniform(-1, 1, channels)
        return QConstant(np.round(real / scale).astype(np.int32), scale)

    @property
    def operands(self):
        return [self.x, self.h, self.weights, self.recurrent, self.bias, self.constant]

    def params(self) -> GruParams:
        params = self.op.lower(self.operands, self.y)
        assert isinstance(params, GruParams)
        return params

    def samples(self, count=6):
        """Inputs and states: what is far out too, and a state of 0."""
        x = self.rng.integers(-128, 128, (count, self.x.elements)).astype(np.int8)
        h = self.rng.integers(-(2**15), 2**15, (count, self.h.elements)).astype(np.int16)
        x[1], x[2], h[0], h[1] = -128, 127, 0, -(2**15)
        return [x, h]
