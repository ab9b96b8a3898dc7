"""All operators. To add one: its file here, its kernel, its test, and one line below."""

from mcuq.ops.add import Add
from mcuq.ops.base import Op
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.logistic import Logistic

ALL: tuple[type[Op], ...] = (
    Add,
    Conv2d,
    Logistic,
)
