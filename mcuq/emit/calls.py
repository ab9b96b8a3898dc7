"""The kernel calls of a model as C: addresses, and loops over turns that are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcuq.emit.border import borders
from mcuq.plan import Plan, root_of
from mcuq.plan.arrivals import is_arrival, stages
from mcuq.plan.loops import Loop, Place, loops, place_of
from mcuq.plan.tables import distinct_params
from mcuq.tensor import QConstant, QTensor

REGIONS = ("arena", "state")  # of the model's own memory
TURN = "turn"  # the C variable that counts them


def loops_of_calls(plan: Plan) -> list[dict[str, Any]]:
    """Describe for the template every kernel call in its order, and what is done several times."""
    params = distinct_params(plan)
    return [_loop(plan, loop, params) for loop in loops(plan)]


def _loop(plan: Plan, loop: Loop, params: Mapping[str, str]) -> dict[str, Any]:
    return {"turns": loop.turns, "calls": _calls(plan, loop, loop.steps, params)}


def _calls(plan: Plan, loop: Loop, steps: Sequence[int], params: Mapping[str, str]) -> list[dict[str, Any]]:
    """Describe some steps of a loop."""
    return [_call(plan, loop, index, params[plan.steps[index].name]) for index in steps]


def stages_of_calls(plan: Plan) -> list[dict[str, Any]]:
    """Describe for the template what is computed between arrivals of rows, in its order.

    Each is one stage, or several that come again in the same way: ``parts`` of ``turns``, from stage ``first`` to the
    one before ``end``. A part has the loops of its calls, and the rows that it then waits for.
    """
    params, cut = distinct_params(plan), stages(plan)
    number = {steps.start: stage for stage, steps in enumerate(cut) if steps}  # only the first may have no steps
    found: dict[int, dict[str, Any]] = {}

    def following(stage: int, loop: Loop | None = None) -> dict[str, Any] | None:
        return _next(plan, cut[stage].stop, loop)

    if not cut[0]:
        found[0] = {"first": 0, "end": 1, "turns": 1, "parts": [{"loops": [], "next": following(0)}]}
    for loop in loops(plan):
        within = [stage for start, stage in number.items() if start in loop.steps]
        if loop.turns > 1 and is_arrival(plan.steps[loop.first]):
            parts = [
                {
                    "loops": [{"turns": 1, "calls": _calls(plan, loop, cut[stage], params)}],
                    "next": following(stage, loop),
                }
                for stage in within
            ]
            end = within[0] + len(parts) * loop.turns
            found[within[0]] = {"first": within[0], "end": end, "turns": loop.turns, "parts": parts}
        elif within:
            here = {"loops": [_loop(plan, loop, params)], "next": following(within[0])}
            found[within[0]] = {"first": within[0], "end": within[0] + 1, "turns": 1, "parts": [here]}
        else:
            found[max(found)]["parts"][0]["loops"].append(_loop(plan, loop, params))
    return list(found.values())


def _next(plan: Plan, index: int, loop: Loop | None) -> dict[str, Any] | None:
    """Describe the rows that arrive in a step: how many, and where they go; None behind the last step."""
    if index == len(plan.steps):
        return None
    output = plan.steps[index].outputs[0]
    place = place_of(plan, output)
    move = place_of(plan, plan.steps[index + loop.length].outputs[0]).offset - place.offset if loop else 0
    to = f"{place.offset} {'-' if move < 0 else '+'} {abs(move)} * {TURN}" if move else str(place.offset)
    return {"rows": plan.graph.values[output].shape[1], "to": to}


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
        "kernel": "" if is_arrival(step) else step.params.kernel,
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
