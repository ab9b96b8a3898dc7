"""All operators. To add one: its file here, its kernel, its test, and one line below."""

from mcuq.ops.abs import Abs
from mcuq.ops.add import Add
from mcuq.ops.arg_max import ArgMax
from mcuq.ops.arg_min import ArgMin
from mcuq.ops.arg_top_k import ArgTopK
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.batch_to_space import BatchToSpace
from mcuq.ops.binarize import Binarize
from mcuq.ops.cast import Cast
from mcuq.ops.ceil import Ceil
from mcuq.ops.clip import Clip
from mcuq.ops.compare import Compare
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.cos import Cos
from mcuq.ops.cumsum import Cumsum
from mcuq.ops.depth_to_space import DepthToSpace
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.div import Div
from mcuq.ops.elu import Elu
from mcuq.ops.embedding import Embedding
from mcuq.ops.erf import Erf
from mcuq.ops.exp import Exp
from mcuq.ops.floor import Floor
from mcuq.ops.floor_div import FloorDiv
from mcuq.ops.floor_mod import FloorMod
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.gather import Gather
from mcuq.ops.gelu import Gelu
from mcuq.ops.group_norm import GroupNorm
from mcuq.ops.gru import Gru
from mcuq.ops.hard_sigmoid import HardSigmoid
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.l2_norm import L2Norm
from mcuq.ops.layer_norm import LayerNorm
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.log import Log
from mcuq.ops.log_softmax import LogSoftmax
from mcuq.ops.logical import Logical
from mcuq.ops.logical_not import LogicalNot
from mcuq.ops.logistic import Logistic
from mcuq.ops.lstm import Lstm
from mcuq.ops.matmul import Matmul
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.maximum import Maximum
from mcuq.ops.mean import Mean
from mcuq.ops.mean_of_sums import MeanOfSums
from mcuq.ops.minimum import Minimum
from mcuq.ops.mish import Mish
from mcuq.ops.mul import Mul
from mcuq.ops.neg import Neg
from mcuq.ops.one_hot import OneHot
from mcuq.ops.pad import Pad
from mcuq.ops.pixel_sums import PixelSums
from mcuq.ops.pixels import Pixels
from mcuq.ops.pow import Pow
from mcuq.ops.prelu import PRelu
from mcuq.ops.reciprocal import Reciprocal
from mcuq.ops.reduce_max import ReduceMax
from mcuq.ops.reduce_min import ReduceMin
from mcuq.ops.reduce_prod import ReduceProd
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_bilinear import ResizeBilinear
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.ops.rms_norm import RmsNorm
from mcuq.ops.rnn import Rnn
from mcuq.ops.round import Round
from mcuq.ops.rows import Rows
from mcuq.ops.rsqrt import Rsqrt
from mcuq.ops.running_mean import RunningMean
from mcuq.ops.select import Select
from mcuq.ops.sign import Sign
from mcuq.ops.silu import Silu
from mcuq.ops.sin import Sin
from mcuq.ops.slice import Slice
from mcuq.ops.slide import Slide
from mcuq.ops.softmax import Softmax
from mcuq.ops.softplus import Softplus
from mcuq.ops.softsign import Softsign
from mcuq.ops.space_to_batch import SpaceToBatch
from mcuq.ops.space_to_depth import SpaceToDepth
from mcuq.ops.sqrt import Sqrt
from mcuq.ops.square import Square
from mcuq.ops.squared_difference import SquaredDifference
from mcuq.ops.sub import Sub
from mcuq.ops.sum import Sum
from mcuq.ops.svdf import Svdf
from mcuq.ops.tanh import Tanh
from mcuq.ops.tile import Tile
from mcuq.ops.top_k import TopK
from mcuq.ops.transpose import Transpose
from mcuq.ops.trigonometric import Trigonometric

ALL: tuple[type[Op], ...] = (
    Abs,
    Add,
    ArgMax,
    ArgMin,
    ArgTopK,
    AveragePool,
    BatchToSpace,
    Binarize,
    Cast,
    Ceil,
    Clip,
    Compare,
    Concatenation,
    Conv2d,
    ConvTranspose2d,
    Cos,
    Cumsum,
    DepthToSpace,
    DepthwiseConv2d,
    Div,
    Elu,
    Embedding,
    Erf,
    Exp,
    Floor,
    FloorDiv,
    FloorMod,
    FullyConnected,
    Gather,
    Gelu,
    GroupNorm,
    Gru,
    HardSigmoid,
    HardSwish,
    L2Norm,
    LayerNorm,
    LeakyRelu,
    Log,
    LogSoftmax,
    Logical,
    LogicalNot,
    Logistic,
    Lstm,
    Matmul,
    MaxPool,
    Maximum,
    Mean,
    MeanOfSums,
    Minimum,
    Mish,
    Mul,
    Neg,
    OneHot,
    Pad,
    PixelSums,
    Pixels,
    Pow,
    PRelu,
    Reciprocal,
    ReduceMax,
    ReduceMin,
    ReduceProd,
    Relu,
    Relu6,
    Requantize,
    Reshape,
    ResizeBilinear,
    ResizeNearest,
    RmsNorm,
    Rnn,
    Round,
    Rows,
    Rsqrt,
    RunningMean,
    Select,
    Sign,
    Silu,
    Sin,
    Slice,
    Slide,
    Softmax,
    Softplus,
    Softsign,
    SpaceToBatch,
    SpaceToDepth,
    Sqrt,
    Square,
    SquaredDifference,
    Sub,
    Sum,
    Svdf,
    Tanh,
    Tile,
    TopK,
    Transpose,
    Trigonometric,
)
