"""The objects of Keras' own that a file may name: layers, and what describes them. None of them runs code of a file.

What takes functions, paths or modules is not here: ``Lambda``, ``TFSMLayer``, ``JaxLayer``, ``FlaxLayer``,
``TorchModuleWrapper``, lookups and vectorization (they open the files that they are told), and operations on functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MODELS = frozenset("Functional Model Sequential".split())
LAYERS = frozenset(
    """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D
    AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CenterCrop Concatenate Conv1D Conv1DTranspose
    Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D
    Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Flatten GRU GRUCell GaussianDropout
    GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D
    GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity InputLayer LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum
    MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RNN RandomBrightness RandomContrast
    RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    STFTSpectrogram SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells Subtract ThresholdedReLU TimeDistributed UnitNormalization
    UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """.split()
)
INITIALIZERS = frozenset(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform Ones
    Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """.split()
)
REGULARIZERS = frozenset("L1 L1L2 L2 OrthogonalRegularizer".split())
CONSTRAINTS = frozenset("MaxNorm MinMaxNorm NonNeg UnitNorm".split())
POLICIES = frozenset("DTypePolicy DTypePolicyMap FloatDTypePolicy Policy".split())
FUNCTIONS = frozenset(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
    sparsemax squareplus swish tanh tanh_shrink threshold
    """.split()
)
OPERATIONS = frozenset(
    """
    Abs Absolute Add All Amax Amin Any Arccos Arcsin Arctan Arctan2 Argmax Argmin Average AveragePool BatchNorm
    BroadcastTo Cast Ceil Celu Clip Concatenate Conv ConvTranspose Copy Cos Cosh Cumsum DepthToSpace DepthwiseConv
    Divide DivideNoNan Dot Einsum Elu Equal Erf Erfinv Exp ExpandDims Expm1 Flip Floor FloorDivide Gelu GetItem Glu
    Greater GreaterEqual HardShrink HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu Less LessEqual Log Log10 Log1p
    Log2 LogSigmoid LogSoftmax LogicalAnd LogicalNot LogicalOr Logsumexp Matmul Max MaxPool Maximum Mean Min Minimum
    Mod Moveaxis Multiply Negative Norm Normalize NotEqual OneHot OnesLike Pad PadImages Power Prod RMSNorm Ravel
    Reciprocal Relu Relu6 Repeat Reshape Resize Roll Round Rsqrt Selu SeparableConv Sigmoid Sign Silu Sin Sinh Slice
    SoftShrink Softmax Softplus Softsign SpaceToDepth Split Sqrt Square Squeeze Stack Std StopGradient Subtract Sum
    Swapaxes Take Tan Tanh TanhShrink Tensordot Threshold Tile TopK Transpose Tril Triu TrueDivide Trunc Unstack Var
    Where ZerosLike
    """.split()
)
VALUES = frozenset("__tuple__ __tensor__ __numpy__ __keras_tensor__ __ellipsis__ __slice__ TensorShape".split())

OPERATORS = re.compile(r"keras\.src\.ops\.(numpy|nn|math|image|core|linalg)")
MODULES: Mapping[str, frozenset[str]] = {
    "keras": MODELS | POLICIES,
    "keras.models": MODELS,
    "keras.src.engine.functional": frozenset({"Functional"}),  # of Keras 2
    "keras.src.models.functional": MODELS,
    "keras.src.models.sequential": MODELS,
    "keras.src.models.model": MODELS,
    "keras.layers": LAYERS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    "keras.dtype_policies": POLICIES,
    "keras.mixed_precision": POLICIES,
    "builtins": frozenset(),
}
WITHOUT_MODULE = (
    MODELS | LAYERS | INITIALIZERS | REGULARIZERS | CONSTRAINTS | POLICIES | OPERATIONS | VALUES
)  # as Keras 2 and .h5 files write them


def is_known(kind: str, module: str | None, registered: str | None) -> bool:
    """Whether a class is one of Keras' own that may be built.

    Args:
        kind: its name.
        module: where it is, "" or None where the file does not say.
        registered: under which name a user registered it; Keras' own have none but their class's.
    """
    if registered and registered != kind:
        return False
    if not module:
        return kind in WITHOUT_MODULE
    if OPERATORS.fullmatch(module):
        return kind in OPERATIONS
    return kind in MODULES.get(module, frozenset())
