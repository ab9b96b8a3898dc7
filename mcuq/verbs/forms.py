"""Other forms of a model, with what lies beside it: as a stream, step by step, and behind a camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mcuq import emit
from mcuq.archive import Archive
from mcuq.data import outside
from mcuq.errors import UsageError
from mcuq.graph import Graph
from mcuq.ops.base import Op
from mcuq.ops.pixels import Pixels
from mcuq.passes.frames import frame_notes, take_frames
from mcuq.passes.stateful import stateful
from mcuq.passes.stream import stream
from mcuq.tensor import Array


def streamed(model: Archive, axis: int, frames: int = 0) -> Archive:
    """Return the streaming form of a model (:func:`mcuq.passes.stream.stream`); its samples become a sequence of calls.

    Args:
        model: quantized; a float model that it was made from is left behind.
        axis: of its input as it was trained, batch included.
        frames: per call; 0: as few as its strides allow.
    """
    found = stream(model.graph, axis, frames)
    samples = {name: _in_calls(x, 1 + found.axis, found.frames) for name, x in model.samples.items()}
    each = f"{found.frames} frame{'s' if found.frames > 1 else ''}"
    since = f"from frame {found.latency} after a reset on" if found.latency else "from the first call on"
    note = f"streams {each} per call instead of {found.whole}; outputs are the whole model's {since}"
    kept = {name: x[: emit.vector_count(found.graph)] for name, x in samples.items()}
    return Archive(found.graph, kept, notes=(*model.notes, note), classes=model.classes)


def _in_calls(x: Array, axis: int, frames: int) -> Array:
    """Cut samples [n, ...], one after the other, into calls of some frames along an axis."""
    calls = x.shape[axis] // frames
    cut = x.take(range(calls * frames), axis)
    parts = cut.reshape(*x.shape[:axis], calls, frames, *x.shape[axis + 1 :])
    return np.moveaxis(parts, axis, 1).reshape(-1, *x.shape[1:axis], frames, *x.shape[axis + 1 :])


def in_steps(model: Archive) -> Archive:
    """Return a model that takes one step of its sequence per run; its self-test is the first sequence.

    The float model takes whole sequences, and is left out.
    """
    graph, samples = stateful(model.graph), {}
    for name, x in model.samples.items():
        (before, after) = (g.values[name].shape for g in (model.graph, graph))
        axis = next((k for k, (a, b) in enumerate(zip(before, after, strict=True)) if a != b), None)
        steps = x if axis is None else np.moveaxis(x[0], axis, 0).reshape(before[axis], *after)
        samples[name] = np.ascontiguousarray(steps[: emit.vector_count(graph)])
    note = f"stateful: one step per run, {sum(graph.values[s.read].bytes for s in graph.states)} bytes remembered"
    return replace(model, graph=graph, samples=samples, source=None, notes=(*model.notes, note))


def behind_camera(model: Archive, options: Mapping[str, Any]) -> Archive:
    """Return a model that takes a camera's frames (:func:`mcuq.passes.frames.take_frames`).

    Its self-test has frames of noise; a float model that it was made from takes no frames, and is left behind.

    Args:
        model: quantized.
        options: arguments of :func:`mcuq.passes.frames.take_frames`, by name.
    """
    try:
        graph = take_frames(model.graph, **options)
    except TypeError as error:  # of a record that somebody changed
        raise UsageError(f"frames cannot be taken with {dict(options)}: {error}") from None
    notes = (*model.notes, *frame_notes(graph), *_beyond(graph, graph.nodes[0].op))
    return Archive(graph, notes=notes, classes=model.classes)


def _beyond(graph: Graph, op: Op) -> list[str]:
    """Return a line where many of the bytes become real values beyond what the model's input can hold."""
    assert isinstance(op, Pixels)
    made = graph.values[graph.nodes[0].outputs[0]]
    real = (np.arange(256.0)[:, None] - np.array(op.mean)) / np.array(op.std)
    return list(outside(real, made, "pixels, as --mean and --std (in bytes, 0 to 255) have them"))
