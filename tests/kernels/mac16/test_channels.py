"""Which channels the MAC16 kernels take: proven from weights, bias, zero points and scales, to the count."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run

from kernels.mac16.emulated import assert_assembly_equals_run
from mcuq.fixedpoint import INT32_MAX, INT32_MIN, clamp, requantize
from mcuq.kernels import mac16
from mcuq.kernels.channels import Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.channels import MAX_SUM, exchanged, mac16_channels, portable_bias, unpacked_bias
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams

ROUNDING = Rounding(-7, 3, -128, 127)


def channels(weights, bias, multiplier=2**30, shift=-16, rounding=ROUNDING, larger=0):
    weights = np.atleast_2d(np.asarray(weights, np.int8))
    bias = np.broadcast_to(np.asarray(bias, np.int32), len(weights))
    multiplier, shift = np.atleast_1d(np.int32(multiplier)), np.atleast_1d(np.int8(shift))
    return mac16_channels(weights, bias, multiplier, shift, rounding, larger=larger)


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_are_proven_from_all_inputs(sign):
    weights = np.concatenate([np.full(100, 127), np.full(60, -128)])
    low, high = (127 * 100 * (x + 7) - 128 * 60 * (y + 7) for x, y in ((-128, 127), (127, -128)))
    bias = MAX_SUM - high if sign > 0 else -MAX_SUM - low

    assert channels(weights, bias) is not None
    assert channels(weights, bias + sign) is None


@pytest.mark.parametrize(("shift", "taken"), [(1, False), (0, False), (-1, True), (-24, True), (-25, False)])
def test_exponents_that_are_covered(shift, taken):
    rounding = Rounding(0, 0, -128, 127)
    result = channels(np.full(256, 127), 0, 2**31 - 1, shift, rounding)

    assert (result is not None and result.weights.any()) == taken  # by 25 every output is the same: weights of 0


@pytest.mark.parametrize(("zero_point", "exponent", "taken"), [
    (0, 24, True), (-1, 24, True), (1, 24, False), (-2, 24, False), (127, 17, True), (-128, 17, True),
    (127, 18, False), (-128, 18, False)])  # fmt: skip
def test_roundings_stay_within_32_bits(zero_point, exponent, taken):
    """(2 * zero_point + 1) * 2^(exponent + 6), and a little."""
    result = channels(np.full(258, 127), 0, 2**25, -exponent, Rounding(0, zero_point, -128, 127))

    assert (result is not None and result.weights.any()) == taken


def test_negative_multipliers_are_refused():
    assert channels([1, 2, 3], 5, -(2**30), -2) is None
    assert channels([1, 2, 3], 5, 0, -2) is None


@pytest.mark.parametrize("larger", [0, 4, 6])
def test_what_is_accepted_is_exact(larger):
    """For random channels, at both ends of what their sums can be: 32 bits hold t + rounding, outputs are right."""
    rng, taken, half = np.random.default_rng(0), 0, 64 << larger
    for _ in range(3000):
        weights = rng.integers(-128 >> larger, 128 >> larger, int(rng.integers(1, 300)))
        bias, exponent = int(rng.integers(-(2**23), 2**23) >> rng.integers(larger, 23)), int(rng.integers(1, 25))
        m, z = int(rng.integers(2**30, 2**31)), int(rng.integers(-128, 128) >> rng.integers(0, 9))
        result = channels(weights, bias, m, -exponent, Rounding(-7, z, -128, 127), larger)
        if result is None or not np.array_equal(result.weights[0], weights) or result.exponent[0] != exponent:
            continue
        taken += 1
        positive, negative = np.maximum(weights, 0).sum(), np.minimum(weights, 0).sum()
        ends = np.array([bias - 121 * positive + 134 * negative, bias + 134 * positive - 121 * negative])
        t = (ends << larger) * m >> 24
        total = t + ((2 * z + 1) << (exponent + larger + 6)) + half - 2 * half * (t < 0)
        assert np.abs(ends).max() << larger <= MAX_SUM and total.min() >= INT32_MIN and total.max() <= INT32_MAX
        np.testing.assert_array_equal(total >> (exponent + larger + 7), requantize(ends, m, -exponent) + z)
    assert taken > 1000


@pytest.mark.parametrize(("multiplier", "shift"), [(2**30, -31), (2**31 - 1, 0), (2**30 + 5, -3)])
@pytest.mark.parametrize("bias", [2**30, -(2**30), 2**24, 7])
def test_constant_channels_become_biases(multiplier, shift, bias):
    """Beside a channel that is not, so that nothing else makes them fit."""
    weights = np.array([[5, -3, 9], [0, 0, 0]], np.int8)
    result = mac16_channels(
        weights,
        np.array([11, bias], np.int32),
        np.array([2**30, multiplier], np.int32),
        np.array([-4, shift], np.int8),
        ROUNDING,
    )

    assert result is not None
    assert not result.weights[1].any()
    output = requantize(-result.bias[1], result.multiplier[1], -result.exponent[1].astype(int)) + 3
    assert clamp(output, -128, 127) == clamp(requantize(bias, multiplier, shift) + 3, -128, 127)
    np.testing.assert_array_equal(result.weights[0], weights[0])


@pytest.mark.parametrize("larger", [0, 4, 6])
def test_packed_words_are_undone(rng, larger):
    weights = rng.integers(-128 >> larger, 128 >> larger, (40, 90))
    bias = rng.integers(-4000, 4000, 40)
    result = channels(weights, bias, rng.integers(2**30, 2**31, 40), rng.integers(-11, 0, 40), larger=larger)
    words, exponent = unpacked_bias(result.packed_bias(larger), larger)

    np.testing.assert_array_equal(exponent, result.exponent)
    np.testing.assert_array_equal(portable_bias(weights, words, -7, larger=larger), bias)


def test_exchanged_twice_is_what_it_was(rng):
    values = rng.integers(0, 99, (3, 12))

    assert exchanged(np.arange(8)).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    np.testing.assert_array_equal(exchanged(exchanged(values)), values)


TAPS = 256


def extreme_cases() -> list[Case]:
    """Layers whose sums reach the very ends of what is proven, with limits of all kinds."""
    weights = np.repeat(np.array([[127], [-127]], np.int8), TAPS, axis=1)
    most = 127 * TAPS * np.array([134, 121])  # with inputs of -128 or 127, and a zero point of -7
    cases = []
    for z, low, high in [(-128, -128, 127), (3, -128, 127), (127, -128, 127), (-1, -100, 90), (0, -50, 127)]:
        for bias in (MAX_SUM - most, most[::-1] - MAX_SUM):
            shared = {
                "input_zero_point": -7,
                "output_zero_point": z,
                "activation_min": low,
                "activation_max": high,
                "per_channel": 1,
                "reverse": 0,
                "bias": bias.astype(np.int32),
                "multiplier": np.array([2**31 - 1, 2**30], np.int32),
                "shift": np.array([-16, -16], np.int8),
            }
            cases += [extreme_case(portable) for portable in layers(shared, weights)]
    return cases


def layers(shared, weights) -> list:
    ones = dict.fromkeys("stride_h stride_w dilation_h dilation_w input_h output_h output_w filter_h".split(), 1)
    ones |= {"pad_top": 0, "pad_left": 0} | shared
    row = ones | {"groups": 1, "filter_w": 1, "input_w": 2, "output_w": 2, "input_c": TAPS, "output_c": 2}
    column = ones | {"channel_multiplier": 1, "filter_w": TAPS, "input_w": TAPS, "input_c": 2}
    return [
        Conv2dParams(**row, weights=weights[:, np.newaxis, np.newaxis]),
        FullyConnectedParams(**shared, batch=1, input_c=TAPS, output_c=2, weights=weights),
        DepthwiseConv2dParams(**column, weights=weights.T[np.newaxis]),
    ]


def extreme_case(portable) -> Case:
    special = mac16.kernel(Layer(portable, (), at_border=True))
    assert special is not None and special.weights.any()
    elements = TAPS if isinstance(portable, FullyConnectedParams) else 2 * TAPS
    x = np.stack([np.full(elements, value, np.int8) for value in (-128, 127, -7)])
    np.testing.assert_array_equal(special.run(x), portable.run(x))
    return Case(special, [x])


@pytest.mark.parametrize("assert_equal", [assert_kernels_equal_run, assert_assembly_equals_run])
def test_n2_sums_at_the_ends_of_what_is_proven(assert_equal):
    assert_equal(extreme_cases())
