"""Options that several commands share."""

from __future__ import annotations

import argparse
from math import isfinite
from pathlib import Path
from typing import Any

from mcuq.errors import UsageError
from mcuq.target.partition_csv import partition_options
from mcuq.target.setup import ARENAS

TASKS = ("classes", "decisions", "multilabel", "values", "reconstruction")  # samples.task.KINDS, which imports numpy
FORMATS = ("gray8", "rgb888", "bgr888", "rgb565", "yuv422")  # ops.pixels.FORMATS, which imports numpy
SCHEMES = ("affine", "scale", "fixed-point", "dynamic-fixed-point")


def require_mcuq(path: Path) -> None:
    """Refuse to write a quantized model under another suffix."""
    if path.suffix != ".mcuq":
        raise UsageError(f"{path}: the quantized model is written to a .mcuq file")


def add_board(parser: argparse.ArgumentParser, required: bool, several: bool = False) -> None:
    """Add the options that name a board, or several, and the framework."""
    what = f"board id (`mcuq boards`) or a .toml file{'; may be given several times' if several else ''}"
    if several:
        parser.add_argument("--board", required=required, metavar="B", help=what, action="append", default=[])
    else:
        parser.add_argument("--board", required=required, metavar="B", help=what)
    parser.add_argument("--framework", default="", metavar="F", help="arduino or espidf; default: the board's first")
    what = "official, pioarduino (Arduino 3) or esp-idf (6.0, without PlatformIO); default: the board's first"
    parser.add_argument("--platform", metavar="P", help=what)


def add_reading(parser: argparse._ActionsContainer) -> None:
    """Add the option that says what integers in a file of samples are."""
    what = "what integers of the model's own type are, where both can be: real values, or as the model stores them"
    parser.add_argument("--samples", choices=["real", "stored"], help=what)


def add_classes(parser: argparse._ActionsContainer) -> None:
    """Add the option that says which labels the model's outputs stand for."""
    what = "what the model's outputs stand for, in their order: a list, or a file of lines"
    parser.add_argument("--classes", type=_classes, default=(), metavar="A,B,…", help=what)


def add_task(parser: argparse._ActionsContainer) -> None:
    """Add the options that say what the model's answers are judged by."""
    what = "what the model does, where it is not what its outputs and the labels look like"
    parser.add_argument("--task", choices=TASKS, help=what)
    what = "from which output on the answer is yes; default: 0.5 behind a sigmoid or a rectifier, else 0"
    parser.add_argument("--threshold", type=float, metavar="T", help=what)


def _classes(text: str) -> tuple[str, ...]:
    try:
        listed = Path(text).read_text("utf-8").splitlines() if Path(text).is_file() else text.split(",")
    except (OSError, UnicodeDecodeError):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be read as a list of classes") from None
    from mcuq.samples.classes import class_names

    try:
        return class_names([name.strip() for name in listed if name.strip()], repr(text))
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_setup(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide with what a model shares the board; the defaults are the project's, or none."""
    switch = argparse.BooleanOptionalAction
    parser.add_argument("--arena", choices=ARENAS, help="where the arena lies: static data, internal heap or PSRAM")
    parser.add_argument("--partition", metavar="P", help="huge_app.csv, …, or a CSV file; default: the board's")
    parser.add_argument("--wifi", action=switch, default=None, help="the application uses Wi-Fi")
    parser.add_argument("--ble", action=switch, default=None, help="the application uses Bluetooth Low Energy")
    parser.add_argument("--io-in-arena", action=switch, default=None, help="inputs and outputs lie in the arena too")
    share = "one static arena serves all models of the project in turn; default: yes"
    parser.add_argument("--share-arena", action=switch, default=None, help=share)
    speed = "faster kernels that take more flash, as far as the board has it"
    parser.add_argument("--speed", action=switch, default=None, help=speed)
    slower = "percent more instructions, for less memory: layers in strips of rows; default: 5%%, with --speed 0"
    parser.add_argument("--slower", type=_percent, metavar="N", help=slower)
    ram = "bytes, or 24K, that arena, state, inputs and outputs may take together"
    parser.add_argument("--ram", type=_bytes, metavar="N", help=ram)
    push = "the input comes in rows, pushed or pulled, and lies nowhere as a whole"
    parser.add_argument("--push-rows", action=switch, default=None, help=push)
    parser.add_argument("--app-ram", type=_count, metavar="N", help="bytes of static data of the application")
    parser.add_argument("--app-flash", type=_count, metavar="N", help="bytes of code and constants of the application")


def _count(text: str) -> int:
    number = int(text.replace("_", ""))
    if number < 0:
        raise ValueError
    return number


def _percent(text: str) -> int:
    return _count(text.removesuffix("%"))


def _bytes(text: str) -> int:
    return _count(text[:-1]) * 1024 if text[-1:] in ("K", "k") else _count(text)


def setup_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of :func:`add_setup`, None where they were not given."""
    names = ("arena", "platform", "wifi", "ble", "app_ram", "app_flash", "io_in_arena", "share_arena", "speed")
    options = {name: getattr(arguments, name) for name in (*names, "slower", "ram", "push_rows")}
    return options | partition_options(arguments.partition)


def add_calibration(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """Add the options that turn a float model into integers."""
    switch = argparse.BooleanOptionalAction
    group = parser.add_argument_group("quantization of a float model")
    what = "samples as the model was trained (.npy, .npz with X); some become self-test vectors"
    group.add_argument("--calibration", required=required, metavar="D", type=Path, help=what)
    add_reading(group)
    add_classes(group)
    add_scheme(group)
    group.add_argument("--bits", type=int, metavar="N", help="of the weights, 2 to 8; default: 8")
    group.add_argument("--layer-bits", type=_layer_bits, action="append", metavar="LAYER=N", help="for one layer")
    what = "that all weights may take: 50%% of 8 bits', or 24K; layers get 8, 4 or 2 bits by what the outputs lose"
    group.add_argument("--weight-bytes", metavar="N", help=what)
    what = "of one layer's output"
    group.add_argument("--layer-activation-bits", type=_layer_bits, action="append", metavar="LAYER=N", help=what)
    group.add_argument("--codebook", type=int, metavar="N", help="take weights from codebooks of 4 or 16 entries")
    group.add_argument("--codebook-channels", type=int, metavar="N", help="that share one; default: all of a layer")
    what = "errors of weights count by their inputs' energy"
    group.add_argument("--codebook-energy", action=switch, default=None, help=what)
    group.add_argument("--span", choices=["symmetric", "full"], help="of weights: ±(2^(N-1) - 1), or -2^(N-1) too")
    group.add_argument("--clip", action=switch, default=None, help="weight ranges of least squared error")
    group.add_argument("--auto", action=switch, default=None, help="let the samples decide on more than by default")


def add_scheme(group: argparse._ArgumentGroup) -> None:
    """Add the options of quantization that have nothing to do with the number of bits."""
    group.add_argument("--scheme", choices=SCHEMES, help="default: affine")
    group.add_argument(
        "--weights", choices=["network", "layer", "channel"], help="what shares a scale; default: channel"
    )
    group.add_argument("--activations", choices=["network", "layer"], help="default: layer")
    group.add_argument("--method", metavar="M", help="ranges: minmax, wide, percentile[:99.99], mse, kl")
    group.add_argument("--layer-method", type=_layer_method, action="append", metavar="LAYER=M", help="for one layer")
    group.add_argument("--correct", metavar="C,…", help="equalization, bias, rounding or none")
    fewer = "of the activations inside the model, 2 to 8; default: 8"
    group.add_argument("--activation-bits", type=int, metavar="N", help=fewer)


def quantization_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of :func:`add_calibration` that were given, as fields of ``quantization.Options``."""
    numbers = ("bits", "activation_bits", "codebook", "codebook_channels")
    names = ("scheme", "weights", "activations", "method", "auto", "codebook_energy", "span", "clip", "weight_bytes")
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    options = {name: given[name] for name in (*names, *numbers) if name in given}
    if arguments.layer_method:
        options["layer_methods"] = dict(arguments.layer_method)
    if "layer_bits" in given:
        options["layer_bits"] = dict(given["layer_bits"])
    if "layer_activation_bits" in given:
        options["layer_activation_bits"] = dict(given["layer_activation_bits"])
    if arguments.correct is not None:
        options["corrections"] = tuple(name for name in arguments.correct.split(",") if name != "none")
    return options


def _layer_method(text: str) -> tuple[str, str]:
    layer, _, method = text.partition("=")
    if not (layer and method):
        raise argparse.ArgumentTypeError(f"{text!r} is not LAYER=METHOD")
    return layer, method


def _layer_bits(text: str) -> tuple[str, int]:
    layer, _, bits = text.partition("=")
    if not (layer and bits.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not LAYER=BITS")
    return layer, int(bits)


def add_stateful(parser: argparse.ArgumentParser) -> None:
    """Add what a model of recurrent layers takes per run."""
    parser.add_argument(
        "--stateful",
        action="store_true",
        help="one step of the sequence per run: what LSTM, GRU and RNN layers remember becomes the model's state",
    )


def add_frames(parser: argparse.ArgumentParser) -> None:
    """Add what lets a model take a camera's frames."""
    group = parser.add_argument_group("frames of a camera in place of the model's input")
    group.add_argument("--pixels", choices=FORMATS, help="what the bytes of a frame are")
    what = "height and width of the frames, of which the nearest pixels are taken; default: the model's, and --crop"
    group.add_argument("--resize", type=_size, metavar="HxW", help=what)
    what = "rows and columns of a frame that are left out: top, left, bottom, right"
    group.add_argument("--crop", type=_four, metavar="T,L,B,R", help=what)
    what = "the model was trained with (p - mean) / std, p from 0 to 255: a number, or one per channel; default: 0"
    group.add_argument("--mean", type=_numbers, metavar="M,…", help=what)
    group.add_argument("--std", type=_numbers, metavar="S,…", help="default: 1")


def frame_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of :func:`add_frames` that were given, as arguments of ``mcuq.take_frames``."""
    from mcuq.target.record import FRAMES

    options = {name: getattr(arguments, name) for name in FRAMES if getattr(arguments, name) is not None}
    if options and "pixels" not in options:
        raise UsageError(f"--{next(iter(options))} is for frames of a camera: say with --pixels what their bytes are")
    return options


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    return _count(height), _count(width)


def _four(text: str) -> tuple[int, ...]:
    numbers = tuple(map(_count, text.split(",")))
    if len(numbers) != 4:
        raise ValueError
    return numbers


def _numbers(text: str) -> tuple[float, ...]:
    numbers = tuple(map(float, text.split(",")))
    if not all(map(isfinite, numbers)):
        raise ValueError
    return numbers
