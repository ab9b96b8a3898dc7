"""What the chip will compute, byte for byte, in numpy (contracts N2 to N5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from mcuq.plan import Plan, Step
from mcuq.tensor import Array

CHUNK_ELEMENTS = 1 << 18  # activations of about this many elements at a time stay in the cache

Progress = Callable[[int], None]


def simulate(plan: Plan, inputs: Mapping[str, Array], progress: Progress | None = None) -> dict[str, Array]:
    """Run samples through the plan.

    Args:
        plan: the lowered model.
        inputs: one array [samples, *shape] or [samples, elements] per model input, in the input's dtype.
        progress: called with the number of samples done so far.

    Returns:
        One array [samples, *shape] per model output, in the output's dtype.
    """
    samples = len(next(iter(inputs.values())))
    described = [(name, plan.graph.values[name]) for name in plan.graph.outputs]
    outputs: dict[str, Array] = {name: np.empty((samples, *t.shape), t.dtype) for name, t in described}
    chunk = max(1, CHUNK_ELEMENTS // max(t.elements for t in plan.graph.values.values()))
    for start in range(0, samples, chunk):
        part = {name: array[start : start + chunk] for name, array in inputs.items()}
        values = _run(plan, part)
        for name, array in outputs.items():
            array[start : start + chunk] = values[name].reshape(-1, *array.shape[1:])
        if progress:
            progress(min(start + chunk, samples))
    return outputs


def trace(plan: Plan, inputs: Mapping[str, Array]) -> Iterator[tuple[Step, Array]]:
    """Yield every step with its output bytes, [samples, bytes] uint8, in execution order."""
    values = {name: array.reshape(len(array), -1) for name, array in inputs.items()}
    for step in plan.steps:
        result = _step(plan, step, values)
        yield step, result.view(np.uint8)


def _run(plan: Plan, inputs: Mapping[str, Array]) -> dict[str, Array]:
    values = {name: array.reshape(len(array), -1) for name, array in inputs.items()}
    for index, step in enumerate(plan.steps):
        _step(plan, step, values)
        for name in {_root(plan, value) for value in step.inputs} & values.keys():
            if plan.locate(name)[0].last <= index:
                del values[name]
    return {name: _value(plan, name, values) for name in plan.graph.outputs}


def _step(plan: Plan, step: Step, values: dict[str, Array]) -> Array:
    samples = len(next(iter(values.values())))
    operands = [_value(plan, name, values, samples) for name in step.inputs]
    output = step.outputs[0]
    result = np.ascontiguousarray(step.params.run(*operands)).view(plan.graph.values[output].dtype)
    values[_root(plan, output)] = result
    return result


def _root(plan: Plan, value: str) -> str:
    return plan.views[value].buffer if value in plan.views else value


def _value(plan: Plan, name: str, values: Mapping[str, Array], samples: int = 1) -> Array:
    """Return a value as [samples, elements]; a constant operand is repeated for every sample."""
    root = _root(plan, name)
    if root in values:
        return values[root]
    constant = plan.graph.constants[root].values.reshape(1, -1)
    return np.repeat(constant, samples, axis=0)
