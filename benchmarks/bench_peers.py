"""The nearest peer, on the same models: BakeNN 1.0.0's portable C, its best, and its path through ESP-NN's C kernels.

Nothing of it is part of mcuq: `make bench` installs it into build/bakenn, its C is generated into a temporary folder.
BakeNN refuses the MLPerf Tiny files as they are, so it gets them without shape signatures, with the options of RESHAPE
filled in, and without the last SOFTMAX, which it does not have; mcuq's counts include that SOFTMAX.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from bench_chip import Program
from tflite_micro.python.tflite_micro import runtime

from mcuq.tensor import Array

BAKENN = Path(__file__).parents[1] / "build" / "bakenn"
KINDS = {  # BakeNN's target and policy, and whether ESP-NN's kernels are allowed
    "portable": ("esp32", "PORTABLE", False),
    "bakenn": ("esp32c3", "STATIC_PRIORITY", True),  # for that chip it knows no ESP-NN and takes its own fast kernels
    "esp_nn": ("esp32", "STATIC_PRIORITY", True),  # generic C: what TensorFlow Lite Micro runs on the ESP32 and the C3
}
SOFTMAX, RESHAPE = 25, 22
CALL = """#include "bknn_{name}.h"
#if BKNN_{upper}_ARENA_SIZE > 0
static uint8_t arena[BKNN_{upper}_ARENA_SIZE] __attribute__((aligned(16)));
#else
#define arena ((uint8_t *)0)
#endif
static void bench_run(const int8_t *input, int8_t *output) {{
    bknn_{name}_infer(arena, input, output);
}}
"""


def digestible(model: bytes) -> bytes:
    """Return a TFLite model as BakeNN takes it."""
    content = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(model), 0))
    graph = content.subgraphs[0]
    for tensor in graph.tensors:
        tensor.shapeSignature = None
    for operator in graph.operators:
        if _code(content, operator) == RESHAPE:
            _fill_reshape(content, graph, operator)
    if _code(content, graph.operators[-1]) == SOFTMAX:
        graph.outputs = [graph.operators.pop().inputs[0]]
        content.signatureDefs = content.metadata = None
    builder = flatbuffers.Builder(1024)
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(content: Any, operator: Any) -> int:
    entry = content.operatorCodes[operator.opcodeIndex]
    return int(max(entry.builtinCode, entry.deprecatedBuiltinCode))


def _fill_reshape(content: Any, graph: Any, operator: Any) -> None:
    shape = [int(size) for size in graph.tensors[operator.outputs[0]].shape]
    operator.builtinOptions = schema.ReshapeOptionsT()
    operator.builtinOptions.newShape = shape
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    if len(operator.inputs) > 1:
        data = np.frombuffer(np.array(shape, np.int32).tobytes(), np.uint8)
        content.buffers[graph.tensors[operator.inputs[1]].buffer].data = data


def tflm(model: bytes, inputs: Array) -> Array:
    """Return TensorFlow Lite Micro's outputs, [samples, bytes], for samples [samples, *shape]."""
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    results = []
    for sample in inputs:
        interpreter.set_input(np.ascontiguousarray(sample), 0)
        interpreter.invoke()
        results.append(interpreter.get_output(0).copy().reshape(-1))
    return np.stack(results)


def peer(kind: str, name: str, model: bytes, folder: Path) -> tuple[Program, int]:
    """Let BakeNN write its C for a model; return it with the arena's bytes."""
    sys.path.append(str(BAKENN))
    bakenn = importlib.import_module("bakenn")
    target, policy, esp_nn = KINDS[kind]
    options = bakenn.CBackendOptions(kernel_policy=getattr(bakenn.KernelPolicy, policy), enable_esp_nn=esp_nn)
    source = folder.with_suffix(".tflite")
    source.write_bytes(model)
    written = bakenn.compile_tflite(str(source), folder, name=name, backend_options=options, target=target)
    return listed_program(folder, name), int(written.memory_report.arena_bytes)


def listed_program(folder: Path, name: str) -> Program:
    """Return the C that BakeNN wrote into a folder."""
    listed = (folder / "bakenn_sources.cmake").read_text().replace("${CMAKE_CURRENT_LIST_DIR}", str(folder))
    flags = ["-std=c11", *(f"-I{path}" for path in _listed(listed, "INCLUDE_DIRS"))]
    flags += [f"-D{define}" for define in _listed(listed, "COMPILE_DEFINITIONS")]
    sources = [Path(path) for path in _listed(listed, "SOURCES")]
    return Program(sources, flags, CALL.format(name=name, upper=name.upper()), has_mac16=False)


def _listed(cmake: str, what: str) -> Iterator[str]:
    found = re.search(rf"set\(BAKENN_MODEL_{what}(.*?)\)", cmake, re.DOTALL)
    return (item.strip('"') for item in (found[1].split() if found else ()))


def traced(program: Program) -> Program:
    """Return the program with a mark after every kernel call of its inference function."""
    original = program.sources[0]
    text = original.read_text()
    start = text.index("_infer(")
    marked = "void bench_mark(void);\n" + text[:start] + text[start:].replace(");\n", ");\n    bench_mark();\n")
    copy = original.with_name(f"traced_{original.name}")
    copy.write_text(marked)
    return replace(program, sources=[copy, *program.sources[1:]])
