"""All operators. To add one: its file here, its kernel, its test, and one line below."""

from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.softmax import Softmax
from mcuq.ops.sub import Sub
from mcuq.ops.tanh import Tanh

ALL: tuple[type[Op], ...] = (
    Add,
    AveragePool,
    Concatenation,
    Conv2d,
    DepthwiseConv2d,
    FullyConnected,
    HardSwish,
    LeakyRelu,
    Logistic,
    MaxPool,
    Mean,
    Mul,
    Pad,
    Relu,
    Relu6,
    Requantize,
    Reshape,
    Softmax,
    Sub,
    Tanh,
)
