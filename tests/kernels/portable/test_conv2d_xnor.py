"""Signs times signs, by counting bits and by tables: against the kernel with a byte per weight, and in whole models."""

from dataclasses import replace

import numpy as np
import pytest
from chips import kernel_for
from harness import SANITIZERS, Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require_tool

from kernels.packed_layers import assert_packed_equal, assert_runs_equal, coarse, packed_layer, random_inputs
from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.engines.host import build_host
from mcuq.graph import Graph, Node
from mcuq.kernels.portable.conv2d_xnor import from_words, in_words
from mcuq.kernels.portable.conv2d_xnor_tile import MAX_TAPS
from mcuq.kernels.portable.sign_tiles import MAX_SCRATCH
from mcuq.ops.binarize import Binarize
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.window import same_padding
from mcuq.simulator import simulate
from mcuq.tensor import QConstant, QTensor

COUNTED, TABLES, PACKED = "conv2d_s8_xnor", "conv2d_s8_xnor_tile", "conv2d_s8_packed"
CHIPS = ("generic", "esp32c3")
LAYERS = [  # operator, input, weights; words, blocks and chunks full and not, tiles of every remainder, borders
    (Conv2d(), (5, 1, 9), (4, 1, 1, 9)),
    (Conv2d(), (3, 1, 31), (1, 1, 1, 31)),
    (Conv2d(), (2, 3, 32), (5, 1, 1, 32)),
    (Conv2d(activation="relu"), (1, 23, 64), (7, 1, 1, 64)),
    (Conv2d(), (3, 9, 130), (6, 1, 1, 130)),
    (Conv2d(padding=(1, 1, 1, 1)), (5, 4, 16), (5, 3, 3, 16)),
    (Conv2d(padding=(1, 1, 1, 1)), (4, 5, 96), (9, 3, 3, 96)),
    (Conv2d(padding=(1, 1, 1, 1)), (2, 2, 330), (2, 3, 3, 330)),
    (Conv2d((2, 2), (1, 1), same_padding((9, 10), (10, 4), (2, 2))), (9, 10, 8), (7, 10, 4, 8)),
    (Conv2d(dilation=(2, 2), padding=(2, 2, 2, 2)), (5, 4, 40), (8, 3, 3, 40)),
    (Conv2d(padding=(9, 0, 9, 0)), (2, 2, 8), (1, 7, 7, 8)),
    (FullyConnected(), (4, 70), (3, 70)),
]
FEW = [  # pixels
    (Conv2d(), (1, 1, 8), (1, 1, 1, 8)),
    (Conv2d(padding=(1, 1, 1, 1)), (1, 2, 33), (3, 3, 3, 33)),
    (FullyConnected(activation="relu6"), (3000,), (9, 3000)),
    (FullyConnected(), (960,), (2, 960)),
]


def layers_of(rng, layers=LAYERS):
    return [packed_layer(rng, *layer, bits=1, signs=True, scale_out=0.05) for layer in layers]


@pytest.mark.parametrize(("chip", "kernel"), [("generic", COUNTED), ("esp32c3", TABLES)])
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, chip, kernel, cc):
    assert {p.kernel for p in assert_packed_equal(rng, layers_of(rng), chip, cc)} == {kernel}


@pytest.mark.parametrize("chip", CHIPS)
def test_n2_few_pixels(rng, chip):
    assert {p.kernel for p in assert_packed_equal(rng, layers_of(rng, FEW), chip)} == {COUNTED}


def random_layers(rng, count):
    layers = []
    while len(layers) < count:
        h, w, c = (int(v) for v in rng.integers((1, 1, 8), (9, 9, 100)))
        window, stride, dilation = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (5, 4, 3))
        op = Conv2d(stride, dilation, tuple(int(v) for v in rng.integers(0, 6, 4)))
        try:
            layer = packed_layer(rng, op, (h, w, c), (int(rng.integers(1, 9)), *window, c), bits=1, signs=True)
        except ValueError:
            continue  # the window is larger than the padded image
        layers.append(layer)
    return layers


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("seed", range(3))
def test_n2_fuzz(seed, chip):
    rng = np.random.default_rng(seed)
    kernels = {p.kernel for p in assert_packed_equal(rng, random_layers(rng, 40), chip)}
    assert kernels == {COUNTED} if chip == "generic" else TABLES in kernels <= {COUNTED, TABLES}


def test_equals_portable(rng):
    assert assert_runs_equal(rng, random_layers(rng, 100)) == {COUNTED}


@pytest.mark.parametrize("general", [0, 1])
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("value", [-1, 1])
def test_n2_largest_sums(chip, value, general):
    """All signs equal or all different: lanes of 8 and 16 bits, and bytes of counted bits, at their limits."""
    cases = []
    sizes = [(16, 64, 3), (16, 65, 3), (4, 64, 3), (16, 5000, 3), (3, 2000, 3), (16, MAX_TAPS, 128)]
    for pixels, count, channels in sizes:
        x, y = QTensor((1, pixels, 1, count), 1.0, 0, bits=1), QTensor((1, pixels, 1, channels), 40.0, 0)
        weights = QConstant(np.full((channels, 1, 1, count), value, np.int8), np.full(channels, 1.0), bits=1)
        samples = np.ones((2, pixels * count), np.int8)
        samples[1] = -1
        params = kernel_for(Conv2d(), [x, weights], y, chip)
        cases.append(Case(replace(params, general=general) if params.kernel == TABLES else params, [samples]))
        outputs = cases[-1].expected
        assert len({tuple(row) for row in outputs.tolist()}) == 2
    assert {case.params.kernel for case in cases} == {COUNTED if chip == "generic" else TABLES}
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_on_the_emulated_chip(rng, isa):
    for tool in ("riscv64-unknown-elf-gcc", "qemu-system-riscv32", "xtensa-lx106-elf-gcc", "qemu-system-xtensa"):
        require_tool(tool, "apt-get install gcc-riscv64-unknown-elf gcc-xtensa-lx106 qemu-system-misc")
    layers = layers_of(rng, [*LAYERS, *FEW])
    layers += [coarse(rng, layer, scale) for layer in layers_of(rng) for scale in (1.0, 1e-7)]
    cases = [Case(layer.lower(chip), [random_inputs(rng, layer.x)]) for layer in layers for chip in CHIPS]
    assert_emulated_equals_run(cases, isa)


@pytest.mark.parametrize(
    ("op", "image", "shape", "form", "kernel"),
    [
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {}, TABLES),
        (Conv2d(), (1, 2, 8), (4, 1, 1, 8), {}, COUNTED),  # two pixels
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"scale_out": 1e-3}, TABLES),  # multipliers of 1/2 and more
        (Conv2d(), (4, 4, 8), (1000, 1, 1, 8), {}, COUNTED),  # scratch
        (Conv2d(), (1, 1, 4), (4, 1, 1, 4), {}, "conv2d_s8_w1"),  # words nearly empty
        (Conv2d(groups=2), (4, 4, 16), (4, 1, 1, 8), {}, PACKED),
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"codebooks": 1}, PACKED),
        (FullyConnected(), (64,), (8, 64), {}, COUNTED),
    ],
)
def test_choice_of_kernel(rng, op, image, shape, form, kernel):
    layer = packed_layer(rng, op, image, shape, bits=1, signs=True, **form)

    assert {layer.lower(chip).kernel for chip in ("esp32", "esp32s2", "esp32s3", "esp32c3", "esp32p4")} == {kernel}
    assert layer.lower("generic").kernel == (COUNTED if kernel == TABLES else kernel.replace("w1", "packed"))
    assert kernel != TABLES or layer.lower("esp32").scratch_bytes <= MAX_SCRATCH


def test_signs_with_other_weights_are_not_counted(rng):
    for bits in (2, 4, 8):
        layer = packed_layer(rng, Conv2d(), (4, 4, 8), (4, 1, 1, 8), bits=bits, signs=True)
        assert "xnor" not in {layer.lower(chip).kernel for chip in CHIPS}


def test_padding_adds_nothing():
    """Nine ones in the middle, six at an edge, four in a corner."""
    x, y = QTensor((1, 4, 4, 8), 1.0, 0, bits=1), QTensor((1, 4, 4, 1), 1.0, 0)
    weights = QConstant(np.ones((1, 3, 3, 8), np.int8), np.array([1 / 8]), bits=1)
    corner_and_edge = [4, 6, 6, 4]
    for chip in CHIPS:
        params = kernel_for(Conv2d(padding=(1, 1, 1, 1)), [x, weights], y, chip)
        sums = params.run(np.ones((1, 128), np.int8)).reshape(4, 4).tolist()
        assert sums == [corner_and_edge, [6, 9, 9, 6], [6, 9, 9, 6], corner_and_edge]


def test_equals_real_numbers(rng):
    """``Conv2d.forward`` on the signs, rounded to the output's scale."""
    layer = packed_layer(rng, Conv2d(padding=(1, 1, 1, 1)), (6, 5, 24), (8, 3, 3, 24), bits=1, signs=True)
    x = random_inputs(rng, layer.x)
    real = layer.op.forward(
        x.reshape(-1, *layer.x.shape).astype(np.float64),
        layer.weights.real(),
        layer.bias.values * layer.weights.scale,  # in units of what is summed
    )
    wanted = np.clip(real / layer.y.scale + layer.y.zero_point, -128, 127).reshape(len(x), -1)
    for chip in CHIPS:
        assert np.abs(layer.lower(chip).run(x) - wanted).max() <= 0.5 + 1e-6 * 128 + 1 / 16  # two roundings


def binary_net(rng) -> Graph:
    """Two convolutions and a fully connected layer, each of signs; between them int8."""
    values, nodes, constants = {"x": QTensor((1, 9, 7, 5), 0.05, -3)}, [], {}

    def add(op, *inputs, **made):
        name = f"{op.name}_{len(nodes)}"
        shapes = [values[n].shape if n in values else constants[n].shape for n in inputs]
        shape = op.infer_shape(*shapes)
        values[name] = QTensor(shape, **({"scale": 0.5, "zero_point": 3} | made))
        nodes.append(Node(name, op, inputs, (name,)))
        return name

    def weights(*shape):
        name = f"c_{len(constants)}"
        constants[name] = QConstant(
            rng.choice([-1, 1], shape).astype(np.int8), rng.uniform(0.03, 0.2, shape[0]), bits=1
        )
        return name

    signs = {"scale": 1.0, "zero_point": 0, "bits": 1}
    value = add(Conv2d(padding=(1, 1, 1, 1)), "x", weights(40, 3, 3, 5), scale=0.1)
    value = add(Conv2d(padding=(1, 1, 1, 1)), add(Binarize(), value, **signs), weights(33, 3, 3, 40))
    value = add(MaxPool((2, 2), (2, 2)), add(Binarize(), value, **signs), **signs)
    value = add(Conv2d((1, 1)), value, weights(12, 1, 1, 33))
    value = add(FullyConnected(), add(Binarize(), value, **signs), weights(10, 4 * 3 * 12))
    return Graph("binary", ("x",), (value,), tuple(nodes), values, constants).verify()


@pytest.mark.parametrize("board", ["esp32-c3-devkitm-1", "esp32dev", "esp32-s3-devkitc-1"])
def test_n3_model_in_c_equals_the_simulator(rng, tmp_path, board):
    graph = binary_net(rng)
    written = pipeline.write_project(Archive(graph), board, tmp_path)
    x = rng.integers(-128, 128, (5, *graph.values["x"].shape)).astype(np.int8)
    with build_host(tmp_path, ["binary"], ("-std=c99", "-O1", *SANITIZERS)) as firmware:
        got = firmware.run(written.plan, {"x": x}).outputs
    expected = simulate(written.plan, {"x": x})[graph.outputs[0]]

    assert {step.params.kernel for step in written.plan.steps} >= {COUNTED, TABLES, "conv2d_s8_w1"}
    assert len(np.unique(expected)) > 5
    np.testing.assert_array_equal(got[graph.outputs[0]], expected)


def test_scratch_of_64_channels(rng):
    layer = packed_layer(rng, Conv2d(padding=(1, 1, 1, 1)), (8, 8, 64), (64, 3, 3, 64), bits=1, signs=True)
    counted, tables = (layer.lower(chip) for chip in CHIPS)

    assert (counted.scratch_bytes, tables.scratch_bytes) == (8 * 8 * 2 * 4, 6400)
    assert counted.weights.nbytes == tables.weights.nbytes == 64 * 576 // 8


@pytest.mark.parametrize(("shape", "words"), [((3, 1, 1, 1), 1), ((2, 3, 3, 33), 2), ((1, 1, 2, 64), 2)])
def test_packing_is_undone(rng, shape, words):
    weights = rng.choice([-1, 1], shape).astype(np.int8)
    packed = in_words(weights)

    np.testing.assert_array_equal(from_words(packed, shape[3], weights[0].size), weights.reshape(len(weights), -1))
    assert packed.shape == (*shape[:3], words)
