"""What each format calls the operators: names that are read as them. tests/frontends/test_operator_table.py reads all.

A name may stand for several operators, and be read as others where a model's shapes or constants allow simpler ones.
PyTorch's are those of ``torch``, of ``torch.nn.functional`` (F.) and ``torch.nn`` (nn.); Keras' those of ``keras.ops``
(ops.), ``keras.layers`` (layers.) and TensorFlow (tf.).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Names(NamedTuple):
    """Names of one operator, separated by blanks; empty: the format is not read as it."""

    tflite: str = ""
    onnx: str = ""
    torch: str = ""
    keras: str = ""


FORMATS = Names("TFLite", "ONNX", "PyTorch", "Keras")
RELATIONS = "EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL"
READ: Mapping[str, Names] = {
    "abs": Names("ABS", "Abs", "torch.abs", "ops.abs"),
    "add": Names("ADD", "Add Sum", "torch.add", "ops.add"),
    "arg_max": Names("ARG_MAX", "ArgMax", "torch.argmax", "ops.argmax tf.argmax"),
    "arg_min": Names("ARG_MIN", "ArgMin", "torch.argmin", "ops.argmin tf.argmin"),
    "arg_top_k": Names("TOPK_V2", "TopK", "torch.topk", "tf.math.top_k"),
    "average_pool": Names("AVERAGE_POOL_2D", "AveragePool", "F.avg_pool2d", "layers.AveragePooling2D"),
    "batch_to_space": Names("BATCH_TO_SPACE_ND", "", "", "tf.batch_to_space"),
    "binarize": Names(),
    "cast": Names("CAST", "Cast", "", "ops.cast"),
    "ceil": Names("CEIL", "Ceil", "torch.ceil", "ops.ceil"),
    "clip": Names("MAXIMUM MINIMUM RELU_0_TO_1 RELU_N1_TO_1", "Clip Max Min", "torch.clamp", "ops.clip"),
    "compare": Names(
        RELATIONS,
        "Equal Greater GreaterOrEqual Less LessOrEqual",
        "torch.eq torch.gt",
        "ops.equal ops.greater ops.less ops.not_equal",
    ),
    "concatenation": Names("CONCATENATION PACK", "Concat", "torch.cat torch.stack", "ops.concatenate ops.stack"),
    "conv2d": Names("CONV_2D", "Conv", "F.conv2d", "layers.Conv2D"),
    "conv_transpose2d": Names("TRANSPOSE_CONV", "ConvTranspose", "F.conv_transpose2d", "layers.Conv2DTranspose"),
    "cos": Names("COS", "Cos", "torch.cos", "ops.cos"),
    "cumsum": Names("CUMSUM", "CumSum", "torch.cumsum", "ops.cumsum"),
    "depth_to_space": Names("DEPTH_TO_SPACE", "DepthToSpace", "F.pixel_shuffle", "tf.nn.depth_to_space"),
    "depthwise_conv2d": Names("DEPTHWISE_CONV_2D", "Conv", "F.conv2d", "layers.DepthwiseConv2D"),
    "div": Names("DIV", "Div", "torch.div", "ops.divide"),
    "elu": Names("ELU", "Celu Elu Selu", "F.celu F.elu F.selu", "ops.elu"),
    "embedding": Names("GATHER", "Gather", "F.embedding", "layers.Embedding"),
    "erf": Names("", "Erf", "torch.erf", ""),
    "exp": Names("EXP", "Exp", "torch.exp", "ops.exp"),
    "floor": Names("FLOOR", "Floor", "torch.floor", "ops.floor"),
    "floor_div": Names("FLOOR_DIV", "", "torch.floor_divide", "ops.floor_divide"),
    "floor_mod": Names("FLOOR_MOD", "Mod", "torch.fmod torch.remainder", "ops.mod"),
    "fully_connected": Names("FULLY_CONNECTED", "Gemm MatMul", "F.linear", "layers.Dense"),
    "gather": Names("GATHER MIRROR_PAD", "Gather", "torch.index_select", "ops.take"),
    "gelu": Names("GELU", "Gelu com.microsoft.Gelu", "F.gelu", "ops.gelu"),
    "group_norm": Names(
        "",
        "GroupNormalization InstanceNormalization",
        "F.group_norm F.instance_norm",
        "layers.GroupNormalization",
    ),
    "gru": Names("WHILE", "GRU", "nn.GRU", "layers.GRU"),
    "hard_sigmoid": Names("", "HardSigmoid", "F.hardsigmoid", "ops.hard_sigmoid"),
    "hard_swish": Names("HARD_SWISH", "HardSwish", "F.hardswish", "ops.hard_swish"),
    "l2_norm": Names("L2_NORMALIZATION", "LpNormalization", "F.normalize", "tf.nn.l2_normalize"),
    "layer_norm": Names("", "LayerNormalization", "F.layer_norm", "layers.LayerNormalization"),
    "leaky_relu": Names("LEAKY_RELU", "LeakyRelu", "F.leaky_relu", "ops.leaky_relu"),
    "log": Names("LOG", "Log", "torch.log", "ops.log"),
    "log_softmax": Names("LOG_SOFTMAX", "LogSoftmax", "F.log_softmax", "ops.log_softmax"),
    "logical": Names(
        "LOGICAL_AND LOGICAL_OR",
        "And Or Xor",
        "torch.logical_and torch.logical_xor",
        "ops.logical_and ops.logical_or",
    ),
    "logical_not": Names("LOGICAL_NOT", "Not", "torch.logical_not", "ops.logical_xor"),
    "logistic": Names("LOGISTIC", "Sigmoid", "torch.sigmoid", "ops.sigmoid"),
    "lstm": Names("UNIDIRECTIONAL_SEQUENCE_LSTM WHILE", "LSTM", "nn.LSTM", "layers.LSTM"),
    "matmul": Names("BATCH_MATMUL", "MatMul", "torch.bmm torch.matmul", "ops.matmul"),
    "max_pool": Names("MAX_POOL_2D", "GlobalMaxPool MaxPool", "F.max_pool2d", "layers.MaxPooling2D"),
    "maximum": Names("MAXIMUM", "Max", "torch.maximum", "ops.maximum"),
    "mean": Names("MEAN", "GlobalAveragePool ReduceMean", "torch.mean", "ops.mean"),
    "mean_of_sums": Names(),
    "minimum": Names("MINIMUM", "Min", "torch.minimum", "ops.minimum"),
    "mish": Names("", "Mish", "F.mish", "activations.mish"),
    "mul": Names("MUL", "Mul", "torch.mul", "ops.multiply"),
    "neg": Names("NEG", "Neg", "torch.neg", "ops.negative"),
    "one_hot": Names("ONE_HOT", "OneHot", "", "ops.one_hot"),
    "pad": Names("PAD PADV2", "Pad", "F.pad", "layers.ZeroPadding2D"),
    "pixel_sums": Names(),
    "pixels": Names(),
    "pow": Names("POW", "Pow", "torch.pow", "ops.power"),
    "prelu": Names("PRELU", "PRelu", "F.prelu", "layers.PReLU"),
    "reciprocal": Names("", "Reciprocal", "torch.reciprocal", ""),
    "reduce_max": Names("REDUCE_MAX", "ReduceMax", "torch.amax", "ops.max layers.GlobalMaxPooling2D"),
    "reduce_min": Names("REDUCE_MIN", "ReduceMin", "torch.amin", "ops.min"),
    "reduce_prod": Names("REDUCE_PROD", "ReduceProd", "torch.prod", "ops.prod"),
    "relu": Names("RELU", "Relu", "F.relu", "ops.relu"),
    "relu6": Names("RELU6", "", "F.relu6", "ops.relu6"),
    "requantize": Names("QUANTIZE", "QuantizeLinear", "", ""),
    "reshape": Names(
        "EXPAND_DIMS RESHAPE SQUEEZE",
        "Flatten Reshape Squeeze Unsqueeze",
        "torch.reshape",
        "ops.expand_dims ops.reshape",
    ),
    "resize_bilinear": Names("RESIZE_BILINEAR", "Resize", "F.interpolate", "layers.Resizing"),
    "resize_nearest": Names("RESIZE_NEAREST_NEIGHBOR", "Resize Upsample", "F.interpolate", "layers.UpSampling2D"),
    "rms_norm": Names("", "RMSNormalization SimplifiedLayerNormalization", "F.rms_norm", "layers.RMSNormalization"),
    "rnn": Names("WHILE", "RNN", "nn.RNN", "layers.SimpleRNN"),
    "round": Names("ROUND", "Round", "torch.round", "ops.round"),
    "rows": Names(),
    "rsqrt": Names("RSQRT", "", "", "ops.rsqrt"),
    "running_mean": Names(),
    "select": Names("SELECT SELECT_V2", "Where", "torch.where", "ops.where"),
    "sign": Names("SIGN", "Sign", "torch.sign", "ops.sign"),
    "silu": Names("", "Swish", "F.silu", "ops.silu"),
    "sin": Names("SIN", "Sin", "torch.sin", "ops.sin"),
    "slice": Names(
        "REVERSE_V2 SLICE SPLIT SPLIT_V STRIDED_SLICE UNPACK",
        "Gather GatherND Slice Split",
        "torch.flip torch.narrow torch.roll torch.split torch.unbind",
        "ops.flip ops.roll ops.split",
    ),
    "slide": Names(),
    "softmax": Names("SOFTMAX", "Softmax", "torch.softmax", "ops.softmax"),
    "softplus": Names("", "Softplus", "F.softplus", "ops.softplus"),
    "softsign": Names("", "Softsign", "", ""),
    "space_to_batch": Names("SPACE_TO_BATCH_ND", "", "", "tf.batch_to_space"),
    "space_to_depth": Names("SPACE_TO_DEPTH", "SpaceToDepth", "F.pixel_unshuffle", "tf.nn.space_to_depth"),
    "sqrt": Names("SQRT", "Sqrt", "torch.sqrt", "ops.sqrt"),
    "square": Names("SQUARE", "ReduceSumSquare", "torch.square", "ops.square"),
    "squared_difference": Names("SQUARED_DIFFERENCE", "", "", "tf.math.squared_difference"),
    "sub": Names("SUB", "Sub", "torch.sub", "ops.subtract"),
    "sum": Names("SUM", "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSum", "torch.sum", "ops.sum"),
    "svdf": Names("SVDF", "", "", ""),
    "tanh": Names("TANH", "Tanh", "torch.tanh", "ops.tanh"),
    "tile": Names("BROADCAST_TO TILE", "Expand Tile", "torch.tile Tensor.expand", "ops.tile"),
    "top_k": Names("TOPK_V2", "TopK", "torch.topk", "ops.top_k"),
    "transpose": Names("TRANSPOSE", "Transpose", "torch.permute", "ops.transpose"),
    "trigonometric": Names("", "Acos Acosh Asin Asinh Atan Atanh Cosh Sinh Tan", "torch.atan torch.tan", ""),
}


def formats(op: str) -> list[str]:
    """Return the formats that an operator is read from.

    >>> formats("erf"), formats("slide")
    (['ONNX', 'PyTorch'], [])
    """
    return [title for title, names in zip(FORMATS, READ[op], strict=True) if names]
