"""Constant channels of the reference models: what the pass leaves of them, and that the bytes stay TFLM's."""

import numpy as np
import pytest

from mcuq import loading
from mcuq.graph import Graph
from mcuq.passes.fold_constant_channels import fold_constant_channels, saved
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

MODELS = ["kws_dscnn_int8", "ic_resnet8_int8", "ad01_int8", "sww_int8"]


def flash_bytes(graph: Graph) -> tuple[int, int]:
    """Arena, and constant tables as the portable kernels take them."""
    plan = build_plan(graph)
    return plan.arena_bytes, sum(table.nbytes for step in plan.steps for _, table in step.params.tables())


def test_vww_reference_model(shared):
    """Half of the multiplications and five sixths of the weights; the arena's peak lies before the dead channels."""
    graph = loading.load(shared / "models/mlperf/vww_mbv1_025_int8.tflite")
    golden = np.load(shared / "golden/mlperf__vww_mbv1_025_int8.npz")
    folded = fold_constant_channels(graph)

    for g in (graph, folded):
        outputs = simulate(build_plan(g), {g.inputs[0]: golden["input"]})
        np.testing.assert_array_equal(outputs[g.outputs[0]], golden["output0"])
    assert saved(graph, folded) == (1724, 2738, 7_489_664, 3_727_313)
    assert (flash_bytes(graph), flash_bytes(folded)) == ((37_248, 233_773), (37_248, 39_211))


@pytest.mark.parametrize("name", MODELS)
def test_models_without_dead_channels_stay(shared, name):
    graph = loading.load(shared / f"models/mlperf/{name}.tflite")

    assert fold_constant_channels(graph) is graph
