"""Mutants of TFLite models: members changed through the schema's object API, and bytes where the structure is."""

import struct
from collections.abc import Callable
from functools import cache

import flatbuffers
import numpy as np
from requirements import require_module

from mcuq.frontends.flatbuffer import parse
from mcuq.frontends.tflite_ops import FLOAT_READERS

schema = require_module("ai_edge_litert.schema_py_generated")

WORDS = (0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 65_535, 1 << 16, 1 << 20, 1 << 26, (1 << 30) - 1, 1 << 30)
WORDS += ((1 << 31) - 1, -1, -2, -128, -129, -(1 << 16), -(1 << 31))
CODES = tuple(getattr(schema.BuiltinOperator, code) for code in sorted(FLOAT_READERS) if code.isupper())
FLOATS = (0.0, -1.0, 1e-45, 1e-20, 1e-9, 1e-4, 0.4, 3.0, 1e4, 1e9, 1e20, 3e38)
FLOATS += (float("inf"), float("-inf"), float("nan"))


@cache
def target(data: bytes) -> "Target":
    return Target(data)


def mutant(data: bytes, rng: np.random.Generator) -> bytes:
    """Return another file."""
    return target(data).mutant(rng)


class Target:
    """A model's bytes and which of them are structure, not weights: there mutations reach deeper."""

    def __init__(self, data: bytes) -> None:
        self.data = np.frombuffer(data, np.uint8)
        self.file = schema.Model.GetRootAsModel(data, 0)
        structure = np.ones(len(data), bool)
        for tensor in parse(data).tensors:
            if tensor.data is not None and tensor.data.nbytes > 16:
                start = tensor.data.__array_interface__["data"][0] - self.data.__array_interface__["data"][0]
                structure[start : start + tensor.data.nbytes] = False
        self.structure = np.flatnonzero(structure)
        self.words = self.structure[(self.structure % 4 == 0) & (self.structure <= len(data) - 4)]

    def mutant(self, rng: np.random.Generator) -> bytes:
        if rng.random() < 0.5:
            return self.edited(rng)
        data = self.data.copy()
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            mutation: Callable[..., np.ndarray] = rng.choice(MUTATIONS)
            data = mutation(self, data, rng)
        return data.tobytes()

    def edited(self, rng: np.random.Generator) -> bytes:
        """Return a well-formed file with members changed."""
        model = schema.ModelT.InitFromObj(self.file)
        builder = flatbuffers.Builder(len(self.data))
        try:
            for _ in range(rng.choice([1, 1, 2, 3])):
                edit_member(model, rng)
            builder.Finish(model.Pack(builder), b"TFL3")
        except (TypeError, ValueError, struct.error, AttributeError, OverflowError):  # the member cannot hold the value
            return self.edited(rng)
        return bytes(builder.Output())


def edit_member(model, rng) -> None:
    """Change one member of a random tensor, operator, operator code or of the graph."""
    graph = model.subgraphs[0]
    tensor, operator = rng.choice(graph.tensors), rng.choice(graph.operators)
    kind = rng.integers(0, 10)
    if kind < 2:
        edit_list(tensor, "shape", (1, 2, 3, 8, 49, 100, *WORDS), rng)
    elif kind < 4 and tensor.quantization is not None:
        member = rng.choice(["scale", "zeroPoint"])
        edit_list(tensor.quantization, member, FLOATS if member == "scale" else WORDS, rng)
        tensor.quantization.quantizedDimension = int(rng.choice([0, 0, 1, 3, -1, 9]))
    elif kind == 4:
        tensor.type = int(rng.choice([0, 2, 3, 4, 7, 9, 9, 9, 17]))
        tensor.buffer = int(rng.integers(0, len(model.buffers) + 1))
    elif kind == 5:
        edit_list(operator, rng.choice(["inputs", "outputs"]), range(-1, len(graph.tensors)), rng)
    elif kind < 8 and operator.builtinOptions is not None:
        member = rng.choice(list(vars(operator.builtinOptions)))
        old = getattr(operator.builtinOptions, member)
        if isinstance(old, (bool, int, float)):
            value = rng.choice(FLOATS if isinstance(old, float) else WORDS)
            setattr(operator.builtinOptions, member, type(old)(value))
    elif kind == 8:
        rng.choice(model.operatorCodes).builtinCode = int(rng.choice(CODES))
        operator.builtinOptionsType = int(rng.choice([operator.builtinOptionsType, 0]))
    else:
        edit_list(graph, rng.choice(["inputs", "outputs", "operators"]), range(len(graph.tensors)), rng)


def edit_list(owner, member, values, rng) -> None:
    """Replace, repeat, remove, append or swap elements of a list member."""
    old = getattr(owner, member)
    items = [] if old is None else list(old)
    i, j = (rng.integers(0, 2, 2) * 0 if not items else rng.integers(0, len(items), 2)).tolist()
    kind = rng.integers(0, 5) if items else 4
    if kind == 0 and not hasattr(items[i], "opcodeIndex"):
        items[i] = type(items[i])(rng.choice(values))
    elif kind == 1:
        items[i], items[j] = items[j], items[i]
    elif kind == 2:
        del items[i]
    elif kind == 3:
        items.append(items[i])
    elif member != "operators":
        items.append(rng.choice(values).item())
    setattr(owner, member, items)


def flip_bytes(target, data, rng):
    where = rng.choice(target.structure if rng.random() < 0.8 else len(data) + 1, rng.integers(1, 9))
    where = where[where < len(data)]
    data[where] ^= rng.integers(1, 256, where.size).astype(np.uint8)
    return data


def change_bytes_a_little(target, data, rng):
    where = rng.choice(target.structure, rng.integers(1, 5))
    where = where[where < len(data)]
    data[where] += rng.choice([1, 2, 4, 255, 254, 252], where.size).astype(np.uint8)
    return data


def overwrite_word(target, data, rng):
    at = rng.choice(target.words)
    word = np.float32(rng.choice(FLOATS)) if rng.random() < 0.3 else np.int32(rng.choice(WORDS))
    if at + 4 <= len(data):
        data[at : at + 4] = np.frombuffer(word.tobytes(), np.uint8)
    return data


def copy_word(target, data, rng):
    source, at = rng.choice(target.words, 2)
    if max(source, at) + 4 <= len(data):
        data[at : at + 4] = data[source : source + 4]
    return data


def truncate(target, data, rng):
    return data[: rng.integers(0, len(data) + 1)]


def swap_chunks(target, data, rng):
    size = int(rng.integers(1, max(2, min(256, len(data) // 2))))
    a, b = rng.integers(0, max(1, len(data) - size), 2)
    data[a : a + size], data[b : b + size] = data[b : b + size].copy(), data[a : a + size].copy()
    return data


def insert(target, data, rng):
    at, size = rng.integers(0, len(data) + 1), 4 * int(rng.integers(1, 9))
    return np.concatenate([data[:at], rng.integers(0, 256, size).astype(np.uint8), data[at:]])


def remove(target, data, rng):
    at, size = rng.integers(0, len(data) + 1), 4 * int(rng.integers(1, 9))
    return np.concatenate([data[:at], data[at + size :]])


MUTATIONS = np.array(
    [
        flip_bytes,
        change_bytes_a_little,
        overwrite_word,
        overwrite_word,
        copy_word,
        truncate,
        swap_chunks,
        insert,
        remove,
    ]
)
