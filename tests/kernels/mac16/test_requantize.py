"""Contract N1 for the ESP32's requantize: listed ties, extremes and random values give what ``requantize`` gives.

What an ESP32 runs (``mulsh``) is in no emulator here: its formula is proven in numpy, and its macros run in QEMU with a
call in the place of ``mulsh``. What stands for it on the emulated chip, made of 16-bit pieces, runs there as it is.
"""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from harness import HERE

from kernels.mac16.emulated import MAC16, esp32_sources, run_emulated, with_mistake
from mcuq.fixedpoint import INT32_MAX, INT32_MIN, clamp, requantize
from mcuq.kernels.mac16.channels import EXPONENT_BASE, MAX_SUM

ZERO_POINTS = (-128, -127, -1, 0, 3, 126, 127)
MULTIPLIERS = (2**30, 2**30 + 1, 3 * 2**29, 2**31 - 2**15, 2**31 - 2**16 - 1, 2**31 - 1, 1, 2, 2**15, 2**16, 2**29)
EXPONENTS = range(1, 25)
Values = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # accumulator, multiplier, exponent, zero point


def mulsh(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The instruction: the upper half of a product of two int32."""
    for operand in (a, b):
        assert operand.min() >= INT32_MIN and operand.max() <= INT32_MAX
    return (a * b) >> 32


def pieces(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``multiply_high`` of an emulated chip, step by step; what its registers hold is checked to fit."""
    low_a, low_b = (((v + 2**15) & 0xFFFF) - 2**15 for v in (a, b))
    high_a, high_b = (a - low_a) >> 16, (b - low_b) >> 16
    middle = ((low_a * low_b) >> 16) + high_a * low_b + low_a * high_b
    for value, bits in ((high_a, 16), (high_b, 16), (middle, 32)):
        assert value.min() >= -(2 ** (bits - 1)) and value.max() < 2 ** (bits - 1)
    return high_a * high_b + (middle >> 16)


def mac16(values: Values, multiply=mulsh, nudge: int = 64, negative: int = 128) -> np.ndarray:
    """The formula of ``mcuq_mac16_asm.h``, unclamped; ``proven`` keeps its sums within 32 bits."""
    acc, multiplier, exponent, zero_point = values
    t = multiply(-256 * acc, -multiplier)
    return (t + ((2 * zero_point + 1) << (exponent + 6)) + nudge - negative * (t < 0)) >> (exponent + 7)


def wanted(values: Values) -> np.ndarray:
    acc, multiplier, exponent, zero_point = values
    return requantize(acc, multiplier, -exponent) + zero_point


def proven(values: Values) -> Values:
    """Those values for which ``mac16_channels`` would accept a channel."""
    acc, multiplier, exponent, zero_point = (v.astype(np.int64) for v in values)
    total = (acc * multiplier >> 24) + ((2 * zero_point + 1) << (exponent + 6)) + 64
    keep = (np.abs(acc) <= MAX_SUM) & (multiplier > 0) & (total - 128 >= INT32_MIN) & (total <= INT32_MAX)
    return acc[keep], multiplier[keep], exponent[keep], zero_point[keep]


def listed() -> Values:
    """Accumulators at and beside ties of either rounding, 0, and the ends of the range; for all exponents."""
    rows = []
    for exponent in EXPONENTS:
        for multiplier in MULTIPLIERS:
            ends = {x + d for x in (0, MAX_SUM, -MAX_SUM) for d in (-2, -1, 0, 1, 2)}
            first = {((2 * k + 1) << 30) // multiplier for k in (0, 1, 2, 500)}  # acc * m about odd * 2^30
            second = {((2 * k + 1) << (exponent + 30)) // multiplier for k in (0, 1, 2, 63, 127)}
            near = {sign * x + d for x in first | second for sign in (1, -1) for d in (-2, -1, 0, 1, 2)}
            rows += [(x, multiplier, exponent, z) for x in sorted(ends | near) for z in ZERO_POINTS]
    return proven(tuple(np.array(rows, np.int64).T))


def randoms(rng: np.random.Generator, count: int) -> Values:
    """Random values, of all magnitudes, half of them aimed at ties of the second rounding."""
    multiplier = rng.integers(2**30, 2**31, count)
    multiplier[::7] = 2**30 + (rng.integers(0, 2**7, len(multiplier[::7])) << 23)  # products with many zeros
    exponent = rng.integers(1, 25, count)
    acc = rng.integers(-(2**23), 2**23, count) >> rng.integers(0, 23, count)
    aimed = (((2 * rng.integers(-256, 256, count) + 1) << (exponent + 30)) / multiplier).astype(np.int64)
    acc = np.where((rng.random(count) < 0.5) & (np.abs(aimed) < MAX_SUM), aimed + rng.integers(-1, 2, count), acc)
    zero_point = rng.integers(-128, 128, count) >> np.maximum(exponent - 17, 0)  # as far as it fits
    return proven((acc, multiplier, exponent, zero_point))


LISTED = listed()


def test_the_list_holds_what_it_promises():
    acc, multiplier, exponent, _ = LISTED
    product = acc * multiplier
    for sign in (1, -1):
        assert np.any((np.abs(product) % 2**31 == 2**30) & (np.sign(acc) == sign)), "a tie of the first rounding"
        assert np.any((multiplier > 2**30) & (np.abs(product) % 2**31 == 2**30) & (np.sign(acc) == sign))
        for e in range(1, 22):  # from 22 on they lie beyond the range
            ties = (exponent == e) & (np.abs(product) % 2 ** (e + 31) == 2 ** (e + 30)) & (np.sign(acc) == sign)
            assert np.any(ties), f"a tie of the second rounding by {e}"
    assert acc.max() == MAX_SUM == -acc.min()
    assert set(exponent.tolist()) == set(EXPONENTS)


@pytest.mark.parametrize("multiply", [mulsh, pieces])
def test_n1_formula_equals_requantize(multiply):
    np.testing.assert_array_equal(mac16(LISTED, multiply), wanted(LISTED))


@pytest.mark.parametrize("nudge", [{"nudge": 63}, {"nudge": 0}, {"negative": 127}, {"negative": 0}, {"negative": 64}])
def test_n1_a_planted_mistake_is_caught(nudge):
    assert np.any(mac16(LISTED, **nudge) != wanted(LISTED))


def test_n1_ten_million_random_values():
    """Of the formula with ``mulsh`` and with pieces: both multiply exactly, so they agree in all but range checks."""
    rng, checked = np.random.default_rng(0), 0
    while checked < 10_000_000:
        values = randoms(rng, 1_000_000)
        np.testing.assert_array_equal(mac16(values), wanted(values))
        np.testing.assert_array_equal(mac16(values, pieces), wanted(values))
        checked += len(values[0])


def test_negative_values_need_no_care_where_they_are_clamped():
    """PLAIN: with the zero point -128, the lowest, one rounding serves all."""
    values = tuple(v[LISTED[3] == -128] for v in LISTED)
    np.testing.assert_array_equal(clamp(mac16(values, negative=0), -128, 127), clamp(wanted(values), -128, 127))


def emulated(values: Values, limits: tuple[int, int], kernels: Path, as_esp32: bool) -> tuple[np.ndarray, np.ndarray]:
    """What the macros give in QEMU: the upper half of the product, and outputs limited in three ways."""
    acc, multiplier, exponent, zero_point = values
    words = (((-acc << 8) + exponent + EXPONENT_BASE) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    columns = [words, multiplier, zero_point, *(np.full_like(acc, limit) for limit in limits), *[0 * acc] * 4]
    records = np.stack(columns, axis=1).astype(np.int32)
    files, flags, results = [HERE / "xtensa_requantize.c", HERE / "xtensa_requantize.S"], [f"-I{kernels}"], []
    with tempfile.TemporaryDirectory() as folder:
        if as_esp32:
            files = esp32_sources(files, Path(folder))
            flags += ["-UMCUQ_MAC16_EMULATED", f"-I{folder}"]
        for part in np.array_split(records, -(-len(records) // 60000)):
            stdin = np.int32(len(part)).tobytes() + part.tobytes()
            results.append(np.frombuffer(run_emulated(files, flags, stdin), np.int32).reshape(-1, 9))
    got = np.concatenate(results)
    return got[:, 5].astype(np.int64), got[:, 6:].astype(np.int64)


def assert_emulated_equals(
    values: Values, limits: tuple[int, int] = (-100, 90), kernels: Path = MAC16, as_esp32: bool = False
) -> None:
    acc, multiplier, _, zero_point = values
    high, (plain, signed, limited) = (v.T for v in emulated(values, limits, kernels, as_esp32))
    want = wanted(values)
    np.testing.assert_array_equal(high, acc * multiplier >> 24)
    np.testing.assert_array_equal(plain[zero_point == -128], clamp(want, -128, 127)[zero_point == -128])
    np.testing.assert_array_equal(signed, clamp(want, -128, 127))
    np.testing.assert_array_equal(limited, clamp(want, *limits))


@pytest.mark.parametrize(
    "limits", [(-100, 90), *(pytest.param(limits, marks=pytest.mark.slow) for limits in ((-128, -127), (5, 5)))]
)
def test_n1_assembly_equals_requantize(limits):
    assert_emulated_equals(LISTED, limits)


def test_n1_assembly_equals_requantize_on_random_values(rng):
    assert_emulated_equals(randoms(rng, 60_000))


def test_n1_assembly_of_an_esp32_equals_requantize(rng):
    """Its macros, with mulsh for a call."""
    assert_emulated_equals(LISTED, as_esp32=True)
    assert_emulated_equals(randoms(rng, 60_000), as_esp32=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_n1_assembly_equals_requantize_on_many_random_values(seed):
    assert_emulated_equals(randoms(np.random.default_rng(seed), 600_000))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("addi    \\rounding, \\rounding, 64", "addi    \\rounding, \\rounding, 63"),
        ("movgez  \\temporary, \\rounding, \\t", "mov     \\temporary, \\rounding"),
        ("addmi   \\r, \\acc, -32768", "addmi   \\r, \\acc, -32512"),
        ("extui   \\temporary, \\m, 15, 1", "extui   \\temporary, \\m, 14, 1"),
        (
            "    srai    \\temporary, \\temporary, 16\n    mul_aa",
            "    extui   \\temporary, \\temporary, 16, 16\n    mul_aa",
        ),
    ],
)
def test_n1_a_planted_mistake_in_the_assembly_is_caught(right, wrong):
    with tempfile.TemporaryDirectory() as folder:
        kernels = with_mistake(Path(folder), "mcuq_mac16_asm.h", right, wrong)
        with pytest.raises(AssertionError, match="Arrays are not equal"):
            assert_emulated_equals(LISTED, kernels=kernels)
