"""The larger of an operator's two code fields counts, as in TFLite; found by comparing mutants with TFLM."""

import numpy as np
import pytest
from oracle import assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder


@pytest.mark.parametrize(("code", "deprecated"), [(19, 19), (19, 0), (0, 19)])
def test_code_fields(code, deprecated):
    builder = ModelBuilder()
    x, y = builder.tensor((1, 6), scale=0.1), builder.tensor((1, 6), scale=0.1)
    builder.op("RELU", [x], [y])
    entry = builder.model.operatorCodes[0]
    entry.builtinCode, entry.deprecatedBuiltinCode = code, deprecated
    model = builder.finish([x], [y])
    assert [node.op.name for node in read(model).nodes] == ["relu"]
    assert_equals_tflm(model, samples(np.random.default_rng(0), 3, (1, 6)))
