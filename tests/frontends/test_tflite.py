"""The TFLite reader: forms of models that converters write, against TensorFlow Lite Micro (contract N5)."""

import numpy as np
import pytest
from oracle import assert_equals_tflm, read, run, samples
from requirements import require_module
from tflite_builder import ModelBuilder, tflm

from mcuq.frontends.tflite import read_tflite
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

IMAGE = (1, 7, 6, 2)


def add_conv(builder, rng, x, shape=IMAGE, filters=3, per_channel=True, same=True, version=3, **options):
    """A 3x2 convolution with stride 2; return its output tensor."""
    scale = rng.uniform(0.01, 0.02, filters if per_channel else 1)
    weights = rng.integers(-127, 128, (filters, 3, 2, shape[3]))
    w = builder.tensor(weights.shape, scale=scale, data=weights)
    b = builder.tensor((filters,), "int32", scale=scale * 0.05, data=rng.integers(-500, 500, filters))
    rows, columns = ((n + 1) // 2 if same else (n - k) // 2 + 1 for n, k in zip(shape[1:3], (3, 2), strict=True))
    y = builder.tensor((1, rows, columns, filters), scale=0.3, zero_point=-4)
    builder.op("CONV_2D", [x, w, b], [y], "Conv2DOptions", version, strideH=2, strideW=2, padding=not same, **options)
    return y


def one_conv(rng, **options):
    builder = ModelBuilder()
    x = builder.tensor(IMAGE, scale=0.05, zero_point=3)
    y = add_conv(builder, rng, x, **options)
    return builder, x, y


def relu(builder, x, shape, name=None, code="RELU"):
    y = builder.tensor(shape, scale=0.1, name=name)
    builder.op(code, [x], [y])
    return y


def assert_all_outputs_equal_tflm(model, *inputs):
    """``assert_equals_tflm`` for models with several outputs."""
    graph = read(model)
    got = simulate(build_plan(graph), dict(zip(graph.inputs, inputs, strict=True)))
    interpreter = require_module("tflite_micro.python.tflite_micro.runtime").Interpreter.from_bytes(model)
    for sample in range(len(inputs[0])):
        for i, array in enumerate(inputs):
            interpreter.set_input(np.ascontiguousarray(array[sample]), i)
        interpreter.invoke()
        for i, name in enumerate(graph.outputs):
            np.testing.assert_array_equal(got[name][sample], interpreter.get_output(i), err_msg=name)


def test_dynamic_batch_in_the_shape_signature(rng):
    builder, x, y = one_conv(rng)
    for index in (x, y):
        tensor = builder.graph.tensors[index]
        tensor.shapeSignature = [-1, *tensor.shape[1:]]
    assert_equals_tflm(builder.finish([x], [y]), samples(rng, 3, IMAGE))


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("same", [True, False])
def test_granularity_and_padding(rng, per_channel, same):
    """SAME pads 7 rows and 6 columns by (1, 1) and (0, 0) around a 3x2 window: not alike on all sides."""
    builder, x, y = one_conv(rng, per_channel=per_channel, same=same)
    assert_equals_tflm(builder.finish([x], [y]), samples(rng, 3, IMAGE))


def test_asymmetric_same_padding(rng):
    builder = ModelBuilder()
    shape = (1, 6, 5, 2)
    x = builder.tensor(shape, scale=0.05, zero_point=3)
    y = add_conv(builder, rng, x, shape)
    model = builder.finish([x], [y])
    assert read(model).nodes[0].op.padding == (0, 1, 0, 1)
    assert_equals_tflm(model, samples(rng, 3, shape))


@pytest.mark.parametrize(("code", "activation"), [(0, "none"), (1, "relu"), (2, "relu_n1_to_1"), (3, "relu6")])
def test_fused_activations(rng, code, activation):
    builder, x, y = one_conv(rng, fusedActivationFunction=code)
    model = builder.finish([x], [y])
    assert read(model).nodes[0].op.activation == activation
    assert_equals_tflm(model, samples(rng, 3, IMAGE))


@pytest.mark.parametrize("version", [1, 2, 5, 9])
def test_operator_versions_do_not_matter(rng, version):
    builder, x, y = one_conv(rng, version=version)
    assert_equals_tflm(builder.finish([x], [y]), samples(rng, 3, IMAGE))


@pytest.mark.parametrize("operand", ["constant", "absent"])
def test_reshape_without_options(rng, operand):
    builder, x, mid = one_conv(rng)
    y = builder.tensor((1, 36), scale=0.3, zero_point=-4)
    shape = [builder.tensor((2,), "int32", data=[-1, 36])] if operand == "constant" else []
    builder.op("RESHAPE", [mid, *shape], [y])
    assert_equals_tflm(builder.finish([x], [relu(builder, y, (1, 36))]), samples(rng, 3, IMAGE))


def test_reshape_to_a_computed_shape(rng):
    """SHAPE, STRIDED_SLICE and PACK, as Keras' Flatten and Reshape are converted."""
    builder, x, mid = one_conv(rng)
    shape, batch, target = (builder.tensor(s, "int32") for s in ((4,), (), (2,)))
    at = [builder.tensor((1,), "int32", data=[i]) for i in (0, 1, 1)]
    rest = builder.tensor((), "int32", data=36)
    y = builder.tensor((1, 36), scale=0.3, zero_point=-4)
    builder.op("SHAPE", [mid], [shape], "ShapeOptions")
    builder.op("STRIDED_SLICE", [shape, *at], [batch], "StridedSliceOptions", shrinkAxisMask=1)
    builder.op("PACK", [batch, rest], [target], "PackOptions", valuesCount=2)
    builder.op("RESHAPE", [mid, target], [y])
    model = builder.finish([x], [relu(builder, y, (1, 36))])
    assert [node.op.name for node in read(model).nodes] == ["conv2d", "reshape", "relu"]
    assert_equals_tflm(model, samples(rng, 3, IMAGE))


def test_reshaped_constant_is_folded(rng):
    builder = ModelBuilder()
    x, y = (builder.tensor((1, 2, 3), scale=0.1) for _ in range(2))
    flat = builder.tensor((6,), scale=0.2, data=rng.integers(-128, 128, 6))
    constant = builder.tensor((2, 3), scale=0.2)
    builder.op("RESHAPE", [flat], [constant])
    builder.op("ADD", [x, constant], [y], "AddOptions")
    model = builder.finish([x], [y])
    assert [node.op.name for node in read(model).nodes] == ["add"]
    assert_equals_tflm(model, samples(rng, 3, (1, 2, 3)))


def test_uint8_border_behind_quantize(rng):
    builder, x, mid = one_conv(rng)
    outer_x = builder.tensor(IMAGE, "uint8", scale=0.05, zero_point=131)
    outer_y = builder.tensor((1, 4, 3, 3), "uint8", scale=0.3, zero_point=124)
    builder.op("QUANTIZE", [outer_x], [x])
    builder.graph.operators.insert(0, builder.graph.operators.pop())
    builder.op("QUANTIZE", [mid], [outer_y])
    model = builder.finish([outer_x], [outer_y])
    assert run(model, samples(rng, 3, IMAGE, np.uint8)).dtype == np.uint8
    assert_equals_tflm(model, samples(rng, 3, IMAGE, np.uint8))


def float_border(rng):
    """float32 -> QUANTIZE -> conv -> DEQUANTIZE -> float32, scales powers of two: every integer is a float."""
    builder = ModelBuilder()
    outer_x, x = builder.tensor(IMAGE, "float32"), builder.tensor(IMAGE, scale=0.0625, zero_point=3)
    builder.op("QUANTIZE", [outer_x], [x])
    y = add_conv(builder, rng, x)
    builder.graph.tensors[y].quantization.scale = [0.25]
    outer_y = builder.tensor((1, 4, 3, 3), "float32")
    builder.op("DEQUANTIZE", [y], [outer_y])
    return builder, outer_x, outer_y


def test_float_border_is_stripped(rng):
    builder, x, y = float_border(rng)
    model = builder.finish([x], [y])
    graph = read(model)
    q = samples(rng, 3, IMAGE)
    real = graph.values[graph.outputs[0]].dequantize(run(model, q))
    assert [node.op.name for node in graph.nodes] == ["conv2d"]
    np.testing.assert_array_equal(real, tflm(model, graph.values[graph.inputs[0]].dequantize(q)))


def test_constants_may_share_a_buffer(rng):
    """Two tensors with one buffer, and one tensor with two consumers."""
    builder = ModelBuilder()
    x, mid, y = (builder.tensor((1, 2, 3), scale=0.1) for _ in range(3))
    a = builder.tensor((3,), scale=0.2, data=[-100, 5, 77])
    b = builder.tensor((1, 3), scale=0.05)
    builder.graph.tensors[b].buffer = builder.graph.tensors[a].buffer
    z = builder.tensor((1, 2, 3), scale=0.3)
    builder.op("ADD", [x, a], [mid], "AddOptions")
    builder.op("ADD", [mid, b], [y], "AddOptions")
    builder.op("ADD", [y, a], [z], "AddOptions")
    model = builder.finish([x], [z])
    assert len(read(model).constants) == 2
    assert_equals_tflm(model, samples(rng, 3, (1, 2, 3)))


def test_outputs_may_be_consumed_inside(rng):
    builder = ModelBuilder()
    x = builder.tensor((1, 6), scale=0.1)
    first = relu(builder, x, (1, 6))
    second = builder.tensor((1, 6), scale=0.05)
    builder.op("LEAKY_RELU", [first], [second], "LeakyReluOptions", alpha=0.5)
    assert_all_outputs_equal_tflm(builder.finish([x], [first, second]), samples(rng, 3, (1, 6)))


@pytest.mark.parametrize("inner", [False, True])
def test_reshapes_at_the_output(rng, inner):
    """An output that is a reshape of the input; two outputs that are reshapes of one value."""
    builder = ModelBuilder()
    x = builder.tensor((1, 6), scale=0.1)
    root = relu(builder, x, (1, 6)) if inner else x
    outputs = [builder.tensor(shape, scale=0.1) for shape in ((1, 2, 3), (1, 3, 2))]
    for y in outputs:
        builder.op("RESHAPE", [root], [y])
    consumed = relu(builder, outputs[0], (1, 2, 3))
    assert_all_outputs_equal_tflm(builder.finish([x], [*outputs, consumed]), samples(rng, 3, (1, 6)))


def test_two_inputs_and_two_outputs(rng):
    builder = ModelBuilder()
    a, b, y, z = (builder.tensor((1, 6), scale=scale) for scale in (0.1, 0.05, 0.1, 0.2))
    builder.op("ADD", [b, a], [y], "AddOptions")
    builder.op("MUL", [a, y], [z], "MulOptions")
    model = builder.finish([a, b], [z, y])
    assert_all_outputs_equal_tflm(model, samples(rng, 3, (1, 6)), samples(rng, 3, (1, 6))[::-1])


def test_names_of_the_file_are_made_unique(rng):
    """Twice the same name, the name of a node's value, C keywords and text that is no identifier."""
    builder = ModelBuilder()
    names = ["x", "a/b;x:0", "add_0", "int"]
    tensors = [builder.tensor((1, 6), scale=0.1, name=name) for name in names]
    middle = [builder.tensor((1, 6), scale=0.1, name="x") for _ in range(3)]
    outputs = [builder.tensor((1, 6), scale=0.1, name=name) for name in ("2 b\nü", "L" * 500)]
    for i, (left, right) in enumerate([(0, 1), (2, 3)]):
        builder.op("ADD", [tensors[left], tensors[right]], [middle[i]], "AddOptions")
    builder.op("ADD", [middle[0], middle[1]], [middle[2]], "AddOptions")
    for y in outputs:
        builder.op("RELU", [middle[2]], [y])
    model = builder.finish(tensors, outputs)
    graph = read(model)
    assert graph.inputs == ("x", "x_1", "add_0", "int_")
    assert graph.outputs == ("_2_b", "l" * 64)
    assert [node.outputs[0] for node in graph.nodes[:3]] == ["add_0_4", "add_1", "add_2"]
    assert_all_outputs_equal_tflm(model, *(samples(rng, 3, (1, 6)) for _ in range(4)))


def test_subgraphs_that_nothing_calls_are_ignored(rng):
    schema = require_module("ai_edge_litert.schema_py_generated")
    builder, x, y = one_conv(rng)
    builder.model.subgraphs.append(schema.SubGraphT())
    assert len(read(builder.finish([x], [y])).nodes) == 1


def test_file_gives_the_model_its_name(tmp_path, rng):
    builder, x, y = one_conv(rng)
    path = tmp_path / "My Model-2.tflite"
    path.write_bytes(builder.finish([x], [y]))
    assert read_tflite(path).name == "my_model_2"
