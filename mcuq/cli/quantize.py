"""``mcuq quantize``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcuq.cli.options import add_calibration, add_stateful, require_mcuq
from mcuq.cli.verb import YES, Verbs, add_model, add_verb, opened


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    example = "model.onnx --calibration X.npy --out model.mcuq"
    parser = add_verb(verbs, "quantize", "turn a float model into integers and keep them in a .mcuq file", example)
    add_model(parser)
    parser.add_argument("--out", required=True, metavar="M.mcuq", type=Path, help="holds the float model too")
    add_calibration(parser, required=True)
    add_stateful(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the archive; say what was chosen."""
    from mcuq import archive
    from mcuq.files import write_file
    from mcuq.report import show
    from mcuq.report.build import quantization
    from mcuq.verbs.forms import in_steps

    require_mcuq(arguments.out)
    model = in_steps(opened(arguments)) if arguments.stateful else opened(arguments)
    content = archive.dump(model)
    write_file(arguments.out, content)
    show(quantization(model, arguments.out, len(content)), arguments.json)
    return YES
