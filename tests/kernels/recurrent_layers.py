"""Recurrent layers portable and for a chip, on the same inputs: what the tests of GRU and RNN kernels share."""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from chips import families
from harness import Case

from mcuq.kernels import chosen, layer
from mcuq.ops.base import Params

LARGEST = (4, 40, 24)  # steps, inputs and units of layers drawn at random


class Recurrent(Protocol):
    """A layer of ``gru_layers`` or ``rnn_layers``."""

    def params(self) -> Any: ...
    def samples(self, count: int) -> list[np.ndarray]: ...


def served(params: Params, chip: str) -> Params:
    return chosen(layer.Layer(params, (), at_border=False), families(chip))


def pair(made: Recurrent, chip: str, changed: Callable[[Any], Any], count: int = 4) -> tuple[Case, Case]:
    """Return the same inputs for the portable kernel and for the chip's."""
    params, inputs = changed(made.params()), made.samples(count)
    return Case(params, inputs), Case(served(params, chip), inputs)


def with_smaller_weights(params: Any, powers: int) -> Any:
    """The same with weights some powers of two smaller, and products as large as before."""
    if not powers:
        return params
    return dataclasses.replace(
        params,
        weights=params.weights // (1 << powers),
        recurrent=params.recurrent // (1 << powers),
        shift=params.shift + np.int8(powers),
        recurrent_shift=params.recurrent_shift + np.int8(powers),
    )


def quiet(params: Any) -> Any:
    """The same with products that are right shifts: MAC16 serves no others."""
    shift, recurrent_shift = (np.minimum(s, np.int8(-1)) for s in (params.shift, params.recurrent_shift))
    return dataclasses.replace(params, shift=shift, recurrent_shift=recurrent_shift)


def drawn(rng: np.random.Generator, least: Sequence[int], count: int = 15) -> Iterator[tuple[dict[str, int], int]]:
    """Yield sizes of layers, and a seed for each."""
    for _ in range(count):
        steps, inputs, units = (int(n) for n in rng.integers(least, LARGEST))
        yield {"steps": steps, "inputs": inputs, "units": units}, int(rng.integers(1 << 30))


def assert_same_outputs(portable: Case, case: Case) -> None:
    for wanted, got in zip(portable.outputs, case.outputs, strict=True):
        np.testing.assert_array_equal(got, wanted)


def assert_packing_error_is_seen(portable: Case, case: Case, member: str) -> None:
    broken = dataclasses.replace(case.params, **{member: np.roll(getattr(case.params, member), 1)})
    assert not np.array_equal(broken.run(*case.inputs), portable.outputs[0])


def instructions(case: Case, engine: str) -> int:
    """Return the instructions of the first sample on an emulated chip."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    import bench_layer

    return bench_layer.instructions(case.params, *(x[:1] for x in case.inputs), engine=engine)
