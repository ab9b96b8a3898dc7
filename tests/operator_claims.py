"""What the table of operators claims, and the tests of those names whose models are more than a line."""

import re
from pathlib import Path

from mcuq.report.formats import READ

TESTS = Path(__file__).parent
ELSEWHERE = {  # name: test file that holds a model of it, compared with the format's own runtime
    "BROADCAST_TO": "ops/test_tile.py",
    "EXPAND_DIMS": "ops/test_reshape.py",
    "GREATER_EQUAL": "ops/test_random_operators.py",
    "LOGICAL_NOT": "ops/test_logical_not.py",
    "PADV2": "ops/test_pad.py",
    "QUANTIZE": "ops/test_requantize.py",
    "QuantizeLinear": "frontends/test_onnx_qdq.py",
    "SPLIT_V": "frontends/test_tflite_float.py",
    "SELECT_V2": "ops/test_select.py",
    "SQUEEZE": "ops/test_reshape.py",
    "SVDF": "ops/test_svdf.py",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "frontends/test_tflite_recurrent.py",
    "UNPACK": "frontends/test_tflite_recurrent.py",
    "WHILE": "frontends/test_tflite_loops.py",
    "com.microsoft.Gelu": "frontends/test_onnx.py",
    "layers.GRU": "frontends/test_keras_recurrent.py",
    "layers.LSTM": "frontends/test_keras_recurrent.py",
    "layers.SimpleRNN": "frontends/test_keras_recurrent.py",
    "nn.GRU": "frontends/test_torch_recurrent.py",
    "nn.LSTM": "frontends/test_torch_recurrent.py",
    "nn.RNN": "frontends/test_torch_recurrent.py",
}


def claimed(fmt: str) -> set[tuple[str, str]]:
    """Return every pair of operator and name of a format."""
    return {(op, name) for op, names in READ.items() for name in getattr(names, fmt).split()}


def is_elsewhere(name: str) -> bool:
    """Whether another test file has a model of this name."""
    path = ELSEWHERE.get(name)
    return path is not None and name.rpartition(".")[2] in re.findall(r"\w+", (TESTS / path).read_text())
