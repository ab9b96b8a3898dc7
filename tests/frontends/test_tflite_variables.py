"""Variables of TFLite files against TensorFlow Lite Micro, and what is wrong with them."""

import numpy as np
import pytest
from oracle import assert_equals_tflm, read
from tflite_builder import ModelBuilder

from mcuq.errors import McuqError

SCALE, ZERO = 0.05, 3


class Model:
    """A model with one input and variables of its shape; ``before`` is the graph that gives them values."""

    def __init__(self, shape=(1, 2, 5)):
        self.builder = ModelBuilder()
        self.shape = shape
        self.main = self.builder.graph
        self.x = self.value("x")
        self.builder.begin_graph()
        self.before = self.builder.graph
        self.builder.graph = self.main
        self.builder.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
        self.handles: dict[str, int] = {}

    def value(self, name=None) -> int:
        return self.builder.tensor(self.shape, scale=SCALE, zero_point=ZERO, name=name)

    def handle(self, name: str) -> int:
        handle = self.builder.tensor([], "resource")
        self.builder.op("VAR_HANDLE", [], [handle], "VarHandleOptions", sharedName=name.encode(), container=b"")
        return handle

    def variable(self, name: str, initial: np.ndarray | None) -> None:
        """Declare a variable in the main graph, and give it a value in the other."""
        self.handles[name] = self.handle(name)
        if initial is not None:
            self.builder.graph = self.before
            value = self.builder.tensor(initial.shape, scale=SCALE, zero_point=ZERO, data=initial)
            self.builder.op("ASSIGN_VARIABLE", [self.handle(name), value], [], "AssignVariableOptions")
            self.builder.graph = self.main

    def read(self, name: str) -> int:
        out = self.value()
        self.builder.op("READ_VARIABLE", [self.handles[name]], [out], "ReadVariableOptions")
        return out

    def write(self, name: str, value: int) -> None:
        self.builder.op("ASSIGN_VARIABLE", [self.handles[name], value], [], "AssignVariableOptions")

    def add(self, a: int, b: int) -> int:
        out = self.value()
        self.builder.op("ADD", [a, b], [out], "AddOptions")
        return out

    def finish(self, *outputs: int) -> bytes:
        return self.builder.finish([self.x], outputs)


def noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-128, 128, shape).astype(np.int8)


def running_sum(rng: np.random.Generator) -> bytes:
    model = Model()
    model.variable("total", noise(rng, 1, 2, 5))
    total = model.add(model.read("total"), model.x)
    model.write("total", total)
    return model.finish(model.add(total, model.x))


def test_n5_running_sum(rng):
    assert_equals_tflm(running_sum(rng), noise(rng, 20, 1, 2, 5))


def test_n5_a_delay_of_two_steps(rng):
    model = Model()
    model.variable("last", noise(rng, 1, 2, 5))
    model.variable("before", np.full((1, 2, 5), ZERO, np.int8))
    last, before = model.read("last"), model.read("before")
    out = model.add(before, last)
    model.write("before", last)
    model.write("last", model.x)

    assert_equals_tflm(model.finish(out), noise(rng, 20, 1, 2, 5))


def test_n5_what_was_written_is_what_is_read_after(rng):
    model = Model()
    model.variable("v", noise(rng, 1, 2, 5))
    first = model.add(model.read("v"), model.x)
    model.write("v", first)
    out = model.add(model.read("v"), model.read("v"))

    assert len(read(model.finish(out)).states) == 1
    assert_equals_tflm(model.finish(out), noise(rng, 20, 1, 2, 5))


def test_n5_a_variable_that_is_never_written_stays(rng):
    model = Model()
    model.variable("constant", noise(rng, 1, 2, 5))

    assert_equals_tflm(model.finish(model.add(model.read("constant"), model.x)), noise(rng, 5, 1, 2, 5))


def test_a_variable_that_is_written_first_is_no_state(rng):
    model = Model()
    model.variable("scratch", None)
    model.write("scratch", model.add(model.x, model.x))
    out = model.add(model.read("scratch"), model.x)

    assert read(model.finish(out)).states == ()
    assert_equals_tflm(model.finish(out), noise(rng, 5, 1, 2, 5))


def test_states_are_named_after_their_variables(rng):
    (state,) = read(running_sum(rng)).states

    assert (state.read, state.write, state.initial) == ("total", "add_3", "total_initial")


def _read_before_it_is_written(model: Model) -> int:
    model.variable("total", None)
    out = model.add(model.read("total"), model.x)
    model.write("total", out)
    return out


def _two_writers(model: Model) -> int:
    model.variable("total", np.zeros((1, 2, 5), np.int8))
    out = model.add(model.read("total"), model.x)
    model.write("total", out)
    model.write("total", model.x)
    return out


def _another_shape(model: Model) -> int:
    model.variable("total", np.zeros((1, 2, 4), np.int8))
    return model.add(model.read("total"), model.x)


def _another_scale(model: Model) -> int:
    model.variable("total", np.zeros((1, 2, 5), np.int8))
    model.read("total")
    out = model.builder.tensor(model.shape, scale=2 * SCALE, zero_point=ZERO)
    model.builder.op("ADD", [model.x, model.x], [out], "AddOptions")
    model.write("total", out)
    return out


def _computed_at_the_start(model: Model) -> int:
    model.variable("total", np.zeros((1, 2, 5), np.int8))
    model.builder.graph = model.before
    model.builder.op("ADD", [1, 1], [model.value()], "AddOptions")
    model.builder.graph = model.main
    return model.add(model.read("total"), model.x)


def _no_variable(model: Model) -> int:
    model.handles["total"] = model.x
    return model.add(model.read("total"), model.x)


def _no_such_graph(model: Model) -> int:
    model.builder.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=7)
    return model.add(model.x, model.x)


MISTAKES = {
    _read_before_it_is_written: "variable 'total' is read before it is ever written; export it with its initial value",
    _two_writers: "variable 'total' is written twice in one run",
    _another_shape: r"variable 'total' is read as .*int8\[1, 2, 5\], its initial value is .*int8\[1, 2, 4\]",
    _another_scale: "state total is .* of scale 0.05 and zero point 3, what is written to it .* of scale 0.1",
    _computed_at_the_start: "operator 2 ADD at the start; only variables can be given initial values there",
    _no_variable: "operator 1 READ_VARIABLE: its operand 0 is no variable",
    _no_such_graph: "operator 1 CALL_ONCE: refers to graph 7 of 2",
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda f: f.__name__.strip("_"))
def test_one_line_says_what_is_wrong(mistake, run, tmp_path):
    model = Model()
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish(mistake(model)))
    with pytest.raises(McuqError, match=MISTAKES[mistake]):
        read(path.read_bytes())
    status, _, err = run("check", path, "--board", "esp32dev")

    assert status == 2
    assert len(err.splitlines()) == 1
