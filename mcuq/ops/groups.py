"""What passes ask of an operator: groups by name. Whoever adds an operator answers each of them, on this page.

Every operator has one kind, and for every ability it is either named in the group or in ``NEITHER``. A base class
answers for its operators, unless one is named itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op, PlacedOp
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.div import Div
from mcuq.ops.elementwise import ElementwiseOp
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.group_norm import GroupNorm
from mcuq.ops.l2_norm import L2Norm
from mcuq.ops.layer_norm import LayerNorm
from mcuq.ops.log_softmax import LogSoftmax
from mcuq.ops.lookup import LookupOp
from mcuq.ops.matmul import Matmul
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.mean_of_sums import MeanOfSums
from mcuq.ops.mul import Mul
from mcuq.ops.normalization import NormalizeOp
from mcuq.ops.pad import Pad
from mcuq.ops.pixel_sums import PixelSums
from mcuq.ops.pooling import PoolOp
from mcuq.ops.prelu import PRelu
from mcuq.ops.recurrent import RecurrentOp
from mcuq.ops.reduction import ReduceOp
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize import ResizeOp
from mcuq.ops.rms_norm import RmsNorm
from mcuq.ops.rows import Rows
from mcuq.ops.running_mean import RunningMean
from mcuq.ops.slice import Slice
from mcuq.ops.slide import Slide
from mcuq.ops.softmax import Softmax
from mcuq.ops.sub import Sub
from mcuq.ops.svdf import Svdf
from mcuq.ops.transpose import Transpose

# Kinds: what an output element is computed from.

# The one element in its place, whatever the shape.
UNARY = (LookupOp,)
# One element of each operand; operands are repeated along dimensions that they have once.
BROADCASTING = (Add, ElementwiseOp, Mul, Sub)
# Many elements, times the weights of its channel; these are operand 1, the bias is operand 2.
WEIGHTED = (Conv2d, ConvTranspose2d, DepthwiseConv2d, FullyConnected)
# A few pixels of an image [1, height, width, channels], of its channel.
SPATIAL = (GroupNorm, PoolOp, ResizeOp)
# One element, whose place alone changes: the same tensor, seen in another order or shape.
REARRANGING = (Reshape, Transpose)
# Elements along some dimensions, which may be any.
ALONG_AXES = (Concatenation, MeanOfSums, Pad, PixelSums, ReduceOp, Slice, Rows, RunningMean, Slide)
# Elements along the last dimension, or its index there.
ALONG_LAST = (L2Norm, LayerNorm, LogSoftmax, PRelu, RmsNorm, Softmax)
# Elements that the operator finds by their places.
PLACED = (PlacedOp,)
# Everything that came before, step by step.
RECURRENT = (RecurrentOp, Svdf)

KINDS = (UNARY, BROADCASTING, WEIGHTED, SPATIAL, REARRANGING, ALONG_AXES, ALONG_LAST, PLACED, RECURRENT)

# Abilities: what a pass may do with an operator.

# With a constant operand: y = factor * x + offset; factor 1 and offset 0 do nothing.
AFFINE = (Add, Mul, Sub)
# Output channel c depends on channel c of the inputs alone, for some attributes and shapes.
CHANNELWISE = (Add, LookupOp, Mean, Mul, Pad, PoolOp, Reshape, ResizeOp, Sub)
# Clamps its output itself: has the attribute ``activation``.
FUSING = (Add, Conv2d, ConvTranspose2d, DepthwiseConv2d, Div, FullyConnected, Matmul, Mul, PoolOp, Sub)
# Lets a positive factor per channel through, f(s x) = s f(x), for some attributes and shapes.
HOMOGENEOUS = (Mean, Pad, PoolOp, Relu, Reshape)
# For some attributes and shapes every element stays where and as it is.
IDLE = (AveragePool, Concatenation, MaxPool, Pad, Reshape, Slice, Transpose)
# Its weights may be stored in less than a byte each.
PACKED = (Conv2d, DepthwiseConv2d, FullyConnected)
# Pads rows and columns of its input with zeros itself, so that no pad need stand before it.
PADDING = (Conv2d, DepthwiseConv2d)
# All output channels see the same inputs, so that some of them can be a layer of their own.
SPLITTABLE = (Conv2d, FullyConnected)
# Sums over windows of its input, which its weights lie on: output channels and input channels can be scaled.
WINDOWED = (Conv2d, DepthwiseConv2d, FullyConnected)

# The operators that do not have an ability.
NEITHER: Mapping[str, tuple[type[Op], ...]] = {
    "AFFINE": (
        *(Concatenation, Conv2d, ConvTranspose2d, DepthwiseConv2d, ElementwiseOp, FullyConnected, L2Norm, LogSoftmax),
        *(LookupOp, NormalizeOp, Pad, PlacedOp, PoolOp, PRelu, RecurrentOp, ReduceOp, Reshape, ResizeOp, Slice),
        *(Rows, MeanOfSums, PixelSums, RunningMean, Slide, Softmax, Svdf, Transpose),
    ),
    "CHANNELWISE": (
        *(Concatenation, Conv2d, ConvTranspose2d, DepthwiseConv2d, ElementwiseOp, FullyConnected, L2Norm, LogSoftmax),
        *(
            NormalizeOp,
            PlacedOp,
            PRelu,
            RecurrentOp,
            ReduceOp,
            Slice,
            Rows,
            MeanOfSums,
            PixelSums,
            RunningMean,
            Slide,
            Softmax,
            Svdf,
            Transpose,
        ),
    ),
    "FUSING": (
        *(Concatenation, ElementwiseOp, L2Norm, LogSoftmax, LookupOp, NormalizeOp, Pad, PlacedOp, PRelu, RecurrentOp),
        *(
            ReduceOp,
            Reshape,
            ResizeOp,
            Slice,
            Rows,
            MeanOfSums,
            PixelSums,
            RunningMean,
            Slide,
            Softmax,
            Svdf,
            Transpose,
        ),
    ),
    "HOMOGENEOUS": (
        *(Add, Concatenation, Conv2d, ConvTranspose2d, DepthwiseConv2d, ElementwiseOp, FullyConnected, L2Norm),
        *(
            LogSoftmax,
            LookupOp,
            Mul,
            NormalizeOp,
            PlacedOp,
            PRelu,
            RecurrentOp,
            ReduceOp,
            ResizeOp,
            Slice,
            Rows,
            MeanOfSums,
            PixelSums,
            RunningMean,
            Slide,
        ),
        *(Softmax, Sub, Svdf, Transpose),
    ),
    "IDLE": (
        *(Add, Conv2d, ConvTranspose2d, DepthwiseConv2d, ElementwiseOp, FullyConnected, L2Norm, LogSoftmax, LookupOp),
        *(
            Mul,
            NormalizeOp,
            PlacedOp,
            PRelu,
            RecurrentOp,
            ReduceOp,
            ResizeOp,
            Rows,
            MeanOfSums,
            PixelSums,
            RunningMean,
            Slide,
            Softmax,
            Sub,
            Svdf,
        ),
    ),
    "PACKED": (
        *(Add, Concatenation, ConvTranspose2d, ElementwiseOp, L2Norm, LogSoftmax, LookupOp, Mul, NormalizeOp, Pad),
        *(
            PlacedOp,
            PoolOp,
            PRelu,
            RecurrentOp,
            ReduceOp,
            Reshape,
            ResizeOp,
            Slice,
            Rows,
            MeanOfSums,
            PixelSums,
            RunningMean,
            Slide,
            Softmax,
            Sub,
            Svdf,
        ),
        *(Transpose,),
    ),
    "PADDING": (
        *(Add, Concatenation, ConvTranspose2d, ElementwiseOp, FullyConnected, L2Norm, LogSoftmax, LookupOp, Mul),
        *(
            NormalizeOp,
            Pad,
            PlacedOp,
            PoolOp,
            PRelu,
            RecurrentOp,
            ReduceOp,
            Reshape,
            ResizeOp,
            Slice,
            Rows,
            MeanOfSums,
            PixelSums,
            RunningMean,
            Slide,
            Softmax,
        ),
        *(Sub, Svdf, Transpose),
    ),
    "SPLITTABLE": (
        *(Add, Concatenation, ConvTranspose2d, DepthwiseConv2d, ElementwiseOp, L2Norm, LogSoftmax, LookupOp, Mul),
        *(
            NormalizeOp,
            Pad,
            PlacedOp,
            PoolOp,
            PRelu,
            RecurrentOp,
            ReduceOp,
            Reshape,
            ResizeOp,
            Slice,
            Rows,
            MeanOfSums,
            PixelSums,
            RunningMean,
            Slide,
            Softmax,
        ),
        *(Sub, Svdf, Transpose),
    ),
    "WINDOWED": (
        *(Add, Concatenation, ConvTranspose2d, ElementwiseOp, L2Norm, LogSoftmax, LookupOp, Mul, NormalizeOp, Pad),
        *(
            PlacedOp,
            PoolOp,
            PRelu,
            RecurrentOp,
            ReduceOp,
            Reshape,
            ResizeOp,
            Slice,
            Rows,
            MeanOfSums,
            PixelSums,
            RunningMean,
            Slide,
            Softmax,
            Sub,
            Svdf,
        ),
        *(Transpose,),
    ),
}
