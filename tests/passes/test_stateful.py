"""One step per run: the bytes of the whole sequence, of every kind of layer, in the simulator and in C."""

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from recurrent_nets import GATES, STEPS, onnx_layer
from requirements import require

import mcuq
from mcuq import archive
from mcuq.archive import Archive
from mcuq.cli import main
from mcuq.engines.host import build_host
from mcuq.errors import UnsupportedOperatorError, UsageError
from mcuq.float_graph import FloatGraph
from mcuq.frontends.onnx import graph_of
from mcuq.graph import Node
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.gru import Gru
from mcuq.ops.lstm import Lstm
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.rnn import Rnn
from mcuq.ops.slice import Slice
from mcuq.ops.softmax import Softmax
from mcuq.passes.prepare import prepare
from mcuq.simulator import simulate
from mcuq.verbs.forms import in_steps

INPUTS, UNITS = 3, 5
LAYERS = {"lstm": (Lstm(), 4), "gru": (Gru(), 3), "gru_before": (Gru(reset_after=False), 3), "rnn": (Rnn(), 1)}


def network(rng, kind, tail, first=0.0) -> FloatGraph:
    """Two recurrent layers and what ``tail`` says, a node each: (op, *operands), where "" is the one before."""
    (op, gates), shapes, constants, nodes = LAYERS[kind], {"x": (1, STEPS, INPUTS)}, {}, []

    def real(name, *shape):
        constants[name] = rng.normal(0, 0.6, shape).astype(np.float32)
        return name

    last = "x"
    for layer, size in enumerate((INPUTS, UNITS)):
        channels, own = gates * UNITS, f"layer_{layer}"
        states = [f"{own}_first_{k}" for k in range(op.remembered)]
        constants |= {name: np.full((1, UNITS), first, np.float32) for name in states}
        weights = [real(f"{own}_w", channels, size), real(f"{own}_r", channels, UNITS), real(f"{own}_b", channels)]
        outputs = (own, *(f"{own}_{k}" for k in range(len(op.last))))
        nodes.append(Node(own, op, (last, *states, *weights), outputs))
        operands = [constants[n].shape for n in nodes[-1].inputs[1:]]
        shapes |= dict(zip(outputs, op.infer_shapes(shapes[last], *operands), strict=True))
        last = own
    for place, (tail_op, *others) in enumerate(tail):
        names = [last if other == "" else real(f"c{place}_{k}", *other) for k, other in enumerate(others or [""])]
        given = [shapes[n] if n in shapes else constants[n].shape for n in names]
        nodes.append(Node(f"tail_{place}", tail_op, tuple(names), (f"tail_{place}",)))
        last = f"tail_{place}"
        shapes[last] = tail_op.infer_shape(*given)
    return prepare(FloatGraph("net", ("x",), (last,), tuple(nodes), shapes, constants))


END = (Slice((0, STEPS - 1, 0), (1, 1, UNITS)),)
TAILS = {
    "every step": [(FullyConnected(keep_dims=True), "", (4, UNITS), (4,)), (Softmax(),)],
    "as vectors": [(Reshape((STEPS, UNITS)),), (FullyConnected(), "", (4, UNITS)), (Relu(),)],
    "the last": [END, (Reshape((1, UNITS)),), (FullyConnected(), "", (4, UNITS), (4,))],
    "scaled": [(Mul(), "", (1, 1, UNITS)), (Concatenation(2), "", "")],
}


def both(rng, kind, tail, first=0.0, samples=40):
    """Return the model of whole sequences and of steps, and sequences."""
    x = rng.normal(size=(samples, STEPS, INPUTS)).astype(np.float32)
    whole = mcuq.quantize(network(rng, kind, tail, first), x)
    return whole, mcuq.stateful(whole), whole.values["x"].quantize(x)[:, np.newaxis]


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("first", [0.0, 0.4])
def test_steps_make_the_bytes_of_the_sequence(rng, kind, tail, first):
    whole, steps, x = both(rng, kind, TAILS[tail], first)
    (name,) = whole.outputs
    at_once = simulate(mcuq.compile(whole), {"x": x[:5]})[name]
    assert steps.values["x"].shape == (1, 1, INPUTS)
    for sequence, wanted in zip(x, at_once, strict=False):
        one_by_one = simulate(mcuq.compile(steps), {"x": sequence.reshape(STEPS, 1, 1, INPUTS)})[name]
        got = one_by_one[-1] if tail == "the last" else one_by_one
        np.testing.assert_array_equal(got.ravel(), wanted.ravel())


@pytest.mark.parametrize("kind", LAYERS)
def test_n3_steps_in_c(rng, tmp_path, kind):
    """The self-test, which is the first calibration sequence, and a sequence, sanitized."""
    require("gcc sanitizers")
    whole, steps, x = both(rng, kind, TAILS["the last"])
    model = in_steps(Archive(whole, {"x": x[:2]}))
    written = mcuq.write_project(model, "esp32dev", tmp_path)
    with build_host(tmp_path, ["net"], (*STRICT, *SANITIZERS)) as program:
        assert "PASS" in program.self_test()
        got = program.run(written.plan, {"x": x[0].reshape(STEPS, 1, 1, INPUTS)}).outputs
    at_once = simulate(mcuq.compile(whole), {"x": x[:1]})
    np.testing.assert_array_equal(got[steps.outputs[0]][-1].ravel(), at_once[whole.outputs[0]].ravel())


def test_states_are_written_in_their_place(rng):
    """Four units' bytes of hidden state, twice as many of a cell: no copies in the arena."""
    _, steps, _ = both(rng, "lstm", TAILS["the last"])
    plan = mcuq.compile(steps)
    assert plan.state_bytes >= 2 * 3 * UNITS
    assert [state.read for state in steps.states] == [f"layer_{n}_remembered_{k}" for n in (0, 1) for k in (1, 2)]


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("layout", [0, 1])
def test_of_onnx_layers_either_way_round(rng, kind, layout):
    model, feeds = onnx_layer(rng, kind, layout=layout)
    x = rng.normal(size=(30, *feeds["x"].shape)).astype(np.float32)
    whole = mcuq.quantize(prepare(graph_of(model, "layer")), x)
    steps, q = mcuq.stateful(whole), whole.values["x"].quantize(x[:1])
    at_once = simulate(mcuq.compile(whole), {"x": q})["y"]
    one_by_one = simulate(mcuq.compile(steps), {"x": q.reshape(STEPS, *steps.values["x"].shape)})["y"]
    np.testing.assert_array_equal(one_by_one.ravel(), at_once.ravel())


REFUSED = {
    "mean": ([(Mean((1,), keep_dims=False),)], "tail_0: mean works along the steps, or mixes them"),
    "flat": ([(Reshape((1, STEPS * UNITS)),)], r"tail_0: makes \[1, 30\] of \[1, 6, 5\], which mixes the steps"),
    "some": ([(Slice((0, 1, 0), (1, 2, UNITS)),)], "tail_0: takes some of the steps"),
    "back": (
        [(Slice((0, STEPS - 1, 0), (1, STEPS, UNITS), (1, -1, 1)),)],
        "tail_0: runs from the last step to the first",
    ),
    "differs": ([(Mul(), "", (1, STEPS, 1))], "tail_0: its constant differs from step to step"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_needs_all_steps_is_refused(rng, what):
    tail, message = REFUSED[what]
    with pytest.raises(UnsupportedOperatorError, match=message):
        both(rng, "gru", tail)


def test_bidirectional_layers_and_given_states_are_refused(rng):
    for options, message in (
        ({"direction": "bidirectional"}, "runs from the last step to the first"),
        ({"states": "input"}, r"input h of shape \[1, 1, 5\] is no sequence of 6 steps"),
    ):
        model, feeds = onnx_layer(rng, "GRU", layout=1, **options)
        data = {n: rng.normal(size=(30, *x.shape)).astype(np.float32) for n, x in feeds.items()}
        with pytest.raises(UnsupportedOperatorError, match=message):
            mcuq.stateful(mcuq.quantize(prepare(graph_of(model, "layer")), data))


def test_nothing_to_remember_is_said(rng):
    _, steps, _ = both(rng, "rnn", TAILS["the last"])
    with pytest.raises(UsageError, match="net remembers already: there is nothing"):
        mcuq.stateful(steps)


def test_the_command_line(rng, tmp_path, capsys):
    """--stateful of quantize: an archive of a model with states, whose self-test is a sequence."""
    import onnx

    model, feeds = onnx_layer(rng, "GRU", layout=1)
    onnx.save(model, tmp_path / "net.onnx")
    np.save(tmp_path / "x.npy", rng.normal(size=(30, *feeds["x"].shape)).astype(np.float32))
    arguments = ["--calibration", str(tmp_path / "x.npy"), "--out", str(tmp_path / "net.mcuq"), "--stateful"]
    assert main(["quantize", str(tmp_path / "net.onnx"), *arguments]) == 0
    assert "stateful: one step per run, 10 bytes remembered" in capsys.readouterr().out
    made = archive.read(tmp_path / "net.mcuq")
    assert len(made.graph.states) == 1
    assert made.samples["x"].shape == (STEPS, 1, 1, INPUTS)
    assert made.source is None
