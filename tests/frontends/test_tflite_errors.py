"""The TFLite reader refuses what it cannot read: one line, naming what, where and what to do."""

import numpy as np
import pytest
from oracle import read
from requirements import require_module
from test_tflite import IMAGE, add_conv, float_border, one_conv, relu
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, MalformedModelError, McuqError, UnsupportedOperatorError, UsageError
from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.tflite import read_tflite
from mcuq.plan.builder import build_plan


def assert_refused(model, kind, match):
    with pytest.raises(kind, match=match) as caught:
        build_plan(read(model))
    assert str(caught.value).isprintable()


def two_operators(**options):
    """ADD, then RELU, on [1, 6]; return the builder and the tensors 0, 1 and 2."""
    builder = ModelBuilder()
    x, mid, y = (builder.tensor((1, 6), scale=0.1, **options) for _ in range(3))
    builder.op("ADD", [x, x], [mid], "AddOptions")
    builder.op("RELU", [mid], [y])
    return builder, x, mid, y


def test_cut_files(rng):
    builder, x, y = one_conv(rng)
    model = builder.finish([x], [y])
    for length in range(0, len(model) - 1, 7):
        with pytest.raises(McuqError):
            build_plan(read(model[:length]))


@pytest.mark.parametrize(
    ("data", "match"), [(b"", "0 bytes"), (b"\0" * 400, "identifier 'TFL3'"), (b"PK\3\4" * 9, "TFL3")]
)
def test_files_of_another_kind(data, match):
    with pytest.raises(MalformedModelError, match=match):
        parse(data)


def test_random_bytes_behind_the_identifier(rng):
    for _ in range(300):
        with pytest.raises(McuqError):
            read(rng.bytes(4) + b"TFL3" + rng.bytes(rng.integers(0, 500)))


def test_files_that_cannot_be_opened(tmp_path):
    for path in (tmp_path, tmp_path / "none.tflite"):
        with pytest.raises(UsageError, match="cannot read"):
            read_tflite(path)
    path = tmp_path / "bad.tflite"
    path.write_bytes(b"\0" * 100)
    with pytest.raises(MalformedModelError, match=r"bad\.tflite: not a TFLite model"):
        read_tflite(path)


def test_files_too_large_for_any_chip(tmp_path):
    path = tmp_path / "big.tflite"
    with path.open("wb") as file:
        file.truncate(300 << 20)
    with pytest.raises(UsageError, match="more than any ESP32"):
        read_tflite(path)


def test_no_graph():
    builder = ModelBuilder()
    builder.model.subgraphs = []
    assert_refused(builder.finish([], []), MalformedModelError, "holds no graph")


def test_no_inputs(rng):
    builder, _, y = one_conv(rng)
    assert_refused(builder.finish([], [y]), MalformedModelError, "no inputs")


def test_several_signatures(rng):
    schema = require_module("ai_edge_litert.schema_py_generated")
    builder, x, y = one_conv(rng)
    builder.model.subgraphs.append(schema.SubGraphT())
    builder.model.signatureDefs = []
    for index, key in enumerate([b"predict", b"encode"]):
        signature = schema.SignatureDefT()
        signature.subgraphIndex, signature.signatureKey = index, key
        builder.model.signatureDefs.append(signature)
    assert_refused(builder.finish([x], [y]), UnsupportedOperatorError, r"2 models \(signatures 'predict', 'encode'\)")


def test_cycle():
    """An operator reads what a later one writes."""
    builder, x, _, y = two_operators()
    builder.graph.operators.reverse()
    assert_refused(builder.finish([x], [y]), MalformedModelError, "relu_0: its input value_1 is not computed before it")


def test_value_written_twice():
    builder, x, mid, _ = two_operators()
    builder.graph.operators[1].outputs = [mid]
    assert_refused(builder.finish([x], [mid]), MalformedModelError, "written twice")


def test_dequantize_in_the_middle(rng):
    builder, x, y = float_border(rng)
    z = builder.tensor((1, 4, 3, 3), scale=0.25)
    builder.op("QUANTIZE", [y], [z])
    assert_refused(builder.finish([x], [z]), CannotQuantizeError, r"operator 2 DEQUANTIZE: .*float or hybrid model")


def test_float_input_with_another_consumer(rng):
    builder, x, y = float_border(rng)
    other = builder.tensor(IMAGE, scale=0.1)
    builder.op("QUANTIZE", [x], [other])
    model = builder.finish([x], [y, relu(builder, other, IMAGE)])
    assert_refused(model, CannotQuantizeError, "QUANTIZE: tensor 0 'tensor_0' float32")


def test_unsupported_operators_are_listed_at_once():
    builder, x, _, y = two_operators()
    z = builder.tensor((1, 6), scale=0.1)
    for code in ("LSTM", "SPARSE_TO_DENSE", "LSTM"):
        builder.op(code, [y], [z])
    counts = r"LSTM \(2\), SPARSE_TO_DENSE \(1\); `mcuq ops`"
    assert_refused(builder.finish([x], [z]), UnsupportedOperatorError, counts)


def test_custom_operators_are_named():
    builder, x, _, y = two_operators()
    z = builder.tensor((1, 6), scale=0.1)
    builder.op("CUSTOM", [y], [z], custom=b"My\nOp")
    builder.op("LSTM", [y], [z])
    assert_refused(builder.finish([x], [z]), UnsupportedOperatorError, r"no CUSTOM 'My\?Op' \(1\), LSTM \(1\)")


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8"])
def test_other_activations_than_int8(dtype):
    builder, x, _, y = two_operators(dtype=dtype)
    assert_refused(builder.finish([x], [y]), CannotQuantizeError, f"tensor 0 'tensor_0' {dtype}.* must be int8")


def test_uint8_second_operand():
    builder, x, _, y = two_operators()
    builder.graph.operators[0].inputs = [x, builder.tensor((1, 6), "uint8", scale=0.1)]
    assert_refused(builder.finish([x, 3], [y]), CannotQuantizeError, "operator 0 ADD: tensor 3.*uint8.* must be int8")


def conv_parts(rng, **changes):
    """A convolution whose weights (tensor 1), bias (2) or options are changed."""
    builder, x, y = one_conv(rng)
    weights, bias, output = (builder.graph.tensors[i] for i in (1, 2, 3))
    for path, value in changes.items():
        owner, member = path.split("_", 1)
        parts = {"weights": weights, "bias": bias, "output": output, "operator": builder.graph.operators[0]}
        parts["options"], parts["scales"] = parts["operator"].builtinOptions, weights.quantization
        setattr(parts[owner], member, value)
    return builder.finish([x], [y])


CONV_ERRORS = [
    ({"weights_buffer": 0}, UnsupportedOperatorError, r"operator 0 CONV_2D: the weights must be constant"),
    ({"weights_buffer": 99}, MalformedModelError, "tensor 1 .* refers to buffer 99 of 3"),
    ({"weights_buffer": 2}, MalformedModelError, r"tensor 1 'tensor_1' int8\[3, 3, 2, 2\] has 12 bytes of data"),
    ({"weights_shape": [3, 3, 4]}, MalformedModelError, "CONV_2D: it is malformed"),
    ({"weights_shape": [3, 3, 4, 1]}, MalformedModelError, "conv2d_0"),
    ({"weights_shape": [2, 3, 3, 2], "scales_scale": [0.1]}, MalformedModelError, "bias has 3 elements for 2"),
    ({"weights_type": 17}, UnsupportedOperatorError, "int4"),
    ({"scales_scale": [0.1, 0.2]}, MalformedModelError, "tensor 1 .* has 2 scales along dimension 0"),
    ({"scales_quantizedDimension": 2}, MalformedModelError, "3 scales along dimension 2"),
    ({"scales_quantizedDimension": 1}, CannotQuantizeError, "conv2d_0: .*dimension 1; it must be 0"),
    ({"scales_quantizedDimension": -1}, MalformedModelError, "3 scales along dimension -1"),
    ({"scales_scale": [0.1, 0.0, 0.1]}, MalformedModelError, "scale that is not a positive number"),
    ({"scales_scale": [0.1, float("nan"), 0.1]}, MalformedModelError, "scale that is not a positive number"),
    ({"scales_scale": []}, CannotQuantizeError, "constant tensor 1 .* has no scale"),
    ({"scales_zeroPoint": []}, CannotQuantizeError, "constant tensor 1 .* has no scale or no zero point"),
    ({"scales_zeroPoint": [0, 1, 0]}, UnsupportedOperatorError, "different zero point per channel"),
    ({"scales_zeroPoint": [4, 4, 4]}, CannotQuantizeError, "conv2d_0: weights have zero point 4"),
    ({"scales_zeroPoint": [999, 999, 999]}, MalformedModelError, "zero point 999, outside"),
    ({"bias_type": 9, "bias_shape": [12]}, UnsupportedOperatorError, "must be int32"),
    ({"bias_buffer": 0}, CannotQuantizeError, "operator 0 CONV_2D: tensor 2 .* must be int8"),
    ({"output_shape": [1, 4, 3, 4]}, MalformedModelError, r"conv2d_0: conv2d makes shape \(1, 4, 3, 3\)"),
    ({"output_quantization": None}, CannotQuantizeError, "tensor 3 .* has 0 scales and 0 zero points"),
    ({"output_shape": [1 << 30, 1 << 30]}, MalformedModelError, "impossible shape"),
    ({"output_shape": [1, -4, 3, 3]}, MalformedModelError, "impossible shape"),
    ({"output_shape": [1] * 9}, MalformedModelError, "claims 9 dimensions of tensor 3"),
    ({"output_shape": [1, 0, 3, 3]}, MalformedModelError, "not positive; export with static shapes"),
    ({"options_strideH": 0}, UnsupportedOperatorError, "must be positive"),
    ({"options_dilationHFactor": 1 << 17}, UnsupportedOperatorError, "beyond TFLite's limit"),
    ({"options_strideW": -2}, UnsupportedOperatorError, "must be positive"),
    ({"options_dilationHFactor": 0}, UnsupportedOperatorError, "must be positive"),
    (
        {"options_dilationHFactor": (1 << 31) - 1, "options_padding": 1},
        MalformedModelError,
        "is not within 1..32768",
    ),
    ({"options_padding": 2}, UnsupportedOperatorError, "padding 2"),
    ({"options_fusedActivationFunction": 4}, UnsupportedOperatorError, "fused activation 4"),
    ({"operator_builtinOptions": None}, MalformedModelError, "lacks its options"),
    ({"operator_inputs": [0, 1, 7]}, MalformedModelError, "refers to tensor 7 of 4"),
    ({"operator_inputs": [0]}, MalformedModelError, "CONV_2D: it is malformed"),
    ({"operator_inputs": []}, MalformedModelError, "no input"),
    ({"operator_outputs": []}, MalformedModelError, "0 outputs"),
    ({"operator_outputs": [-1]}, MalformedModelError, "refers to tensor -1"),
    ({"operator_outputs": [1]}, MalformedModelError, "its output, tensor 1.* is a constant"),
    ({"operator_opcodeIndex": 5}, MalformedModelError, "code index 5 of 1"),
]


@pytest.mark.parametrize(("changes", "kind", "match"), CONV_ERRORS)
def test_malformed_convolution(rng, changes, kind, match):
    assert_refused(conv_parts(rng, **changes), kind, match)


@pytest.mark.parametrize(
    ("scale", "zero_point", "match"),
    [
        ([0.0], [0], "not a positive number"),
        ([-0.1], [0], "not a positive number"),
        ([float("nan")], [0], "not a positive number"),
        ([float("inf")], [0], "not a positive number"),
        ([1e-30], [0], "not a positive number between"),
        ([0.1], [128], "zero point 128, outside its type"),
        ([0.1, 0.1], [0, 0], "has 2 scales and 2 zero points"),
        ([0.1], [], "has 1 scales and 0 zero points"),
    ],
)
def test_malformed_quantization_of_an_activation(scale, zero_point, match):
    builder, x, mid, y = two_operators()
    builder.graph.tensors[mid].quantization.scale = scale
    builder.graph.tensors[mid].quantization.zeroPoint = zero_point
    assert_refused(builder.finish([x], [y]), McuqError, match)


def test_sparse_weights(rng):
    schema = require_module("ai_edge_litert.schema_py_generated")
    builder, x, y = one_conv(rng)
    builder.graph.tensors[1].sparsity = schema.SparsityParametersT()
    assert_refused(builder.finish([x], [y]), UnsupportedOperatorError, "tensor 1 .* is sparse")


def test_borders_that_are_no_borders():
    builder, x, _, y = two_operators()
    constant = builder.tensor((1, 6), scale=0.1, data=range(6))
    for inputs, outputs, match in [
        ([x, x], [y], "input tensor_0 is listed twice"),
        ([x], [y, y], "output tensor_2 is listed twice"),
        ([x], [y, x], "output tensor_0 is a model input"),
        ([x, constant], [y], "a constant at once"),
        ([x], [-1], "refers to tensor -1"),
        ([x], [9], "refers to tensor 9"),
    ]:
        assert_refused(builder.finish(inputs, outputs), MalformedModelError, match)


def test_only_constants():
    builder, x, _, y = two_operators()
    constant = builder.tensor((1, 6), scale=0.1, data=range(6))
    builder.graph.operators[0].inputs = [constant, constant]
    assert_refused(builder.finish([x], [y]), MalformedModelError, "add_0: its operands are all constants")


def test_int32_constant_operand():
    builder, x, _, y = two_operators()
    builder.graph.operators[0].inputs = [x, builder.tensor((6,), "int32", scale=0.1, data=range(6))]
    assert_refused(builder.finish([x], [y]), MalformedModelError, "add_0: its constant .* is int32, it must be int8")


def test_too_many_operands():
    builder, x, mid, y = two_operators()
    builder.graph.operators[1].inputs = [mid, mid]
    assert_refused(builder.finish([x], [y]), UnsupportedOperatorError, "operator 1 RELU: takes one input, not 2")
    builder.graph.operators[1].inputs = [mid] * 2_000
    assert_refused(builder.finish([x], [y]), MalformedModelError, "claims 2000 inputs of one operator")


def test_shape_chains_that_do_not_add_up(rng):
    builder = ModelBuilder()
    x = builder.tensor(IMAGE, scale=0.05)
    y = add_conv(builder, rng, x)
    shape = builder.tensor((5,), "int32")
    builder.op("SHAPE", [y], [shape])
    assert_refused(builder.finish([x], [y]), MalformedModelError, "operator 1 SHAPE does not compute tensor")
    packed = builder.tensor((2,), "int32")
    constant = builder.tensor((), "int32", data=np.int32(4))
    builder.graph.operators.pop()
    builder.op("PACK", [constant, constant], [packed], "PackOptions", axis=7)
    assert_refused(builder.finish([x], [y]), MalformedModelError, "operator 1 PACK is malformed")
