"""What Keras 2 saved: its ``.keras`` files, and the ``.h5`` files that Keras 3 cannot load, are opened by ``tf_keras``.

``tf_keras`` is Keras 2 as it lives on. It finds classes by the module that a file names, and functions by their names
alone, so what it is given is written anew: modules are its own, what only training needs is left out.
"""

from __future__ import annotations

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mcuq.errors import ToolMissingError, UnsupportedOperatorError
from mcuq.frontends.keras_classes import FUNCTIONS, MODELS
from mcuq.reading import line_of, printable

INSTALL = 'pip install "mcuq[keras2]"'
ENGINE = re.compile(r"(tf_)?keras(\.src)?\.engine\.\w+")
FUNCTIONAL = "keras.src.engine.functional"  # the one class without a public name
FOR_TRAINING = re.compile(r".*_(regularizer|constraint)")
OPERATIONS = ("TFOpLambda", "SlicingOpLambda")  # layers made of TensorFlow's functions: these, which only compute
TENSORFLOW = frozenset(
    """
    __operators__.add __operators__.getitem abs add clip_by_value concat convert_to_tensor expand_dims identity
    math.abs math.add math.divide math.exp math.maximum math.minimum math.multiply math.negative math.pow
    math.reduce_max math.reduce_mean math.reduce_min math.reduce_sum math.rsqrt math.sigmoid math.sqrt math.square
    math.subtract math.tanh math.truediv multiply nn.elu nn.leaky_relu nn.max_pool nn.avg_pool nn.relu nn.relu6
    nn.sigmoid nn.silu nn.softmax nn.softplus nn.tanh pad reduce_mean reduce_sum reshape slice split squeeze stack
    subtract tanh tile transpose
    """.split()
)


def is_keras_2(version: str) -> bool:
    """Whether a file was saved by Keras 2, or by what came before.

    >>> is_keras_2("2.15.0"), is_keras_2("3.12.0"), is_keras_2("")
    (True, False, False)
    """
    return version.partition(".")[0] in ("1", "2")


def rewritten(config: Any) -> Any:
    """Return a description as ``tf_keras`` shall have it.

    Raises:
        UnsupportedOperatorError: for an activation that is not one of Keras' own.
    """
    if isinstance(config, list):
        return [rewritten(value) for value in config]
    if not isinstance(config, dict):
        return config
    changed = {key: None if FOR_TRAINING.fullmatch(key) else rewritten(value) for key, value in config.items()}
    for key, value in changed.items():
        if key.endswith("activation") and isinstance(value, str) and value not in FUNCTIONS:
            raise UnsupportedOperatorError(f"Keras has no activation '{printable(value, 80)}'")
    module = changed.get("module")
    if isinstance(module, str):
        changed["module"] = module.removeprefix("tf_")
        if ENGINE.fullmatch(module) and changed.get("class_name") in MODELS:
            changed["module"] = FUNCTIONAL if changed["class_name"] == "Functional" else "keras"
    return changed


def is_operation(described: Any) -> bool:
    """Whether an object is a layer made of a function of TensorFlow's that only computes."""
    inner = described.get("config")
    if described.get("class_name") not in OPERATIONS or not isinstance(inner, dict):
        return False
    function = inner.get("function")
    registered = described.get("registered_name")
    places = (None, "keras.src.layers.core.tf_op_layer", "keras.layers.core.tf_op_layer")
    return (
        isinstance(function, str)
        and function in TENSORFLOW
        and described.get("module") in places
        and registered in (None, described["class_name"])
    )


def rewritten_hdf5(path: Path, config: Any, folder: Path) -> Path:
    """Return a copy of an ``.h5`` file with another description, and nothing for training."""
    import h5py

    copy = folder / "keras2.h5"
    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs.pop("training_config", None)
    return copy


def load(file: Path, version: str, before: str = "") -> Any:
    """Return the model in a file that was written anew.

    Args:
        file: a ``.keras`` or ``.h5`` file.
        version: of Keras, that saved it.
        before: what Keras 3 said about it, if it was asked.

    Raises:
        ToolMissingError: without ``tf_keras``; it says who saved the file and what opens it.
        UnsupportedOperatorError: when ``tf_keras`` cannot load it either.
    """
    saved = f"was saved by Keras {printable(version, 20)}"
    said = f"Keras 3 cannot load it ({before}); it {saved}" if before else f"{saved}, which Keras 3 does not read"
    if find_spec("tf_keras") is None:
        raise ToolMissingError(f"{said}: tf_keras opens it: {INSTALL}")
    try:
        import tf_keras
    except Exception as error:  # made for another TensorFlow
        raise ToolMissingError(f"{said}; tf_keras does not start ({line_of(error)}): {INSTALL}") from None
    try:
        if file.suffix == ".keras":
            return tf_keras.models.load_model(file, compile=False, safe_mode=True)
        return tf_keras.models.load_model(file, compile=False)
    except Exception as error:  # whatever Keras raises, it is about the file
        raise UnsupportedOperatorError(f"{saved}, and tf_keras cannot load it: {line_of(error)}") from None
