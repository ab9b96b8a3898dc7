"""The batch of a model's inputs: their dimension 0, which is 1 on the device."""

from __future__ import annotations

import math

from mcuq.errors import UnsupportedOperatorError
from mcuq.tensor import Shape

ONE_SOFTMAX = (
    "a softmax over one element (the batch?) is 1 whatever the input; give it the dimension of the classes, "
    "softmax(x, dim=-1), and a single output a sigmoid"
)


def refuse_batch(name: str, shape: Shape) -> None:
    """Refuse an input of several samples, whichever layer comes first.

    A vector has no batch; neither has what comes as [T, 1, features], a sequence whose batch is dimension 1.

    Raises:
        UnsupportedOperatorError: saying how to export.
    """
    if len(shape) < 2 or shape[0] == 1 or (len(shape) == 3 and shape[1] == 1):
        return
    hint = "" if math.prod(shape[1:]) > 1 else "; a vector has the shape [1, elements]"
    raise UnsupportedOperatorError(
        f"input '{name}' has a batch of {shape[0]}, shape {list(shape)}; export with a batch of 1{hint}"
    )
