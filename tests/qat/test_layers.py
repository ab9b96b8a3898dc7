"""The fake-quantized forward pass is the integers' meaning, to the bit."""

import numpy as np
import pytest
from requirements import require_module

torch = require_module("torch")

from mcuq import qat  # noqa: E402
from mcuq.qat import Bits  # noqa: E402
from mcuq.tensor import QTensor  # noqa: E402

nn, F = torch.nn, torch.nn.functional
METHODS = [
    *(Bits(b, a, "lsq", span) for b, a, span in ((2, 8, "full"), (3, 2, "symmetric"), (8, None, "full"))),
    Bits(2, 4, per="tensor"),
    *(Bits(b, a, "minmax", span) for b, a, span in ((2, 8, "full"), (5, 7, "symmetric"), (8, None, "full"))),
    *(Bits(1, a, method) for method in ("binary", "stochastic") for a in (8, None, 3)),
    *(Bits(1, 1, "xnor"), Bits(1, 1, "xnor", per="tensor")),
    *(Bits(2, 8, "kmeans"), Bits(4, 8, "kmeans", per="tensor"), Bits(2, None, "kmeans", codebook_channels=5)),
]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 8, 3, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, stride=2, groups=8)
        self.line = nn.Conv1d(8, 6, 3, padding=1)
        self.head = nn.Linear(6 * 8, 4)

    def forward(self, x):
        x = F.relu(self.depthwise(self.first(x))).flatten(2)[:, :, :8]
        return self.head(self.line(x).flatten(1))


def trained(spec, steps=3):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = qat.prepare(Net(), spec)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.randn(4, 2, 8, 8)).square().mean().backward()
        optimizer.step()
        qat.clip_(net)
    return net.eval()


def recorded(net, x):
    """Return every wrapped layer's input and output."""
    seen = {}
    for name, module in net.named_children():
        module.register_forward_hook(lambda _, inputs, out, name=name: seen.update({name: (inputs[0], out)}))
    net(x)
    return seen


@pytest.mark.parametrize("bits", METHODS, ids=str)
def test_forward_is_the_integers(bits):
    net = trained(bits)
    exported = qat.plain(net)
    with torch.no_grad():
        for name, (x, out) in recorded(net, torch.randn(3, 2, 8, 8)).items():
            layer, wrapper, plain = qat.integers(net)[name], net.get_submodule(name), exported.get_submodule(name)
            assert np.array_equal(layer.real(), wrapper.weights(wrapper.layer.weight).numpy())
            plain = plain[1] if isinstance(plain, nn.Sequential) else plain
            assert np.array_equal(plain.weight.numpy(), layer.real())
            assert torch.equal(plain(torch.tensor(meaning(layer, x.numpy()))), out)


def meaning(layer, x):
    """Return what a layer's quantized input stands for; b bits are int8 clipped to fewer levels."""
    if layer.activation_bits is None:
        return x
    tensor = QTensor((), layer.activation_scale, layer.activation_zero_point)
    q = tensor.quantize(x)
    if layer.activation_bits == 1:
        return np.where(q >= tensor.zero_point, np.float32(1), np.float32(-1))
    return tensor.dequantize(np.clip(q, -(2 ** (layer.activation_bits - 1)), 2 ** (layer.activation_bits - 1) - 1))


@pytest.mark.parametrize("bits", METHODS, ids=str)
def test_integers_are_within_their_bits(bits):
    for layer in qat.integers(trained(bits)).values():
        assert layer.weights.dtype == np.int8 and layer.bits == bits.weights
        values = set(np.unique(layer.weights).tolist())
        if layer.codebook is not None:
            rows = len(layer.weights) if 0 < bits.codebook_channels < len(layer.weights) else 1
            assert layer.codebook.shape == (rows, 2**bits.weights) and layer.codebook.dtype == np.int8
            assert np.all(np.diff(layer.codebook.astype(int)) >= 0)
            for index, channel in enumerate(layer.weights):
                assert set(channel.ravel()) <= set(layer.codebook[index % rows])
        elif bits.weights == 1:
            assert values <= {-1, 1}
        else:
            assert bits.limits[0] <= min(values) and max(values) <= bits.limits[1]
        assert layer.scale.shape == ((len(layer.weights),) if bits.per == "channel" else (1,))
        assert np.all(layer.scale > 0) and np.array_equal(layer.scale, layer.scale.astype(np.float32))
        assert (layer.activation_scale is None) == (bits.activations is None)


def test_biases_are_integers_at_the_scale_of_the_products():
    net = trained(Bits(2, 2))
    for name, layer in qat.integers(net).items():
        bias = net.get_submodule(name).bias().detach().double().numpy() / (layer.activation_scale * layer.scale)
        np.testing.assert_allclose(bias, np.round(bias), atol=1e-5)
    net = trained(Bits(2))
    assert net.head.bias() is net.head.layer.bias


@pytest.mark.parametrize(("low", "zero_point"), [(0, -8), (-1, 0)])
def test_learned_activations_are_unsigned_where_the_first_batch_is(low, zero_point):
    net = qat.prepare(nn.Sequential(nn.Linear(50, 3)), Bits(4, 4))
    x = torch.rand(6, 50) * (1 - low) + low
    net(x)
    layer = qat.integers(net)["0"]
    positive = 15 if zero_point else 7
    assert layer.activation_zero_point == zero_point
    assert layer.activation_scale == pytest.approx(2 * x.abs().mean().item() / positive**0.5)


def test_learned_activations_gradient_scale():
    net = qat.prepare(nn.Sequential(nn.Linear(50, 1, bias=False)), Bits(4, 4))
    x = torch.rand(6, 50)
    net(x).sum().backward()
    wrapper = net[0]
    ratio = x / wrapper.activations.step.detach()
    slope = torch.where(ratio < 15, ratio.round() - ratio, 15.0)
    weight = wrapper.weights(wrapper.layer.weight).detach()
    torch.testing.assert_close(wrapper.activations.step.grad, (slope * weight).sum() / (50 * 15) ** 0.5)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(3, 8, (3, 2), stride=2, padding=1), (4, 3, 9, 7)),
        (nn.Conv2d(4, 8, 3, groups=4, bias=False, padding=1, padding_mode="reflect"), (4, 4, 6, 6)),
        (nn.Conv1d(3, 5, 3), (4, 3, 12)),
        (nn.Linear(12, 5), (4, 12)),
    ],
    ids=str,
)
def test_a_first_layer_learns_its_step_as_any_other(layer, shape, relu):
    """Without the gradient of its input, which costs as much as that of the weights and goes nowhere."""
    torch.manual_seed(1)
    x = torch.randn(shape).clamp(min=0) if relu else torch.randn(shape)
    net = qat.prepare(nn.Sequential(layer, nn.ReLU(inplace=True)), Bits(4, 4))
    found = []
    for given in (x, x.clone().requires_grad_()):
        net.zero_grad()
        out = net(given)
        (out * torch.linspace(-1, 1, out.numel()).reshape(out.shape)).sum().backward()
        found.append([out.detach(), *(parameter.grad for parameter in net.parameters())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_moving_ranges_follow_the_batches():
    net = qat.prepare(nn.Sequential(nn.Linear(2, 2)), Bits(8, 8, "minmax"))
    net(torch.tensor([[-1.0, 3.0]]))
    net(torch.tensor([[-2.0, 1.0]]))
    layer = qat.integers(net)["0"]
    assert layer.activation_scale == pytest.approx((2.8 + 1.1) / 255)
    assert layer.activation_zero_point == round(-128 + 1.1 / ((2.8 + 1.1) / 255))
    before = layer.activation_scale
    net.eval()(torch.tensor([[-9.0, 9.0]]))
    assert qat.integers(net)["0"].activation_scale == before


@pytest.mark.parametrize("backward", ["quantized", "real"])
def test_backward_through_quantized_or_real_weights(backward):
    net = qat.prepare(nn.Sequential(nn.Linear(20, 3)), Bits(2, backward=backward))
    x = torch.randn(5, 20, requires_grad=True)
    out = net(x)
    gradient = torch.randn(5, 3)
    out.backward(gradient)
    wrapper = net[0]
    quantized = wrapper.weights(wrapper.layer.weight).detach()
    through = wrapper.layer.weight.detach() if backward == "real" else quantized
    torch.testing.assert_close(x.grad, gradient @ through)
    torch.testing.assert_close(out, F.linear(x, quantized, wrapper.layer.bias))
    assert wrapper.weights.step.grad.abs().sum() > 0
    inside = (wrapper.layer.weight.detach() / wrapper.weights.step.detach()).abs() < 1
    torch.testing.assert_close(wrapper.layer.weight.grad[inside], (gradient.T @ x.detach())[inside])


def test_xnor_inputs_get_their_gradient_between_minus_one_and_one():
    net = qat.prepare(nn.Sequential(nn.Linear(4, 1, bias=False)), Bits(1, 1, "xnor"))
    x = torch.tensor([[0.5, -1.5, 1.5, -0.5]], requires_grad=True)
    net(x).sum().backward()
    assert (x.grad != 0).tolist() == [[True, False, False, True]]


def test_state_survives_saving():
    net = trained({"head": Bits(1, 1, "xnor"), "line": Bits(2, 8, "kmeans"), "*": Bits(2, 8)})
    again = qat.prepare(Net(), {"head": Bits(1, 1, "xnor"), "line": Bits(2, 8, "kmeans"), "*": Bits(2, 8)})
    again.load_state_dict(net.state_dict())
    x = torch.randn(2, 2, 8, 8)
    assert torch.equal(again.eval()(x), net(x))


def test_weights_may_be_loaded_after_preparing():
    net, source = qat.prepare(Net(), Bits(2)), Net()
    for name, module in net.named_children():
        module.layer.load_state_dict(source.get_submodule(name).state_dict())
    net(torch.randn(1, 2, 8, 8))
    expected = 2 * source.head.weight.detach().abs().mean(1)
    torch.testing.assert_close(net.head.weights.step.detach().flatten(), expected)


@pytest.mark.parametrize(("span", "scale"), [("full", 1.0), ("symmetric", 4 / 3)])
def test_minmax_takes_the_smallest_scale_that_clips_nothing(span, scale):
    net = qat.prepare(nn.Sequential(nn.Linear(2, 1)), Bits(3, method="minmax", span=span))
    net[0].layer.weight.data.copy_(torch.tensor([[-4.0, 1.0]]))
    net(torch.zeros(1, 2))
    assert qat.integers(net)["0"].scale.tolist() == pytest.approx([scale])
