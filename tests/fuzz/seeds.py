"""Small models and other files, written here, that mutants are made of."""

import importlib
import io
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from float_graphs import GraphBuilder
from models import multi_border_graph, remembering_graph, small_graph
from requirements import require

from fuzz.mutations import zipped
from mcuq import archive, loading, ops, pipeline
from mcuq.archive import Archive
from mcuq.float_graph import FloatGraph
from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.tflite import model_of
from mcuq.graph import Graph
from mcuq.page.figures import CLOSING, OPENING
from mcuq.quantization import Options, quantize
from mcuq.verbs.reporting import write_report

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@cache
def tflite() -> tuple[bytes, ...]:
    require("ai_edge_litert")
    from ops.test_lstm import Layer

    from fuzz.tflite_seeds import float_model, image_model, moving_model, vector_model

    made = [image_model(), vector_model(), moving_model(), float_model(), Layer(rng()).model()]
    return (*made, (DIGITS / "digits.tflite").read_bytes())


# --- .mcuq ---------------------------------------------------------------------------------------------------------


def _images() -> FloatGraph:
    """Every operator on images, one after the other."""
    b = GraphBuilder()
    x = b.conv(b.input((1, 9, 8, 3)), 4, padding=(1, 1, 1, 1), activation="relu")
    for op in (ops.Elu(), ops.Gelu(), ops.Silu(), ops.HardSwish(), ops.HardSigmoid(), ops.LeakyRelu(0.1)):
        x = b.add(op, x)
    x = b.depthwise(x, stride=(1, 2), padding=(1, 1, 1, 1))
    x = b.add(ops.PRelu(), x, b.random(4))
    x = b.add(ops.MaxPool((2, 2), (1, 1)), x)
    x = b.add(ops.ConvTranspose2d(stride=(2, 2)), x, b.random(3, 2, 2, 4), b.random(3))
    x = b.add(ops.AveragePool((3, 2), (2, 2), (1, 1, 0, 0)), x)
    x = b.add(ops.Pad((0, 1, 0, 0), (0, 0, 2, 0)), x)
    x = b.add(ops.ResizeBilinear(6, 7), b.add(ops.ResizeNearest(9, 5), x))
    x = b.conv(x, 6, 1)
    y = b.add(ops.Mean((1, 2)), x)
    return b.graph(b.dense(y, 4), b.add(ops.Transpose((0, 3, 1, 2)), x))


def _vectors() -> FloatGraph:
    b = GraphBuilder()
    x, other = b.input((1, 12)), b.input((1, 12))
    x = b.dense(x, 12)
    for op in (ops.Mish(), ops.Softplus(), ops.Tanh(), ops.Clip(-0.5, 0.5), ops.Abs(), ops.Relu(), ops.Relu6()):
        x = b.add(op, x)
    x = b.add(ops.Sub(), b.add(ops.Mul(), x, other), b.random(12))
    x = b.add(ops.Concatenation(1), b.add(ops.Add(), x, other), other)
    x = b.add(ops.Slice((0, 3), (1, 10), (1, 2)), x)
    return b.graph(b.add(ops.Softmax(), b.add(ops.Reshape((1, 5, 2)), x)))


def _integers(graph: FloatGraph, **options: object) -> Archive:
    noise = {name: rng().normal(size=(16, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}
    made = quantize(graph, noise, Options(**options))  # type: ignore[arg-type]
    return Archive(made.graph, source=made.source)


@cache
def mcuq() -> tuple[bytes, ...]:
    graphs: list[Graph | FloatGraph] = [small_graph(rng()), multi_border_graph(rng()), remembering_graph(rng())]
    try:
        graphs += [model_of(parse(content), "net") for content in tflite()[:5]]
    except BaseException as missing:  # pytest's skip: TFLite models cannot be written here
        if type(missing).__name__ != "Skipped":
            raise
    made = [Archive(graph) for graph in graphs if isinstance(graph, Graph)]
    made += [_integers(_images()), _integers(_vectors()), _integers(_vectors(), scheme="fixed-point")]
    made += [_integers(_images(), bits=4), _integers(_images(), bits=2, activation_bits=4)]
    return tuple(archive.dump(content) for content in made)


# --- other frameworks' ---------------------------------------------------------------------------------------------


@cache
def onnx() -> tuple[bytes, ...]:
    require("onnx", "onnxruntime")
    from onnx_models import model, node

    random = rng()

    def real(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    image = model(
        [
            node(
                "Conv", "x w b", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 2], dilations=[1, 1], group=1
            ),
            node("BatchNormalization", "c s b b v", "n"),
            node("Relu", "n", "r"),
            node("MaxPool", "r", "m", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
            node("Resize", "m _ scales", "z", mode="nearest", coordinate_transformation_mode="asymmetric"),
            node("Pad", "z pads", "p"),
            node("ConvTranspose", "p t", "q", strides=[2, 2], output_padding=[0, 0]),
            node("GlobalAveragePool", "q", "g"),
            node("Flatten", "g", "f", axis=1),
            node("Gemm", "f k", "d", transB=1, alpha=1.0),
            node("Softmax", "d", "y", axis=-1),
        ],
        {"x": (1, 2, 8, 7)},
        {
            **{"w": real(3, 2, 3, 3), "b": real(3), "s": real(3), "v": np.abs(real(3)), "t": real(3, 2, 2, 2)},
            **{"k": real(4, 2), "scales": np.array([1, 1, 2, 2], np.float32)},
            "pads": np.array([0, 0, 1, 0, 0, 0, 0, 1], np.int64),
        },
    )
    vector = model(
        [
            node("Split", "x", "a c", axis=2, num_outputs=2),
            node("Mul", "a c", "m"),
            node("Transpose", "m", "t", perm=[0, 2, 1]),
            node("Concat", "t t", "k", axis=1),
            node("Slice", "k starts ends axes steps", "s"),
            node("MatMul", "s w", "u"),
            node("Clip", "u low high", "v"),
            node("ReduceMean", "v axes", "r", keepdims=0),
            node("Reshape", "r shape", "q"),
            node("Sigmoid", "q", "g"),
            node("HardSwish", "g", "h"),
            node("LeakyRelu", "h", "y", alpha=0.1),
        ],
        {"x": (1, 3, 8)},
        {
            **{"starts": np.array([1]), "ends": np.array([7]), "axes": np.array([1]), "steps": np.array([2])},
            **{"w": real(3, 4), "low": np.float32(-1), "high": np.float32(1), "shape": np.array([1, -1])},
        },
        opset=18,
    )
    quantized = model(
        [
            node("QuantizeLinear", "x xs xz", "q"),
            node("DequantizeLinear", "q xs xz", "d"),
            node("DequantizeLinear", "w ws wz", "e", axis=0),
            node("Conv", "d e", "c", kernel_shape=[3, 3]),
            node("QuantizeLinear", "c ys xz", "r"),
            node("DequantizeLinear", "r ys xz", "y"),
        ],
        {"x": (1, 2, 6, 5)},
        {
            **{"xs": np.float32(0.05), "xz": np.int8(3), "ys": np.float32(0.1), "wz": np.zeros(3, np.int8)},
            **{"w": random.integers(-127, 128, (3, 2, 3, 3)).astype(np.int8), "ws": np.float32([0.01, 0.02, 0.03])},
        },
    )
    return tuple(proto.SerializeToString() for proto in (image, vector, quantized))


@cache
def pt2() -> tuple[bytes, ...]:
    require("torch", "onnx", "onnxscript")
    torch = importlib.import_module("torch")
    nn = torch.nn
    torch.manual_seed(0)
    image = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU6(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1)
    )
    nets = [
        (nn.Sequential(image, nn.Flatten(), nn.Linear(4, 3), nn.Softmax(1)), torch.rand(1, 2, 8, 6)),
        (nn.Sequential(nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 2), nn.Tanh()), torch.rand(1, 5)),
    ]
    made = []
    for net, example in nets:
        target = io.BytesIO()
        torch.export.save(torch.export.export(net.eval(), (example,)), target)
        made.append(target.getvalue())
    return tuple(made)


@cache
def _keras_models() -> tuple[object, ...]:
    require("tensorflow")
    keras = importlib.import_module("keras")
    layers = keras.layers
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 6, 2), name="x")
    y = layers.ReLU(max_value=6.0)(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x)))
    y = layers.Add()([layers.DepthwiseConv2D(3, padding="same")(y), y])
    y = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(y))
    image = keras.Model(x, layers.Dense(3, activation="softmax")(y))
    vector = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="gelu"), layers.Reshape((2, 2))])
    return image, vector


def _saved(suffix: str) -> tuple[bytes, ...]:
    made = []
    for model in _keras_models():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"net{suffix}")
            model.save(path)  # type: ignore[attr-defined]
            made.append(path.read_bytes())
    return tuple(made)


def _undated(content: bytes) -> bytes:
    """Leave the day out, so that the seeds are the same tomorrow."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        members = {info.filename: file.read(info) for info in file.infolist()}
    metadata = json.loads(members["metadata.json"])
    return zipped(list({**members, "metadata.json": json.dumps({**metadata, "date_saved": ""}).encode()}.items()))


@cache
def keras() -> tuple[bytes, ...]:
    return tuple(map(_undated, _saved(".keras")))


@cache
def h5() -> tuple[bytes, ...]:
    return _saved(".h5")


@cache
def saved_model() -> tuple[bytes, ...]:
    """Zips of the folders."""
    made = []
    for model in _keras_models():
        with tempfile.TemporaryDirectory() as folder:
            model.export(folder, verbose=False)  # type: ignore[attr-defined]
            files = [p for p in sorted(Path(folder).rglob("*")) if p.is_file() and p.name != "fingerprint.pb"]
            made.append(zipped([(str(path.relative_to(folder)), path.read_bytes()) for path in files]))
    return tuple(made)


# --- samples, boards, firmware, journals ---------------------------------------------------------------------------


def _npy(array: np.ndarray) -> bytes:
    target = io.BytesIO()
    np.save(target, array)
    return target.getvalue()


@cache
def npy() -> tuple[bytes, ...]:
    x, digits = rng().uniform(0, 16, (5, 6, 5, 3)), rng().uniform(0, 16, (5, 8, 8, 1))
    return (
        _npy(x.astype(np.float32)),
        _npy(np.asfortranarray(digits)),
        _npy(x.astype(np.int8)),
        _npy(digits.astype(int)),
    )


@cache
def npz() -> tuple[bytes, ...]:
    values = _npy(rng().uniform(-1, 1, (5, 6, 5, 4)).astype(np.float32))  # what the small model computes
    labels = values, _npy(np.arange(5)), values, _npy(np.array(["0", "1", "2", "3", "4"]))
    made = []
    for x, y in zip(npy(), labels, strict=True):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("X.npy", x)
            file.writestr("Y.npy", y)
        made.append(target.getvalue())
    return tuple(made)


@cache
def boards() -> tuple[bytes, ...]:
    names = ("esp32dev", "esp32-c3-devkitm-1", "esp32-s3-devkitc-1")
    return tuple((ROOT / "boards" / f"{name}.toml").read_bytes() for name in names)


@cache
def elf() -> tuple[bytes, ...]:
    """The digits' firmware for an ESP32-C3 as ESP-IDF links it: its sections and symbols, their contents zero."""
    from mcuq.fit import footprint

    plan = pipeline.compile(loading.load(DIGITS / "digits.tflite"), "esp32-c3-devkitm-1")
    objects = [(name, size, 1) for name, size in footprint.constant_objects(plan).items()]
    return (_elf([("digits.c", 0, 4), *objects, ("arena", plan.arena_bytes, 1), ("mcuq_conv2d_s8", 300, 2)]),)


def _elf(symbols: list[tuple[str, int, int]]) -> bytes:
    """An executable for RISC-V; a symbol has a name, bytes and a type."""
    names = (
        ".iram0.text",
        ".dram0.data",
        ".dram0.bss",
        ".flash.rodata",
        ".flash.text",
        ".symtab",
        ".strtab",
        ".shstrtab",
    )
    texts = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    strings = b"\0" + b"".join(name.encode() + b"\0" for name, *_ in symbols)
    table = bytes(16)
    for name, size, kind in symbols:
        at = strings.index(f"\0{name}\0".encode()) + 1
        table += struct.pack("<IIIBBH", at, 0x1000, size, kind, 0, 0xFFF1 if kind == 4 else 4)
    contents = [bytes(64), bytes(32), b"", bytes(128), bytes(256), table, strings, texts]
    kinds, flags = (1, 1, 8, 1, 1, 2, 3, 3), (6, 3, 3, 2, 6, 0, 0, 0)  # of sections
    offset, body, headers = 52, b"", bytes(40)
    for i, content in enumerate(contents):
        link, entry = (7, 16) if kinds[i] == 2 else (0, 0)
        at = texts.index(f"\0{names[i]}\0".encode()) + 1
        size = len(content) or 512
        headers += struct.pack("<10I", at, kinds[i], flags[i], 0x1000 * i, offset, size, link, len(symbols), 4, entry)
        body += content
        offset += len(content)
    head = b"\x7fELF\x01\x01\x01" + bytes(9)
    head += struct.pack("<HHIIIIIHHHHHH", 2, 243, 1, 0, 0, offset, 0, 52, 32, 0, 40, len(names) + 1, len(names))
    return head + body + headers


@cache
def journals() -> tuple[bytes, ...]:
    """What :mod:`mcuq.files.renames` writes; the content of the files that lie ready is their name in the stage."""
    from mcuq.files.renames import Journal, Rename, digest

    renames = [Rename(str(i), name, digest(str(i).encode())) for i, name in enumerate(("a", "lib/b.c", "old", "b/c"))]
    return Journal(renames, ["stale", "lib/stale"]).dump(), Journal(renames[:2]).dump()


@cache
def c_arrays() -> tuple[bytes, ...]:
    content = tflite()[1]
    rows = [", ".join(f"0x{b:02x}" for b in content[i : i + 12]) for i in range(0, len(content), 12)]
    return (("alignas(8) const unsigned char g_model[] = {\n" + ",\n".join(rows) + "\n};\n").encode(),)


@cache
def records() -> tuple[bytes, ...]:
    """What was decided in a project, ``lib/<model>/build.json``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.mcuq")
        path.write_bytes(mcuq()[0])
        pipeline.write_project(archive.read(path), "esp32dev", Path(folder, "p"))
        return (next(Path(folder, "p").rglob("build.json")).read_bytes(),)


@cache
def pages() -> tuple[bytes, ...]:
    """Reports of the small model, short of all but what programs read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.mcuq")
        path.write_bytes(mcuq()[0])
        page = write_report(path, "esp32dev", Path(folder, "r.html"), instructions=False)
    return (f"<!DOCTYPE html><p>{OPENING}{page.figures.to_json()}{CLOSING}</p>".encode(),)


def elsewhere(name: str) -> tuple[bytes, ...]:
    """The same seeds, made in another process: a framework that has computed has threads, and cannot be forked."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", f"from fuzz import seeds; seeds.write({name!r}, {folder!r})"]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
        return tuple(path.read_bytes() for path in sorted(Path(folder).iterdir()))


def write(name: str, folder: str) -> None:
    """Write the seeds of a reader into a folder."""
    for index, content in enumerate(globals()[name]()):
        Path(folder, str(index)).write_bytes(content)
