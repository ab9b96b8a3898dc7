"""Signs times signs by tables: tiles, the requantize of their own, and that they equal a byte per weight."""

from dataclasses import replace

import pytest
from harness import Case, assert_kernels_equal_run

from kernels.packed_layers import assert_packed_equal, assert_runs_equal, coarse, packed_layer, random_inputs
from kernels.portable.test_conv2d_xnor import layers_of, random_layers
from mcuq.ops.conv2d import Conv2d

CHIP, TABLES = "esp32c3", "conv2d_s8_xnor_tile"


def test_equals_portable(rng):
    assert TABLES in assert_runs_equal(rng, random_layers(rng, 100), CHIP)


def test_n2_reversed(rng):
    assert_packed_equal(rng, layers_of(rng), CHIP, backwards=True)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_multipliers_of_a_half_and_more(rng, cc):
    """Shifts from -3 to 5, from channel to channel, multipliers at ties, and limits that exclude the zero point."""
    layers = [coarse(rng, layer, 1.0) for layer in layers_of(rng) * 3]
    linear = [layer for layer in layers if not layer.op.activation]
    beyond = [replace(layer, y=replace(layer.y, bits=4, zero_point=z)) for layer in linear for z in (-50, 9)]
    wild = [replace(layer, y=replace(layer.y, scale=1e-7)) for layer in layers]
    fast, general = (assert_packed_equal(rng, some, CHIP, cc) for some in (layers, beyond + wild))

    assert {p.kernel for p in fast + general} == {TABLES}
    assert {p.general for p in fast} == {0} and {p.general for p in general} == {1}
    assert {int(shift) for p in fast for shift in p.shift} >= set(range(-3, 6))


def test_equals_the_general_requantize(rng):
    """Layers of scales of either kind, computed by both."""
    layers = layers_of(rng)
    layers += [coarse(rng, layer, 1.0) for layer in layers]
    params = [layer.lower(CHIP) for layer in layers]
    assert not any(p.general for p in params)
    assert_kernels_equal_run(
        [Case(replace(p, general=1), [random_inputs(rng, x.x)]) for p, x in zip(params, layers, strict=True)]
    )


def test_zero_point_beyond_the_limits(rng):
    """The tables' fast requantize has one limit on either side of the zero point."""
    layer = packed_layer(rng, Conv2d(), (4, 4, 40), (9, 1, 1, 40), bits=1, signs=True, scale_out=0.05)
    four_bits = replace(layer, y=replace(layer.y, bits=4))
    outside = replace(four_bits, y=replace(four_bits.y, zero_point=9))

    assert [p.general for p in assert_packed_equal(rng, [four_bits, outside], CHIP)] == [0, 1]
