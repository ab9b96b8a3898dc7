"""Fully connected layers on RV32IMC: which kernel takes which shape, and that each equals the portable one."""

import dataclasses

import numpy as np
import pytest
from chips import chips_led_by

from kernels.variants import (
    ACTIVATIONS,
    CHIP,
    OUTPUT_SCALES,
    OUTPUT_ZERO_POINTS,
    ZERO_POINTS,
    assert_variants_equal_portable,
    layer,
    tables_bytes,
)
from mcuq.kernels.lanes.fully_connected import MAX_CHUNK_SUM, bounded
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QTensor

VECTORS, PORTABLE = "fully_connected_s8_lanes", "fully_connected_s8"


def connected(rng, batch, inputs, outputs, weights=None, x_zero_point=-7, activation="none", **options):
    """A layer of uniform weights, most of whose chunks of 8 are too large, or of those given."""
    x = QTensor((batch, inputs), 0.05, x_zero_point)
    weights = rng.integers(-127, 128, (outputs, inputs)) if weights is None else weights
    return layer(rng, FullyConnected(batch > 1, activation), x, weights, **options)


def narrow(rng, outputs, inputs, deviation=12.0):
    return np.clip(np.round(rng.normal(0, deviation, (outputs, inputs))), -127, 127)


@pytest.mark.parametrize(
    ("batch", "inputs", "outputs", "kernel"),
    [
        (1, 64, 12, VECTORS),
        (1, 2048, 8, VECTORS),
        (1, 2049, 8, VECTORS),  # products one by one need no scratch
        (1, 64, 7, PORTABLE),  # fewer channels than it takes at a time
        (3, 64, 7, "conv2d_1x1_s8_lanes"),
        (3, 2000, 8, VECTORS),
    ],
)
def test_choice_of_kernel(rng, batch, inputs, outputs, kernel):
    lower = connected(rng, batch, inputs, outputs)

    assert {lower(chip).kernel for chip in chips_led_by("lanes")} == {kernel}
    assert lower("generic").kernel == PORTABLE


def test_chunks_are_long_where_weights_are_small(rng):
    deviations = {8: 12.0, 4: 35.0, 3: 50.0, 1: 90.0}
    layers = {chunk: connected(rng, 1, 129, 16, narrow(rng, 16, 129, d)) for chunk, d in deviations.items()}

    assert {chunk: lower(CHIP).chunk for chunk, lower in layers.items()} == {chunk: chunk for chunk in layers}


def test_more_inputs_than_the_scratch_has_chunks_for(rng):
    """Chunks are shorter, or none: a word of scratch each would be too much."""
    lower = connected(rng, 1, 9000, 8, narrow(rng, 8, 9000, 12.0))

    assert (lower(CHIP).kernel, lower(CHIP).chunk, lower(CHIP).scratch_bytes) == (VECTORS, 1, 0)


def test_unusual_scales_stay_portable(rng):
    assert connected(rng, 1, 16, 8, scale_out=1e-4)(CHIP).kernel == PORTABLE


@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("chunk", [8, 4, 3, 1])
def test_n2_kernel_equals_run(rng, chunk, cc):
    """Rows that no chunk divides, channels that no block divides; -128 among the weights."""
    layers = []
    for inputs in (1, 2, 3, 7, 8, 9, 16, 31, 33, 64, 640):
        for outputs in (8, 9, 15, 16, 17):
            weights = narrow(rng, outputs, inputs, 12.0)
            if chunk < 8:
                weights = rng.choice([-1, 1], (outputs, inputs)) * min(MAX_CHUNK_SUM // chunk, 127)
                weights[0, :chunk] = 0
            weights[0, 0] = -128
            n = len(layers)
            options = {"scale_out": OUTPUT_SCALES[n % 4], "zero_point": OUTPUT_ZERO_POINTS[n % 3]}
            options |= {"per_channel": bool(n % 2), "x_zero_point": ZERO_POINTS[n % 4]}
            layers.append(connected(rng, 1, inputs, outputs, weights, activation=ACTIVATIONS[n % 4], **options))
    chosen = assert_variants_equal_portable(rng, layers, cc)

    assert {p.kernel for p in chosen} == {VECTORS}
    assert [p.chunk for p in chosen].count(chunk) > len(chosen) / 2


def test_extra_weights_equal_run(rng):
    """Chunks beyond 16 bits, few enough that what they have too much is kept apart."""
    weights = narrow(rng, 16, 600, 10.0)
    weights[3, 8:16], weights[3, 592:600], weights[9, :8], weights[15, -1] = 127, -128, (-128, 127) * 4, -128
    layers = [connected(rng, batch, 600, 16, weights, x_zero_point=z) for batch in (1, 2) for z in ZERO_POINTS]
    params = assert_variants_equal_portable(rng, layers)

    assert params[0].chunk == 8
    assert {channel for channel, _ in params[0].extra.tolist()} == {3, 9, -1}


def test_equals_portable(rng):
    layers = []
    while len(layers) < 120:
        batch, inputs, outputs = int(rng.choice([1, 1, 1, 2, 5])), int(rng.integers(1, 100)), int(rng.integers(8, 40))
        weights = None if rng.random() < 0.4 else narrow(rng, outputs, inputs, float(rng.uniform(1, 30)))
        options = {"scale_out": float(rng.choice(OUTPUT_SCALES[1:])), "per_channel": bool(rng.random() < 0.5)}
        options |= {"zero_point": int(rng.choice(OUTPUT_ZERO_POINTS)), "x_zero_point": int(rng.choice(ZERO_POINTS))}
        options |= {"activation": str(rng.choice(ACTIVATIONS))}
        layers.append(connected(rng, batch, inputs, outputs, weights, **options))
    assert_variants_equal_portable(rng, layers)


def test_reversed_equals_run(rng):
    lowered = [connected(rng, 4, 2000, 9), connected(rng, 1, 16, 8)]
    assert_variants_equal_portable(
        rng, [lambda chip, f=f: f(chip).reversed() if chip == CHIP else f(chip) for f in lowered]
    )


def test_bounded_takes_off_what_is_too_much(rng):
    weights = rng.integers(-128, 128, (16, 37)).astype(np.int8)
    for chunk in (2, 3, 4, 8):
        kept, extra = bounded(weights, chunk)
        sums = np.add.reduceat(np.abs(kept.astype(int)), np.arange(0, 37, chunk), axis=1)
        again = kept.astype(int)
        for channel, what in extra.tolist():
            again[channel, what >> 8] += (what & 255) - 128

        assert sums.max() <= MAX_CHUNK_SUM
        assert np.all(np.diff(extra[:, 0]) >= 0), "the kernel goes through them in the order of channels"
        np.testing.assert_array_equal(again, weights)


@pytest.mark.parametrize(("inputs", "outputs"), [(640, 128), (128, 8), (8, 128), (64, 12), (256, 10)])
def test_packing_grows_flash_by_four_percent_at_most(rng, inputs, outputs):
    for weights in (None, narrow(rng, outputs, inputs), narrow(rng, outputs, inputs, 18.0)):
        lower = connected(rng, 1, inputs, outputs, weights)

        assert tables_bytes(lower(CHIP)) <= 1.04 * tables_bytes(lower("generic")) + 12


def test_run_sees_a_packing_error(rng):
    lower = connected(rng, 1, 16, 8)
    broken = dataclasses.replace(lower(CHIP), weights=np.roll(lower(CHIP).weights, 1))
    x = rng.integers(-128, 128, (2, 16)).astype(np.int8)

    assert not np.array_equal(broken.run(x), lower("generic").run(x))
