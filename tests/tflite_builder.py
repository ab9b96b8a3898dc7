"""Write small TFLite models, and run them in TensorFlow Lite Micro (contract N5)."""

import flatbuffers
import numpy as np
from requirements import require_module

schema = require_module("ai_edge_litert.schema_py_generated")

TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "bool": 6,
    "int16": 7,
    "int8": 9,
    "resource": 13,
}


class ModelBuilder:
    """A TFLite model, tensor by tensor; ``tensor`` and ``op`` return tensor indices."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.model.subgraphs = []
        self.begin_graph()

    def begin_graph(self) -> int:
        """Begin another graph, to which tensors and operators are added from now on; return its number."""
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []
        self.model.subgraphs.append(self.graph)
        return len(self.model.subgraphs) - 1

    def tensor(self, shape, dtype="int8", scale=None, zero_point=0, data=None, axis=0, name=None) -> int:
        """Add a tensor; ``scale`` may be a list for per-channel quantization along ``axis``."""
        tensor = schema.TensorT()
        tensor.shape = [int(d) for d in shape]
        tensor.type = TYPES[dtype]
        tensor.name = (name or f"tensor_{len(self.graph.tensors)}").encode()
        tensor.buffer = 0
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scales.tolist()
            tensor.quantization.zeroPoint = np.broadcast_to(zero_point, scales.shape).tolist()
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def op(self, code: str, inputs, outputs, options: str | None = None, version=1, custom=None, **fields) -> None:
        """Add an operator; ``options`` names the schema table, ``fields`` are its members."""
        number = getattr(schema.BuiltinOperator, code)
        operator = schema.OperatorT()
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = number, min(number, 127), version
        entry.customCode = custom
        self.model.operatorCodes.append(entry)
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, f"{options}T")()
            for name, value in fields.items():
                assert hasattr(operator.builtinOptions, name), name
                setattr(operator.builtinOptions, name, value)
        self.graph.operators.append(operator)

    def finish(self, inputs, outputs) -> bytes:
        """Return the file's bytes; inputs and outputs are those of the first graph."""
        for main in self.model.subgraphs[:1]:
            main.inputs, main.outputs = list(inputs), list(outputs)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def tflm(model: bytes, *inputs: np.ndarray) -> np.ndarray:
    """Run samples ([samples, *shape] per input) through TensorFlow Lite Micro; the first output, per sample."""
    runtime = require_module("tflite_micro.python.tflite_micro.runtime")
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    results = []
    for sample in zip(*inputs, strict=True):
        for i, array in enumerate(sample):
            interpreter.set_input(np.ascontiguousarray(array), i)
        interpreter.invoke()
        results.append(interpreter.get_output(0).copy())
    return np.stack(results)
