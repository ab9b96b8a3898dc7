"""prepare: PyTorch's nets arrive in NHWC, folded and fused, and compute what PyTorch computes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names, samples, transposes
from float_graphs import given as in_order
from hypothesis import given, settings
from nchw_models import ALL_VANISH, random_graphs
from requirements import require

from mcuq import float_run
from mcuq.float_graph import FloatGraph
from mcuq.ops.add import Add
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.softmax import Softmax
from mcuq.passes.prepare import prepare
from mcuq.plan.builder import build_plan
from mcuq.quantization.quantizer import quantize_graph
from mcuq.quantization.scheme import Range, Scheme
from mcuq.quantization.tensors import needs_calibration
from mcuq.simulator import simulate
from mcuq.tensor import Array, QConstant


@pytest.mark.parametrize("model", ALL_VANISH)
def test_models_in_the_shapes_of_onnx(model: Callable[[GraphBuilder], str]) -> None:
    b = GraphBuilder()
    graph = b.graph(model(b))
    after = prepare(graph)
    assert_same(graph, after)
    assert transposes(after) == 0
    assert names(prepare(after)) == names(after)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(random_graphs())
def test_random_graphs(graph: FloatGraph) -> None:
    after = prepare(graph)
    assert_same(graph, after)
    assert transposes(after) <= transposes(graph)


def test_everything_at_once() -> None:
    """A normalized input, padding, batch norms, activations in pieces, a flatten, a softmax: six layers are left."""
    b = GraphBuilder()
    x = b.input((1, 3, 8, 8))
    y = b.add(Mul(), b.add(Add(), x, -0.5), b.add(Mul(), np.full((3, 1, 1), 2.0), 3.0))
    y = b.conv_first(y, 4)
    y = b.add(Relu(), b.add(Add(), b.add(Mul(), y, b.random(4, 1, 1)), b.random(1, 4, 1, 1)))
    y = b.conv_first(b.add(Pad((0, 0, 1, 1), (0, 0, 1, 1)), y), 6)
    sum_6 = b.add(Add("relu6"), y, 3.0)
    y = b.add(Mul(), b.add(Mul(), y, sum_6), 1 / 6)
    y = b.dense(b.add(Reshape((1, 216)), b.add(Add(), b.add(Mul(), y, b.random(6, 1, 1)), 0.1)), 10)
    graph = b.graph(b.add(Softmax(), y))
    after = prepare(graph)
    assert_same(graph, after)
    assert names(after) == ["conv2d", "conv2d", "hard_swish", "reshape", "fully_connected", "softmax"]


# PyTorch, through its ONNX exporter and the reader.


def _nets() -> dict[str, tuple[Any, tuple[int, ...], set[str]]]:
    """Return nets, the shape of a sample, and the kinds of layers that are left."""
    from torch import nn
    from torch.nn import functional

    def block(i: int, o: int, activation: type[nn.Module] = nn.ReLU, **attributes: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, **attributes), nn.BatchNorm2d(o), activation())

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.pool = block(3, 8), block(8, 8), nn.AdaptiveAvgPool2d(1)
            self.down, self.skip, self.head = block(8, 12, stride=2), nn.Conv2d(8, 12, 1, stride=2), nn.Linear(12, 5)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            x = functional.relu(x + self.second(x))
            x = self.down(x) + self.skip(x)
            return self.head(self.pool(x).flatten(1))

    class Inverted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = block(3, 8, nn.ReLU6, stride=2), nn.Linear(8, 5)
            self.body = nn.Sequential(
                *(nn.Conv2d(8, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6()),
                *(nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), nn.BatchNorm2d(16), nn.ReLU6()),
                *(nn.Conv2d(16, 8, 1, bias=False), nn.BatchNorm2d(8)),
            )

        def forward(self, x: Any) -> Any:
            x = self.stem(x)
            return self.head((x + self.body(x)).mean((2, 3)))

    class SqueezeExcite(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.gate = block(3, 8, nn.Hardswish), nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU())
            self.up, self.linear, self.last = nn.Conv2d(4, 8, 1), nn.Linear(8, 8), nn.Conv2d(8, 6, 3)

        def forward(self, x: Any) -> Any:
            x = self.stem(x)
            x = x * functional.hardsigmoid(self.up(self.gate(functional.adaptive_avg_pool2d(x, 1))))
            x = x * self.linear(x.mean((2, 3))).sigmoid()[:, :, None, None]
            return functional.silu(self.last(x)).flatten(1)

    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norms = nn.ModuleList(nn.BatchNorm2d(3 + 4 * i) for i in range(3))
            self.convs = nn.ModuleList(nn.Conv2d(3 + 4 * i, 4, 3, padding=1) for i in range(3))
            self.head = nn.Linear(15 * 16, 5)

        def forward(self, x: Any) -> Any:
            import torch

            for norm, conv in zip(self.norms, self.convs, strict=True):
                x = torch.cat([x, conv(functional.relu(norm(x)))], 1)
            return self.head(functional.avg_pool2d(x, 2).flatten(1))

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.top, self.low, self.up = block(3, 4), block(4, 6), nn.Upsample(scale_factor=2)
            self.wide, self.transposed = block(10, 4), nn.ConvTranspose2d(4, 2, 2, stride=2)

        def forward(self, x: Any) -> Any:
            import torch

            top = self.top(x)
            low = self.low(functional.max_pool2d(top, 2))
            return self.transposed(self.wide(torch.cat([top, self.up(low)], 1)))

    head = (nn.Flatten(), nn.Linear(96, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 4), nn.Softmax(1))
    sequence = (
        *(nn.Conv1d(3, 8, 5, padding=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.Conv1d(8, 8, 3, groups=8, padding="same"), nn.LeakyReLU(), nn.Conv1d(8, 12, 1), nn.AvgPool1d(2)),
        nn.Flatten(),
        nn.Linear(96, 4),
    )
    plain = (block(3, 4), nn.MaxPool2d(2), nn.ZeroPad2d((1, 0, 0, 1)), nn.Conv2d(4, 6, 2, bias=False), nn.PReLU(6))
    decoder = (nn.Linear(6, 64), nn.ReLU(), nn.Unflatten(1, (4, 4, 4)), nn.ConvTranspose2d(4, 3, 2, stride=2))
    conv, pools = "conv2d", {"max_pool", "average_pool"}
    ends = {"reshape", "fully_connected"}
    return {
        "plain": (nn.Sequential(*plain, *head), (3, 8, 8), {conv, "prelu", "tanh", "softmax", *pools, *ends}),
        "residual": (Residual(), (3, 8, 8), {conv, "add", "mean", *ends}),
        "inverted": (Inverted(), (3, 8, 8), {conv, "depthwise_conv2d", "add", "mean", *ends}),
        "squeeze_excite": (
            SqueezeExcite(),
            (3, 8, 8),
            {conv, "mean", "mul", "hard_swish", "hard_sigmoid", "logistic", "silu", *ends, "transpose"},
        ),
        "dense": (Dense(), (3, 8, 8), {conv, "depthwise_conv2d", "concatenation", *pools, *ends}),
        "unet": (
            nn.Sequential(UNet(), nn.Flatten(), nn.Linear(512, 3)),
            (3, 8, 8),
            {conv, "concatenation", "conv_transpose2d", "resize_nearest", *pools, *ends},
        ),
        "sequence": (nn.Sequential(*sequence), (3, 32), {conv, "depthwise_conv2d", "leaky_relu", *pools, *ends}),
        "decoder": (nn.Sequential(*decoder, nn.Flatten(), nn.Linear(192, 3)), (6,), {"conv_transpose2d", *ends}),
    }


NETS = ["plain", "residual", "inverted", "squeeze_excite", "dense", "unet", "sequence", "decoder"]


def _graph(net: Any, shape: tuple[int, ...]) -> FloatGraph:
    import torch

    from mcuq.frontends.onnx import graph_of

    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(net, (torch.rand(1, *shape),), dynamo=True, verbose=False)
    finally:
        logging.disable(logging.NOTSET)
    assert program is not None
    return graph_of(program.model_proto, "net")


def _randomized(net: Any, seed: int) -> Any:
    """Give batch norms something to do."""
    import torch

    torch.manual_seed(seed)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            for values in (module.weight, module.running_var):
                torch.nn.init.uniform_(values, 0.5, 2.0)
            for values in (module.bias, module.running_mean):
                torch.nn.init.normal_(values)
    return net.eval()


@pytest.mark.parametrize("name", NETS)
def test_nets_of_pytorch(name: str) -> None:
    require("torch", "onnxscript")
    import torch

    torch.manual_seed(0)
    net, shape, kinds = _nets()[name]
    net = _randomized(net, 1)
    graph = _graph(net, shape)
    after = prepare(graph)
    assert set(names(after)) <= kinds
    assert transposes(after) == (name == "squeeze_excite")  # its output is an image in PyTorch's order
    assert after.layouts.keys() == (set(graph.inputs) if len(shape) > 1 else set())
    x = samples(graph, 4)
    (made,) = float_run.run(after, in_order(after, x)).values()
    with torch.no_grad():
        expected = net(torch.from_numpy(x[graph.inputs[0]].reshape(4, *shape))).numpy()
    np.testing.assert_allclose(made.reshape(expected.shape), expected, rtol=1e-4, atol=1e-4)


# A model that brings its quantization along: the same integers, byte for byte.


def _observed(graph: FloatGraph) -> dict[str, Range]:
    inputs = samples(graph, 5)
    values = {**inputs, **{name: x for name, x, _ in float_run.trace(graph, inputs)}}
    return {name: Range(float(x.min()), float(x.max())) for name, x in values.items()}


def _with_integers(graph: FloatGraph) -> FloatGraph:
    """Quantize it as a file with QuantizeLinear pairs is: every activation, and every constant operand."""
    known = quantize_graph(graph, _observed(graph)).values
    constants = dict(graph.constants)
    for node in graph.nodes:
        for name in () if node.op.weights_axis is not None else {*node.inputs} & constants.keys():
            real = graph.real(name)
            tensor = Scheme().activation(real.shape, Range(float(real.min()), float(real.max())))
            constants[name] = QConstant(tensor.quantize(real), np.array([tensor.scale]), tensor.zero_point)
    return replace(graph, constants=constants, known={name: known[name] for name in graph.shapes})


def _bytes(graph: FloatGraph, inputs: dict[str, Array]) -> dict[str, Array]:
    quantized = quantize_graph(graph, {})
    integers = {name: quantized.values[name].quantize(x) for name, x in in_order(graph, inputs).items()}
    return simulate(build_plan(quantized), integers)


def _assert_same_bytes(graph: FloatGraph) -> None:
    given_integers = _with_integers(graph)
    after = prepare(given_integers)
    assert not needs_calibration(after)
    inputs = samples(graph)
    expected, made = _bytes(given_integers, inputs), _bytes(after, inputs)
    for name in graph.outputs:
        np.testing.assert_array_equal(made[name].ravel(), expected[name].ravel(), err_msg=name)


@pytest.mark.parametrize("model", ALL_VANISH)
def test_known_quantization_gives_the_same_bytes(model: Callable[[GraphBuilder], str]) -> None:
    b = GraphBuilder()
    _assert_same_bytes(b.graph(model(b)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(random_graphs())
def test_random_graphs_with_known_quantization_give_the_same_bytes(graph: FloatGraph) -> None:
    _assert_same_bytes(graph)
