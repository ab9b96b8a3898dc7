"""Addition on RV32IMC: which kernel takes which shapes, and that it equals the portable one."""

import numpy as np
import pytest
from chips import chips_with, kernel_for
from harness import Case, assert_kernels_equal_run, random_bytes

from kernels.variants import ACTIVATIONS, CHIP
from mcuq.ops.add import Add
from mcuq.tensor import QTensor

IMAGE = (1, 8, 8, 16)


def lowered(chip, a=IMAGE, b=IMAGE, scales=(0.05, 0.07, 0.1), zero_points=(-7, 3, -128), activation="none"):
    op = Add(activation)
    x, y = QTensor(a, scales[0], zero_points[0]), QTensor(b, scales[1], zero_points[1])
    return kernel_for(op, [x, y], QTensor(op.infer_shape(a, b), scales[2], zero_points[2]), chip)


@pytest.mark.parametrize(
    ("a", "b", "kernel"),
    [
        (IMAGE, IMAGE, "add_s8_lanes"),
        ((1, 512), (1, 512), "add_s8_lanes"),
        ((1, 511), (1, 511), "add_s8"),  # tables would cost more than they save
        (IMAGE, (16,), "add_s8"),
        (IMAGE, (1, 1, 1, 1), "add_s8"),
        ((1, 8, 8, 1), (1, 8, 1, 16), "add_s8"),
    ],
)
def test_choice_of_kernel(a, b, kernel):
    assert {lowered(chip, a, b).kernel for chip in chips_with("lanes")} == {kernel}
    assert lowered("generic", a, b).kernel == "add_s8"


def test_unusual_scales_stay_portable():
    assert lowered(CHIP, scales=(1.0, 1.0, 1e-7)).kernel == "add_s8"


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    """Equal and very unequal scales, extreme zero points, saturating outputs, every activation."""
    cases = []
    for scales in [(0.05, 0.05, 0.05), (0.05, 0.0001, 0.02), (0.001, 1.0, 3.0), (0.5, 0.3, 0.004)]:
        for zero_points in [(-128, -128, -128), (127, -128, 127), (0, 127, 3)]:
            for activation in ACTIVATIONS:
                settings = {"scales": scales, "zero_points": zero_points, "activation": activation}
                params, portable = lowered(CHIP, **settings), lowered("generic", **settings)
                inputs = [random_bytes(rng, 3, params.elements), random_bytes(rng, 3, params.elements)[::-1]]
                np.testing.assert_array_equal(params.run(*inputs), portable.run(*inputs))
                cases.append(Case(params, [np.ascontiguousarray(x) for x in inputs]))
    assert {case.params.kernel for case in cases} == {"add_s8_lanes"}
    assert_kernels_equal_run(cases, cc)


def test_equals_portable_on_every_pair_of_values(rng):
    a, b = (v.ravel().astype(np.int8)[np.newaxis] for v in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    shape = (1, a.size)
    for zero_point in (-128, 5):
        settings = {"a": shape, "b": shape, "zero_points": (-3, 9, zero_point)}
        params = lowered(CHIP, **settings)
        np.testing.assert_array_equal(params.run(a, b), lowered("generic", **settings).run(a, b))
        assert_kernels_equal_run([Case(params, [a, b])])
