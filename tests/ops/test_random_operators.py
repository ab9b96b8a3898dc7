"""Contract N5 on models of one operator with random shapes, axes, broadcasts, scales and zero points."""

import numpy as np
import pytest
from oracle import read, run, samples
from pairs import build as pair
from reductions import build as reduction
from test_cumsum import build as running_sum
from test_gather import build as gathered
from test_gather import mirrored
from test_select import build as select
from tflite_builder import ModelBuilder, tflm

SAMPLE, SWEEP = 4, 200  # models per operator
RELATIONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
PAIRS = ("ADD", "SUB", "MUL", "DIV", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM", *RELATIONS)
OPTIONS = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
TIED = ("MAXIMUM", "MINIMUM", "REDUCE_MAX", "REDUCE_MIN")

counts = pytest.mark.parametrize("count", [SAMPLE, pytest.param(SWEEP, marks=pytest.mark.slow)])


def quantizations(rng, count, code):
    """Scales of 0.01 to 0.9 and zero points; of tied operands and result one."""
    drawn = [(float(10 ** rng.uniform(-2, -0.05)), int(rng.integers(-128, 128))) for _ in range(count)]
    return tuple(drawn[:1] * count if code in TIED else drawn)


def broadcast_shapes(rng):
    """Two shapes of one rank, dimensions of either of them 1 now and then."""
    full = [1, *(int(n) for n in rng.integers(1, 6, rng.integers(1, 4)))]
    return tuple(tuple(1 if rng.random() < 0.25 else n for n in full) for _ in range(2))


@pytest.mark.parametrize("code", PAIRS)
@counts
def test_n5_of_two_operands(code, count):
    rng = np.random.default_rng(PAIRS.index(code))
    for _ in range(count):
        shapes, scales = broadcast_shapes(rng), quantizations(rng, 3, code)
        output = "bool" if code in RELATIONS else "int8"
        model = pair(code, shapes, scales, output, OPTIONS.get(code), version=2 if code in OPTIONS else 1)
        a, b = (samples(rng, 4, shape) for shape in shapes)
        zero = scales[1][1]
        b = np.where(b == zero, zero - 1 if zero > 0 else zero + 1, b).astype(np.int8) if code == "DIV" else b[::-1]
        np.testing.assert_array_equal(run(model, a, b), tflm(model, a, b), err_msg=f"{code} {shapes} {scales}")


@counts
def test_n5_of_select(count):
    """Operands of one rank, whose dimensions are 1 now and then."""
    rng = np.random.default_rng(0)
    for number in range(count):
        full = shape_of(rng, int(rng.integers(2, 5)))
        shapes = [tuple(1 if rng.random() < 0.25 else n for n in full) for _ in range(3)]
        model = select(shapes, quantizations(rng, 1, "")[0])
        condition = rng.integers(0, 2, (4, *shapes[0])).astype(bool)
        a, b = samples(rng, 4, shapes[1]), samples(rng, 4, shapes[2])[::-1]
        got, wanted = run(model, condition.view(np.int8), a, b), tflm(model, condition, a, b)
        np.testing.assert_array_equal(got, wanted, err_msg=f"{number} {shapes}")


@pytest.mark.parametrize("code", REDUCTIONS)
@counts
def test_n5_of_reductions(code, count):
    rng = np.random.default_rng(REDUCTIONS.index(code))
    for _ in range(count):
        shape = (1, *(int(n) for n in rng.integers(1, 7, rng.integers(1, 4))))
        first = int(rng.integers(1, len(shape)))
        axes = tuple(range(first, int(rng.integers(first + 1, len(shape) + 1))))
        scales, keep_dims = quantizations(rng, 2, code), bool(rng.integers(2))
        model, x = reduction(code, shape, axes, scales, keep_dims), samples(rng, 4, shape)
        np.testing.assert_array_equal(run(model, x), tflm(model, x), err_msg=f"{code} {shape} {axes} {scales}")


def shape_of(rng, rank, most=6):
    """A batch of 1, then sizes of 1 to ``most``."""
    return (1, *(int(n) for n in rng.integers(1, most + 1, rank - 1)))


def random_cumsum(rng):
    shape, way = shape_of(rng, int(rng.integers(2, 5))), (bool(rng.integers(2)), bool(rng.integers(2)))
    return running_sum(shape, int(rng.integers(1, len(shape))), quantizations(rng, 2, ""), *way), shape


def random_gather(rng):
    shape = shape_of(rng, int(rng.integers(2, 5)))
    axis = int(rng.integers(1, len(shape)))
    index = rng.integers(0, shape[axis], tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 3))))
    return gathered(shape, index, axis), shape


def random_mirror_pad(rng):
    shape, mode = shape_of(rng, int(rng.integers(2, 5))), int(rng.integers(2))
    most = [n - (mode == 0) for n in shape]
    return mirrored(shape, [tuple(int(k) for k in rng.integers(0, n + 1, 2)) for n in most], mode), shape


def random_arg(rng):
    shape = shape_of(rng, int(rng.integers(2, 5)), 9)
    axis, code = int(rng.integers(1, len(shape))), ("ARG_MAX", "ARG_MIN")[rng.integers(2)]
    builder, option = ModelBuilder(), code.title().replace("_", "")
    x = builder.tensor(shape, scale=0.1, zero_point=3)
    along = builder.tensor((1,), "int32", data=np.array([axis]))
    y = builder.tensor((*shape[:axis], *shape[axis + 1 :]), "int32")
    builder.op(code, [x, along], [y], f"{option}Options", outputType=2)
    return builder.finish([x], [y]), shape


def random_depth(rng):
    """Space to depth, or back."""
    block, (h, w, c) = int(rng.integers(2, 4)), (int(n) for n in rng.integers(1, 4, 3))
    wide, deep = (1, h * block, w * block, c), (1, h, w, c * block * block)
    code, shape, made = (("SPACE_TO_DEPTH", wide, deep), ("DEPTH_TO_SPACE", deep, wide))[rng.integers(2)]
    builder, option = ModelBuilder(), code.title().replace("_", "")
    x, y = (builder.tensor(own, scale=0.1, zero_point=3) for own in (shape, made))
    builder.op(code, [x], [y], f"{option}Options", blockSize=block)
    return builder.finish([x], [y]), shape


def random_matmul(rng):
    """Two activations, of which either may be transposed: the sides of a slice of one input."""
    batch, rows, depth, columns = (int(n) for n in rng.integers(1, 6, 4))
    across, along = (bool(n) for n in rng.integers(0, 2, 2))
    a, b = (depth, rows) if across else (rows, depth), (columns, depth) if along else (depth, columns)
    (a_scale, a_zero), (b_scale, b_zero), (y_scale, y_zero) = quantizations(rng, 3, "")
    builder = ModelBuilder()
    x = builder.tensor((1, batch, *a), scale=a_scale, zero_point=a_zero)
    z = builder.tensor((1, batch, *b), scale=b_scale, zero_point=b_zero)
    y = builder.tensor((1, batch, rows, columns), scale=y_scale, zero_point=y_zero)
    builder.op("BATCH_MATMUL", [x, z], [y], "BatchMatMulOptions", adjX=across, adjY=along)
    return builder.finish([x, z], [y]), (1, batch, *a), (1, batch, *b)


def flat(shape):
    """Of a model's border, which has a batch of 1."""
    return (1, int(np.prod(shape)))


def random_blocks(rng):
    """Pixels to samples, or back and cropped; not padded: TensorFlow Lite Micro pads with what lies in its memory."""
    is_back, block, size = bool(rng.integers(2)), rng.integers(1, 4, 2), rng.integers(1, 4, 2)
    sides, deep = rng.integers(0, 3, (2, 2)) * is_back, int(rng.integers(1, 4))
    whole = np.maximum(block * size, sides.sum(axis=1) + 1)
    whole += -whole % block
    image, small = (1, *(whole - sides.sum(axis=1)), deep), (int(np.prod(block)), *(whole // block), deep)
    way = (("SPACE_TO_BATCH_ND", image, small), ("BATCH_TO_SPACE_ND", small, image))
    code, shape, made = way[is_back]
    builder = ModelBuilder()
    a, x, y, b = (builder.tensor(s, scale=0.1, zero_point=5) for s in (flat(shape), shape, made, flat(made)))
    shapes = [builder.tensor((len(s),), "int32", data=np.array(s)) for s in (shape, flat(made))]
    constants = [builder.tensor(n.shape, "int32", data=n) for n in (block, sides)]
    builder.op("RESHAPE", [a, shapes[0]], [x])
    builder.op(code, [x, *constants], [y])
    builder.op("RESHAPE", [y, shapes[1]], [b])
    return builder.finish([a], [b]), flat(shape)


def random_dilation(rng):
    """A convolution between both, which becomes a dilated one."""
    block, filters = rng.integers(1, 4, 2), rng.integers(1, 4, 2)
    cuts, (deep, out) = rng.integers(0, 2, (2, 2)), (int(n) for n in rng.integers(1, 5, 2))
    small = filters + rng.integers(1, 4, 2)
    image, made = (1, *(block * small), deep), small - filters + 1
    crops = np.minimum(cuts, ((made * block - 1) // 2)[:, np.newaxis])
    depthwise = bool(rng.integers(2))
    out, count = (deep, int(np.prod(block))) if depthwise else (out, int(np.prod(block)))
    (x_scale, x_zero), (y_scale, y_zero) = quantizations(rng, 2, "")
    builder = ModelBuilder()
    x, spread = (builder.tensor(s, scale=x_scale, zero_point=x_zero) for s in (image, (count, *small, deep)))
    shape = (1, *filters, out) if depthwise else (out, *filters, deep)
    w_scales = 10 ** rng.uniform(-2.5, -1.5, out)
    weights = builder.tensor(
        shape, scale=w_scales, axis=3 if depthwise else 0, data=rng.integers(-127, 128, shape).astype(np.int8)
    )
    bias = builder.tensor((out,), "int32", scale=x_scale * w_scales, data=rng.integers(-999, 999, out))
    last = (1, *(made * block - crops.sum(axis=1)), out)
    between, y = (builder.tensor(s, scale=y_scale, zero_point=y_zero) for s in ((count, *made, out), last))
    block_, pads, cut = (builder.tensor(n.shape, "int32", data=n) for n in (block, np.zeros((2, 2)), crops))
    builder.op("SPACE_TO_BATCH_ND", [x, block_, pads], [spread])
    fields = {"padding": 1, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    if depthwise:
        fields["depthMultiplier"] = 1
    kind = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
    builder.op(kind[0], [spread, weights, bias], [between], kind[1], version=3, **fields)
    builder.op("BATCH_TO_SPACE_ND", [between, block_, cut], [y])
    model = builder.finish([x], [y])
    assert "space_to_batch" not in {node.op.name for node in read(model).nodes}
    return model, image


OTHERS = (
    *(random_cumsum, random_gather, random_mirror_pad, random_arg, random_depth, random_matmul),
    *(random_blocks, random_dilation),
)


@pytest.mark.parametrize("draw", OTHERS, ids=lambda draw: draw.__name__)
@counts
def test_n5_of_others(draw, count):
    rng = np.random.default_rng(OTHERS.index(draw))
    for number in range(count):
        model, *shapes = draw(rng)
        given = [samples(rng, 4, shape)[:: 1 if i else -1] for i, shape in enumerate(shapes)]
        got, wanted = run(model, *given), tflm(model, *given)
        meant = got.astype(int) + 128 if wanted.dtype == np.int32 else got  # an index
        np.testing.assert_array_equal(meant.reshape(wanted.shape), wanted, err_msg=f"{draw.__name__} {number} {shapes}")
