"""What PyTorch's exporter makes of a module computes what the module does, or its first other layer is named."""

import pytest
from requirements import require

require("torch", "onnx", "onnxscript")

import torch  # noqa: E402
from torch import nn  # noqa: E402

import mcuq  # noqa: E402
from mcuq import float_run  # noqa: E402
from mcuq.errors import McuqError, UnsupportedOperatorError  # noqa: E402

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


def test_dropped_argument_is_refused_with_its_layer():
    module = net(nn.Conv2d(3, 4, 3, padding=1), nn.AvgPool2d(2, divisor_override=3), nn.ReLU())
    with pytest.raises(UnsupportedOperatorError) as error:
        mcuq.load(module, IMAGE)
    assert "sequential: PyTorch's exporter makes something else of it" in str(error.value)
    assert "layer '1', AvgPool2d, avg_pool2d, gives " in str(error.value)


def test_dropped_argument_of_a_program_is_refused(run, tmp_path):
    program = torch.export.export(net(nn.AvgPool2d(2, divisor_override=3)), (IMAGE,))
    with pytest.raises(UnsupportedOperatorError, match="layer '0', AvgPool2d"):
        mcuq.load(program)
    torch.export.save(program, tmp_path / "net.pt2")
    status, _, error = run("inspect", tmp_path / "net.pt2")

    assert status == 2
    assert error.startswith(f"mcuq: error: {tmp_path / 'net.pt2'}: net: PyTorch's exporter makes something else of it")


def test_an_example_of_one_value_hides_nothing():
    with pytest.raises(UnsupportedOperatorError, match="AvgPool2d"):
        mcuq.load(net(nn.AvgPool2d(2, divisor_override=3)), torch.zeros(1, 3, 8, 6))


def test_same_layer_without_the_argument_is_read():
    agrees(net(nn.Conv2d(3, 4, 3, padding=1), nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False), nn.ReLU()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_module_of_another_precision_is_cast_as_a_copy(dtype):
    module = net(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).to(dtype)
    graph = mcuq.load(module, IMAGE)

    assert [node.op.name for node in graph.nodes if node.op.name != "transpose"] == ["conv2d"]
    assert {tensor.dtype for tensor in module.parameters()} == {dtype}
    agrees(module)


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
        (net(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d((3, 2))), (1, 3, 10, 9), "GatherND '1': indices of several dim"),
        (net(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), nn.Hardshrink())), (1, 4), r"node \d+ \w+ '1\.1'"),
    ],
)
def test_refusals_name_the_module(module, shape, where):
    with pytest.raises(UnsupportedOperatorError, match=where):
        mcuq.load(module, torch.randn(shape))
