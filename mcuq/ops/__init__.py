"""All operators. To add one: its file here, its kernel, its test, and one line below."""

from mcuq.ops.abs import Abs
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.binarize import Binarize
from mcuq.ops.clip import Clip
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.elu import Elu
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.gelu import Gelu
from mcuq.ops.gru import Gru
from mcuq.ops.hard_sigmoid import HardSigmoid
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.lstm import Lstm
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.mish import Mish
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.prelu import PRelu
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_bilinear import ResizeBilinear
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.ops.rnn import Rnn
from mcuq.ops.silu import Silu
from mcuq.ops.slice import Slice
from mcuq.ops.slide import Slide
from mcuq.ops.softmax import Softmax
from mcuq.ops.softplus import Softplus
from mcuq.ops.sub import Sub
from mcuq.ops.svdf import Svdf
from mcuq.ops.tanh import Tanh
from mcuq.ops.transpose import Transpose

ALL: tuple[type[Op], ...] = (
    Abs,
    Add,
    AveragePool,
    Binarize,
    Clip,
    Concatenation,
    Conv2d,
    ConvTranspose2d,
    DepthwiseConv2d,
    Elu,
    FullyConnected,
    Gelu,
    Gru,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Logistic,
    Lstm,
    MaxPool,
    Mean,
    Mish,
    Mul,
    Pad,
    PRelu,
    Relu,
    Relu6,
    Requantize,
    Reshape,
    ResizeBilinear,
    ResizeNearest,
    Rnn,
    Silu,
    Slice,
    Slide,
    Softmax,
    Softplus,
    Sub,
    Svdf,
    Tanh,
    Transpose,
)
