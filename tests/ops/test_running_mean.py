"""RunningMean: its kernel, and call after call the mean or the average pool of the last rows."""

from dataclasses import replace

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from mcuq.errors import CannotQuantizeError
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.mean import Mean
from mcuq.ops.running_mean import MAX_PIXELS, RunningMean, kept_bytes
from mcuq.tensor import QTensor

# window, columns, channels, new rows
SHAPES = [(5, 1, 4, 1), (7, 3, 5, 2), (4, 2, 1, 4), (30, 1, 16, 1), (1, 1, 3, 1), (6, 4, 2, 5)]
QUANTIZATION = [((0.1, -3), (0.1, -3)), ((0.05, -128), (0.05, -128)), ((0.1, 127), (0.04, 9))]


def layer(shape, quantization, divides=False, low=-128, high=127):
    window, columns, channels, rows = shape
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    op = RunningMean((1, channels), window, columns, divides, low, high)
    kept = QTensor((kept_bytes(window, columns, channels),), 1.0, 0)
    return op.lower(
        [QTensor((1, rows, columns, channels), x_scale, x_zero), kept], QTensor((1, channels), y_scale, y_zero)
    )


def calls(rng, params, count):
    """Run calls one after the other from zeros; return what each was given and gave."""
    kept = np.zeros((1, kept_bytes(params.window, params.columns, params.channels)), np.int8)
    given, results = [], []
    for x in random_bytes(rng, count, params.rows * params.columns * params.channels)[:, np.newaxis]:
        given.append((x, kept))
        y, kept = params.run_all(x, kept)
        results.append(y)
    return given, np.concatenate(results)


def cases(rng) -> list[Case]:
    found = []
    for shape in SHAPES:
        for quantization in QUANTIZATION:
            params = layer(shape, quantization, quantization[0] == quantization[1], -100, 90)
            given, _ = calls(rng, params, 12)
            found.append(Case(params, [np.concatenate(operand) for operand in zip(*given, strict=True)]))
    return found


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run(cases(rng))


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_kernel_equals_run_on_an_emulated_chip(rng, isa):
    require(
        *{"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}[isa]
    )
    assert_emulated_equals_run(cases(rng), isa)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quantization", QUANTIZATION)
@pytest.mark.parametrize("divides", [False, True])
def test_table_is_the_pool_of_the_last_rows(rng, shape, quantization, divides):
    """Every call gives what the layer gives that it stands for; before the first row lie rows of zero points."""
    if divides and quantization[0] != quantization[1]:
        pytest.skip("an average pool keeps scale and zero point")
    window, columns, channels, rows = shape
    params = layer(shape, quantization, divides)
    given, got = calls(rng, params, 20)
    x, y = (
        QTensor(s, *q) for s, q in zip([(1, window, columns, channels), (1, 1, 1, channels)], quantization, strict=True)
    )
    pool = AveragePool((window, columns)) if divides else Mean((1, 2), keep_dims=True)
    before = np.full((1, window * columns * channels), x.zero_point, np.int8)
    stream = np.concatenate([before, *(new for new, _ in given)], axis=1).reshape(-1, columns * channels)
    ends = [window + rows * (call + 1) for call in range(20)]
    whole = np.stack([stream[end - window : end].ravel() for end in ends])
    np.testing.assert_array_equal(got, pool.lower([x], y).run(whole))


def test_what_is_kept_changes_in_its_place():
    params = layer(SHAPES[0], QUANTIZATION[0])
    assert params.writes_over(1, 1)
    assert not params.writes_over(0, 0)


def test_c1_bytes_kept():
    op = RunningMean((1, 4), 5, 2)
    assert op.infer_shapes((1, 1, 2, 4), (60,)) == ((1, 4), (60,))
    with pytest.raises(ValueError, match="61 bytes kept for 5 rows of 8 in 4 channels"):
        op.infer_shapes((1, 1, 2, 4), (61,))


def test_c2_rows():
    op = RunningMean((1, 4), 5, 2)
    for shape in ((1, 6, 2, 4), (1, 1, 3, 4)):
        with pytest.raises(ValueError, match="is not a number of rows of 8, at most 5"):
            op.infer_shapes(shape, (60,))


def test_c3_a_pool_keeps_its_quantization():
    with pytest.raises(CannotQuantizeError, match="same scale and zero point"):
        layer(SHAPES[0], QUANTIZATION[2], divides=True)


def test_c4_sums_stay_within_int32():
    with pytest.raises(CannotQuantizeError, match="can leave int32"):
        layer((MAX_PIXELS + 1, 1, 1, 1), QUANTIZATION[0])


def test_real_numbers_have_no_sums():
    with pytest.raises(CannotQuantizeError, match="keeps integers"):
        replace(RunningMean((1, 1), 4, 1)).forward(np.zeros((1, 1)))
