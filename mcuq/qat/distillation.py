"""Distillation: what a network of few bits is trained for is the float network's answer, not only the label."""

from __future__ import annotations

import torch

from mcuq.errors import UsageError


def distill(
    scores: torch.Tensor,
    teacher: torch.Tensor,
    labels: torch.Tensor | None = None,
    *,
    temperature: float = 2.0,
    share: float = 0.5,
) -> torch.Tensor:
    """Return the loss of a batch: how far scores are from a float network's, and from the labels.

    The divergence of the softmax at a temperature T, times T^2 so that its gradients do not shrink with it, as in G.
    Hinton et al., "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531, section 2); beside it cross
    entropy.

    Args:
        scores: before softmax, of the network in training, [samples, classes].
        teacher: those of the float network for the same samples; no gradient goes there.
        labels: classes, [samples]; None: the teacher alone counts.
        temperature: above 0; the higher, the more the teacher's unlikely classes count.
        share: of the teacher in the loss, 0 to 1; the rest are the labels'.

    Raises:
        UsageError: for scores of different shapes, or a number out of its range.

    >>> scores = torch.tensor([[1.0, 2.0, 3.0]])
    >>> float(distill(scores, scores))
    0.0
    """
    if scores.shape != teacher.shape:
        raise UsageError(f"scores {list(scores.shape)} and the teacher's {list(teacher.shape)} have different shapes")
    if not temperature > 0 or not 0 <= share <= 1:
        raise UsageError(f"temperature {temperature:g} must be above 0, and the teacher's share {share:g} within 0..1")
    functional = torch.nn.functional
    wanted = functional.log_softmax(teacher.detach() / temperature, dim=1)
    given = functional.log_softmax(scores / temperature, dim=1)
    loss: torch.Tensor = functional.kl_div(given, wanted, reduction="batchmean", log_target=True) * temperature**2
    return loss if labels is None else share * loss + (1 - share) * functional.cross_entropy(scores, labels)
