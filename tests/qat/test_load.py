"""mcuq.load of trained models: the integers of training, and the answers of the fake-quantized network (N6)."""

import warnings

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from requirements import require_module

torch = require_module("torch", 'pip install "mcuq[torch]"')
require_module("onnxscript", 'pip install "mcuq[torch]"')

from digit_nets import digits, nn  # noqa: E402
from trained_nets import CASES, cnn, trained  # noqa: E402

import mcuq  # noqa: E402
from mcuq import archive, float_run, pipeline, qat  # noqa: E402
from mcuq.archive import Archive  # noqa: E402
from mcuq.engines.host import build_host  # noqa: E402
from mcuq.errors import UnsupportedOperatorError, UsageError  # noqa: E402
from mcuq.ops.packing import uniform_levels  # noqa: E402
from mcuq.plan.builder import build_plan  # noqa: E402
from mcuq.qat import Bits  # noqa: E402
from mcuq.quantization.tensors import needs_calibration  # noqa: E402
from mcuq.simulator import simulate  # noqa: E402
from mcuq.tensor import QConstant  # noqa: E402

AGREEMENT = 0.995  # issue 7
EXAMPLE = np.zeros((1, 1, 8, 8), np.float32)
COMPILED = ["lsq 2-bit", "lsq 2-bit, inputs of 2", "lsq 5-bit", "xnor", "codebooks by group", "separable", "residual"]
BOARDS = ("esp32-c3-devkitm-1", "esp32dev", "esp32-s3-devkitc-1")


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """A fake-quantized network, the float graph that it is loaded as, and the quantized one."""
    net = trained(request.param)
    source = mcuq.load(net, EXAMPLE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where inputs stayed real, that they got static ranges
        return request.param, net, source, mcuq.quantize(source, digits()[0][0][:200])


def test_n6_the_answers_are_those_of_the_fake_quantized_network(case):
    _, net, _, graph = case
    (x, y), (holdout, answers) = digits()
    x, y = np.concatenate([x, holdout]), np.concatenate([y, answers])
    with torch.no_grad():
        wanted = net(torch.from_numpy(x)).numpy().argmax(axis=1)
    given = mcuq.simulate(mcuq.compile(graph), x).reshape(len(x), -1).argmax(axis=1)

    assert (wanted == y).mean() > 0.9  # or agreeing would say little
    assert (given == wanted).mean() >= AGREEMENT


def test_the_integers_are_those_of_training(case):
    _, net, source, graph = case
    nodes = [node for node in source.nodes if isinstance(source.constants.get((*node.inputs, "")[1]), QConstant)]
    layers = qat.integers(net)

    assert len(nodes) == len(layers)
    for node, layer in zip(nodes, layers.values(), strict=True):
        constant = graph.constants[f"{node.name}_weights"]
        wanted, given = rows_of_torch(layer.weights), rows(node, constant)
        turned = (given != wanted).any(axis=1)
        np.testing.assert_array_equal(np.where(turned[:, np.newaxis], sorted_like(-given, wanted), given), wanted)
        assert not turned.any() or has_negative_factors(net)
        if layer.codebook is None and constant.codebook is not None:
            check_turned_levels(constant, layer, turned)
        elif not turned.any():
            assert constant.bits == layer.bits


def rows_of_torch(weights):
    """Return [channels, taps], the inputs last; of a vector, sorted: a flattened image is in another order."""
    if weights.ndim == 2:
        return np.sort(weights.astype(int), axis=1)
    return np.moveaxis(weights, 1, -1).reshape(len(weights), -1).astype(int)


def rows(node, constant):
    """Return a layer's weights likewise."""
    values = constant.values.astype(int)
    if node.op.name == "depthwise_conv2d":
        return values.reshape(-1, values.shape[-1]).T
    return np.sort(values, axis=1) if node.op.name == "fully_connected" else values.reshape(len(values), -1)


def sorted_like(given, wanted):
    is_sorted = (np.diff(wanted, axis=1) >= 0).all()
    return np.sort(given, axis=1) if is_sorted else given


def has_negative_factors(net):
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    return any((norm.weight < 0).any() for norm in norms)


def check_turned_levels(constant, layer, turned):
    levels = uniform_levels(layer.bits).astype(int)
    for row, is_turned in zip(constant.codebook, turned, strict=True):
        assert row.tolist() == (sorted(-levels) if is_turned else levels.tolist())


def test_n3_compiled_c_equals_simulate(case, tmp_path):
    name, _, _, graph = case
    if name not in COMPILED:
        pytest.skip("takes seconds, and is like others")
    tensor, board = graph.values[graph.inputs[0]], BOARDS[COMPILED.index(name) % len(BOARDS)]
    x = tensor.quantize(digits()[1][0][:10].reshape(10, *tensor.shape))
    expected = simulate(build_plan(graph), {graph.inputs[0]: x})[graph.outputs[0]]
    (tmp_path / "m.mcuq").write_bytes(archive.dump(Archive(graph)))
    again = archive.read(tmp_path / "m.mcuq").graph
    assert archive.digest(again) == archive.digest(graph)

    pipeline.write_project(again, board, tmp_path / board)
    with build_host(tmp_path / board, [graph.name], (*STRICT, *SANITIZERS)) as program:
        assert "PASS" in program.self_test()
        got = program.run(pipeline.compile(graph, board), {graph.inputs[0]: x}).outputs
    np.testing.assert_array_equal(got[graph.outputs[0]], expected)


class Shared(nn.Module):
    """A convolution that runs twice, and two layers that share a weight."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.one, self.two = nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1), *linear(2)
        self.two.weight = self.one.weight

    def forward(self, x):
        y = torch.relu(self.conv(self.norm(self.conv(x)))).flatten(1)
        return self.two(torch.relu(self.one(y)))


def linear(count):
    return (nn.Linear(64, 64) for _ in range(count))


def started(net, spec, *shape):
    """Return a prepared network that has seen a batch."""
    torch.manual_seed(0)
    net = qat.prepare(net, spec)
    net(torch.randn(64, *shape))
    return net.eval()


@pytest.mark.parametrize("bits", [Bits(2, 8), Bits(4, 8, "minmax")], ids=str)
def test_layers_that_run_twice_and_shared_weights(bits):
    net = started(Shared(), bits, 1, 8, 8)
    source = mcuq.load(net, EXAMPLE)
    x = np.random.default_rng(0).normal(size=(20, 1, 8, 8)).astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(x)).numpy()

    assert_reference_equals(source, x, wanted)
    weights = [source.constants[n.inputs[1]] for n in source.nodes if n.op.weights_axis is not None]
    assert sum(isinstance(constant, QConstant) for constant in weights) == 4
    assert len(qat.integers(net)) == 3


def assert_reference_equals(source, x, wanted):
    """Assert that the float graph computes what the fake-quantized network does, roundings of inputs included."""
    name = source.inputs[0]
    given = float_run.run(source, {name: x.reshape(len(x), *source.shapes[name])})[source.outputs[0]]
    difference = np.abs(given.reshape(wanted.shape) - wanted)
    assert np.median(difference) < 1e-5 * np.abs(wanted).max()  # a rounding that goes the other way shows in few


@pytest.mark.parametrize("method", ["lsq", "minmax", "kmeans"])
def test_the_float_graph_is_the_fake_quantized_network(method):
    net = started(cnn(), Bits(4, 4, method), 1, 8, 8)
    x = np.random.default_rng(0).normal(size=(20, 1, 8, 8)).astype(np.float32)
    with torch.no_grad():
        assert_reference_equals(mcuq.load(net, EXAMPLE), x, net(torch.from_numpy(x)).numpy())


def test_the_ordinary_copy_has_signs():
    net = started(cnn(nn.Hardtanh), {"3": Bits(1, 1, "xnor")}, 1, 8, 8)
    assert "binarize" in [node.op.name for node in mcuq.load(qat.plain(net), EXAMPLE).nodes]


def test_an_input_of_few_bits_is_read_as_8_bits_of_its_scale():
    net = started(cnn(), Bits(2, 4), 1, 8, 8)
    layer = qat.integers(net)["0"]
    source = mcuq.load(net, EXAMPLE)
    tensor = source.known[source.inputs[0]]

    assert (tensor.bits, tensor.scale, tensor.zero_point) == (8, layer.activation_scale, layer.activation_zero_point)
    assert source.nodes[0].op.name == "requantize" and source.known[source.nodes[0].outputs[0]].bits == 4


def test_ops_between_layers_need_no_requantization():
    graph = mcuq.load(started(cnn(), {"0": Bits(8, 8), "*": Bits(2, 4)}, 1, 8, 8), EXAMPLE)
    assert [n.op.name for n in graph.nodes] == ["conv2d"] * 3 + ["reshape", "fully_connected"]
    assert [graph.known[n.outputs[0]].bits for n in graph.nodes[:-1]] == [4, 4, 4, 4]


def test_only_the_output_is_left_to_calibration():
    graph = mcuq.load(started(cnn(), Bits(2, 8), 1, 8, 8), EXAMPLE)
    assert needs_calibration(graph) == [graph.outputs[0]]


def test_the_model_stays_as_it_is():
    net = started(cnn(), Bits(2, 8), 1, 8, 8).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    mcuq.load(net, EXAMPLE)
    assert net.training and all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_mistakes_are_one_line():
    net = qat.prepare(cnn(), Bits(2, 8))
    with pytest.raises(UsageError, match="0: its steps are not initialized; train") as error:
        mcuq.load(net, EXAMPLE)
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match="needs an example input"):
        mcuq.load(started(cnn(), Bits(2, 8), 1, 8, 8))


class Unused(nn.Module):
    """A layer that only training runs."""

    def __init__(self):
        super().__init__()
        self.main, self.aside = linear(2)

    def forward(self, x):
        return self.main(x) + (self.aside(x) if self.training else 0)


def test_a_trained_layer_that_is_not_in_the_model_is_named():
    with pytest.raises(UnsupportedOperatorError, match="trained layer aside is not in the exported model"):
        mcuq.load(started(Unused(), Bits(2, 8), 64), np.zeros((1, 64), np.float32))
