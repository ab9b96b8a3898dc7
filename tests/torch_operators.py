"""One module of many outputs, each an operator of PyTorch: what the table of operators says is read."""

import torch

F = torch.nn.functional
torch.manual_seed(1)
CONV, GROUPS, TRANSPOSED, LINEAR, TABLE = (
    torch.randn(*shape) for shape in ((6, 4, 3, 3), (4, 1, 3, 3), (4, 3, 2, 2), (5, 6), (6, 3))
)
ONE = "abs argmax argmin atan ceil cos erf exp floor log neg reciprocal round sigmoid sign sin sqrt square tanh tan"
FUNCTIONS = "celu elu gelu hardsigmoid hardswish leaky_relu mish relu relu6 selu softplus"
TWO = "add bmm div eq floor_divide fmod gt matmul maximum minimum mul remainder sub"
POSITIVE = ("log", "reciprocal", "sqrt")  # of numbers of 0.5 to 3.5


def _one(name):
    return lambda x, p, m: getattr(torch, name)(p if name in POSITIVE else 0.4 * x if name == "tan" else x)


def _two(name):
    if name in ("bmm", "matmul"):
        return lambda x, p, m: getattr(torch, name)(m, m.transpose(1, 2))
    return lambda x, p, m: getattr(torch, name)(x, p)


CASES = {  # of an image, one of positive numbers, vectors [1, 3, 6]
    **{f"torch.{name}": _one(name) for name in ONE.split()},
    **{f"torch.{name}": _two(name) for name in TWO.split()},
    **{f"F.{name}": lambda x, p, m, name=name: getattr(F, name)(x) for name in FUNCTIONS.split()},
    "F.silu": lambda x, p, m: F.silu(x + 0.1),
    "F.avg_pool2d": lambda x, p, m: F.avg_pool2d(x, 2),
    "F.conv2d": lambda x, p, m: torch.cat([F.conv2d(x, CONV), F.conv2d(x, GROUPS, groups=4)], 1),
    "F.conv_transpose2d": lambda x, p, m: F.conv_transpose2d(x, TRANSPOSED, stride=2),
    "F.embedding": lambda x, p, m: F.embedding(m.argmax(-1), TABLE),
    "F.group_norm": lambda x, p, m: F.group_norm(x, 2),
    "F.instance_norm": lambda x, p, m: F.instance_norm(x),
    "F.interpolate": lambda x, p, m: (
        F.interpolate(x, scale_factor=2) + F.interpolate(x, scale_factor=2, mode="bilinear")
    ),
    "F.layer_norm": lambda x, p, m: F.layer_norm(m, (6,), LINEAR[0], LINEAR[1]),
    "F.linear": lambda x, p, m: F.linear(m, LINEAR),
    "F.log_softmax": lambda x, p, m: F.log_softmax(m, -1),
    "F.max_pool2d": lambda x, p, m: F.max_pool2d(x, 2),
    "F.normalize": lambda x, p, m: F.normalize(m, dim=-1),
    "F.pad": lambda x, p, m: F.pad(x, (1, 2, 0, 1)),
    "F.pixel_shuffle": lambda x, p, m: F.pixel_shuffle(x, 2),
    "F.pixel_unshuffle": lambda x, p, m: F.pixel_unshuffle(x, 2),
    "F.prelu": lambda x, p, m: F.prelu(x, torch.full((4,), 0.3)),
    "F.rms_norm": lambda x, p, m: F.rms_norm(m, (6,)),
    "Tensor.expand": lambda x, p, m: x[:, :1].expand(-1, 3, -1, -1) * 1.5,
    "torch.amax": lambda x, p, m: torch.amax(x, (1, 2)),
    "torch.amin": lambda x, p, m: torch.amin(x, 3),
    "torch.cat": lambda x, p, m: torch.cat([x, p], 1),
    "torch.clamp": lambda x, p, m: torch.clamp(x, -0.5, 0.7),
    "torch.cumsum": lambda x, p, m: torch.cumsum(x, 2),
    "torch.flip": lambda x, p, m: torch.flip(x, (2,)),
    "torch.index_select": lambda x, p, m: torch.index_select(x, 3, torch.tensor([3, 1, 1, 5, 0, 5, 4, 2, 2])),
    "torch.logical_and": lambda x, p, m: torch.logical_and(x > 0, p > 1),
    "torch.logical_not": lambda x, p, m: torch.logical_not(x > 0),
    "torch.logical_xor": lambda x, p, m: torch.logical_xor(x > 0, p > 1),
    "torch.mean": lambda x, p, m: torch.mean(x, (2, 3)),
    "torch.narrow": lambda x, p, m: torch.narrow(x, 2, 1, 3),
    "torch.permute": lambda x, p, m: torch.permute(x, (0, 2, 3, 1)),
    "torch.pow": lambda x, p, m: torch.pow(p, 1.7),
    "torch.prod": lambda x, p, m: torch.prod(x, 2),
    "torch.reshape": lambda x, p, m: torch.reshape(x, (1, -1, 6)),
    "torch.roll": lambda x, p, m: torch.roll(x, 2, 3),
    "torch.softmax": lambda x, p, m: torch.softmax(m, -1),
    "torch.split": lambda x, p, m: torch.split(x, 2, 1)[1],
    "torch.stack": lambda x, p, m: torch.stack([x, p], 1),
    "torch.sum": lambda x, p, m: torch.sum(x, (1, 3)),
    "torch.tile": lambda x, p, m: torch.tile(x, (1, 1, 2, 1)),
    "torch.topk": lambda x, p, m: torch.topk(m, 2)[0] + torch.topk(m, 2)[1],
    "torch.unbind": lambda x, p, m: torch.unbind(x, 2)[1],
    "torch.where": lambda x, p, m: torch.where(x > 0.2, x, p),
}


class Operators(torch.nn.Module):
    """Every case, in order; results are float, so that truths and indices are outputs too."""

    def forward(self, x, p, m):
        """Return all outputs."""
        return tuple(case(x, p, m).float() for case in CASES.values())
