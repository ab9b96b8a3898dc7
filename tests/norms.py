"""What the tests of normalizations share: layers with factors and summands, kernel calls, real results."""

import numpy as np
from harness import Case, random_bytes

from mcuq.ops.base import Op
from mcuq.tensor import QConstant, QTensor

OUTPUT = (0.04, -7)
INPUTS = [(0.05, 3), (0.001, -128), (7.0, 127), (1e-4, 0)]


def fine(values) -> QConstant:
    """A constant as the quantizer makes it for norms."""
    values = np.asarray(values)
    scale = np.abs(values).max() / 2.0**23
    return QConstant(np.rint(values / scale).astype(np.int32), np.array([scale]))


def lowered(op: Op, shape, rng, quantization=INPUTS[0], channels=0):
    """Return a norm's parameters, and its constants' real values."""
    x = QTensor(shape, *quantization)
    constants = [fine(rng.normal(1, 0.5, channels)), fine(rng.normal(0, 1, channels))] if channels else []
    return op.lower([x, *constants], QTensor(shape, *OUTPUT)), [constant.real() for constant in constants]


def case_of(op: Op, shape, rng, quantization=INPUTS[0], channels=0) -> Case:
    """One kernel call on random bytes, extremes and constant rows included."""
    x = random_bytes(rng, 5, int(np.prod(shape)))
    x[2] = quantization[1]
    return Case(lowered(op, shape, rng, quantization, channels)[0], [x])


def assert_nearest(op: Op, shape, rng, quantization=INPUTS[0], channels=0) -> None:
    """Every result is the nearest integer of the real one, or beside a tie of it."""
    params, constants = lowered(op, shape, rng, quantization, channels)
    q = random_bytes(rng, 20, int(np.prod(shape)))
    real = ((q.astype(np.float64) - quantization[1]) * quantization[0]).reshape(-1, *shape)
    steps = op.forward(real, *constants).reshape(len(q), -1) / OUTPUT[0] + OUTPUT[1]
    assert np.abs(params.run(q) - np.clip(steps, -128, 127)).max() < 0.52
