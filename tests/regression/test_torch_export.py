"""What PyTorch's exporter makes of a module computes what the module does, or its first other layer is named."""

import pytest
from requirements import require

require("torch", "onnx", "onnxscript")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

import mcuq  # noqa: E402
from mcuq import float_run  # noqa: E402
from mcuq.errors import McuqError, UnsupportedOperatorError  # noqa: E402
from mcuq.frontends import torch as torch_door  # noqa: E402

IMAGE = torch.randn(1, 3, 8, 7, generator=torch.Generator().manual_seed(0))


class Shuffled(nn.Module):
    """The channels of an image in another order."""

    def __init__(self, order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return 2 * x[:, self.order]


class Distances(nn.Module):
    """Distances to centres, after a layer."""

    def __init__(self):
        super().__init__()
        self.embed, self.centres = nn.Linear(4, 4), nn.Parameter(torch.randn(3, 4))

    def forward(self, x):
        return torch.cdist(self.embed(x), self.centres)


class Determinant(nn.Module):
    """What no operator of mcuq's computes."""

    def forward(self, x):
        return torch.det(x.reshape(1, 2, 2))


class Places(nn.Module):
    """Where the maxima are."""

    def forward(self, x):
        return nn.functional.adaptive_max_pool2d(x, (3, 2), return_indices=True)[1].float()


class Branching(nn.Module):
    def forward(self, x):
        return 2 * x if x.sum() > 0 else x


def net(*layers) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(*layers).eval()


def agrees(module, x=IMAGE) -> None:
    graph = mcuq.load(module, x)
    given = x.numpy()
    axes = graph.layouts.get(graph.inputs[0], range(given.ndim))
    got = float_run.run(graph, {graph.inputs[0]: given.transpose(*axes)[None]})[graph.outputs[0]]
    with torch.no_grad():
        wanted = module.float()(x).numpy()
    assert got.reshape(wanted.shape) == pytest.approx(wanted, abs=1e-4)


@pytest.fixture
def dropping(monkeypatch):
    """The exporter left to itself, which forgets the divisor of an average."""
    monkeypatch.setattr(torch_door, "decomposed", lambda program: program)


def test_dropped_argument_is_refused_with_its_layer(dropping):
    module = net(nn.Conv2d(3, 4, 3, padding=1), nn.AvgPool2d(2, divisor_override=3), nn.ReLU())
    with pytest.raises(UnsupportedOperatorError) as error:
        mcuq.load(module, IMAGE)
    assert "sequential: PyTorch's exporter makes something else of it" in str(error.value)
    assert "layer '1', AvgPool2d, avg_pool2d, gives " in str(error.value)


def test_dropped_argument_of_a_program_is_refused(dropping, tmp_path):
    program = torch.export.export(net(nn.AvgPool2d(2, divisor_override=3)), (IMAGE,))
    with pytest.raises(UnsupportedOperatorError, match="layer '0', AvgPool2d"):
        mcuq.load(program)
    torch.export.save(program, tmp_path / "net.pt2")
    where = "net.pt2: net: PyTorch's exporter makes something else of it"
    with pytest.raises(UnsupportedOperatorError, match=where):
        torch_door.read_pt2(tmp_path / "net.pt2")


def test_an_example_of_one_value_hides_nothing(dropping):
    with pytest.raises(UnsupportedOperatorError, match="AvgPool2d"):
        mcuq.load(net(nn.AvgPool2d(2, divisor_override=3)), torch.zeros(1, 3, 8, 6))


@pytest.mark.parametrize(
    "pool",
    [
        nn.AvgPool2d(2, divisor_override=3),
        nn.AvgPool2d((3, 2), (2, 1), (1, 0), divisor_override=5),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, divisor_override=1),
    ],
)
def test_an_average_of_another_divisor(pool):
    agrees(net(nn.Conv2d(3, 4, 3, padding=1), pool, nn.ReLU()))


@pytest.mark.parametrize(
    "pool",
    [nn.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveAvgPool2d((9, 10)), nn.AdaptiveMaxPool2d((None, 3))],
)
def test_adaptive_pooling(pool):
    agrees(net(nn.Conv2d(3, 4, 3, padding=1), pool, nn.ReLU()))


@pytest.mark.parametrize("pool", [nn.AdaptiveAvgPool1d(3), nn.AdaptiveMaxPool1d(5)])
def test_adaptive_pooling_of_rows(pool):
    agrees(net(nn.Conv1d(3, 4, 3, padding=1), pool), IMAGE[..., 0])


def test_maxima_whose_places_are_asked_for_are_refused():
    with pytest.raises(UnsupportedOperatorError, match="ONNX has no adaptive_max_pool2d"):
        mcuq.load(Places().eval(), IMAGE)


def test_uneven_pools_compute_the_same_bytes_everywhere(run, tmp_path):
    """From the command line: quantized, built, and run as C; the integers are near the module."""
    require("gcc")
    module = net(nn.Conv2d(3, 4, 3, padding=1), nn.AdaptiveAvgPool2d((3, 2)), nn.AvgPool2d(2, 1, divisor_override=3))
    torch.export.save(torch.export.export(module, (IMAGE,)), tmp_path / "net.pt2")
    x = torch.randn(64, 3, 8, 7, generator=torch.Generator().manual_seed(3))
    np.save(tmp_path / "x.npy", x.numpy())
    files = (tmp_path / "net.pt2", "--calibration", tmp_path / "x.npy", "--out", tmp_path / "net.mcuq")
    assert run("quantize", *files)[0] == 0
    assert run("build", tmp_path / "net.mcuq", "--board", "esp32dev", "--out", tmp_path / "project")[0] == 0
    assert run("verify", tmp_path / "project")[0] == 0

    got = mcuq.simulate(mcuq.compile(mcuq.load(tmp_path / "net.mcuq")), x.numpy())
    tensor = next(iter(mcuq.load(tmp_path / "net.mcuq").values[n] for n in mcuq.load(tmp_path / "net.mcuq").outputs))
    with torch.no_grad():
        wanted = module(x).numpy()
    error = tensor.dequantize(got).reshape(wanted.shape) - wanted
    assert 10 * np.log10(np.mean(wanted**2) / np.mean(error**2)) > 25


def test_same_layer_without_the_argument_is_read():
    agrees(net(nn.Conv2d(3, 4, 3, padding=1), nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False), nn.ReLU()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_module_of_another_precision_is_cast_as_a_copy(dtype):
    module = net(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).to(dtype)
    graph = mcuq.load(module, IMAGE)

    assert [node.op.name for node in graph.nodes if node.op.name != "transpose"] == ["conv2d"]
    assert {tensor.dtype for tensor in module.parameters()} == {dtype}
    agrees(module)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_program_of_another_precision_is_exported_anew(dtype):
    module = net(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).to(dtype)
    program = torch.export.export(module, (IMAGE.to(dtype),))
    graph = mcuq.load(program)
    assert {tensor.dtype for tensor in program.state_dict.values() if tensor.is_floating_point()} == {dtype}
    got = float_run.run(graph, {"input": IMAGE.numpy().transpose(0, 2, 3, 1)[None]})[graph.outputs[0]]
    wanted = module.float()(IMAGE).detach().numpy()
    np.testing.assert_allclose(got.reshape(wanted.shape), wanted, atol=1e-4)


@pytest.mark.parametrize("order", [[2, 1, 0], [0, 2], [1], [2, 2, 0, 1]])
def test_channels_in_another_order(order):
    agrees(Shuffled(order))


@pytest.mark.parametrize("module", [nn.PixelUnshuffle(2), nn.PixelShuffle(2), nn.ChannelShuffle(4)])
def test_transposes_of_more_than_four_dimensions(module):
    agrees(net(module, nn.ReLU()), torch.randn(1, 16, 8, 6))


UNEXPORTABLE = {
    "cdist": (Distances(), (1, 4), r"ONNX has no cdist_forward \(in Distances\)"),
    "rrelu": (
        net(nn.Linear(4, 4), nn.RReLU()),
        (1, 4),
        r"ONNX has no rrelu_with_noise_functional \(layer '1', RReLU\)",
    ),
    "branch": (Branching(), (1, 4), r"data-dependent expression.*test_torch_export\.py, line \d+\)"),
    "another shape": (net(nn.Linear(5, 2)), (1, 4), r"must have same reduction dim, but got \[1, 4\] X \[5, 2\]"),
}


@pytest.mark.parametrize("case", UNEXPORTABLE)
def test_what_torch_cannot_export_says_why_and_where(case):
    module, shape, why = UNEXPORTABLE[case]
    with pytest.raises(McuqError, match=f"torch cannot export .*{why}") as error:
        mcuq.load(module, torch.randn(shape))
    assert "Next steps" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("module", "shape", "where"),
    [
        (net(nn.Conv2d(3, 4, 3), nn.CELU(0.3)), (1, 3, 10, 9), "node 1 Celu '1': alpha 0.3"),
        (net(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), Determinant())), (1, 4), r"node \d+ \w+ '1\.1'"),
    ],
)
def test_refusals_name_the_module(module, shape, where):
    with pytest.raises(UnsupportedOperatorError, match=where):
        mcuq.load(module, torch.randn(shape))
