"""PyTorch's LSTM, GRU and RNN: layers, directions and orders of dimensions, to real numbers, integers and C."""

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from requirements import require

require("torch")
require("onnx")
require("onnxscript")
import torch  # noqa: E402
from torch import nn  # noqa: E402

import mcuq  # noqa: E402
from mcuq import float_run  # noqa: E402
from mcuq.engines.host import build_host  # noqa: E402
from mcuq.errors import UnsupportedOperatorError  # noqa: E402

INPUTS, UNITS, STEPS = 5, 4, 7


class Net(nn.Module):
    """Recurrent layers, of which all steps, the last one, or all that they return is what the net returns."""

    def __init__(self, kind: str, returns: str, **options):
        super().__init__()
        self.recurrent, self.returns = getattr(nn, kind)(INPUTS, UNITS, **options), returns
        self.dense = nn.Linear(UNITS * (1 + self.recurrent.bidirectional), 3)

    def forward(self, x):
        rows, last = self.recurrent(x)
        if self.returns == "everything":
            return (rows, *last) if isinstance(last, tuple) else (rows, last)
        if self.returns == "all":
            return self.dense(rows)
        return self.dense(rows[:, -1] if self.recurrent.batch_first else rows[-1])


NETS = {
    "last": {"batch_first": True},
    "all": {"batch_first": True, "num_layers": 2, "bidirectional": True},
    "everything": {"batch_first": True, "num_layers": 2, "bias": False, "bidirectional": True},
}


def net(kind: str, returns: str) -> Net:
    torch.manual_seed(3)
    return Net(kind, returns, **NETS[returns]).eval()


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("returns", NETS)
def test_real_numbers_equal_torch(rng, kind, returns):
    module, x = net(kind, returns), rng.normal(size=(1, STEPS, INPUTS)).astype(np.float32)
    wanted = module(torch.from_numpy(x))
    graph = mcuq.load(module, x)
    assert sum(node.op.name == kind.lower() for node in graph.nodes) == (1 if returns == "last" else 4)
    got = float_run.run(graph, {graph.inputs[0]: x[np.newaxis]})
    for name, want in zip(graph.outputs, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        np.testing.assert_allclose(got[name].ravel(), want.detach().numpy().ravel(), atol=1e-5)


def test_the_batch_may_be_second(rng):
    module = Net("GRU", "all").eval()
    x = rng.normal(size=(STEPS, 1, INPUTS)).astype(np.float32)
    graph = mcuq.load(torch.export.export(module, (torch.from_numpy(x),)))
    got = float_run.run(graph, {graph.inputs[0]: x[np.newaxis]})[graph.outputs[0]]
    np.testing.assert_allclose(got.ravel(), module(torch.from_numpy(x)).detach().numpy().ravel(), atol=1e-5)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_n3_c_equals_the_simulator(rng, tmp_path, kind):
    """States that are constants, wide ones too, and all outputs."""
    require("gcc sanitizers")
    x = rng.normal(size=(40, STEPS, INPUTS)).astype(np.float32)
    graph = mcuq.quantize(net(kind, "everything"), x)
    written = mcuq.write_project(graph, "esp32-c3-devkitm-1", tmp_path)
    integers = {graph.inputs[0]: graph.values[graph.inputs[0]].quantize(x)[:, np.newaxis]}
    with build_host(tmp_path, [graph.name], (*STRICT, *SANITIZERS)) as program:
        assert "PASS" in program.self_test()
        got = program.run(written.plan, {n: q.reshape(-1, *graph.values[n].shape) for n, q in integers.items()}).outputs
    for name, want in mcuq.simulate(written.plan, x).items():
        np.testing.assert_array_equal(got[name].ravel(), want.ravel())


def test_schemes_of_powers_of_two_are_refused(rng):
    x = rng.normal(size=(40, STEPS, INPUTS)).astype(np.float32)
    with pytest.raises(
        mcuq.McuqError, match=r"lstm_\d: lstm layers have no fixed-point scheme; choose the scheme affine"
    ):
        mcuq.quantize(net("LSTM", "last"), x, scheme="fixed-point")


def test_packed_sequences_are_refused(rng):
    """A mask in PyTorch: sequences of different lengths, packed."""

    class Packed(Net):
        def forward(self, x):
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3]), batch_first=True)
            return self.dense(self.recurrent(packed)[1][0][-1])

    with pytest.raises(UnsupportedOperatorError, match="torch cannot export packed"):
        mcuq.load(Packed("LSTM", "last", batch_first=True), rng.normal(size=(1, STEPS, INPUTS)).astype(np.float32))
