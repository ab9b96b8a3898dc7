"""What the front ends need of others: packages, and how to get them. The lower bounds are pyproject.toml's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TORCH_SINCE = "2.9"  # the first whose torch.export.save writes plain weights and not a pickle of them
TORCH = f'PyTorch models need torch >= {TORCH_SINCE} and onnx: pip install "mcuq[torch]"'
KERAS = 'Keras and TensorFlow models need TensorFlow: pip install "mcuq[keras]"'
ONNX = 'ONNX models need the package onnx: pip install "mcuq[onnx]"'
SAVED_MODEL = "a SavedModel"
EXTRAS: Mapping[str, tuple[Sequence[str], str]] = {  # what a framework opens
    ".onnx": (("onnx",), ONNX),
    ".pt2": (("torch", "onnx", "onnxscript"), TORCH),
    ".keras": (("tensorflow",), KERAS),
    ".h5": (("tensorflow",), KERAS),
    SAVED_MODEL: (("tensorflow",), KERAS),
}
