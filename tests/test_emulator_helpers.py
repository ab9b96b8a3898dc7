"""What the ESP8266's libgcc and its missing C library leave to the emulated Xtensa chip, against this computer's."""

import ctypes
import itertools
import random
import subprocess

import pytest
from requirements import require_tool

from mcuq.resources import resource

FOLDER = resource("firmware") / "emulator" / "xtensa"
INTEGERS = (0, 1, 2, 3, 10, 255, 0x7FFF, 0xFFFF, 0x10000, 0x12345678, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 2, 2**32 - 1)


@pytest.fixture(scope="module")
def helpers(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    gcc = require_tool("gcc")
    library = tmp_path_factory.mktemp("helpers") / "helpers.so"
    names = ("memcpy", "memmove", "memset", "memcmp", "strlen")
    renamed = [f"-D{name}=mcuq_{name}" for name in names]
    sources = [str(FOLDER / name) for name in ("mcuq_integer.c", "mcuq_string.c")]
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fno-builtin"]
    subprocess.run([gcc, *flags, *renamed, *sources, f"-I{FOLDER}/include", "-o", library], check=True)
    return ctypes.CDLL(str(library))


def test_64_bit_products_and_quotients(helpers: ctypes.CDLL) -> None:
    multiply, divide = helpers["__muldi3"], helpers["__udivdi3"]
    for function in (multiply, divide):
        function.argtypes, function.restype = (ctypes.c_uint64, ctypes.c_uint64), ctypes.c_uint64
    parts = [*INTEGERS, 2**63, 2**63 - 1, 2**64 - 1, 2**64 - 2**31, 0xFFFF0000FFFF0000, 0x0000FFFF0000FFFF]
    generator = random.Random(2)
    numbers = [generator.getrandbits(generator.randrange(1, 65)) for _ in range(4000)]
    pairs = [*itertools.product(parts, repeat=2), *itertools.pairwise(numbers)]
    assert [multiply(a, b) for a, b in pairs] == [a * b % 2**64 for a, b in pairs]
    assert [divide(a, b) for a, b in pairs if b] == [a // b for a, b in pairs if b]


def test_quotients_and_remainders(helpers: ctypes.CDLL) -> None:
    generator = random.Random(3)
    numbers = [generator.getrandbits(generator.randrange(1, 33)) for _ in range(4000)]
    pairs = [(a, b) for a, b in [*itertools.product(INTEGERS, repeat=2), *itertools.pairwise(numbers)] if b != 0]
    for name, unsigned in (("__udivsi3", lambda a, b: a // b), ("__umodsi3", lambda a, b: a % b)):
        function = getattr(helpers, name)
        function.argtypes, function.restype = (ctypes.c_uint32, ctypes.c_uint32), ctypes.c_uint32
        assert [function(a, b) for a, b in pairs] == [unsigned(a, b) for a, b in pairs]
    divide, remainder = helpers["__divsi3"], helpers["__modsi3"]
    for function in (divide, remainder):
        function.argtypes, function.restype = (ctypes.c_int32, ctypes.c_int32), ctypes.c_int32
    for a, b in ((ctypes.c_int32(a).value, ctypes.c_int32(b).value) for a, b in pairs):
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        assert divide(a, b) == ctypes.c_int32(quotient).value  # -2^31 / -1 wraps
        assert remainder(a, b) == a - quotient * b


def test_memory_functions(helpers: ctypes.CDLL) -> None:
    size = 24
    start = bytes(range(100, 100 + size))
    for to, source, count in itertools.product(range(8), range(8), range(14)):
        for name in ("mcuq_memmove", *(["mcuq_memcpy"] if abs(to - source) >= count else [])):
            buffer = ctypes.create_string_buffer(start, size)
            address = ctypes.addressof(buffer)
            getattr(helpers, name).restype = ctypes.c_void_p
            moved = getattr(helpers, name)(ctypes.c_void_p(address + to), ctypes.c_void_p(address + source), count)
            assert moved == address + to
            assert buffer.raw == start[:to] + start[source : source + count] + start[to + count :]
    for to, count, value in itertools.product(range(5), range(14), (0, 0x1A5, -1)):
        buffer = ctypes.create_string_buffer(start, size)
        helpers["mcuq_memset"](ctypes.c_void_p(ctypes.addressof(buffer) + to), value, count)
        assert buffer.raw == start[:to] + bytes([value % 256]) * count + start[to + count :]


def test_comparing_functions(helpers: ctypes.CDLL) -> None:
    for a, b, count in (
        (b"abc", b"abd", 3),
        (b"abd", b"abc", 3),
        (b"abc", b"abd", 2),
        (b"\xff", b"\0", 1),
        (b"", b"", 0),
    ):
        sign = (a[:count] > b[:count]) - (a[:count] < b[:count])
        got = helpers["mcuq_memcmp"](a, b, count)
        assert (got > 0) - (got < 0) == sign
    assert [helpers["mcuq_strlen"](text) for text in (b"", b"a", b"four")] == [0, 1, 4]
