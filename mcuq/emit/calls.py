"""The kernel calls of a model as C: addresses, and loops over turns that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcuq.emit.border import borders
from mcuq.plan import Plan, root_of
from mcuq.plan.loops import Loop, Place, loops, place_of
from mcuq.plan.tables import distinct_params
from mcuq.tensor import QConstant, QTensor

REGIONS = ("arena", "state")  # of the model's own memory
TURN = "turn"  # the C variable that counts them


def loops_of_calls(plan: Plan) -> list[dict[str, Any]]:
    """Describe for the template every kernel call in its order, and what is done several times."""
    params = distinct_params(plan)
    return [
        {
            "turns": loop.turns,
            "calls": [_call(plan, loop, index, params[plan.steps[index].name]) for index in loop.steps],
        }
        for loop in loops(plan)
    ]


def _call(plan: Plan, loop: Loop, index: int, params: str) -> dict[str, Any]:
    """Describe one kernel call for the template; ``params`` is the name of its parameters."""
    step, graph = plan.steps[index], plan.graph
    values = (*step.inputs, *step.outputs)
    moves = loop.moves[index - loop.first]
    addresses = [_address(plan, value, move) for value, move in zip(values, moves, strict=False)]
    operands, outputs = addresses[: len(step.inputs)], addresses[len(step.inputs) :]
    if step.params.variadic:
        operands = [f"(const int8_t *const[]){{{', '.join(operands)}}}"]
    scratch = _written(place_of(plan, step.scratch), moves[-1]) if step.scratch else "NULL"
    shapes = [_shape(graph.tensor(value)) for value in step.inputs]
    return {
        "index": f"{index} + {loop.length} * {TURN}" if loop.turns > 1 else index,
        "kernel": step.params.kernel,
        "arguments": ", ".join([f"&{params}", *operands, *outputs, scratch]),
        "output": outputs[0],
        "bytes": graph.values[step.outputs[0]].bytes,
        "comment": f"{step.name}: {' , '.join(shapes)} -> {_shape(graph.values[step.outputs[0]])}",
    }


def _shape(tensor: QTensor | QConstant) -> str:
    return f"({', '.join(str(d) for d in tensor.shape)})"


def _address(plan: Plan, value: str, move: int) -> str:
    """Return the C expression of a value's first byte."""
    place = place_of(plan, value)
    own = place.base in REGIONS
    if not own and plan.buffers[place.base].region != "flash":
        place = place._replace(base=_argument(plan, place.base))
    address = _written(place, move, always=own)
    tensor = plan.graph.tensor(value)
    is_wide = isinstance(tensor, QTensor) and tensor.dtype == "int16" and own
    return f"(int16_t *)({address})" if is_wide else address


def _written(place: Place, move: int, *, always: bool = True) -> str:
    """Return an address in C; ``always``: with what is added to it, though it be 0."""
    terms: Sequence[str] = [
        place.base,
        *([str(place.offset)] if place.offset or (always and not move) else []),
        *([f"{abs(move)} * {TURN}"] if move else []),
    ]
    if move < 0:
        return f"{' + '.join(terms[:-1])} - {terms[-1]}"
    return " + ".join(terms)


def _argument(plan: Plan, root: str) -> str:
    """Return the C name of a buffer of the caller's."""
    inputs, outputs = borders(plan.graph)
    for name, border in (*zip(plan.graph.inputs, inputs, strict=True), *zip(plan.graph.outputs, outputs, strict=True)):
        if root_of(name, plan.views) == root:
            return border.argument
    raise AssertionError(f"{root} lies in no border")
