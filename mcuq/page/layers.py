"""Layers one by one: what they are, what they cost, which kernel serves them and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc

from mcuq.fit import footprint
from mcuq.fit.latency import Latency, LayerTime
from mcuq.graph import Graph, Node
from mcuq.plan import Plan, Step

NEEDS = {  # what a family of kernels is for
    "s3": "the ESP32-S3's vector unit",
    "mac16": "the MAC16 multiplier of Xtensa cores",
    "r16": "two 16-bit sums in one of 16 registers",
    "lanes": "two 16-bit sums in a 32-bit register",
    "portable": "plain C",
}
MOVES = ("rows", "slide", "concatenation", "pixel_sums")  # what strips add beside a layer
NO_STEP = "nothing is computed: the bytes lie where they are needed"


@dataclass(frozen=True)
class Facts:
    """What a layer is, whatever runs it: operator, output shape, bits of its weights, constants, multiplications."""

    op: str
    shape: tuple[int, ...]
    bits: int | None
    parameters: int
    macs: int


@dataclass(frozen=True)
class Row:
    """A layer on a board.

    ``flash`` counts its own constants, those that it shares with an earlier layer not. ``instructions`` are counted on
    the emulated chip, ``estimated`` are those by estimate, ``milliseconds`` an estimate too, or measured; each is None
    where it is not known.
    """

    name: str
    facts: Facts
    kernels: tuple[str, ...]
    why: str
    how: str
    steps: int
    flash: int
    instructions: int | None = None
    estimated: int | None = None
    milliseconds: float | None = None


def facts(graph: Graph, node: Node) -> Facts:
    """Return what a layer of a model is."""
    constants = [graph.constants[name] for name in node.inputs if name in graph.constants]
    shapes = [graph.tensor(name).shape for name in node.inputs]
    return Facts(
        node.op.name,
        graph.values[node.outputs[0]].shape,
        constants[0].bits if constants else None,
        sum(constant.elements for constant in constants),
        node.op.macs(*shapes),
    )


def rows(
    graph: Graph, plan: Plan, counted: Mapping[str, int] | None = None, time: Latency | None = None
) -> tuple[Row, ...]:
    """Return the layers in execution order, and after them what the plan computes beside them.

    Args:
        graph: the model as it was given.
        plan: what the chip executes of it.
        counted: instructions by step; None: they were not counted.
        time: of an inference, step by step; None: it is not known.
    """
    steps: dict[str, list[Step]] = {}
    for step in plan.steps:
        steps.setdefault(plan.strips.layers.get(step.name, step.name), []).append(step)
    flash = footprint.constants_by_step(plan)
    spent = {layer.name: layer for layer in time.layers} if time else {}
    described = {node.name: facts(graph, node) for node in graph.nodes}
    for name in [name for name in steps if name not in described]:
        step = steps[name][-1]
        described[name] = Facts(step.op.name, plan.graph.values[step.outputs[0]].shape, None, 0, 0)

    def row(name: str) -> Row:
        own = steps.get(name, [])
        return Row(
            name,
            described[name],
            tuple(dict.fromkeys(step.params.kernel for step in own)),
            _why(plan, graph, name, own),
            _how(own),
            len(own),
            sum(flash[step.name] for step in own),
            None if counted is None else sum(counted.get(step.name, 0) for step in own),
            sum(spent[step.name].instructions for step in own) if all(step.name in spent for step in own) else None,
            _milliseconds(time, [spent[step.name] for step in own if step.name in spent]),
        )

    return tuple(map(row, described))


def _milliseconds(time: Latency | None, spent: Sequence[LayerTime]) -> float | None:
    """Return the time of a layer's steps; None where the whole's is but a range."""
    if not time or not time.clock or (time.basis != "measured" and time.error is None):
        return None
    return 1000 * sum(step.cycles for step in spent) / time.clock


def family(step: Step) -> str:
    """Return the family of a step's kernel: the folder that its parameters are defined in; "portable": of none."""
    room, *rest = type(step.params).__module__.split(".")[1:]
    return rest[0] if room == "kernels" else "portable"


def _main(steps: Sequence[Step]) -> Step:
    """Return the step that stands for a layer's strips: one that computes, not one that moves rows."""
    return next((step for step in steps if step.op.name not in MOVES), steps[0])


def _why(plan: Plan, graph: Graph, name: str, steps: Sequence[Step]) -> str:
    if not steps:
        return NO_STEP
    taken = family(_main(steps))
    said = [_rank(plan.families, taken)]
    if bits := _few_bits(graph, name):
        said.append(bits)
    if plan.speedup and name in plan.speedup.layers:
        said.append("--speed trades flash for instructions here")
    if plan.speedup and name in plan.speedup.kept_back:
        said.append("a faster one has no room left")
    if len(steps) > 1:
        said.append(f"{len(steps)} calls, strips of rows to save memory")
    return "; ".join(said)


def _rank(families: Sequence[str], taken: str) -> str:
    """Say why a family: it is the first of the chip's that takes the layer."""
    before = [name for name in families if name in NEEDS]
    if taken not in before:
        return f"no kernel of {_listed(before)} takes it: {NEEDS['portable']}" if before else NEEDS["portable"]
    passed = before[: before.index(taken)]
    said = f"no kernel of {_listed(passed)} takes it" if passed else "the chip's first choice"
    return f"{NEEDS[taken]}: {said}"


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names)


def _few_bits(graph: Graph, name: str) -> str:
    node = next((node for node in graph.nodes if node.name == name), None)
    weights = [graph.constants[n] for n in node.inputs[1:2] if n in graph.constants] if node else []
    if not weights or weights[0].bits == 8:
        return ""
    stored = "indices of a codebook" if weights[0].codebook is not None else "integers"
    return f"weights are {stored} of {weights[0].bits} bit{'s' * (weights[0].bits > 1)}"


def _how(steps: Sequence[Step]) -> str:
    """Return the first sentence of what a kernel's parameters say of it."""
    text = cleandoc(type(_main(steps).params).__doc__ or "") if steps else ""
    return " ".join(text.split("\n\n")[0].split()).removeprefix("Portable kernel: ")
