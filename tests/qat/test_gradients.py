"""Gradients against the papers' formulas."""

import math

import pytest
from requirements import require_module

torch = require_module("torch")

from mcuq.qat import gradients  # noqa: E402
from mcuq.qat.spec import Bits  # noqa: E402
from mcuq.qat.weights import weights_for  # noqa: E402


@pytest.mark.parametrize(
    ("ratio", "of_step", "of_x"),
    [
        (0.3, 0 - 0.3, 1),  # inside: round(v/s) - v/s
        (-1.4, -1 + 1.4, 1),
        (-1.5, -2 + 1.5, 1),  # half away from zero
        (0.5, 1 - 0.5, 1),
        (1.2, 1, 0),  # clipped high: Q_P
        (1.0, 1, 0),
        (-2.7, -2, 0),  # clipped low: -Q_N
        (-2.0, -2, 0),
    ],
)
def test_lsq_gradients_of_every_case(ratio, of_step, of_x):
    step = torch.tensor(0.25, requires_grad=True)
    x = torch.tensor([ratio * 0.25], requires_grad=True)
    gradients.learned_step(x, step, (-2, 1), 0.125).backward(torch.tensor([3.0]))
    assert step.grad.item() == pytest.approx(3 * 0.125 * of_step, abs=1e-6)
    assert x.grad.item() == 3 * of_x


def test_lsq_equals_the_paper_s_pseudocode_by_autograd():
    """Appendix B: round with a pass-through gradient, the step through gradscale."""
    torch.manual_seed(1)
    x, step, scale = torch.randn(5, 40), torch.rand(5, 1) + 0.1, 0.07
    mine, theirs = ([x.clone().requires_grad_(), step.clone().requires_grad_()] for _ in range(2))
    weights = torch.randn(5, 40)
    (gradients.learned_step(*mine, (-4, 3), scale) * weights).sum().backward()

    v, s = theirs
    scaled = (s - s * scale).detach() + s * scale
    ratio = (v / scaled).clamp(-4, 3)
    ((((ratio.round() - ratio).detach() + ratio) * scaled) * weights).sum().backward()
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize(("per", "elements"), [("channel", 18), ("tensor", 72)])
def test_lsq_gradient_scale_and_first_step(per, elements):
    weight = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    part = weights_for(Bits(3, per=per), weight)
    with torch.no_grad():
        part.start(weight)
    assert part.gradient_scale == 1 / math.sqrt(elements * 3)
    first = weight[0] if per == "channel" else weight
    torch.testing.assert_close(part.step.flatten()[0], 2 * first.abs().mean() / math.sqrt(3))


@pytest.mark.parametrize("limits", [(0, 255), (-8, 7), (-128, 127)])
def test_pieces_on_a_grid_are_the_integers(limits, monkeypatch):
    """What is rounded in place, piece by piece, is what is handed over; ties among it."""
    monkeypatch.setattr(gradients, "PIECE", 100)
    torch.manual_seed(2)
    x = torch.cat([torch.randn(300) * 40, torch.arange(-20, 20) / 2]).reshape(4, 85)
    for scale in (torch.tensor(1.0), torch.tensor([[0.37]])):
        expected = gradients.quantized(x, scale, limits) * scale
        assert torch.equal(gradients.on_grid(x, scale, limits), expected)
        assert torch.equal(gradients.on_grid(x.T, scale, limits), expected.T)


def test_a_fixed_step_passes_what_is_not_clipped():
    x = torch.tensor([-0.6, -0.4, 0.0, 1.0, 2.9, 3.1, 9.0], requires_grad=True)
    y = gradients.fixed_step(x, torch.tensor(1.0), (0, 3))
    y.backward(torch.arange(1.0, 8.0))
    assert y.tolist() == [0, 0, 0, 1, 3, 3, 3] and x.grad.tolist() == [0, 2, 3, 4, 5, 6, 0]


def test_a_step_driven_below_zero_recovers():
    step = torch.tensor(-0.1, requires_grad=True)
    y = gradients.learned_step(torch.tensor([1.0]), step, (-2, 1), 1.0)
    ((y - 1) ** 2).sum().backward()
    assert y.item() == pytest.approx(1e-8) and step.grad.item() < 0


def test_straight_through():
    x = torch.tensor([0.1, 0.7], requires_grad=True)
    y = gradients.straight_through(x, torch.tensor([5.0, 6.0]), torch.tensor([0.0, 2.0]))
    y.backward(torch.tensor([1.0, 3.0]))
    assert y.tolist() == [5, 6] and x.grad.tolist() == [0, 6]


def test_xnor_weight_gradient():
    weight = torch.tensor([[0.5, -0.25, 1.5, -2.0]], requires_grad=True)
    out = weights_for(Bits(1, 1, "xnor"), weight)(weight)
    alpha = 4.25 / 4
    torch.testing.assert_close(out.detach(), alpha * torch.tensor([[1.0, -1, 1, -1]]))
    out.backward(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    torch.testing.assert_close(weight.grad, torch.tensor([[1 / 4 + alpha, 2 * (1 / 4 + alpha), 3 / 4, 4 / 4]]))


def test_sign_and_rounding_of_ties():
    assert gradients.sign(torch.tensor([0.0, -0.0, -1e-9])).tolist() == [1, 1, -1]
    assert gradients.rounded(torch.tensor([0.5, -0.5, 2.5, -1.5])).tolist() == [1, -1, 3, -2]


def test_stochastic_signs_follow_the_hard_sigmoid():
    probabilities = torch.tensor([0.0, 0.25, 0.5, 0.9, 1.0])
    weight = (2 * probabilities - 1)[:, None].repeat(1, 4000).requires_grad_()
    part = weights_for(Bits(1, method="stochastic", per="tensor"), weight)
    with torch.no_grad():
        part.alpha.fill_(1)
    torch.manual_seed(0)
    out = part(weight)
    assert set(out.unique().tolist()) == {-1, 1}
    share = (out > 0).float().mean(1)
    torch.testing.assert_close(share, probabilities, atol=0.03, rtol=0)
    assert share[0] == 0 and share[-1] == 1
    out.sum().backward()
    assert torch.all(weight.grad == 1)
    assert torch.equal(part.eval()(weight), gradients.sign(weight))


def test_binary_scale_learns():
    weight = torch.tensor([[0.5, -0.5], [1.0, 2.0]], requires_grad=True)
    part = weights_for(Bits(1, method="binary"), weight)
    with torch.no_grad():
        part.start(weight)
    assert part.alpha.flatten().tolist() == [0.5, 1.5] and weight.abs().max() == 1
    part(weight).backward(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert part.alpha.grad.flatten().tolist() == [1 - 2, 3 + 4]
    assert weight.grad.tolist() == [[0.5, 1.0], [4.5, 6.0]]


@pytest.mark.parametrize("size", [0, 3])
def test_a_centroid_s_gradient_is_the_sum_over_its_cluster(size):
    weight = torch.randn(4, 10, generator=torch.Generator().manual_seed(0))
    part = weights_for(Bits(2, method="kmeans", per="tensor", codebook_channels=size), weight)
    with torch.no_grad():
        part.start(weight)
    gradient = torch.randn(4, 10, generator=torch.Generator().manual_seed(1))
    part(weight).backward(gradient)
    for group, rows in enumerate([slice(0, 3), slice(3, 4)] if size else [slice(0, 4)]):
        for k in range(4):
            expected = gradient[rows][part.indices[rows] == k].sum()
            torch.testing.assert_close(part.centroids.grad[group, k], expected)
            mean = weight[rows][part.indices[rows] == k].mean()
            torch.testing.assert_close(part.centroids.detach()[group, k], mean)
