"""Division against its kernel, TensorFlow Lite Micro and real numbers."""

from dataclasses import replace

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import assert_equals_tflm, read, run, samples
from pairs import QUANTIZATIONS, SHAPES, build, case_of, every_pair

from mcuq.errors import CannotQuantizeError
from mcuq.ops.div import Div
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QTensor


def model(shapes, quantization, activation=0, constant=None):
    return build("DIV", shapes, quantization, options="DivOptions", version=2, constant=constant,
                 fusedActivationFunction=activation)  # fmt: skip


def without_zero(x, zero_point):
    """No divisor is 0: TensorFlow Lite Micro does not check."""
    return np.where(x == zero_point, x - 1 if zero_point > 0 else x + 1, x).astype(np.int8)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
@pytest.mark.parametrize("activation", [0, 1, 3])
def test_n5_equals_tflm(rng, shapes, quantization, activation):
    b = without_zero(samples(rng, 4, shapes[1])[::-1], quantization[1][1])
    assert_equals_tflm(model(shapes, quantization, activation), samples(rng, 4, shapes[0]), b)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_n5_every_pair_of_bytes(quantization):
    a, b = every_pair()
    assert_equals_tflm(model(((1, 256),) * 2, quantization), a, without_zero(b, quantization[1][1]))


def test_n5_a_constant_divisor(rng):
    assert_equals_tflm(model(((1, 2, 3), (3,)), QUANTIZATIONS[1], constant=[5, -7, 127]), samples(rng, 4, (1, 2, 3)))


def test_close_to_the_real_quotient():
    """Without wrapping shifts, far under a step of the output too."""
    (sa, za), (sb, zb), (sy, zy) = quantization = QUANTIZATIONS[4]
    a, b = every_pair()
    b = without_zero(b, zb)
    one = read(model(((1, 256),) * 2, quantization))
    one = replace(one, nodes=(replace(one.nodes[0], op=Div()),))
    got = simulate(build_plan(one), dict(zip(one.inputs, (a, b), strict=True)))[one.outputs[0]]
    real = np.float32(sa) * (a.astype(int) - za) / (np.float32(sb) * (b.astype(int) - zb)) / np.float32(sy)
    wanted = np.clip(np.round(real) + zy, -128, 127)
    assert np.abs(got - wanted).max() <= 1


def test_a_divisor_of_0_saturates():
    a, b = (np.array([[values]], np.int8) for values in ([3, -3, 0], [0, 0, 0]))
    quotients = run(model(((1, 3),) * 2, ((1.0, 0), (1.0, 0), (0.1, 7))), a, b)
    assert quotients.ravel().tolist() == [127, -128, 7]


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(model(s, q, activation=1), s, rng) for s in SHAPES for q in QUANTIZATIONS])


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        Div().infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))


def test_c2_the_multiplier_is_small():
    a, b = QTensor((1,), 1000.0, 0), QTensor((1,), 1e-4, 0)
    with pytest.raises(CannotQuantizeError, match="calibrate with quotients"):
        Div().lower([a, b], QTensor((1,), 1.0, 0))


def test_the_reader_keeps_the_division():
    assert read(model(((1, 6),) * 2, QUANTIZATIONS[0])).nodes[0].op == Div(wrap=True)
