"""Contract N1 for the fast requantize: equal to the generic one wherever its conditions hold."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from harness import kernel_file
from requirements import require

from mcuq.fixedpoint import clamp, requantize
from mcuq.kernels.channels import FAST_EXPONENTS, FAST_LIMIT

HEADER = kernel_file("mcuq_fixedpoint.h").read_text()
PRODUCT = kernel_file("mcuq_product_isa.h").read_text()
IN_PIECES = ("-D__XTENSA__",)  # as for a chip without mulsh
FLAGS = [
    *("-std=c99", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
]
ZERO_POINTS = (-128, -127, -1, 0, 3, 126, 127)

# Quadruples (x, multiplier, exponent, zero point) from stdin; with an argument, that many random ones instead.
DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include "mcuq_tuned.h"
static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
static uint32_t draw(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}
static int equal(const int32_t *in) {
    const int32_t x = in[0], multiplier = in[1], exponent = in[2], zero_point = in[3];
    const int32_t wanted = mcuq_requantize(x, multiplier, -exponent) + zero_point;
    const int32_t offset = mcuq_fast_offset(zero_point, exponent);
    const int8_t shift = (int8_t)-exponent;
    const mcuq_scales scales = {zero_point, 1, &multiplier, &shift};
    return mcuq_requantize_fast(x, multiplier, exponent, offset) == wanted &&
           mcuq_scaled(x, mcuq_scale_of(&scales, 0)) == mcuq_clamp_s8(wanted, -128, 127);
}
int main(int argc, char **argv) {
    int32_t in[4];
    long count = argc > 1 ? atol(argv[1]) : -1;
    while (count < 0 ? fread(in, sizeof in[0], 4, stdin) == 4 : count-- > 0) {
        if (argc > 1) {
            const uint32_t bits = draw();
            const int32_t width = (int32_t)(bits & 31) < 30 ? (int32_t)(bits & 31) : 29;
            in[0] = (int32_t)(draw() & ((UINT32_C(1) << width) - 1));
            in[0] = bits & 32 ? -in[0] : in[0];
            in[1] = (int32_t)((draw() & 0x3fffffff) | 0x40000000);
            in[2] = 1 + (int32_t)((bits >> 8) % 21);
            in[3] = (int32_t)(bits >> 24) - 128;
            if (bits & 64) { /* aim at a tie of the second rounding, or beside it */
                const int64_t tie = ((int64_t)(draw() % 512) * 2 + 1) << (in[2] - 1);
                const int64_t near = (tie * (INT64_C(1) << 31)) / in[1] + (int64_t)(bits >> 16 & 3) - 1;
                in[0] = near < (1 << 29) ? (bits & 32 ? -(int32_t)near : (int32_t)near) : in[0];
            }
        }
        if (!equal(in)) {
            printf("%d %d %d %d\\n", in[0], in[1], in[2], in[3]);
            return 1;
        }
    }
    return 0;
}
"""


PRODUCTS = """
#include <stdio.h>
#include "mcuq_product_isa.h"
int main(void) {
    int32_t in[2];
    while (fread(in, sizeof in[0], 2, stdin) == 2) {
        const int32_t upper = mcuq_upper_product(in[0], in[1]);
        fwrite(&upper, sizeof upper, 1, stdout);
    }
    return 0;
}
"""


def listed() -> np.ndarray:
    """Every exponent with the ties of both roundings, their neighbours and the extremes, for several zero points."""
    limit = FAST_LIMIT - 1
    rows = []
    for exponent in range(FAST_EXPONENTS[0], FAST_EXPONENTS[1] + 1):
        for multiplier in (2**30, 2**30 + 1, 3 * 2**29, 2**31 - 1, 0, 1):
            ties = [odd << exponent for odd in (1, 3, 5, 127, 255)]  # times 1/2: half-way
            near = {x + d for tie in ties for x in (tie, -tie, tie // 2, -tie // 2) for d in (-2, -1, 0, 1, 2)}
            values = near | {0, 1, -1, 2, -2, limit, -limit, limit - 1, 1 - limit}
            rows += [(x, multiplier, exponent, z) for x in sorted(values) if abs(x) <= limit for z in ZERO_POINTS]
    return np.array(rows, np.int32)


def program(folder: Path, cc: str, header: str = HEADER, flags: Sequence[str] = ()) -> Path:
    require(f"{cc} sanitizers")
    (folder / "mcuq_product_isa.h").write_text(PRODUCT)
    (folder / "mcuq_fixedpoint.h").write_text(header)
    (folder / "mcuq_tuned.h").write_text(kernel_file("mcuq_tuned.h").read_text())
    (folder / "driver.c").write_text(DRIVER)
    subprocess.run([cc, *FLAGS, *flags, str(folder / "driver.c"), "-o", str(folder / "driver")], check=True)
    return folder / "driver"


def fast(x: np.ndarray, multiplier: np.ndarray, exponent: np.ndarray, zero_point: np.ndarray) -> np.ndarray:
    """The formula in numpy, in integers that cannot overflow."""
    t = (4 * x.astype(np.int64) * multiplier) >> 32
    offset = (2 * zero_point.astype(np.int64) + 1) * 2**exponent + 1
    return (t - 2 * (t < 0) + offset) >> (exponent + 1)


def test_the_list_holds_what_it_promises():
    x, multiplier, exponent, _ = listed().astype(np.int64).T
    for e in range(FAST_EXPONENTS[0], FAST_EXPONENTS[1] + 1):
        ties = x[(exponent == e) & (multiplier == 2**30) & (np.abs(x) % 2 ** (e + 1) == 2**e)]
        assert {*np.sign(ties)} == {1, -1}
    assert x.max() == FAST_LIMIT - 1 == -x.min()


def test_n1_formula_equals_requantize():
    x, multiplier, exponent, zero_point = listed().astype(np.int64).T
    np.testing.assert_array_equal(
        fast(x, multiplier, exponent, zero_point), requantize(x, multiplier, -exponent) + zero_point
    )


@pytest.mark.parametrize(("cc", "flags"), [("gcc", ()), ("clang", ()), ("gcc", IN_PIECES)])
def test_n1_c_equals_requantize(tmp_path, cc, flags):
    """The list, then two million random vectors, half of them aimed at ties; also with products in pieces."""
    driver = program(tmp_path, cc, flags=flags)
    done = subprocess.run([driver], input=listed().tobytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    done = subprocess.run([driver, "2000000"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_upper_products_in_pieces(tmp_path, cc, rng):
    """Any two int32: the limits of the pieces among themselves, and random ones."""
    require(f"{cc} sanitizers")
    edges = [sign * value + d for value in (0, 2**15, 2**16, 2**30, 2**31) for sign in (1, -1) for d in (-1, 0, 1)]
    edges = [value for value in edges if -(2**31) <= value < 2**31]
    pairs = np.concatenate([[(a, b) for a in edges for b in edges], rng.integers(-(2**31), 2**31, (100_000, 2))])
    (tmp_path / "mcuq_product_isa.h").write_text(PRODUCT)
    (tmp_path / "products.c").write_text(PRODUCTS)
    command = [cc, *FLAGS, *IN_PIECES, str(tmp_path / "products.c"), "-o", str(tmp_path / "products")]
    subprocess.run(command, check=True)
    done = subprocess.run([tmp_path / "products"], input=pairs.astype("<i4").tobytes(), capture_output=True, check=True)
    np.testing.assert_array_equal(np.frombuffer(done.stdout, "<i4"), pairs[:, 0] * pairs[:, 1] >> 32)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("t - 2 : t", "t - 1 : t"),
        ("t - 2 : t", "t : t"),
        ("t < 0 ? t - 2", "t > 0 ? t - 2"),
        ("(2 * zero_point + 1) * ((int32_t)1 << exponent) + 1", "(2 * zero_point + 1) * ((int32_t)1 << exponent)"),
        ("x * 4", "x * 2"),
    ],
)
def test_n1_a_planted_mistake_is_caught(tmp_path, right, wrong):
    assert HEADER.count(right) == 1, "the header has changed: plant the mistake anew"
    driver = program(tmp_path, "gcc", HEADER.replace(right, wrong))
    assert subprocess.run([driver], input=listed().tobytes(), capture_output=True, check=False).returncode == 1


def test_limits_are_those_of_the_type():
    """What ``mcuq_scaled`` gives is the requantized value clamped to int8, for every zero point."""
    x, multiplier, exponent, zero_point = listed().astype(np.int64).T
    y = requantize(x, multiplier, -exponent)
    t = (4 * x * multiplier) >> 32
    above = t >= 0
    np.testing.assert_array_equal(clamp(y + zero_point, -128, 127)[above], np.minimum(y + zero_point, 127)[above])
    np.testing.assert_array_equal(clamp(y + zero_point, -128, 127)[~above], np.maximum(y + zero_point, -128)[~above])
