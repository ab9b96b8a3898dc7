"""Comparisons against their kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import read, run, samples
from pairs import QUANTIZATIONS, SHAPES, build, case_of, every_pair
from tflite_builder import tflm

from mcuq.errors import CannotQuantizeError
from mcuq.ops.compare import RELATIONS, Compare
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QTensor


def model(relation, shapes, quantization):
    return build(relation.upper(), shapes, quantization, output="bool")


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("shapes", SHAPES[:4])
def test_n5_equals_tflm(rng, relation, shapes):
    for quantization in QUANTIZATIONS:
        x = samples(rng, 4, shapes[0]), samples(rng, 4, shapes[1])[::-1]
        np.testing.assert_array_equal(
            run(model(relation, shapes, quantization), *x), tflm(model(relation, shapes, quantization), *x)
        )


@pytest.mark.parametrize("relation", RELATIONS)
def test_n5_every_pair_of_bytes(relation):
    one = model(relation, ((1, 256),) * 2, QUANTIZATIONS[4])
    np.testing.assert_array_equal(run(one, *every_pair()), tflm(one, *every_pair()))
    assert read(one).nodes[0].op == Compare(relation, coarse=True)


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_fine_comparison_is_that_of_real_numbers(relation):
    """Beyond what is within 2^-12 of equal: scales are rounded to 31 bits, and differences to 20."""
    one = read(model(relation, ((1, 256),) * 2, ((0.0013, 5), (0.002, -7), (1, 0))))
    node = one.nodes[0]
    object.__setattr__(node, "op", Compare(relation))
    a, b = every_pair()
    got = simulate(build_plan(one), dict(zip(one.inputs, (a, b), strict=True)))[one.outputs[0]]
    tensors = [one.values[name] for name in one.inputs]
    real = [(x.astype(float) - t.zero_point) * t.scale for x, t in zip((a, b), tensors, strict=True)]
    near = np.abs(real[0] - real[1]) < 1e-7
    np.testing.assert_array_equal(got[~near], RELATIONS[relation](*real)[~near])


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(model(r, s, QUANTIZATIONS[0]), s, rng) for s in SHAPES for r in RELATIONS])


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        Compare("less").infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))


def test_c2_the_relation_is_known():
    with pytest.raises(ValueError, match="must be one of equal"):
        Compare("like")


def test_c3_scales_of_a_coarse_comparison_are_under_1():
    x = QTensor((1, 3), 2.0, 0)
    with pytest.raises(CannotQuantizeError, match="both under 1"):
        Compare("less", coarse=True).lower([x, x], QTensor((1, 3), 1.0, 0))
