"""Layers of every kernel that declares an overlap, over the geometries that decide how far, and their inputs."""

import numpy as np
from chips import kernel_for
from kernels.packed_layers import packed_layer
from kernels.s3.layers import inner as s3_inner
from kernels.s3.layers import layer as s3_layer
from kernels.variants import winograd

from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.log_softmax import LogSoftmax
from mcuq.ops.logistic import Logistic
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.maximum import Maximum
from mcuq.ops.mul import Mul
from mcuq.ops.pixel_sums import PixelSums
from mcuq.ops.prelu import PRelu
from mcuq.ops.relu import Relu
from mcuq.ops.rows import Rows
from mcuq.ops.slice import Slice
from mcuq.ops.softmax import Softmax
from mcuq.ops.squared_difference import SquaredDifference
from mcuq.ops.sub import Sub
from mcuq.ops.window import same_padding
from mcuq.tensor import QConstant, QTensor

IMAGE = QTensor((1, 7, 6, 4), 0.05, -3)


def weights(rng, *shape, axis=0):
    return QConstant(rng.integers(-128, 128, shape).astype(np.int8), rng.uniform(0.001, 0.01, shape[axis]), axis=axis)


def lowered(op, *inputs, scale=0.1, zero_point=2, chip="generic"):
    shape = op.infer_shape(*(t.shape for t in inputs))
    return kernel_for(op, inputs, QTensor(shape, scale, zero_point), chip)


def same(window, stride=(1, 1), dilation=(1, 1)):
    return {"stride": stride, "padding": same_padding(IMAGE.shape[1:3], window, stride, dilation)}


def overlapping(rng) -> list:
    """Parameters of every kernel that declares an overlap, over the geometries that decide how far."""
    cases = []
    for filters, window, stride in [(4, (1, 1), 1), (8, (1, 1), 1), (2, (1, 1), 1), (4, (3, 3), 1), (8, (3, 3), 2),
                                    (16, (5, 3), 1), (3, (2, 4), 3)]:  # fmt: skip
        op = Conv2d(**same(window, (stride, stride)))
        cases.append(lowered(op, IMAGE, weights(rng, filters, *window, 4)))
    cases.append(lowered(Conv2d(dilation=(2, 2), **{"padding": (2, 2, 2, 2)}), IMAGE, weights(rng, 4, 3, 3, 4)))
    for multiplier, window, stride in [(1, (3, 3), 1), (1, (3, 3), 2), (2, (3, 3), 1), (1, (5, 5), 1), (1, (7, 1), 1)]:
        op = DepthwiseConv2d(**same(window, (stride, stride)))
        cases.append(lowered(op, IMAGE, weights(rng, 1, *window, 4 * multiplier, axis=3)))
    for pool in (AveragePool, MaxPool):
        for window, stride in [((2, 2), 2), ((3, 3), 1), ((3, 2), 2)]:
            op = pool(window, **same(window, (stride, stride)))
            cases.append(lowered(op, IMAGE, scale=0.05, zero_point=-3))
    for size, stride, padding in [
        ((4, 4), 2, (1, 1, 1, 1)),
        ((2, 2), 2, (0, 0, 0, 0)),
        ((1, 3), 3, (0, 0, 0, 0)),
        ((5, 2), 1, (2, 2, 0, 1)),
        ((3, 3), 2, (4, 5, 0, 0)),
    ]:
        for outputs in (1, 4, 7):
            op = ConvTranspose2d((stride, stride), padding)
            cases.append(lowered(op, IMAGE, weights(rng, outputs, *size, 4)))
    vectors = QTensor((5, 8), 0.05, -3)
    for outputs in (8, 4, 12):
        cases.append(lowered(FullyConnected(keep_dims=True), vectors, weights(rng, outputs, 8)))
    cases.append(lowered(Logistic(), IMAGE, scale=1 / 256, zero_point=-128))
    cases.append(lowered(Relu(), IMAGE))
    cases.append(lowered(Softmax(), vectors, scale=1 / 256, zero_point=-128))
    cases.append(lowered(LogSoftmax(), vectors, scale=0.1, zero_point=127))
    for binary in (Add(), Sub(), Mul(), SquaredDifference()):
        cases.append(lowered(binary, IMAGE, QTensor((4,), 0.1, 1)))
        cases.append(lowered(binary, IMAGE, IMAGE))
    for other in (IMAGE, QTensor((4,), IMAGE.scale, IMAGE.zero_point)):
        cases.append(lowered(Maximum(), IMAGE, other, scale=IMAGE.scale, zero_point=IMAGE.zero_point))
    slopes = QConstant(rng.integers(-128, 128, 4).astype(np.int8), np.array([0.01]), 5)
    cases.append(lowered(PRelu(), IMAGE, slopes))
    parts = [Slice((0, 0, 0, 2), (1, 7, 6, 2)), Slice((0, 0, 1, 1), (1, 7, 5, 3)), Slice((0, 1, 0, 0), (1, 6, 6, 4))]
    parts.append(Slice((0, 0, 1, 0), (1, 4, 2, 2), (1, 2, 3, 2)))
    cases += [lowered(part, IMAGE, scale=0.05, zero_point=-3) for part in parts]
    parts = [Rows(2, 4), Rows(0, 5), Rows(3, 4)]
    cases += [lowered(part, IMAGE, scale=0.05, zero_point=-3) for part in parts]
    cases.append(lowered(PixelSums(4), QTensor((16,), 1.0, 0), IMAGE))
    tiled = [p.with_scratch(limit) for p in overlapping_on("esp32", rng) for limit in (0, 300, 1 << 12)]
    tiled += [p.frugal(limit) for p in vectors_on("esp32", rng) for limit in (0, 100)]
    tiled += [p.frugal(0) for p in overlapping_on("esp32", rng) if p.kernel == "conv2d_s8_mac16"]
    lanes = [p for chip in ("esp32c3", "esp32s2") for p in overlapping_on(chip, rng)]
    return [*cases, *lanes, *tiled, *packed(rng), *of_one_bit(rng), *in_the_arena(rng)]


def in_the_arena(rng) -> list:
    """Of the kernels of the ESP32-S3's vector unit, whose buffers must be aligned."""
    pointwise = [
        ((3, 3), 16, 16, 1),
        ((3, 4), 16, 48, 1),
        ((3, 4), 48, 16, 1),
        ((5, 5), 32, 32, 2),
        ((1, 1), 64, 32, 1),
    ]
    layers = [(Conv2d((s, s)), (*size, depth), (filters, 1, 1, depth)) for size, depth, filters, s in pointwise]
    cases = [s3_layer(rng, *layer)[0] for layer in layers]
    for window, stride in [((3, 3), 1), ((3, 3), 2), ((2, 3), 3), ((5, 1), 1), ((1, 1), 2)]:
        padded = same(window, (stride, stride))
        for depth in (8, 16, 24):
            cases.append(s3_layer(rng, Conv2d(**padded), (6, 7, depth), (16, *window, depth))[0])
            op = DepthwiseConv2d(**padded)
            cases.append(s3_layer(rng, op, (6, 7, depth), (1, *window, depth), axis=3)[0])
    for window, stride in [((2, 2), 2), ((3, 3), 1), ((3, 2), 2)]:
        image = QTensor((1, *IMAGE.shape[1:3], 32), IMAGE.scale, IMAGE.zero_point)
        for pool in (AveragePool, MaxPool):
            op = pool(window, **same(window, (stride, stride)))
            cases.append(s3_inner(op, [image], QTensor(op.infer_shape(image.shape), image.scale, image.zero_point)))
    for depth in (8, 24):
        image = QTensor((1, *IMAGE.shape[1:3], depth), IMAGE.scale, IMAGE.zero_point)
        op = MaxPool((3, 2), **same((3, 2), (2, 2)))
        cases.append(s3_inner(op, [image], QTensor(op.infer_shape(image.shape), image.scale, image.zero_point)))
    for depth in (16, 24):
        layer = packed_layer(rng, Conv2d(**same((3, 3), (1, 1))), (6, 7, depth), (16, 3, 3, depth), bits=4)
        cases.append(s3_inner(layer.op, [layer.x, layer.weights, layer.bias], layer.y))
        layer = packed_layer(rng, DepthwiseConv2d(**same((3, 3), (1, 1))), (6, 7, depth), (1, 3, 3, depth), bits=4)
        cases.append(s3_inner(layer.op, [layer.x, layer.weights, layer.bias], layer.y))
    x = QTensor((1, 4, 3, 16), 0.05, -3)
    for rows in (Rows(1, 3, moved=True), Rows(0, 3, moved=True), Rows(2, 2, moved=True)):
        for image in (x, QTensor((1, 4, 3, 5), 0.05, -3)):
            cases.append(s3_inner(rows, [image], QTensor(rows.infer_shape(image.shape), image.scale, image.zero_point)))
    for channels in (16, 7):
        sums = QTensor((4 * channels,), 1.0, 0)
        cases.append(s3_inner(PixelSums(channels), [sums, QTensor((1, 4, 3, channels), 0.05, -3)], sums))
    for shape in (x.shape, (1, 4, 3, 13)):
        a, y = QTensor(shape, 0.05, -3), QTensor(shape, 0.08, -128)
        cases += [s3_inner(Add(), [a, a], y), s3_inner(Mul(), [a, a], y), s3_inner(Relu(), [a], y)]
    return [*cases, s3_inner(Mul(), [x, QTensor((16,), 0.05, 3)], QTensor(x.shape, 0.08, -128))]


def overlapping_on(chip, rng) -> list:
    """The same of the kernels that one chip has: tiles that divide rows or do not, images of one column."""
    cases = []
    for filters, window, stride in [(4, (1, 1), 1), (8, (1, 1), 1), (2, (1, 1), 1), (4, (3, 3), 1), (8, (3, 3), 2),
                                    (16, (5, 3), 1), (3, (2, 4), 3), (4, (1, 1), 2)]:  # fmt: skip
        op = Conv2d(**same(window, (stride, stride)))
        cases.append(lowered(op, IMAGE, weights(rng, filters, *window, 4), chip=chip))
    cases.append(lowered(Conv2d(dilation=(2, 2), padding=(2, 2, 2, 2)), IMAGE, weights(rng, 4, 3, 3, 4), chip=chip))
    for filters, padding in [(4, (1, 1, 1, 1)), (8, (0, 0, 0, 0)), (2, (2, 1, 0, 2)), (7, (1, 1, 1, 1))]:
        cases.append(winograd(lowered(Conv2d(padding=padding), IMAGE, weights(rng, filters, 3, 3, 4))))
    blocked = QTensor((1, 5, 6, 36), 0.05, -3)
    for filters in (36, 44):  # in one block of output channels, and in two
        cases.append(winograd(lowered(Conv2d(padding=(1, 1, 1, 1)), blocked, weights(rng, filters, 3, 3, 36))))
    deep = QTensor((1, 4, 5, 60), 0.05, -3)
    cases.append(lowered(Conv2d(padding=(1, 1, 1, 1)), deep, weights(rng, 12, 3, 3, 60), chip=chip))
    for window, stride in [((3, 3), 1), ((3, 3), 2), ((5, 5), 1), ((7, 1), 1), ((2, 3), 1)]:
        op = DepthwiseConv2d(**same(window, (stride, stride)))
        cases.append(lowered(op, IMAGE, weights(rng, 1, *window, 4, axis=3), chip=chip))
    tall = QTensor((1, 23, 1, 4), 0.05, -3)
    for padding in ((0, 0, 0, 0), (2, 2, 0, 0)):
        op = DepthwiseConv2d(padding=padding)
        cases.append(lowered(op, tall, weights(rng, 1, 5, 1, 4, axis=3), chip=chip))
    for batch, outputs, inputs in ((5, 8, 8), (5, 4, 8), (5, 12, 8), (5, 9, 2000), (2, 12, 7), (2, 3, 8)):
        vectors = QTensor((batch, inputs), 0.05, -3)
        cases.append(lowered(FullyConnected(keep_dims=True), vectors, weights(rng, outputs, inputs), chip=chip))
    cases += vectors_on(chip, rng)
    large = QTensor((1, 12, 12, 9), 0.05, -3)
    cases.append(lowered(Add(), large, large, chip=chip))
    cases.append(cases[-1].frugal(0))
    return cases


def vectors_on(chip, rng) -> list:
    """Fully connected layers of one vector and two, with more and with fewer outputs than inputs."""
    cases = []
    for batch, outputs, inputs in ((1, 40, 90), (1, 90, 40), (2, 27, 70)):
        vectors = QTensor((batch, inputs), 0.05, -3)
        cases.append(lowered(FullyConnected(keep_dims=True), vectors, weights(rng, outputs, inputs), chip=chip))
    return cases


def packed(rng) -> list:
    """Of the kernels for few bits: tiles of eight pixels and of four, input that is joined once and again and again."""
    forms = ({"bits": 4}, {"bits": 2}, {"bits": 4, "codebooks": 1}, {"bits": 2, "codebooks": 1})
    deep = (4, 5, 70)
    layers = [
        (Conv2d(**same(window, (stride, stride))), IMAGE.shape[1:], (filters, *window, 4), form)
        for filters, window, stride in [(4, (1, 1), 1), (8, (3, 3), 2), (3, (2, 4), 3), (5, (5, 3), 1)]
        for form in forms
    ]
    layers += [(FullyConnected(keep_dims=True), (2, 9), (n, 9), form) for n in (9, 20) for form in forms]
    layers += [(FullyConnected(), (64,), (40, 64), form) for form in forms]
    for form in ({"bits": 4}, {"bits": 2, "codebooks": 1}):
        layers.append((Conv2d(padding=(1, 1, 1, 1)), deep, (12, 3, 3, 70), form))
        layers.append((Conv2d(padding=(1, 1, 1, 1)), deep, (150, 3, 3, 70), form))
        layers.append((Conv2d(), (2, 2, 70), (30, 1, 1, 70), form))
        layers += [(DepthwiseConv2d(**same(w)), IMAGE.shape[1:], (1, *w, 4), form) for w in ((3, 3), (5, 5))]
    kept = [packed_layer(rng, op, image, shape, **form) for op, image, shape, form in layers]
    return [layer.lower(chip) for chip in ("esp32c3", "esp32", "generic") for layer in kept]


def of_one_bit(rng) -> list:
    """Of the kernels for weights of 1 bit: large tiles, small ones and both, one chunk of taps and several."""
    layers = [
        (Conv2d(**same(window, (stride, stride))), (*IMAGE.shape[1:3], depth), (filters, *window, depth))
        for filters, window, stride, depth in [
            (8, (1, 1), 1, 8),
            (12, (3, 3), 1, 8),
            (9, (3, 3), 2, 40),
            (3, (2, 4), 3, 9),
        ]
    ]
    layers += [(Conv2d(), (5, 1, depth), (filters, 1, 1, depth)) for filters, depth in ((70, 200), (8, 16))]
    layers += [(FullyConnected(keep_dims=True), (5, 33), (n, 33)) for n in (9, 40)]
    packed = [packed_layer(rng, *layer, bits=1, signs=signs) for layer in layers for signs in (False, True)]
    return [layer.lower(chip) for layer in packed for chip in ("esp32c3", "generic")]


def operands(rng, params) -> list[np.ndarray]:
    sizes = [params.input_bytes] if hasattr(params, "input_bytes") else None
    if sizes is None:
        names = {m.name for m in params.members()}
        if params.kernel in ("rows_s8", "rows_s8_s3"):
            sizes = [params.offset + params.bytes]
        elif params.kernel in ("pixel_sums_s8", "pixel_sums_s8_s3"):
            sizes = [4 * params.channels, params.pixels * params.channels]
        elif "input_h" in names:
            depth = params.input_c if "input_c" in names else params.channels
            sizes = [params.input_h * params.input_w * depth]
        elif "pixels" in names:
            sizes = [params.pixels * (params.input_c if "input_c" in names else params.channels)]
        elif "batch" in names:
            sizes = [params.batch * params.input_c]
        elif "input_c" in names:
            sizes = [params.input_c]
        elif "strides_a" in names:
            full = int(np.prod(params.shape))
            repeated = any(s > 1 and d == 0 for s, d in zip(params.shape, params.strides_b, strict=True))
            sizes = [full, params.shape[3] if repeated else full]
        elif params.kernel == "mul_s8_s3":
            sizes = [params.rows * params.elements, params.elements]
        elif {"zero_point_b", "table_b"} & names or params.kernel == "add_s8_s3":
            sizes = [params.elements, params.elements]
        else:
            sizes = [params.elements] if "elements" in names else [params.rows * params.depth]
    inputs = [rng.integers(-128, 128, (1, size)).astype(np.int8) for size in sizes]
    return [np.where(x < 0, -1, 1).astype(np.int8) for x in inputs] if "xnor" in params.kernel else inputs
