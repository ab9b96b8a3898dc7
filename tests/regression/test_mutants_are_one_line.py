"""Kinds of faults that mutants found (tests/fuzz): each file is refused in one line, or read without a warning."""

import dataclasses
import io
import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hostile import assert_harmless, rewritten
from models import small_graph
from requirements import require

from mcuq import archive, ops, pipeline
from mcuq.archive import Archive
from mcuq.errors import CannotQuantizeError, McuqError
from mcuq.files import renames
from mcuq.graph import Graph, Node
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.lstm import Lstm
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.softmax import Softmax
from mcuq.plan.builder import build_plan
from mcuq.reading import array_of
from mcuq.simulator import simulate
from mcuq.tensor import QConstant, QTensor

INT32_MAX = (1 << 31) - 1


@pytest.fixture
def hostile(rng, tmp_path, run):
    """Change the description of a model, and try it."""

    def attempt(change, match):
        path = tmp_path / "small.mcuq"
        path.write_bytes(archive.dump(Archive(small_graph(rng))))

        def edit(content):
            header = json.loads(content)
            change(header)
            return json.dumps(header).encode()

        assert_harmless(run, rewritten(path, path, {"model.json": edit}), match)

    return attempt


def test_a_layer_without_outputs_is_named(hostile):
    hostile(lambda header: header["nodes"][0].update(outputs=[]), "conv2d_0: has no outputs; conv2d makes shape")


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J\n", "a\r\n\u2028b"])
def test_names_of_several_lines(hostile, name):
    hostile(
        lambda header: header["nodes"][0].update(inputs=[name, *header["nodes"][0]["inputs"][1:]]), "is not computed"
    )


@pytest.mark.parametrize("shape", [{"a": ["b"] * 1000}, [[1]] * 1000, "x" * 10_000])
def test_long_values_are_not_shown_whole(hostile, shape):
    hostile(lambda header: header["values"]["image"].update(shape=shape), "shape is ")


def test_shapes_of_many_dimensions(hostile):
    hostile(lambda header: header["values"]["image"].update(shape=[1] * 1000), "cannot take shapes")


def test_a_framework_of_several_lines(hostile, rng, tmp_path, run):
    path = tmp_path / "small.mcuq"
    record = tmp_path / "lib" / "small" / "build.json"
    path.write_bytes(archive.dump(Archive(small_graph(rng))))
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"format": 1, "board": "esp32dev", "framework": "\x1b[2J\n", "setup": {}}))
    status, _, err = run("build", path, "--board", "esp32dev", "--out", tmp_path / "p")
    assert (status, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("scales", [3, 5])
def test_as_many_scales_as_channels(hostile, scales):
    constants = "conv2d_0_w"
    match = f"conv2d_0_w: {scales} scales along dimension 0 of a constant of shape (4, 3, 3, 3)"
    hostile(lambda header: header["constants"][constants].update(scale=[0.01] * scales), match)


def test_scales_along_a_dimension_that_is_not_there(hostile):
    hostile(lambda header: header["constants"]["conv2d_0_w"].update(axis=9), "4 scales along dimension 9")


def of_op(op, scale=0.05) -> Graph:
    x = QTensor((1, 8, 8, 2), 0.05, 3)
    y = QTensor(op.infer_shape(x.shape), scale, 3)
    return Graph("net", ("x",), ("y",), (Node(op.name, op, ("x",), ("y",)),), {"x": x, "y": y})


@pytest.mark.parametrize(
    ("op", "match"),
    [
        (Softmax(float("nan")), "softmax: its beta is nan, no finite number"),
        (MaxPool((2, 2), activation="swish"), "max_pool: its activation is 'swish'; known are none, relu"),
    ],
)
def test_attributes_are_finite_and_known(op, match):
    with pytest.raises(McuqError) as caught:
        of_op(op).verify()
    assert match in str(caught.value)


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("op", [op() for op in ops.ALL if op.operands == 2 and not dataclasses.fields(op)])
def test_operands_are_counted(op, count):
    """By the graph, or where the layer is lowered; never by Python."""
    names = tuple(f"x{k}" for k in range(count))
    tensor = QTensor((1, 4), 0.05, 0)
    values = dict.fromkeys((*(names or ("x0",)), "y"), tensor)
    graph = Graph("net", names or ("x0",), ("y",), (Node("layer", op, names, ("y",)),), values)
    with pytest.raises(McuqError, match="layer"):
        build_plan(graph.verify())


@pytest.mark.parametrize("clip", [float("inf"), float("nan")])
def test_a_layer_that_remembers_clips_at_numbers(clip):
    assert Lstm(clip).attribute_problem == f"its cell_clip is {clip}, no finite number"


def test_a_layer_that_remembers_clips_on_both_sides():
    with pytest.raises(ValueError, match=r"limit is -1\.0; it must be positive"):
        Lstm(-1.0)


@pytest.mark.parametrize("stride", [0, -1, 65_535, 1 << 40])
def test_strides_have_limits(stride):
    x, y = QTensor((1, 8, 8, 1), 0.05, 0), QTensor((1, 1, 1, 1), 0.05, 0)
    weights = QConstant(np.ones((1, 3, 3, 1), np.int8), np.array([0.01]))
    node = Node("conv2d", Conv2d(stride=(stride, 1)), ("x", "w"), ("y",))
    with pytest.raises(McuqError, match="conv2d"):
        Graph("net", ("x",), ("y",), (node,), {"x": x, "y": y}, {"w": weights}).verify()


@pytest.mark.parametrize("attribute", ["dilation", "padding"])
@pytest.mark.parametrize("value", [-1, 32_769, 1 << 40])
def test_dilations_and_paddings_have_limits(attribute, value):
    pairs = {"dilation": (value, 1), "padding": (value, 0, 0, 0)}
    with pytest.raises(ValueError, match=attribute):
        Conv2d(**{attribute: pairs[attribute]}).infer_shape((1, 8, 8, 1), (1, 1, 1, 1))


def test_members_of_parameters_are_what_c_takes():
    (step,) = build_plan(of_op(MaxPool((2, 2)))).steps
    step.params.require_int32()
    with pytest.raises(CannotQuantizeError, match="its stride_h is 2147483648, no int32_t"):
        Params.require_int32(replace(step.params, stride_h=1 << 31))


def dense(x_scale, y_scale, weight, kind="affine") -> Graph:
    values = {"x": QTensor((1, 1), x_scale, 0, kind=kind), "y": QTensor((1, 1), y_scale, -128, kind=kind)}
    constants = {"w": QConstant(np.full((1, 1), weight, np.int8), np.array([1.0]))}
    return Graph("net", ("x",), ("y",), (Node("dense", FullyConnected(), ("x", "w"), ("y",)),), values, constants)


@pytest.mark.parametrize(("x_scale", "kind"), [(1e12, "affine"), (2.0**25, "fixed-point")])
def test_scales_so_far_apart_that_a_zero_point_overflows_are_refused(x_scale, kind):
    """C would add the zero point to INT32_MIN: -128 in the simulator, 127 there."""
    with pytest.raises(CannotQuantizeError, match=r"dense: .*its scales are so far apart"):
        build_plan(dense(x_scale, 1.0, 127, kind).verify())


def test_scales_that_are_far_apart_are_not():
    plan = build_plan(dense(1e6, 1.0, 1).verify())
    x = np.arange(-128, 128).astype(np.int8).reshape(256, 1, 1)
    assert set(np.unique(simulate(plan, {"x": x})["y"])) <= set(range(-128, 128))


@pytest.mark.parametrize("dtype", ["<U1", ">U1"])
def test_texts_hold_characters_that_exist(dtype):
    target = io.BytesIO()
    np.save(target, np.array(["a", "b"], dtype))
    content = target.getvalue()
    assert array_of(content).tolist() == ["a", "b"]
    with pytest.raises(McuqError, match="characters that do not exist"):
        array_of(content[:-4] + b"\x7f\xff\xff\x7f")


@pytest.mark.parametrize("shape", ["(1 << 62, 4)", "(4611686018427387904, 3037000500)", "(2, 90)"])
def test_an_npy_file_is_as_long_as_it_says(rng, tmp_path, run, shape):
    model, path = tmp_path / "small.mcuq", tmp_path / "x.npy"
    model.write_bytes(archive.dump(Archive(small_graph(rng))))
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(16))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        status, out, err = run("simulate", model, "--input", path)
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert "x.npy: holds " in err


def test_samples_that_only_float64_holds_saturate(rng):
    plan = pipeline.compile(small_graph(rng))
    x = np.full((1, 6, 5, 3), 1e300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        large, most = (pipeline.simulate(plan, v, samples="real") for v in (x, np.full_like(x, 1e6)))
    np.testing.assert_array_equal(large, most)


@pytest.mark.parametrize("divisor", [0.0, float("nan"), 1e-45])
def test_divisors_without_a_reciprocal(tmp_path, run, divisor):
    require("ai_edge_litert")
    from tflite_builder import ModelBuilder

    b = ModelBuilder()
    x, y = (b.tensor((1, 3), "float32") for _ in range(2))
    b.op("DIV", [x, b.tensor((3,), "float32", data=[1, 2, divisor])], [y], "DivOptions")
    path = tmp_path / "net.tflite"
    path.write_bytes(b.finish([x], [y]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_harmless(run, path, "holds NaN or infinite values")


def test_scales_that_are_signalling_nans(rng, tmp_path, run):
    require("ai_edge_litert")
    from tflite_builder import ModelBuilder

    b = ModelBuilder()
    x, y = (b.tensor((1, 3), scale=0.125) for _ in range(2))
    b.op("RELU", [x], [y])
    content = b.finish([x], [y])
    path = tmp_path / "net.tflite"
    path.write_bytes(content.replace(np.float32(0.125).tobytes(), b"\x01\x00\xa0\x7f"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_harmless(run, path, "scale")


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "/\0"])
@pytest.mark.parametrize("kind", ["renames", "remove"])
def test_journals_of_names_that_no_file_has(rng, tmp_path, run, name, kind):
    path = tmp_path / "small.mcuq"
    path.write_bytes(archive.dump(Archive(small_graph(rng))))
    stage = tmp_path / renames.STAGE
    stage.mkdir()
    journal = {"format": 1, "renames": [["0", "a", ""]], "remove": []}
    journal[kind] = [["0", name, ""]] if kind == "renames" else [name]
    (stage / renames.JOURNAL).write_text(json.dumps(journal))
    assert_harmless(run, path, "an interrupted `mcuq build` cannot be finished")
