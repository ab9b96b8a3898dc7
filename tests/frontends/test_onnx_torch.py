"""What PyTorch's two exporters write, float and quantized, against PyTorch itself."""

import io
import logging
import warnings

import numpy as np
import pytest
from onnx_models import kinds, onnx
from requirements import require_module

import mcuq
from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.frontends.onnx import graph_of, read_onnx
from mcuq.passes.prepare import prepare
from mcuq.quantization.quantizer import quantize_graph
from mcuq.tensor import QConstant

torch = require_module("torch", 'pip install "mcuq[torch]"')
require_module("onnxscript", 'pip install "mcuq[torch]"')

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

torch.set_num_threads(1)
warnings.simplefilter("ignore")


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class InvertedResidual(nn.Module):
    def __init__(self, channels: int, activation: type[nn.Module]) -> None:
        super().__init__()
        wide = 2 * channels
        self.body = nn.Sequential(
            nn.Conv2d(channels, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            activation(),
            nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            activation(),
            nn.Conv2d(wide, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return x + self.body(x)


class Activations(nn.Module):
    """One of each, so that a difference shows which."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([
            nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(3), nn.ELU(0.5), nn.CELU(), nn.SELU(), nn.Sigmoid(),
            nn.Tanh(), nn.Hardswish(), nn.Hardsigmoid(), nn.SiLU(), nn.GELU(), nn.GELU("tanh"), nn.Softplus(),
            nn.Mish(), nn.Hardtanh(-0.5, 2), nn.Softmax(1), nn.Softmax(-1), nn.Sequential(nn.Dropout(), nn.ReLU()),
            nn.BatchNorm2d(3), nn.Upsample(scale_factor=2),
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.Upsample(size=(5, 7), mode="bilinear", align_corners=True),
            nn.ConvTranspose2d(3, 2, 3, 2, 1, 1), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(3, 2, ceil_mode=True),
            nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AdaptiveAvgPool2d(2), nn.AdaptiveMaxPool2d(1),
            nn.ZeroPad2d((1, 0, 2, 1)),
        ])  # fmt: skip

    def forward(self, x):
        return tuple(layer(x) for layer in self.layers)


class Shapes(nn.Module):
    def forward(self, x):
        a, b = torch.chunk(x, 2, 1)
        first, rest = torch.split(x, [1, 3], 1)
        return (
            a * b,
            first * rest,
            x[:, 1],
            x[:, :, 1:5:2],
            x.mean((2, 3)),
            x.mean(-1, keepdim=True),
            x.sum((2, 3)),
            x.amax((2, 3)),
            torch.cat([a, x], 1),
            x.permute(0, 2, 3, 1).flatten(2) * 2,
            x.view(x.size(0), -1) - 1,
            x.flatten(1).unflatten(1, (8, -1)) / 3,
            torch.stack([a, b], 2).flatten(1, 2),
            x.squeeze(0).unsqueeze(0) ** 2,
            1 - x,
            -x,
            x.clamp(min=0.1),
            x.repeat(1, 1, 1, 1) + 0.5,
        )


def convolution_1d() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(3, 8, 5, 2, 2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 8, 3, groups=8),
        nn.GELU(), nn.ConvTranspose1d(8, 4, 4, 2), nn.AvgPool1d(3, 2, 1), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding="same"), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 4, (3, 5), (1, 2)), nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(4 * 6 * 2, 5), nn.Softmax(1),
    )  # fmt: skip


class Sequence(nn.Module):
    """Linear layers over time steps: MatMul and Add of rank 3."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 2, bias=False)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x))).transpose(1, 2)


NETS = {
    "cnn": (cnn, (3, 16, 16)),
    "mobilenet_v2": (lambda: InvertedResidual(4, nn.ReLU6), (4, 8, 8)),
    "mobilenet_v3": (lambda: nn.Sequential(InvertedResidual(4, nn.Hardswish), SqueezeExcite(4)), (4, 8, 8)),
    "1-D": (convolution_1d, (3, 40)),
    "activations": (Activations, (3, 6, 8)),
    "shapes": (Shapes, (4, 6, 4)),
    "sequence": (Sequence, (5, 6)),
}


def exported(net: nn.Module, x: "torch.Tensor", dynamo: bool, opset: int) -> bytes:
    loggers = [logging.getLogger(name) for name in ("torch", "torch.onnx", "onnxscript", "onnx_ir")]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    if dynamo:
        program = torch.onnx.export(net, (x,), dynamo=True, opset_version=opset, verbose=False)
        return program.model_proto.SerializeToString()
    target = io.BytesIO()
    torch.onnx.export(net, (x,), target, dynamo=False, opset_version=opset)
    return target.getvalue()


SLOW = pytest.mark.slow
EXPORTERS = [(True, 18), (False, 13), pytest.param(True, 21, marks=SLOW), pytest.param(False, 17, marks=SLOW)]


@pytest.mark.parametrize(("dynamo", "opset"), EXPORTERS)
@pytest.mark.parametrize("name", NETS)
def test_exported_network(name, dynamo, opset) -> None:
    make, shape = NETS[name]
    torch.manual_seed(0)
    net = make().eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean), nn.init.uniform_(module.running_var, 0.5, 2)
    x = torch.randn(3, *shape)
    graph = graph_of(exported(net, x[:1], dynamo, opset), "test")
    with torch.no_grad():
        expected = [net(sample[None]) for sample in x]
    outputs = float_run.run(graph, {graph.inputs[0]: x[:, None].numpy()})
    for index, output in enumerate(graph.outputs):
        want = np.stack([(e if isinstance(e, torch.Tensor) else e[index]).numpy() for e in expected])
        assert outputs[output].shape == want.shape
        np.testing.assert_allclose(outputs[output], want, atol=1e-5 * max(np.abs(want).max(), 1), err_msg=str(index))


def test_dynamo_writes_weights_beside_the_model(tmp_path) -> None:
    net = nn.Linear(200, 100).eval()
    torch.onnx.export(
        net, (torch.zeros(1, 200),), tmp_path / "net.onnx", dynamo=True, external_data=True, verbose=False
    )
    assert (tmp_path / "net.onnx.data").exists()
    graph = read_onnx(tmp_path / "net.onnx")
    np.testing.assert_array_equal(graph.real(graph.nodes[0].inputs[1]), net.weight.detach().numpy())


def test_open_batch(tmp_path) -> None:
    net = cnn().eval()
    batch = {"x": {0: torch.export.Dim("batch")}}
    x = torch.randn(2, 3, 16, 16)
    wrapped = type("Wrapped", (nn.Module,), {"forward": lambda self, x: self.net(x)})()
    wrapped.net = net
    program = torch.onnx.export(wrapped, (x,), dynamo=True, dynamic_shapes=batch, verbose=False)
    graph = graph_of(program.model_proto, "test")
    assert graph.shapes[graph.inputs[0]] == (1, 3, 16, 16)
    got = float_run.run(graph, {graph.inputs[0]: x[:, None].numpy()})[graph.outputs[0]]
    np.testing.assert_allclose(got[:, 0], net(x).detach().numpy(), atol=1e-5)


# Quantized by PyTorch


def quantized_layers(proto: "onnx.ModelProto") -> list[tuple[np.ndarray, np.ndarray, float, int]]:
    """Return of every layer in the file: integers [outputs, ...], scales, its input's scale and int8 zero point."""
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    for n in proto.graph.node:
        if n.op_type == "Constant":
            arrays[n.output[0]] = onnx.numpy_helper.to_array(n.attribute[0].t)
        if n.op_type == "Identity" and n.input[0] in arrays:
            arrays[n.output[0]] = arrays[n.input[0]]
    made = {
        n.output[0]: [arrays.get(name) for name in n.input] for n in proto.graph.node if n.op_type == "DequantizeLinear"
    }
    layers = []
    for n in proto.graph.node:
        if n.op_type in ("Conv", "Gemm"):
            _, scale, zero_point = made[n.input[0]]
            values, scales, zeros = made[n.input[1]]
            assert not np.any(zeros) and values.dtype == np.int8
            shift = 128 if zero_point.dtype == np.uint8 else 0
            layers.append((values, scales, float(scale), int(zero_point) - shift))
    return layers


def assert_lossless(graph: FloatGraph, proto: "onnx.ModelProto") -> None:
    layers = quantized_layers(proto)
    nodes = [n for n in graph.nodes if n.op.weights_axis is not None]
    assert len(layers) == len(nodes) > 0
    for (values, scales, scale, zero_point), own in zip(layers, nodes, strict=True):
        constant, known = graph.constants[own.inputs[1]], graph.known[own.inputs[0]]
        assert isinstance(constant, QConstant)
        axes = (1, 2, 3, 0) if own.op.name == "depthwise_conv2d" else (0, 2, 3, 1)
        np.testing.assert_array_equal(constant.values, values.transpose(axes) if values.ndim == 4 else values)
        np.testing.assert_array_equal(constant.scale, scales.ravel().astype(np.float64))
        assert scales.size == 1 or constant.axis == own.op.weights_axis
        assert (known.scale, known.zero_point, known.dtype) == (scale, zero_point, "int8")


def calibrated(prepared: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    for seed in range(4):
        prepared(torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed)))
    return prepared


@pytest.mark.parametrize("name", ["mobilenet_v2", pytest.param("mobilenet_v3", marks=SLOW)])
def test_pt2e(name) -> None:
    pt2e = require_module("torchao.quantization.pt2e.quantize_pt2e", "pip install torchao")
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    make, shape = NETS[name]
    net, x = make().eval(), torch.randn(1, *shape)
    quantizer = x86.X86InductorQuantizer().set_global(x86.get_default_x86_inductor_quantization_config())
    prepared = calibrated(pt2e.prepare_pt2e(torch.export.export(net, (x,)).module(), quantizer), shape)
    program = torch.export.export(pt2e.convert_pt2e(prepared), (x,))
    proto = torch.onnx.export(program, dynamo=True, opset_version=18, verbose=False).model_proto
    assert_lossless(graph_of(proto, "test"), proto)


def assert_same_integers(graph: FloatGraph, quantized: nn.Module, shape: tuple[int, ...]) -> None:
    """Nothing is left to calibrate, and the simulator's integers are PyTorch's within one step."""
    integers = quantize_graph(prepare(graph), {})
    x = torch.randn(8, *shape)
    source, result = integers.values[integers.inputs[0]], integers.values[integers.outputs[0]]
    nhwc = x.numpy().transpose(integers.layouts[integers.inputs[0]])
    got = np.asarray(mcuq.simulate(mcuq.compile(integers), source.quantize(nhwc)), np.int32)
    want = np.rint(quantized(x).detach().numpy() / result.scale) + result.zero_point
    assert np.abs(got.reshape(want.shape) - want).max() <= 1


@pytest.mark.parametrize("engine", ["fbgemm", "qnnpack"])
@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3"])
def test_fx_graph_mode(name, engine) -> None:
    fx = require_module("torch.ao.quantization.quantize_fx", 'pip install "mcuq[torch]"')
    from torch.ao.quantization import get_default_qconfig_mapping

    make, shape = NETS[name]
    net, x = make().eval(), torch.randn(1, *shape)
    prepared = calibrated(fx.prepare_fx(net, get_default_qconfig_mapping(engine), (x,)), shape)
    quantized = fx.convert_fx(prepared)
    proto = onnx.load_from_string(exported(quantized, x, False, 17))
    graph = graph_of(proto, "test")
    assert_lossless(graph, proto)
    assert all(isinstance(graph.constants[n.inputs[2]], QConstant) for n in graph.nodes if len(n.inputs) > 2)
    if engine == "fbgemm":  # the other's 8-bit weights saturate in some processors' instructions
        assert_same_integers(graph, quantized, shape)


def test_exported_kinds() -> None:
    """Activations that exporters take apart arrive whole."""
    net = nn.Sequential(nn.GELU(), nn.Softplus(), nn.Hardswish())
    for dynamo in (True, False):
        graph = graph_of(exported(net.eval(), torch.randn(1, 4), dynamo, 18), "test")
        assert kinds(prepare(graph)) == ["gelu", "softplus", "hard_swish"]
