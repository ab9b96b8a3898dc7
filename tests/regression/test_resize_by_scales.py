"""ONNX Resize with align_corners and scales that are no whole numbers: ONNX computes with the unrounded length."""

import numpy as np
from onnx_models import model, node

from mcuq import float_run, pipeline
from mcuq.frontends.onnx import graph_of
from mcuq.passes.prepare import prepare
from mcuq.quantization import quantize

PROTO = model(
    [node("Resize", "x _ s", "y", mode="linear", coordinate_transformation_mode="align_corners")],
    {"x": (1, 1, 2, 4)},
    {"s": np.array([1, 1, 0.6, 0.6], np.float32)},
)


def test_onnx_node_test():
    """resize_downsample_scales_linear_align_corners: the second pixel lies at 3 / 1.4, not at 3."""
    x = np.arange(1, 9, dtype=np.float32).reshape(1, 1, 1, 2, 4)
    y = float_run.run(graph_of(PROTO, "net"), {"x": x})["y"]

    np.testing.assert_allclose(y, [[[[[1, 3.142857]]]]], rtol=1e-6)


def test_integers(rng):
    x = rng.uniform(-3, 3, (64, 1, 1, 2, 4)).astype(np.float32)
    graph = quantize(prepare(graph_of(PROTO, "net")), x).graph
    y = graph.values["y"]
    right = x[..., 0, 2] + (x[..., 0, 3] - x[..., 0, 2]) / 7
    wanted = np.stack([x[..., 0, 0], right], axis=-1).reshape(64, *y.shape)

    assert (
        np.abs(y.dequantize(pipeline.simulate(pipeline.compile(graph), x)).reshape(wanted.shape) - wanted).max() <= 0.06
    )
