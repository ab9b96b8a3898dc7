"""Runs of a model that remembers: the steps of a sequence, from its beginning, over a line that loses things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from mcuq.engines.device import Device, OutOfSequenceError, Run
from mcuq.errors import McuqError
from mcuq.tensor import Array

ATTEMPTS = 4
T = TypeVar("T")


def run_sequence(device: Device, model: int, rows: Array) -> Iterator[Run]:
    """Run all steps of a sequence, [steps, bytes of all inputs], from a reset.

    Raises:
        McuqError: the firmware has restarted and is another one now.
        OutOfSequenceError: it loses its place again and again.
    """
    hello = device.hello(model)
    for position in range(len(rows)):
        restarts = device.restarts
        yield at_last(device, model, rows[: position + 1], partial(device.run, model), is_there=True)
        if device.restarts != restarts and device.hello(model) != hello:
            raise McuqError("the firmware was exchanged while a sequence was running")


def at_last(
    device: Device, model: int, rows: Array, request: Callable[[bytes, int], T], *, is_there: bool = False
) -> T:
    """Make a request for the last step of a sequence, after those before it.

    Args:
        device: the firmware.
        model: its index there.
        rows: [steps, bytes of all inputs].
        request: takes a step's inputs and position.
        is_there: whether the steps before have just been run, unless the firmware says otherwise.

    Raises:
        OutOfSequenceError: the firmware loses its place again and again.
    """
    last = len(rows) - 1
    for attempt in range(ATTEMPTS):
        try:
            for position in range(last if is_there and attempt == 0 else 0, last):
                device.run(model, rows[position].tobytes(), position)
            return request(rows[last].tobytes(), last)
        except OutOfSequenceError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError
