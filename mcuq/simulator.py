"""What the chip will compute, byte for byte, in numpy (contracts N2 to N5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from mcuq.plan import Plan, Step
from mcuq.tensor import Array

CHUNK_ELEMENTS = 1 << 18  # activations of about this many elements at a time stay in the cache

Progress = Callable[[int], None]
Kept = Mapping[str, Array]  # what a model remembers, [samples, elements] by the name that the state is read by


def simulate(
    plan: Plan, inputs: Mapping[str, Array], progress: Progress | None = None, kept: Kept | None = None
) -> dict[str, Array]:
    """Run samples through the plan. To a model with states they are the steps of one sequence.

    Args:
        plan: the lowered model.
        inputs: one array [samples, *shape] or [samples, elements] per model input, in the input's dtype.
        progress: called with the number of samples done so far.
        kept: what the model remembers before the first sample; None: as after a reset.

    Returns:
        One array [samples, *shape] per model output, in the output's dtype.
    """
    samples = len(next(iter(inputs.values())))
    described = [(name, plan.graph.values[name]) for name in plan.graph.outputs]
    outputs: dict[str, Array] = {name: np.empty((samples, *t.shape), t.dtype) for name, t in described}
    chunk = max(1, CHUNK_ELEMENTS // max(t.elements for t in plan.graph.values.values()))
    kept, chunk = (kept or initial(plan), 1) if plan.graph.states else ({}, chunk)
    for start in range(0, samples, chunk):
        part = {name: array[start : start + chunk] for name, array in inputs.items()}
        values, kept = _run(plan, part, kept)
        for name, array in outputs.items():
            array[start : start + chunk] = values[name].reshape(-1, *array.shape[1:])
        if progress:
            progress(min(start + chunk, samples))
    return outputs


def initial(plan: Plan) -> Kept:
    """Return what a model remembers after a reset."""
    return {state.read: plan.graph.constants[state.initial].values.reshape(1, -1) for state in plan.graph.states}


def after(plan: Plan, inputs: Mapping[str, Array]) -> Kept:
    """Return what a model remembers after the steps of a sequence, [steps, *shape] per input, from a reset."""
    kept = initial(plan)
    for step in range(len(next(iter(inputs.values()))) if kept else 0):
        _, kept = _run(plan, {name: array[step : step + 1] for name, array in inputs.items()}, kept)
    return kept


def with_states(plan: Plan, inputs: Mapping[str, Array], kept: dict[str, Array]) -> Kept:
    """Return what a model remembers before every step of a sequence, [steps, elements] by name.

    Args:
        plan: the lowered model.
        inputs: [steps, *shape] per model input.
        kept: what is remembered before the first step, or nothing; changed to what is remembered after the last.
    """
    if not plan.graph.states:
        return {}
    now: Kept = {**initial(plan), **kept}
    before: dict[str, list[Array]] = {name: [] for name in now}
    for step in range(len(next(iter(inputs.values())))):
        for name, value in now.items():
            before[name].append(value)
        _, now = _run(plan, {name: array[step : step + 1] for name, array in inputs.items()}, now)
    kept.update(now)
    return {name: np.concatenate(values) for name, values in before.items()}


def trace(plan: Plan, inputs: Mapping[str, Array], kept: Kept | None = None) -> Iterator[tuple[Step, Array]]:
    """Yield every step with its output bytes, [samples, bytes] uint8, in execution order.

    Args:
        plan: the lowered model.
        inputs: [samples, *shape] per model input.
        kept: what the model remembers before every sample; None, for one sample: as after a reset.
    """
    buffers = _start(plan, inputs, kept or initial(plan))
    for step in plan.steps:
        yield step, _step(plan, step, buffers).view(np.uint8)


def _run(plan: Plan, inputs: Mapping[str, Array], kept: Kept) -> tuple[dict[str, Array], Kept]:
    """Return the outputs, and what the model remembers now."""
    buffers = _start(plan, inputs, kept)
    for index, step in enumerate(plan.steps):
        _step(plan, step, buffers)
        for name in {_root(plan, value) for value in step.inputs} & buffers.keys():
            if plan.buffers[name].last <= index and plan.buffers[name].region != "state":
                del buffers[name]
    outputs = {name: _read(plan, name, buffers) for name in plan.graph.outputs}
    return outputs, {state.read: buffers[state.write] for state in plan.graph.states}


def _start(plan: Plan, inputs: Mapping[str, Array], kept: Kept) -> dict[str, Array]:
    """Return the buffers before the first step, [samples, elements] each: inputs, states, and constant operands."""
    buffers = {name: array.reshape(len(array), -1) for name, array in inputs.items()} | dict(kept)
    samples = len(next(iter(buffers.values())))
    for name, buffer in plan.buffers.items():
        if buffer.region == "flash":
            constant = plan.graph.constants[name].values.reshape(1, -1)
            buffers[name] = np.broadcast_to(constant, (samples, constant.size))
    return buffers


def _step(plan: Plan, step: Step, buffers: dict[str, Array]) -> Array:
    """Run a step; return its first output."""
    operands = [np.ascontiguousarray(_read(plan, name, buffers)) for name in step.inputs]
    results = step.params.run_all(*operands)
    written = [_write(plan, name, x, buffers) for name, x in zip(step.outputs, results, strict=True)]
    return written[0]


def _write(plan: Plan, name: str, integers: Array, buffers: dict[str, Array]) -> Array:
    result = np.ascontiguousarray(integers).view(plan.graph.values[name].dtype)
    root, (buffer, offset) = _root(plan, name), plan.locate(name)
    if result.nbytes == len(result) * buffer.bytes:
        buffers[root] = result
    else:  # one of several values that lie in the buffer of their concatenation
        whole = buffers.setdefault(root, np.empty((len(result), buffer.bytes), result.dtype))
        whole[:, offset : offset + result.shape[1]] = result
    return result


def _read(plan: Plan, name: str, buffers: Mapping[str, Array]) -> Array:
    """Return a value as [samples, elements]."""
    _, offset = plan.locate(name)
    return buffers[_root(plan, name)][:, offset : offset + plan.graph.tensor(name).elements]


def _root(plan: Plan, value: str) -> str:
    return plan.views[value].buffer if value in plan.views else value
