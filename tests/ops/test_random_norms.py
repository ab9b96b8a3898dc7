"""Contract N5 on normalizations as TFLite spells them out in int8, with random shapes, axes, scales and zero points."""

import numpy as np
import pytest
from oracle import run, samples
from tflite_builder import ModelBuilder, tflm

SAMPLE, SWEEP = 4, 200  # models per norm
counts = pytest.mark.parametrize("count", [SAMPLE, pytest.param(SWEEP, marks=pytest.mark.slow)])


class Pieces:
    """A model of int8 layers, every output with a scale and zero point drawn anew."""

    def __init__(self, rng, shape):
        self.rng, self.builder = rng, ModelBuilder()
        self.shapes = {}
        self.x = self.draw(shape)

    def draw(self, shape, positive=False, data=None):
        scale = float(10 ** self.rng.uniform(-2, -0.3))
        zero = -128 if positive else int(self.rng.integers(-100, 100))
        index = self.builder.tensor(shape, scale=scale, zero_point=zero, data=data)
        self.shapes[index] = tuple(shape)
        return index

    def constant(self, shape):
        return self.draw(shape, data=self.rng.integers(-128, 128, shape).astype(np.int8))

    def pair(self, code, a, b, options=None, positive=False):
        y = self.draw(np.broadcast_shapes(self.shapes[a], self.shapes[b]), positive)
        self.builder.op(code, [a, b], [y], options, version=2 if options else 1)
        return y

    def mean(self, x, axes, positive=False, code="MEAN"):
        axes = tuple(axis % len(self.shapes[x]) for axis in axes)
        along = self.builder.tensor((len(axes),), "int32", data=np.array(axes))
        y = self.draw([1 if i in axes else n for i, n in enumerate(self.shapes[x])], positive)
        self.builder.op(code, [x, along], [y], "ReducerOptions", keepDims=True)
        return y

    def root(self, x):
        """The reciprocal root of what is positive, and a little more."""
        epsilon = self.draw((1,) * len(self.shapes[x]), data=np.full((1,) * len(self.shapes[x]), 127, np.int8))
        more = self.pair("ADD", x, epsilon, "AddOptions", positive=True)
        y = self.draw(self.shapes[x], positive=True)
        self.builder.op("RSQRT", [more], [y])
        return y

    def reshape(self, x, shape):
        source = self.builder.graph.tensors[x].quantization
        y = self.builder.tensor(shape, scale=source.scale[0], zero_point=source.zeroPoint[0])
        self.shapes[y] = tuple(shape)
        target = self.builder.tensor((len(shape),), "int32", data=np.array(shape))
        self.builder.op("RESHAPE", [x, target], [y])
        return y

    def affine(self, normal, channels):
        """With a factor and a summand per channel."""
        scaled = self.pair("MUL", normal, self.constant((channels,)), "MulOptions")
        return self.pair("ADD", scaled, self.constant((channels,)), "AddOptions")

    def normal(self, x, axes):
        """(x - mean) / root of the variance, as Keras and the converter write it."""
        mean = self.mean(x, axes)
        root = self.root(self.mean(self.pair("SQUARED_DIFFERENCE", x, mean, positive=True), axes, positive=True))
        centered = self.pair("MUL", mean, root, "MulOptions")
        return self.pair("SUB", self.pair("MUL", x, root, "MulOptions"), centered, "SubOptions")


def drawn(rng, rank, most=6):
    return (1, *(int(n) for n in rng.integers(2, most + 1, rank - 1)))


def layer_norm(rng):
    m = Pieces(rng, drawn(rng, int(rng.integers(2, 5))))
    return m, m.affine(m.normal(m.x, (-1,)), m.shapes[m.x][-1])


def rms_norm(rng):
    m = Pieces(rng, drawn(rng, int(rng.integers(2, 5))))
    root = m.root(m.mean(m.pair("MUL", m.x, m.x, "MulOptions", positive=True), (-1,), positive=True))
    return m, m.affine(m.pair("MUL", m.x, root, "MulOptions"), m.shapes[m.x][-1])


def group_norm(rng):
    """Of an image whose channels are cut into groups; pixels lie in one dimension, of which there are four at most."""
    pixels, groups, each = (int(n) for n in rng.integers(2, 6, 3))
    m = Pieces(rng, (1, pixels, groups * each))
    cut = m.reshape(m.x, (1, pixels, groups, each))
    whole = m.reshape(m.normal(cut, (1, 3)), (1, pixels, groups * each))
    return m, m.affine(whole, groups * each)


def instance_norm(rng):
    m = Pieces(rng, drawn(rng, 4))
    return m, m.affine(m.normal(m.x, (1, 2)), m.shapes[m.x][-1])


def l2_norm_of_pieces(rng):
    m = Pieces(rng, drawn(rng, int(rng.integers(2, 5))))
    squares = m.pair("MUL", m.x, m.x, "MulOptions", positive=True)
    return m, m.pair("MUL", m.x, m.root(m.mean(squares, (-1,), positive=True, code="SUM")), "MulOptions")


def l2_norm(rng):
    m = Pieces(rng, drawn(rng, int(rng.integers(2, 5)), 40))
    y = m.builder.tensor(m.shapes[m.x], scale=1 / 128)
    m.builder.op("L2_NORMALIZATION", [m.x], [y], "L2NormOptions")
    return m, y


NORMS = (layer_norm, rms_norm, group_norm, instance_norm, l2_norm_of_pieces, l2_norm)


@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: norm.__name__)
@counts
def test_n5_of_norms(norm, count):
    rng = np.random.default_rng(NORMS.index(norm))
    varied = 0
    for number in range(count):
        m, y = norm(rng)
        model, x = m.builder.finish([m.x], [y]), samples(rng, 4, m.shapes[m.x])
        wanted = tflm(model, x)
        np.testing.assert_array_equal(run(model, x), wanted, err_msg=f"{norm.__name__} {number} {m.shapes[m.x]}")
        varied += np.unique(wanted).size > 2
    assert varied > count / 2  # of those scales most leave something to compare
