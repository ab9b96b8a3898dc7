"""Options of few bits that were taken and had no effect, without a word: `mcuq check --bits 4` of a float model showed
int8's sizes, and --codebook-channels and --codebook-energy meant nothing without --codebook. What was chosen was not
always said: clipped weights, by --auto, and activations of few bits, in `mcuq inspect`."""

import json
from pathlib import Path

import pytest

DIGITS = Path(__file__).parents[2] / "examples/digits"
FLOAT, CALIBRATION = DIGITS / "digits_float.tflite", DIGITS / "calibration.npz"


def test_sizes_are_those_of_the_bits(run):
    check = ("check", FLOAT, "--board", "esp32dev", "--json")
    shown = {
        what: _weights(run(*check, *options)[1])
        for what, options in {
            "8": (),
            "4": ("--bits", "4"),
            "2": ("--bits", "2", "--auto"),
            "exact": ("--bits", "4", "--calibration", CALIBRATION),
        }.items()
    }
    assert shown["2"] < shown["4"] < shown["8"]
    assert shown["4"] == shown["exact"]


def _weights(text: str) -> int:
    regions = {region["region"]: region for region in json.loads(text)["regions"]}
    return int(regions["app partition"]["breakdown"]["weights and tables"])


def test_bits_of_a_quantized_model_are_refused(run):
    status, _, err = run("check", DIGITS / "digits.tflite", "--board", "esp32dev", "--bits", "4")
    assert (status, "bits cannot be chosen any more" in err) == (2, True)


@pytest.mark.parametrize("option", [("--codebook-channels", "2"), ("--codebook-energy",)])
def test_options_of_codebooks_need_one(run, tmp_path, option):
    out = tmp_path / "m.mcuq"
    status, _, err = run("quantize", FLOAT, "--calibration", CALIBRATION, "--out", out, *option)

    assert (status, out.exists()) == (2, False)
    assert "choose codebook 4 or 16 too" in err


def test_what_was_chosen_is_said(run, tmp_path):
    quantize = ("quantize", FLOAT, "--calibration", CALIBRATION, "--activation-bits", "3", "--out", tmp_path / "m.mcuq")
    _, plain, _ = run(*quantize)
    _, clipped, _ = run(*quantize, "--clip")
    _, inspected, _ = run("inspect", tmp_path / "m.mcuq")

    assert "weights clipped" in clipped and "weights clipped" not in plain
    lines = {line.split()[0]: line for line in inspected.splitlines() if line.strip()}
    assert ", int3" in lines["conv2d_0"] and ", int" not in lines["softmax_13"]
