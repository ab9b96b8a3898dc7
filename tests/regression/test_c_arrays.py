"""A TFLite model that exists only as a C array is read from the source file, by every verb, as the file that it was."""

from pathlib import Path

import numpy as np
import pytest

from mcuq import archive, loading
from mcuq.errors import McuqError
from mcuq.frontends.c_array import SUFFIXES, model_in

DIGITS = Path(__file__).parents[2] / "examples/digits"
MODEL = (DIGITS / "digits.tflite").read_bytes()


def numbers(form: str = "0x{:02x}", content: bytes = MODEL) -> str:
    lines = [", ".join(form.format(b) for b in content[i : i + 12]) for i in range(0, len(content), 12)]
    return ",\n  ".join(lines)


FORMS = {
    "xxd": f"unsigned char digits_tflite[] = {{\n  {numbers()}\n}};\nunsigned int digits_tflite_len = {len(MODEL)};\n",
    "micro example": f"""
        #include "model.h"
        // It's a "model" {{of 8 = 8}}
        alignas(16) const unsigned char g_model[] = {{ {numbers()} }};
        const int g_model_len = {len(MODEL)};
    """,
    "attribute": f"""
        #define ALIGN __attribute__((aligned(4)))
        const unsigned char g_model[] ALIGN = {{ {numbers("{}")}, }};
    """,
    "either": f"""
        #ifdef __cplusplus
        alignas(8) const uint8_t m[] = {{
        #else
        const uint8_t m[] __attribute__((aligned(8))) = {{
        #endif
        {numbers("0X{:02X}U")} }};
    """,
    "size, windows lines": f"const uint8_t m[{len(MODEL)}] PROGMEM =\n{{ {numbers()} }};".replace("\n", "\r\n"),
    "signed": f"const signed char m[] = {{ {','.join(str(b - 256 if b > 127 else b) for b in MODEL)} }};",
    "octal and comments": f"const char m[] = {{ /* model, {{ }} */ {numbers('0{:o} /* byte */')} // end\n}};",
    "among others": f"""
        const float mean[2] = {{0.1f, 3}};
        const char *names[] = {{"a", "}};"}};
        const int8_t x[] = {{1, 2, 3, 4, 5, 6, 7, 8}};
        namespace n {{ const unsigned char m[] = {{ {numbers()} }}; }}
        int main() {{ return x[0]; }}
    """,
    "twice the same": f"""
        #if A
        const char a[] = {{ {numbers()} }};
        #else
        const char b[] = {{ {numbers("{}")} }};
        #endif
    """,
}


@pytest.mark.parametrize("form", FORMS)
def test_array_is_the_file(form):
    assert model_in(FORMS[form].encode()) == MODEL


REFUSED = {
    "placeholder": ("const char m[] = {0x1c, 0, 0, 0, 0x54, 0x46, 0x4c, 0x33, ...};", "array m: '...' is not a byte"),
    "too large": (f"const char m[] = {{{numbers()}, 256}};", "array m: '256' is not a byte"),
    "expression": (f"const char m[] = {{{numbers()}, sizeof(x)}};", "is not a byte"),
    "nothing between": ("const char m[] = {28,0,0,0,84,70,76,51,,1};", "'' is not a byte"),
    "cut": (f"const char m[] = {{{numbers()}", "array m is cut short"),
    "two models": (f"const char a[] = {{{numbers()}}}; char b[] = {{{numbers()}, 0}};", r"holds 2 models \(a, b\)"),
    "declared only": ("extern const unsigned char g_model[];\nextern const int n;", "it declares g_model, whose bytes"),
    "other arrays": ("const float mean[] = {1, 2};", "its arrays are mean"),
    "no array": ("/* const char m[] = {28,0,0,0,84,70,76,51}; */", "holds no array of bytes that is a TFLite model"),
    "too few bytes": ("const char m[] = {28,0,0,0,84,70,76,51};", "damaged or cut short"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_a_line(case, tmp_path):
    text, message = REFUSED[case]
    path = tmp_path / "model.cc"
    path.write_text(text)
    with pytest.raises(McuqError, match=message) as error:
        loading.load(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("start", ["/*", '"', "'", "//", "{", "extern ", "m[] = ", "0,", "x[", "=", "}"])
def test_hostile_text_ends(start):
    with pytest.raises(McuqError):
        model_in((start * 300_000).encode())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_named_after_the_file(suffix, tmp_path):
    path = tmp_path / f"Wake word.tflite{suffix}"
    path.write_text(FORMS["xxd"])

    assert loading.load(path).name == "wake_word"


def test_every_verb(run, tmp_path):
    source, real, out = tmp_path / "digits.cc", tmp_path / "float_model.h", tmp_path / "project"
    source.write_text(FORMS["micro example"])
    real.write_text(f"const char m[] = {{{numbers(content=(DIGITS / 'digits_float.tflite').read_bytes())}}};")
    data = ["--calibration", DIGITS / "calibration.npz"]
    held = DIGITS / "calibration.npz"
    for command in (
        ["inspect", source],
        ["check", source, "--board", "esp32dev"],
        ["build", source, "--board", "esp32dev", "--out", out],
        ["simulate", source, "--input", held, "--output", tmp_path / "y.npy"],
        ["evaluate", source, "--data", held],
        ["inspect", real],
        ["check", real, "--board", "esp32dev"],
        ["quantize", real, *data, "--out", tmp_path / "m.mcuq"],
        ["build", real, *data, "--board", "esp32dev", "--out", out],
        ["evaluate", real, *data, "--data", held],
    ):
        status, _, error = run(*command)
        assert status == 0, (command, error)

    whole = loading.load(DIGITS / "digits.tflite")
    assert archive.digest(loading.load(source)) == archive.digest(whole)
    assert len(np.load(tmp_path / "y.npy")) == len(np.load(held)["X"])
