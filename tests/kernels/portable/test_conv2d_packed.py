"""Weights of fewer than 8 bits: packing, and the packed kernel against the one with a byte per weight."""

import dataclasses

import numpy as np
import pytest

from kernels.packed_layers import assert_packed_equal, assert_runs_equal, packed_layer, weights_of
from mcuq.errors import CannotQuantizeError
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.packing import pack, unpack
from mcuq.ops.window import same_padding

KERNEL = "conv2d_s8_packed"
FORMATS = [  # bits, codebooks
    {"bits": 1},
    {"bits": 2},
    {"bits": 3},
    {"bits": 4},
    {"bits": 2, "codebooks": 1},
    {"bits": 4, "codebooks": 1},
    {"bits": 2, "codebooks": 3},
    {"bits": 4, "codebooks": 4},
]
IMAGE = (5, 4, 6)
LAYERS = [  # operator, input, weights
    (Conv2d(), (5, 4, 3), (4, 1, 1, 3)),
    (Conv2d(padding=(1, 1, 1, 1)), IMAGE, (5, 3, 3, 6)),
    (Conv2d((2, 2), (1, 1), same_padding((9, 10), (10, 4), (2, 2))), (9, 10, 1), (7, 10, 4, 1)),
    (Conv2d(dilation=(2, 2), padding=(2, 2, 2, 2)), IMAGE, (3, 3, 3, 6)),
    (Conv2d(padding=(1, 1, 0, 0), groups=2), IMAGE, (4, 3, 2, 3)),
    (Conv2d(padding=(9, 0, 9, 0)), (2, 2, 1), (1, 7, 7, 1)),
    (DepthwiseConv2d(padding=(1, 1, 1, 1)), IMAGE, (1, 3, 3, 6)),
    (DepthwiseConv2d((2, 1), (1, 2), (1, 1, 2, 2)), IMAGE, (1, 3, 3, 18)),
    (FullyConnected(activation="relu"), (37,), (9, 37)),
    (FullyConnected(), (4, 7), (3, 7)),
    (FullyConnected(), (1,), (1, 1)),
]


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, form, cc):
    """Every operator: odd filters, borders, groups; buffers unaligned in turn."""
    layers = [
        packed_layer(rng, op, image, shape, zero_point=zero_point, **form)
        for op, image, shape in LAYERS
        for zero_point in (-128, 5)
    ]
    assert {p.kernel for p in assert_packed_equal(rng, layers, cc=cc)} == {KERNEL}


def test_equals_portable(rng):
    assert assert_runs_equal(rng, [random_layer(rng) for _ in range(200)]) == {KERNEL}


@pytest.mark.parametrize("seed", range(3))
def test_n2_fuzz(seed):
    rng = np.random.default_rng(seed)
    assert_packed_equal(rng, [random_layer(rng) for _ in range(50)])


def random_layer(rng):
    while True:
        h, w, c = (int(v) for v in rng.integers(1, 9, 3))
        window, stride, dilation = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (5, 4, 3))
        padding, filters = tuple(int(v) for v in rng.integers(0, 4, 4)), int(rng.integers(1, 9))
        form = FORMATS[rng.integers(len(FORMATS))] | {"zero_point": int(rng.choice([-128, 0, 127]))}
        kind = rng.integers(3)
        try:
            if kind == 0:
                return packed_layer(rng, FullyConnected(), (h, w * c), (filters, w * c), **form)
            if kind == 1:
                op = DepthwiseConv2d(stride, dilation, padding)
                return packed_layer(rng, op, (h, w, c), (1, *window, c * int(rng.integers(1, 3))), **form)
            groups = int(rng.integers(1, 3))
            op = Conv2d(stride, dilation, padding, groups, "relu6")
            return packed_layer(rng, op, (h, w, c * groups), (filters * groups, *window, c), **form)
        except ValueError:
            continue  # the window is larger than the padded image


def test_reversed_equals_run(rng):
    assert_packed_equal(rng, [packed_layer(rng, *layer, bits=4) for layer in LAYERS], backwards=True)


@pytest.mark.parametrize("bits", range(1, 9))
def test_which_bits_are_packed(rng, bits):
    for layer in [packed_layer(rng, *layer, bits=bits) for layer in LAYERS]:
        assert (layer.lower("generic").kernel == KERNEL) == (bits <= 4)


@pytest.mark.parametrize(
    ("form", "most"), [({"bits": 2}, 0.25), ({"bits": 4}, 0.5), ({"bits": 4, "codebooks": 1}, 0.5)]
)
def test_stored_bytes(rng, form, most):
    params = packed_layer(rng, Conv2d(), (2, 2, 64), (64, 1, 1, 64), **form).lower("generic")

    assert params.weights.nbytes == most * 64 * 64
    assert params.levels.nbytes + params.codebook.nbytes <= 17


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_packing_is_undone(rng, form):
    for taps in (1, 2, 3, 4, 5, 9, 64):
        weights = weights_of(rng, (7, taps), 0, **form)
        packed = pack(weights.values, weights)

        np.testing.assert_array_equal(unpack(packed, taps), weights.values)
        assert packed.weights.shape == (7, -(-taps * packed.bits // 8))


def test_channels_of_a_group_share_their_levels(rng):
    """Eight channels, two different codebooks: two are stored."""
    books = np.array([[-9, 0, 4, 100]] * 4 + [[-128, -1, 1, 127]] * 4, np.int8)
    weights = weights_of(rng, (8, 5), 0, bits=2)
    weights = dataclasses.replace(weights, values=books[:, [3, 0, 1, 2, 2]], codebook=books)
    packed = pack(weights.values, weights)

    assert packed.levels.shape == (2, 4)
    np.testing.assert_array_equal(unpack(packed, 5), weights.values)


def test_codebook_shorter_than_its_bits(rng):
    values = np.array([[5, -3, 5, 5, -3]], np.int8)
    weights = weights_of(rng, (1, 5), 0, bits=4)
    weights = dataclasses.replace(weights, values=values, codebook=np.array([[-3, 5]], np.int8))

    np.testing.assert_array_equal(unpack(pack(values, weights), 5), values)


@pytest.mark.parametrize("shape", [(3, 4), (1, 5)])
def test_codebooks_of_other_shapes_are_refused(rng, shape):
    """Rows for three of two channels; five entries in two bits."""
    weights = weights_of(rng, (2, 5), 0, bits=2)
    weights = dataclasses.replace(weights, codebook=np.zeros(shape, np.int8))
    with pytest.raises(CannotQuantizeError, match="a codebook of"):
        pack(weights.values, weights)


@pytest.mark.parametrize(
    ("chip", "fast"),
    [
        ("generic", KERNEL),
        ("esp32", "depthwise_conv2d_s8_packed_mac16"),
        ("esp32c3", "depthwise_conv2d_3x3_s8_packed_lanes"),
    ],
)
def test_n2_one_bit_depthwise(rng, chip, fast):
    """On chips it is unpacked for the int8 kernel, where that serves the layer: one output for an input channel."""
    layers = [
        packed_layer(rng, op, image, shape, bits=1) for op, image, shape in LAYERS if op.name == "depthwise_conv2d"
    ]
    assert [p.kernel for p in assert_packed_equal(rng, layers, chip)] == [fast, KERNEL]
