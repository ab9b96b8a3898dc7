"""LSTM layers for the tests of the operator and of its kernels."""

import numpy as np
from harness import Case
from oracle import read
from tflite_builder import ModelBuilder

from mcuq.ops.lstm import GATES, LstmParams
from mcuq.plan.builder import build_plan

NONE = -1


class Layer:
    """A random layer as the converter writes it: weights per tensor, one scale per gate.

    Weights are as likely to be large as small; those of ``trained`` layers are normally distributed.
    """

    def __init__(self, rng: np.random.Generator, steps=3, inputs=5, units=4, power=-12, clip=0.0, trained=False):
        self.rng, self.steps, self.inputs, self.units = rng, steps, inputs, units
        self.power, self.clip, self.trained = power, clip, trained
        self.x_scale, self.x_zero = float(rng.uniform(0.004, 0.06)), int(rng.integers(-128, 128))
        self.h_scale, self.h_zero = float(rng.uniform(0.005, 1 / 128)), int(rng.integers(-20, 20))
        self.gain = float(rng.uniform(0.5, 4))

    def integers(self, shape: tuple[int, int]) -> np.ndarray:
        if self.trained:
            real = self.rng.normal(0, 1, shape)
            return np.round(real * 127 / np.abs(real).max()).astype(np.int8)
        return self.rng.integers(-127, 128, shape).astype(np.int8)

    def weights(self, builder: ModelBuilder, inputs: int, x_scale: float) -> tuple[int, float]:
        scale = self.gain / (127 * np.sqrt(inputs)) * float(self.rng.uniform(0.5, 1.5))
        data = self.integers((self.units, inputs))
        return builder.tensor((self.units, inputs), scale=scale, data=data), scale * x_scale

    def model(self, time_major=False, **changes) -> bytes:
        """Return the file; ``changes`` replace operands by their place."""
        builder = ModelBuilder()
        shape = (self.steps, 1) if time_major else (1, self.steps)
        x = builder.tensor((*shape, self.inputs), scale=self.x_scale, zero_point=self.x_zero)
        fed = [self.weights(builder, self.inputs, self.x_scale) for _ in range(GATES)]
        recurring = [self.weights(builder, self.units, self.h_scale)[0] for _ in range(GATES)]
        biases = [
            builder.tensor((self.units,), "int32", scale=s, data=self.rng.integers(-(1 / s), 1 / s, self.units))
            for _, s in fed
        ]
        hidden = builder.tensor((1, self.units), scale=self.h_scale, zero_point=self.h_zero)
        cell = builder.tensor((1, self.units), "int16", scale=2.0**self.power)
        for index in (hidden, cell):
            builder.graph.tensors[index].isVariable = True
        y = builder.tensor((*shape, self.units), scale=self.h_scale, zero_point=self.h_zero)
        operands = [x, *(w for w, _ in fed), *recurring, NONE, NONE, NONE, *biases, NONE, NONE, hidden, cell]
        operands += [NONE] * 4
        for place, what in changes.items():
            operands[int(place.removeprefix("_"))] = what
        options = "UnidirectionalSequenceLSTMOptions"
        builder.op(
            *("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [y], options),
            **{"fusedActivationFunction": 4, "cellClip": self.clip, "timeMajor": time_major},
        )
        intermediates = [builder.tensor((0,), "float32") for _ in range(4)]
        intermediates.append(builder.tensor((0,), scale=self.h_scale, zero_point=self.h_zero))
        builder.graph.operators[0].intermediates = intermediates
        return builder.finish([x], [y])

    def samples(self, count=20) -> np.ndarray:
        x = self.rng.integers(-128, 128, (count, 1, self.steps, self.inputs)).astype(np.int8)
        x[1], x[2] = -128, 127
        return x


LAYERS = [
    {},
    {"steps": 1},
    {"steps": 1, "inputs": 1, "units": 1},
    {"steps": 7, "inputs": 3, "units": 9},
    {"power": -15},
    {"power": -13, "clip": 0.5},
    {"power": -11},
    {"power": -9, "clip": 10.0},
    {"steps": 2, "inputs": 33, "units": 17},
]


def params_of(model: bytes) -> LstmParams:
    (step,) = (step for step in build_plan(read(model)).steps if isinstance(step.params, LstmParams))
    return step.params


def case_of(layer: Layer, count=6) -> Case:
    states = (
        layer.rng.integers(-128, 128, (count, layer.units)),
        layer.rng.integers(-(2**15), 2**15, (count, layer.units)),
    )
    x = layer.samples(count).reshape(count, -1)
    return Case(params_of(layer.model()), [x, states[0].astype(np.int8), states[1].astype(np.int16)])
