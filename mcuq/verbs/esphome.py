"""A model in ESPHome: what the component in ``esphome/components/mcuq`` asks of one, and the C that it compiles.

The component may come from another checkout than the mcuq that is installed beside ESPHome: ``INTERFACE`` counts up
when they would not understand each other, in Python or in C++.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mcuq import emit
from mcuq.archive import Archive
from mcuq.emit.classes import named
from mcuq.emit.esphome import esphome_sources
from mcuq.emit.library import kernel_folders
from mcuq.emit.names import meaning
from mcuq.errors import CannotQuantizeError, UsageError
from mcuq.fit.chains import planned
from mcuq.graph import identifier
from mcuq.loading import read_model
from mcuq.passes.fold_constant_channels import fold_constant_channels
from mcuq.plan.builder import ANY_CHIP
from mcuq.resources import resource
from mcuq.target.chip import load_chip
from mcuq.target.setup import Setup

INTERFACE = 1
SETUP = Setup(io_in_arena=True)  # which all models share: what one has for itself would be in memory beside it


@dataclass(frozen=True, eq=False)
class Embedded:
    """A quantized model with one input and one output, called in C as its component is in YAML."""

    content: Archive

    @property
    def inputs(self) -> int:
        """Elements of the input, in the order of their bytes: images row by row, channels innermost."""
        return self.content.graph.values[self.content.graph.inputs[0]].elements

    @property
    def outputs(self) -> int:
        """Elements of the output."""
        return self.content.graph.values[self.content.graph.outputs[0]].elements

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the outputs; none: they are called by their numbers."""
        return self.content.classes

    @property
    def tells_classes(self) -> bool:
        """Whether the output is one vector, whose largest element names a class, or one number: yes or no."""
        graph = self.content.graph
        return (1, *graph.values[graph.outputs[0]].shape)[-1] == self.outputs


def read_embedded(path: Path, name: str) -> Embedded:
    """Read a model's file.

    Args:
        path: a ``.mcuq`` file, or any other quantized one that mcuq reads.
        name: for it in C.

    Raises:
        McuqError: for a file that is none, a float model, one with several inputs or outputs, or a name that cannot be.
    """
    if found := meaning(name) or ("no lower-case C identifier" if identifier(name) != name else ""):
        raise UsageError(f"{name!r} cannot name a model in C: it is {found}; choose another id")
    content = read_model(path)
    if not isinstance(content, Archive):
        remedy = f"mcuq quantize {path.name} --calibration SAMPLES --out {path.stem}.mcuq"
        raise CannotQuantizeError(f"{path}: is a float model; make integers of it first: {remedy}")
    graph = replace(content.graph, name=name)
    if len(graph.inputs) > 1 or len(graph.outputs) > 1:
        counts = f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs"
        raise UsageError(f"{path}: has {counts}; the component runs models with one of each")
    named(graph, content.classes)
    return Embedded(Archive(graph, classes=content.classes))


def families(chip: str, assembly: bool) -> tuple[str, ...]:
    """Return the families of kernels for a chip, the best first.

    Args:
        chip: as ESP-IDF calls it, "esp32s3"; one that mcuq has no file of has those of any chip.
        assembly: whether the build compiles files in assembly.
    """
    if not (resource("boards") / "chips" / f"{chip}.toml").is_file():
        return ANY_CHIP
    in_assembly = {folder.name for folder in kernel_folders() if any(folder.glob("*.S"))}
    return tuple(family for family in load_chip(chip).kernels if assembly or family not in in_assembly)


def embedded_sources(models: Sequence[Embedded], chip: str, *, assembly: bool) -> Mapping[str, bytes]:
    """Return the files, by their names in one folder, that ESPHome compiles for its models.

    Args:
        models: with different names. They share one arena, since one runs after the other.
        chip: see :func:`families`.
        assembly: see :func:`families`.
    """
    return esphome_sources([_built(model.content, families(chip, assembly)) for model in models])


def _built(content: Archive, kernels: tuple[str, ...]) -> emit.Built:
    plan = planned(fold_constant_channels(content.graph), kernels, SETUP)
    samples = {name: x[:1] for name, x in emit.self_test_inputs(plan).items()}  # of the vectors that stay out
    return emit.Built(plan, replace(content, samples=samples))
