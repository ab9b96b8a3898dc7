"""``mcuq simulate``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mcuq.cli.options import add_classes, add_reading
from mcuq.cli.verb import YES, Verbs, add_model, add_verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcuq.tensor import Array


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    example = "model.tflite --input X.npy --output Y.npy"
    parser = add_verb(verbs, "simulate", "compute the integers the chip will compute", example)
    add_model(parser)
    parser.add_argument("--input", required=True, metavar="X.npy", type=Path, help="samples; .npz: key X, labels Y")
    parser.add_argument("--output", metavar="Y.npy", type=Path, help="where the outputs go; several outputs: .npz")
    parser.add_argument("--board", metavar="B", help="use that board's kernels (same bytes); default: the project's")
    engines = ["numpy", "host", "rv32", "xtensa", "s3"]
    parser.add_argument("--engine", choices=engines, default="numpy", help="numpy, or C: on the host, an emulated chip")
    parser.add_argument("--float", action="store_true", help="write real values instead of integers")
    add_reading(parser)
    add_classes(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate every sample; write the outputs."""
    from mcuq import data, loading, pipeline, simulator, verification
    from mcuq.report import show
    from mcuq.report.progress import progress
    from mcuq.report.runs import simulation
    from mcuq.samples import judging
    from mcuq.samples.task import find_task

    model = loading.open_model(arguments.model, load_timeout=arguments.load_timeout)
    graph, plan = model.graph, pipeline.compile_recorded(model, arguments.board)
    samples = data.read_samples(arguments.input, graph, arguments.samples)
    classes = arguments.classes or samples.classes or model.classes
    task = find_task(graph, samples.labels, classes, f"{arguments.input}: labels")
    with progress("simulating", len(samples)) as advance:
        if arguments.engine == "numpy":
            outputs: Mapping[str, Array] = simulator.simulate(plan, samples.inputs, advance)
        else:
            outputs = verification.simulate_on(arguments.engine, plan, samples.inputs, advance).outputs
    if arguments.output:
        data.write_outputs(arguments.output, graph, outputs, arguments.float)
    judged = judging.judge_integers(task, graph, samples.inputs, samples.labels, outputs) if task else None
    show(simulation(graph, samples, judged, arguments.engine, arguments.output), arguments.json)
    return YES
