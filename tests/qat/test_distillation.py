"""The teacher's answer as what is trained for."""

import pytest
from requirements import require_module

torch = require_module("torch")

from mcuq import qat  # noqa: E402
from mcuq.errors import UsageError  # noqa: E402


def test_the_loss_is_the_paper_s():
    scores, teacher = torch.tensor([[1.0, 3.0], [0.0, 0.5]]), torch.tensor([[2.0, 1.0], [0.0, -1.0]])
    p, q = (torch.softmax(each / 4, dim=1) for each in (teacher, scores))
    expected = 16 * (p * (p.log() - q.log())).sum() / 2
    torch.testing.assert_close(qat.distill(scores, teacher, temperature=4.0), expected)

    labels = torch.tensor([1, 0])
    entropy = torch.nn.functional.cross_entropy(scores, labels)
    both = qat.distill(scores, teacher, labels, temperature=4.0, share=0.25)
    torch.testing.assert_close(both, 0.25 * expected + 0.75 * entropy)


def test_scores_go_to_the_teacher_s_and_the_teacher_stays():
    torch.manual_seed(0)
    scores, teacher = torch.randn(8, 5, requires_grad=True), torch.randn(8, 5, requires_grad=True)
    before = float(qat.distill(scores.detach(), teacher))
    for _ in range(200):
        (gradient,) = torch.autograd.grad(qat.distill(scores, teacher), scores)
        scores = (scores - gradient).detach().requires_grad_()
    assert float(qat.distill(scores.detach(), teacher)) < 0.05 * before
    qat.distill(scores, teacher).backward()
    assert teacher.grad is None


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 3), {}, "different shapes"),
        ((2, 2), {"temperature": 0}, "temperature 0"),
        ((2, 2), {"share": 2}, "share 2"),
    ],
)
def test_wrong_choices_are_one_line(shape, options, message):
    with pytest.raises(UsageError, match=message) as error:
        qat.distill(torch.zeros(2, 2), torch.zeros(shape), **options)
    assert "\n" not in str(error.value)
