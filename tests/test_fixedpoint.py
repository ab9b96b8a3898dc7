"""Contract N1: mcuq_fixedpoint.h equals mcuq/fixedpoint.py, and both equal the definition in exact rationals."""

import itertools
import math
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from harness import kernel_file
from hypothesis import example, given, settings
from hypothesis import strategies as st
from requirements import require

from mcuq.fixedpoint import INT32_MAX, INT32_MIN, multiply_high, quantize_multiplier, requantize, shift_right

HEADER = kernel_file("mcuq_fixedpoint.h").read_text()
FLAGS = [
    *("-std=c99", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
]
DRIVER = """
#include <stdio.h>
#include "mcuq_fixedpoint.h"
int main(void) {
    int32_t in[3]; /* x, multiplier, shift */
    while (fread(in, sizeof in[0], 3, stdin) == 3) {
        const int32_t out[3] = {
            mcuq_multiply_high(in[0], in[1]),
            mcuq_shift_right(in[0], in[2] < 0 ? -in[2] : in[2]),
            mcuq_requantize(in[0], in[1], in[2]),
        };
        fwrite(out, sizeof out[0], 3, stdout);
    }
    return 0;
}
"""


def listed() -> np.ndarray:
    """List [n, 3] of (x, multiplier, shift): ties of both roundings, saturation, wrapping, extremes."""
    multipliers = [2**30, 2**30 + 1, 3 * 2**29, INT32_MAX, -(2**30), -(3 * 2**29), -INT32_MAX, INT32_MIN, 1, -1, 0]
    extremes = [0, 1, -1, 2, -2, 3, -3, INT32_MAX, INT32_MAX - 1, INT32_MIN, INT32_MIN + 1, 2**30, -(2**30)]
    triples = list(itertools.product(extremes, multipliers, range(-31, 31)))
    for shift in range(32):
        half = Fraction(2**shift, 2)
        # x / 2^shift is a tie, and so is x / 2 / 2^shift (the multiplier 2^30 halves); neighbours on both sides
        for tie in (odd * scale * half for odd in (1, -1, 3, -3, 5, -5) for scale in (1, 2)):
            for x in (int(tie) - 1, int(tie), int(tie) + 1):
                if INT32_MIN <= x <= INT32_MAX:
                    triples += [(x, m, s) for m in (2**30, -(2**30), INT32_MAX) for s in (-shift, shift) if s < 31]
    return np.array(sorted(set(triples)), np.int32)


LISTED = listed()


def exact_multiply_high(a: int, b: int) -> int:
    return min(math.floor(Fraction(a * b, 2**31) + Fraction(1, 2)), INT32_MAX)


def exact_shift_right(x: int, exponent: int) -> int:
    magnitude = math.floor(abs(Fraction(x, 2**exponent)) + Fraction(1, 2))
    return magnitude if x >= 0 else -magnitude


def exact_requantize(x: int, multiplier: int, shift: int) -> int:
    wrapped = (x * 2 ** max(shift, 0) + 2**31) % 2**32 - 2**31
    return exact_shift_right(exact_multiply_high(wrapped, multiplier), max(-shift, 0))


def by_definition(triples: np.ndarray) -> np.ndarray:
    return np.array(
        [
            (exact_multiply_high(x, m), exact_shift_right(x, abs(s)), exact_requantize(x, m, s))
            for x, m, s in triples.tolist()
        ]
    )


def by_python(triples: np.ndarray) -> np.ndarray:
    x, multiplier, shift = triples.T
    return np.stack(
        [multiply_high(x, multiplier), shift_right(x, np.abs(shift)), requantize(x, multiplier, shift)], axis=1
    )


class CProgram:
    """The driver, compiled against a header."""

    def __init__(self, folder: Path, cc: str, header: str = HEADER) -> None:
        require(f"{cc} sanitizers")
        self.path = folder / f"fixedpoint_{cc}"
        (folder / "mcuq_fixedpoint.h").write_text(header)
        (folder / "mcuq_product_isa.h").write_text(kernel_file("mcuq_product_isa.h").read_text())
        (folder / "driver.c").write_text(DRIVER)
        build = [cc, *FLAGS, str(folder / "driver.c"), "-o", str(self.path)]
        done = subprocess.run(build, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def __call__(self, triples: np.ndarray) -> np.ndarray:
        ran = subprocess.run([self.path], input=triples.tobytes(), capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr.decode()[-2000:]
        return np.frombuffer(ran.stdout, np.int32).reshape(-1, 3)


@pytest.fixture(scope="module", params=["gcc", "clang"])
def program(request, tmp_path_factory) -> CProgram:
    return CProgram(tmp_path_factory.mktemp("fixedpoint"), request.param)


def test_the_list_holds_what_it_promises():
    """Positive and negative ties of every right shift (0 has none), wrapping for every left shift."""
    x, multiplier, shift = LISTED.astype(np.int64).T
    for exponent in range(1, 32):
        # of shift_right itself; then of the second rounding, where the multiplier has halved an even x
        for ties in (
            x[(shift == -exponent) & (np.abs(x) % 2**exponent == 2 ** (exponent - 1))],
            x[(shift == -exponent) & (multiplier == 2**30) & (np.abs(x) % 2 ** (exponent + 1) == 2**exponent)],
        ):
            assert {*np.sign(ties)} == {1, -1} or (exponent == 31 and {*np.sign(ties)} == {-1})
    for exponent in range(1, 31):
        assert np.any(np.abs(x[shift == exponent] << exponent) > 2**31)
    assert np.any((x == INT32_MIN) & (multiplier == INT32_MIN))


def test_n1_python_equals_the_definition():
    np.testing.assert_array_equal(by_python(LISTED), by_definition(LISTED))


def test_n1_c_equals_python(program):
    np.testing.assert_array_equal(program(LISTED), by_python(LISTED))


int32 = st.integers(INT32_MIN, INT32_MAX)
near_a_power = st.builds(
    lambda sign, exponent, offset: max(INT32_MIN, min(INT32_MAX, sign * 2**exponent + offset)),
    st.sampled_from([1, -1]),
    st.integers(0, 31),
    st.integers(-3, 3),
)
operand = int32 | near_a_power
triple = st.tuples(operand, operand, st.integers(-31, 30))


@settings(deadline=None, max_examples=60)
@given(st.lists(triple, min_size=50, max_size=300))
@example([(INT32_MIN, INT32_MIN, 0)])
def test_n1_generated(program, values):
    triples = np.array(values, np.int32)
    expected = by_definition(triples)

    np.testing.assert_array_equal(by_python(triples), expected)
    np.testing.assert_array_equal(program(triples), expected)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("+ (1 << 30))", "+ (1 << 30) - 1)"),
        ("+ (1 << 30))", "+ (1 << 30) + 1)"),
        ("b + (1 << 30)", "b + ((a < 0) == (b < 0) ? 1 << 30 : (1 << 30) - 1)"),  # ties away from zero
        ("return INT32_MAX;", "return INT32_MAX - 1;"),
        ("+ (x < 0)", ""),  # ties towards plus infinity
        ("+ (x < 0)", "+ (x > 0)"),
        ("> threshold", ">= threshold + (mask == 0)"),
        ("-shift)", "-shift - (shift == -31))"),
        ("(int32_t)((uint32_t)x << shift)", "x > INT32_MAX >> shift ? INT32_MAX : (int32_t)((uint32_t)x << shift)"),
    ],
)
def test_n1_a_planted_mistake_is_caught(tmp_path, right, wrong):
    """The listed ties alone tell each wrong rounding from the right one."""
    assert HEADER.count(right) == 1, "the header has changed: plant the mistake anew"
    got = CProgram(tmp_path, "gcc", HEADER.replace(right, wrong))(LISTED)

    assert np.any(got != by_python(LISTED))


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (2**30, 1)),
        (0.75, (3 * 2**29, 0)),
        (-0.75, (-3 * 2**29, 0)),
        (1 - 2.0**-40, (2**30, 1)),  # the mantissa rounds up to 2^31
        (-(1 - 2.0**-40), (-(2**30), 1)),
        (0.5 + 2.0**-32, (2**30 + 1, 0)),  # a tie, away from zero
        (-0.5 - 2.0**-32, (-(2**30) - 1, 0)),
        (2.0**-32, (2**30, -31)),
        (2.0**-33, (0, 0)),
        (2.0**29, (2**30, 30)),
        (2.0**30, (INT32_MAX, 30)),
        (-(2.0**30), (INT32_MIN, 30)),
    ],
)
def test_quantize_multiplier(real, expected):
    assert quantize_multiplier(real) == expected
