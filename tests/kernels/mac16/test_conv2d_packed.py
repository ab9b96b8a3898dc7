"""Weights of 2 or 4 bits on the ESP32's MAC16: which kernel takes what, equal to the kernels with a byte per weight."""

import dataclasses

import numpy as np
import pytest
from chips import chips_led_by, kernel_for
from float_nets import samples, separable_net
from harness import Case, assert_kernels_equal_run, random_bytes
from requirements import require

from kernels.mac16.emulated import assert_assembly_equals_run
from kernels.mac16.layers import CHIP, every_tiling, kernels, random_cases, random_packed
from kernels.mac16.test_overlap import assert_all_right, on_the_host
from kernels.packed_layers import PackedLayer, assert_packed_equal, assert_runs_equal, packed_layer
from kernels.portable.test_conv2d_packed import FORMATS as ALL_FORMATS
from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.kernels.mac16.channels import MAX_SCRATCH, SCRATCH_BYTES
from mcuq.kernels.mac16.packed import INTEGERS, LEVELS, PAIRS, restored, stored
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.window import same_padding
from mcuq.quantization import Options, quantize
from mcuq.tensor import QConstant, QTensor
from mcuq.verification import verify_project

CONV, DEPTHWISE = "conv2d_s8_packed_mac16", "depthwise_conv2d_s8_packed_mac16"
VECTOR = "fully_connected_s8_packed_mac16"
PORTABLE = "conv2d_s8_packed"
SHAPES = [  # operator, input, weights: words full and not, blocks of them and single ones, columns filled up or not
    (Conv2d(), (5, 4, 3), (4, 1, 1, 3)),
    (Conv2d(activation="relu6"), (2, 3, 64), (40, 1, 1, 64)),
    (Conv2d(), (2, 2, 100), (24, 1, 1, 100)),
    (Conv2d(padding=(1, 1, 1, 1)), (5, 4, 6), (5, 3, 3, 6)),
    (Conv2d(padding=(1, 1, 1, 1)), (6, 6, 3), (8, 3, 3, 3)),
    (Conv2d((2, 2), (1, 1), same_padding((9, 10), (10, 4), (2, 2))), (9, 10, 1), (7, 10, 4, 1)),
    (Conv2d((1, 3), padding=(0, 0, 1, 0)), (5, 9, 20), (30, 2, 2, 20)),
    (Conv2d((2, 1), padding=(2, 2, 0, 0)), (13, 1, 8), (70, 5, 1, 8)),  # one column, taken as a row
    (FullyConnected(), (4, 7), (3, 7)),
    (FullyConnected(), (1,), (1, 1)),
    (FullyConnected(activation="relu"), (37,), (9, 37)),
    (FullyConnected(), (117,), (40, 117)),
    (FullyConnected(), (128,), (64, 128)),
    (Conv2d(), (3, 3, 8), (30, 3, 3, 8)),  # one window over all of the input
    (DepthwiseConv2d(padding=(1, 1, 1, 1)), (5, 4, 6), (1, 3, 3, 6)),
    (DepthwiseConv2d((2, 1), padding=(1, 1, 2, 2)), (5, 4, 7), (1, 2, 3, 7)),
]


def of_all_shapes(rng, form, **options) -> list[PackedLayer]:
    return [packed_layer(rng, *shape, **form | options) for shape in SHAPES]


def forms(params) -> set[tuple[str, int]]:
    return {(p.kernel, p.form) for p in params if hasattr(p, "form")}


FORMATS = [form for form in ALL_FORMATS if form["bits"] > 1]


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernels_equal_run(rng, form, cc):
    """Every kernel takes every format, and every way to store it is met; buffers unaligned in turn."""
    layers = [layer for z in (-128, 5) for layer in of_all_shapes(rng, form, zero_point=z)]
    params = assert_packed_equal(rng, layers, CHIP, cc)

    assert {p.kernel for p in params} == {CONV, DEPTHWISE, VECTOR}
    stored_as = {INTEGERS} if "codebooks" not in form else {LEVELS} if form["codebooks"] == 4 else {PAIRS, LEVELS}
    assert {f for kernel, f in forms(params) if kernel == CONV} == stored_as


@pytest.mark.parametrize("as_esp32", [False, True])
@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_n2_assembly_equals_run(rng, form, as_esp32):
    layers = of_all_shapes(rng, form)
    cases = [Case(layer.lower(CHIP), [random_bytes(rng, 4, layer.x.elements)]) for layer in layers]
    assert kernels(cases) == {CONV, DEPTHWISE, VECTOR}
    assert_assembly_equals_run(cases, as_esp32=as_esp32)


def test_equals_portable(rng):
    layers = [layer for form in FORMATS for layer in of_all_shapes(rng, form)]
    assert assert_runs_equal(rng, layers, CHIP) == {CONV, DEPTHWISE, VECTOR}


@pytest.mark.parametrize("seed", range(3))
def test_n2_fuzz(seed):
    assert_kernels_equal_run(random_cases(np.random.default_rng(seed), random_packed, 60))


@pytest.mark.parametrize("chip_runs", [assert_kernels_equal_run, assert_assembly_equals_run])
def test_n2_every_tiling(rng, chip_runs):
    """The workspace that a tile declares holds it; columns stay filled up from tile to tile, forwards and backwards."""
    cases = []
    for form in ({"bits": 2}, {"bits": 4, "codebooks": 1}, {"bits": 2, "codebooks": 3}):
        for shape in (SHAPES[4], SHAPES[6], SHAPES[14]):
            layer = packed_layer(rng, *shape, **form)
            for params in every_tiling(layer.lower(CHIP)):
                x = random_bytes(rng, 2, layer.x.elements)
                cases += [Case(params, [x]), Case(params.reversed(), [x])]
    chip_runs(cases)


def full(rng, value: int, taps: int, bits: int, op=None) -> Params:
    """A layer whose sums are as large as weights of that value make them."""
    x, weights = QTensor((1, 2, 2, taps), 0.05, -128), np.full((4, 1, 1, taps), value, np.int8)
    if isinstance(op, FullyConnected):
        x, weights = QTensor((1, taps), 0.05, -128), weights[:, 0, 0]
    constant = QConstant(weights, np.full(4, 0.02), bits=bits)
    op = op or Conv2d()
    return kernel_for(op, [x, constant], QTensor(op.infer_shape(x.shape, weights.shape), 5.0, 0), CHIP)


@pytest.mark.parametrize(("bits", "value", "most"), [(4, -8, 256), (4, 7, 293), (2, -2, 256), (2, 1, 513)])
@pytest.mark.parametrize("op", [Conv2d(), FullyConnected()])
def test_sums_beyond_those_of_larger_weights_take_a_table(rng, op, bits, value, most):
    """2^23 - 2^9, over 255 times the weight, and over 16 or 64: one tap more, and weights are indices of levels."""
    cases = []
    for taps, is_integers in ((most, True), (most + 1, False)):
        params = full(rng, value, taps, bits, op)
        assert (params.form == INTEGERS) == is_integers
        cases.append(
            Case(params, [random_bytes(rng, 3, taps * (1 if params.kernel == VECTOR or "fully" in op.name else 4))])
        )
    assert_kernels_equal_run(cases)
    assert_assembly_equals_run(cases)


@pytest.mark.parametrize(
    ("op", "image", "shape", "form", "kernel"),
    [
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 4}, CONV),
        (Conv2d(groups=2), (4, 4, 8), (4, 1, 1, 4), {"bits": 4}, PORTABLE),
        (Conv2d(dilation=(1, 2)), (4, 4, 8), (4, 2, 2, 8), {"bits": 4}, PORTABLE),
        (Conv2d(), (2, 2, 1024), (2, 1, 1, 1024), {"bits": 2}, CONV),
        (Conv2d(), (2, 2, 1025), (2, 1, 1, 1025), {"bits": 2}, PORTABLE),  # scratch
        (Conv2d(), (3, 3, 8), (5, 3, 3, 8), {"bits": 2, "codebooks": 1}, VECTOR),
        (Conv2d(), (3, 3, 8), (2, 3, 3, 8), {"bits": 4, "codebooks": 1}, CONV),  # smaller than the pairs would be
        (FullyConnected(), (64,), (8, 64), {"bits": 4}, VECTOR),
        (FullyConnected(), (2048,), (3, 2048), {"bits": 2}, VECTOR),
        (FullyConnected(), (2049,), (3, 2049), {"bits": 2}, PORTABLE),
        (FullyConnected(), (2, 64), (8, 64), {"bits": 4}, CONV),  # weights are used twice
        (DepthwiseConv2d(), (4, 4, 8), (1, 3, 3, 8), {"bits": 4}, DEPTHWISE),
        (DepthwiseConv2d(), (4, 4, 8), (1, 3, 3, 16), {"bits": 4}, PORTABLE),
        (DepthwiseConv2d(), (4, 4, 1), (1, 3, 3, 4), {"bits": 4}, CONV),
        (DepthwiseConv2d(), (4, 4, 400), (1, 3, 3, 400), {"bits": 4}, PORTABLE),  # scratch
    ],
)
def test_choice_of_kernel(rng, op, image, shape, form, kernel):
    layer = packed_layer(rng, op, image, shape, **form, scale_out=3.0)

    assert {layer.lower(chip).kernel for chip in chips_led_by("mac16")} == {kernel}
    assert layer.lower("generic").kernel == PORTABLE
    assert kernel == PORTABLE or layer.lower(CHIP).scratch_bytes <= MAX_SCRATCH


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_no_more_flash_than_the_portable_kernel_but_for_words(rng, form):
    """Where all filters are whole words; a table of pairs takes no more than the weights."""
    for shape in ((64, 1, 1, 64), (16, 3, 3, 16)):
        layer = packed_layer(rng, Conv2d(), (4, 4, shape[3]), shape, **form)
        params, portable = layer.lower(CHIP), layer.lower("generic")
        assert params.weights.nbytes == portable.weights.nbytes
        assert params.pairs.nbytes <= max(params.weights.nbytes, 2)
        assert (
            params.scratch_bytes
            == kernel_for(layer.op, [layer.x, layer.weights.in_bytes, layer.bias], layer.y, CHIP).scratch_bytes
        )
        assert params.scratch_bytes <= SCRATCH_BYTES


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_storing_is_undone(rng, form):
    for taps in (4, 8, 12, 16, 36, 64):
        weights = packed_layer(rng, Conv2d(), (1, 1, taps), (7, 1, 1, taps), **form).weights
        rows = weights.values.reshape(7, taps)
        for integers in (True, False) if weights.codebook is None else (False,):
            found = stored(rows, weights, integers=integers)
            assert found.weights.shape[1] % 4 == 0
            np.testing.assert_array_equal(restored(found, taps), rows)


def test_constant_channels_are_exact(rng):
    """A channel that always saturates becomes one of zeros: which integers have, and a codebook may lack."""
    layer = packed_layer(rng, Conv2d(), (3, 3, 8), (6, 1, 1, 8), bits=4)
    layer.bias = QConstant(np.array([2**30, -(2**30), 5, 0, 9, 3], np.int32), np.array([0.1]))
    books = np.array([[-90, -4, 3, 100]], np.int8)
    values = books[0][rng.integers(0, 4, (6, 1, 1, 8))]
    lacking = dataclasses.replace(layer, weights=QConstant(values, layer.weights.scale, bits=2, codebook=books))
    books = np.array([[-90, 0, 3, 100]], np.int8)
    values = np.where(values == -4, 0, values).astype(np.int8)
    having = dataclasses.replace(layer, weights=QConstant(values, layer.weights.scale, bits=2, codebook=books))

    assert lacking.lower(CHIP).kernel == PORTABLE
    assert {p.kernel for p in assert_packed_equal(rng, [layer, having], CHIP)} == {CONV}


def test_overlap_at_the_exact_limit(rng):
    runs = []
    for form in ({"bits": 4}, {"bits": 2, "codebooks": 1}):
        for layer in of_all_shapes(rng, form):
            params = layer.lower(CHIP)
            for tiled in every_tiling(params)[::2] if hasattr(params, "tile_rows") else [params]:
                overlap, step = tiled.overlap(0), tiled.distance
                inputs = [random_bytes(rng, 1, layer.x.elements)]
                runs.append((tiled, inputs, -(-(-overlap.before // step) * step)))
                if overlap.after is not None:
                    runs.append((tiled.reversed(), inputs, -(-overlap.after // step) * step))
    assert_all_right(runs, on_the_host)


@pytest.mark.parametrize("table", ["levels", "pairs", "codebook", "weights"])
def test_a_wrong_table_is_noticed(rng, table):
    """What C reads and what ``run`` means are the same tables."""
    layer = packed_layer(rng, Conv2d(), (2, 2, 64), (40, 1, 1, 64), bits=2, codebooks=3)
    params, x = layer.lower(CHIP), random_bytes(rng, 3, 256)
    assert params.form == PAIRS
    wrong = dataclasses.replace(
        params, **{table: np.roll(getattr(params, table), 1, axis=-1 if table == "levels" else 0)}
    )
    if table == "pairs":  # C alone reads it
        with pytest.raises(AssertionError, match="bytes differ"):
            assert_kernels_equal_run([Case(wrong, [x])])
    else:
        assert not np.array_equal(wrong.run(x), params.run(x))


@pytest.mark.parametrize(
    "options", [Options(bits=4), Options(codebook=16), Options(codebook=4, codebook_channels=3)], ids=str
)
def test_n4_whole_model(options, tmp_path):
    """Convolution, depthwise, pointwise and dense layers: built for the board, verified on the emulated chip."""
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    net = separable_net()
    written = pipeline.write_project(Archive(quantize(net, samples(net, 20), options).graph), "esp32dev", tmp_path)
    assert (
        {CONV, DEPTHWISE, VECTOR}
        >= {s.params.kernel for s in written.plan.steps if "packed" in s.params.kernel}
        > set()
    )
    (result,) = verify_project(tmp_path, "xtensa")

    assert (result.different, result.first, result.self_test) == (0, None, True)
