"""Random layers for the ESP32-S3's kernels, whose buffers the plan places: what their tests share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from chips import families
from harness import Case, random_bytes

from kernels.packed_layers import PackedLayer, random_inputs
from mcuq.kernels import chosen
from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.records import Group, unpacked
from mcuq.ops.base import Op, Operand, Params
from mcuq.tensor import QConstant, QTensor

CHIP = "esp32s3"
AMPLITUDES = (3, 20, 60, 128)  # of weights
OUTPUT_SCALES = (0.01, 0.03, 0.1, 0.15, 0.3)
ZERO_POINTS = (-128, -128, -128, -128, -20, 38)  # of outputs


def inner(op: Op, inputs: Sequence[Operand], output: QTensor, chip: str = CHIP, *, at_border: bool = False) -> Params:
    """Return the kernel of a layer whose buffers lie in the arena, or are the caller's."""
    return chosen(Layer(op.lower(inputs, output), inputs, at_border), families(chip))


def layer(
    rng: np.random.Generator,
    op: Op,
    image: tuple[int, ...],
    shape: tuple[int, ...],
    *,
    axis: int = 0,
    amplitude: int = 20,
    scale_out: float = 0.05,
    dead: bool = False,
    zero_point: int = -128,
    at_border: bool = False,
    limits: tuple[int, int] | None = None,
) -> tuple[Params, Params]:
    """Return a layer's kernel on the ESP32-S3, and the portable one; outputs begin at -128 as behind a ReLU."""
    weights = rng.integers(-amplitude, amplitude, shape).astype(np.int8)
    channels = shape[axis]
    bias = rng.integers(-3000, 3000, channels).astype(np.int32)
    scales = rng.uniform(0.002, 0.02, channels)
    if dead:
        np.moveaxis(weights, axis, 0)[::3] = 0
        bias[::3] = rng.choice([2**30, -(2**30), 12345, 0], len(bias[::3]))
    x = QTensor((1, *image), 0.05, int(rng.choice([-128, -7, 0, 127])))
    k, b = QConstant(weights, scales, axis=axis), QConstant(bias, np.array([0.0005]))
    y = QTensor(op.infer_shape(x.shape, weights.shape), scale_out, zero_point)
    portable = op.lower([x, k, b], y)
    if limits:
        portable = replace(portable, activation_min=limits[0], activation_max=limits[1])
    return chosen(Layer(portable, [x, k, b], at_border), families(CHIP)), portable


def forms(cases: Iterable[Case]) -> set[int]:
    """Return the forms of all groups."""
    return {group.form for case in cases for group in groups(case.params)}


def groups(params: Params) -> list[Group]:
    """Return the groups of a kernel with records."""
    if params.kernel == "conv2d_1x1_s8_s3":
        taps = params.input_c
    elif params.kernel == "conv2d_s8_s3":
        taps = params.window_rows * (16 * params.parts * params.blocks + params.rest)
    else:
        taps = params.window_rows * params.columns
    return unpacked(params.records, taps)


def case_of(rng: np.random.Generator, params: Params, portable: Params, samples: int = 4) -> Case:
    """A case of random inputs, for which ``run`` is checked to be what the portable ``run`` is."""
    elements = portable.input_h * portable.input_w * portable.input_c if hasattr(portable, "input_h") else 0
    inputs = [random_bytes(rng, samples, elements or portable.batch * portable.input_c)]
    np.testing.assert_array_equal(params.run(*inputs), portable.run(*inputs), str(params))
    return Case(params, inputs)


def packed_kernel(layer: PackedLayer, *, at_border: bool = False) -> Params:
    """Return the kernel of a layer with weights of few bits."""
    return inner(layer.op, [layer.x, layer.weights, layer.bias], layer.y, at_border=at_border)


def packed_case_of(rng: np.random.Generator, layer: PackedLayer, params: Params) -> Case:
    """A case of random inputs, for which ``run`` is checked to be what that of a byte per weight is."""
    x = random_inputs(rng, layer.x)
    np.testing.assert_array_equal(params.run(x), layer.in_bytes().run(x), str(params))
    return Case(params, [x])
