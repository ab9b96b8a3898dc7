"""Contract N5 on models of one operator with random shapes, axes, broadcasts, scales and zero points."""

import numpy as np
import pytest
from oracle import run, samples
from pairs import build as pair
from reductions import build as reduction
from test_cumsum import build as running_sum
from test_gather import build as gathered
from test_gather import mirrored
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


OTHERS = (random_cumsum, random_gather, random_mirror_pad, random_arg, random_depth, random_matmul)


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
