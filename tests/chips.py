"""Layers as plans lower them for a chip, with its families of kernels."""

from collections.abc import Sequence

from mcuq.kernels import GENERIC, chosen
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Op, Operand, Params
from mcuq.resources import resource
from mcuq.target.chip import load_chip
from mcuq.tensor import QTensor


def families(chip: str = "generic") -> tuple[str, ...]:
    return GENERIC if chip == "generic" else load_chip(chip).kernels


def chips_with(family: str) -> list[str]:
    """A chip of each kind that lists a family of kernels; at least one.

    Two chips are of one kind if they have the same instructions and families: a layer's kernel depends on nothing else.
    """
    names = sorted(path.stem for path in (resource("boards") / "chips").glob("*.toml"))
    kinds = {(load_chip(name).isa, families(name)): name for name in reversed(names) if family in families(name)}
    assert kinds, family
    return sorted(kinds.values())


def chips_led_by(family: str) -> list[str]:
    """Every chip whose best family of kernels it is: no other takes a layer first; at least one."""
    found = [name for name in chips_with(family) if families(name)[0] == family]
    assert found, family
    return found


def kernel_for(op: Op, inputs: Sequence[Operand], output: QTensor, chip: str = "generic") -> Params:
    """Return the kernel of a layer whose buffers are the caller's."""
    return chosen(Layer(op.lower(inputs, output), inputs, at_border=True), families(chip))
