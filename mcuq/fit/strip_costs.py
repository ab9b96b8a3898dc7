"""What strips cost: instructions of a kernel from what it has to do, once per call and per tile included.

For whole layers of any kernel ``instructions.py`` has rates; these here also know scratch, and rows.

Costs were fitted to the instructions that QEMU counts (2026-11): every layer of MLPerf's DS-CNN, ResNet-8 and MobileNet
as a whole and in strips of 1 to 4 rows, with 0 to 4096 bytes of scratch, 226 on the ESP32's instruction set and 254 on
the ESP32-C3's; on the ESP32, fully connected layers of nine sizes, in 25 sizes of tiles, convolutions of eight sizes
pixel by pixel, additions of three; on the ESP32-S3's vector unit 653, layers of sizes and weights drawn at random among
them, 66 of layers element by element and of rows that move, and 213 of sums that grow; on the ESP32-C3's, transposed
convolutions of seven sizes and padding of six, whole and in strips of 1 to 4 rows. The estimate for convolutions is off
by 1 to 3 % in the mean. Of portable kernels, which serve what others leave, those have an entry that cost far more than
the mean; what they do they do for every pixel, in strips as well. Other kernels without one were not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from mcuq.fit import vector_work
from mcuq.kernels.lanes.conv2d import Conv2d1x1LanesParams, Conv2dLanesParams
from mcuq.kernels.lanes.conv2d_winograd import direct_quantities
from mcuq.kernels.lanes.depthwise_conv2d import DepthwiseConv2d3x3LanesParams
from mcuq.kernels.mac16.conv2d import Conv2dMac16Params
from mcuq.kernels.mac16.conv2d_pixels import Conv2dPixelsMac16Params
from mcuq.kernels.mac16.depthwise_conv2d import DepthwiseConv2dMac16Params
from mcuq.kernels.mac16.fully_connected_parts import FullyConnectedPartsMac16Params
from mcuq.ops.base import Params
from mcuq.ops.pad import PadParams
from mcuq.ops.rows import RowsParams
from mcuq.plan import Plan
from mcuq.tensor import Shape

COSTS: Mapping[str, Mapping[str, float]] = {
    "conv2d_s8_mac16": {
        **{"call": 221, "tiles": 331, "widened": 2.21, "filters": 65.6, "weights": 1.58, "outputs": 25.1},
        "products": 0.992,
    },
    "conv2d_s8_pixels_mac16": {"pixels": 176, "lines": 47, "widened": 6.13, "outputs": 53, "macs": 1.47},
    "depthwise_conv2d_s8_mac16": {"weights": 14.9, "products": 3.79, "lines": 22.2},
    "fully_connected_s8_mac16": {"call": 43.7, "inputs": 8.02, "outputs": 49.4, "macs": 1.43},
    "fully_connected_s8_parts_mac16": {
        **{"call": 143, "parts": 91.8, "widened": 7.54, "sums": 10.6, "outputs": 40.6, "macs": 1.49}
    },
    "conv2d_1x1_s8_lanes": {
        **{"call": 997, "products": 8.75, "rest": 5.16, "odd": 8.77, "inputs": 14.4, "outputs": 91.5},
        "rest_outputs": 34.3,
    },
    "conv2d_s8_lanes": {
        **{"call": 3554, "tiles": 530, "products": 37.4, "single_products": 41.8, "rest": 16.9, "inputs": 3.73},
        "outputs": 39.9,
    },
    "depthwise_conv2d_3x3_s8_lanes": {"call": 107, "blocks": 86.6, "lines": 40.5, "outputs": 35.3, "strided": 9.38},
    "depthwise_conv2d_s8_lanes": {"call": 100, "outputs": 63.9, "macs": 3.18},
    "conv2d_1x1_s8_s3": {
        **{"call": 45.2, "rows": 47, "pixels": 12.1, "blocks": 2.83, "taps": 1.06},
        **{"narrow": 41.1, "middle": 54.5, "signed": 68, "wide": 80.5},
    },
    "conv2d_s8_s3": {
        **{"call": 160, "rows": 159, "filled": 0.461, "fresh": 75.5, "copied": 1.31, "moved": 3.66, "packed": 19.9},
        **{"pixels": 7.85, "lines": 2.63, "long_lines": 4.64, "taps": 1.11, "cuts": 35.7},
        **{"narrow": 47.1, "middle": 62, "signed": 71.1, "wide": 87.5, "long": 72.2},
    },
    "depthwise_conv2d_s8_s3": {
        **{"call": 167, "rows": 125, "filled": 0.335, "fresh": 69.2, "copied": 0.446, "moved": 1.24, "packed": 25.4},
        **{"pixels": 21, "lines": 1.84, "taps": 1.88, "odd_taps": 4.95},
        **{"narrow": 40.7, "middle": 54.2, "signed": 69.2, "wide": 80.7, "long": 102},
    },
    "max_pool_s8_s3": {"call": 33.4, "pixels": 78.9, "windows": 13.6, "taps": 2.84},
    "average_pool_s8_s3": {"inputs": 0.0626, "outputs": 5.63},
    "add_s8_s3": {"call": 34.6, "direct": 52.4, "blocks": 26, "copied": 24.3, "pieces": 129},
    "lookup_s8_s3": {"call": 42.6, "direct": 48.7, "blocks": 25.1, "copied": 22, "pieces": 104},
    "mul_s8_s3": {
        **{"call": 69, "direct": 52, "copied": 24.3, "pieces": 128},
        **{"narrow": 49, "middle": 62, "signed": 75, "wide": 87},
    },
    "add_s8_mac16": {"call": 15312, "inputs": 14.0},
    "add_s8_tables_mac16": {"call": 70, "inputs": 14.5},
    "add_s8_lanes": {"call": 11895, "inputs": 10.7},
    "add_s8": {"call": 70, "inputs": 41, "outputs": 20},  # of RV32IMC; Xtensa takes twice as many
    "sub_s8": {"call": 75, "inputs": 41, "outputs": 20},
    "mul_s8": {"call": 64, "outputs": 50},
    "conv_transpose2d_s8": {"call": 100, "outputs": 111, "macs": 9.44},
    "pad_s8": {"call": 78, "pixels": 24.7, "inputs": 6.59, "outputs": 3.61},
    "average_pool_s8": {"call": 700, "outputs": 33.7, "inputs": 5.6},
    "pixel_sums_s8": {"call": 19, "outputs": 1, "inputs": 6.7},
    "pixel_sums_s8_s3": {
        **{"call": 50.4, "groups": 38.2, "taps": 1.01, "odd_taps": 3.01, "fours": 3.42},
        "ones": 6.83,
    },
    "rows_s8": {"call": 30, "words": 3, "bytes": 6},
    "rows_s8_s3": {"call": 35.2, "copied": 2, "shifted": 3.01, "bytes": 4.05},
}
MEAN = {"call": 300, "inputs": 6.0, "outputs": 40.0, "macs": 4.0}  # of a kernel without an entry
PORTABLE = "_s8"  # the end of a kernel's name that has no family in it


def is_counted(params: Params) -> bool:
    """Whether it is known what a kernel costs in strips."""
    return params.kernel in COSTS or params.kernel.endswith(PORTABLE)


def instructions(params: Params, macs: int, inputs: Sequence[Shape], output: Shape) -> float:
    """Estimate the instructions of a kernel call.

    Args:
        params: as they are, with their scratch.
        macs: multiplications of the layer.
        inputs: shapes of its operands.
        output: shape of what it computes.
    """
    amounts = {"call": 1, "inputs": sum(map(prod, inputs)), "outputs": prod(output), "macs": macs, **_amounts(params)}
    costs = COSTS.get(params.kernel, MEAN)
    return sum(costs.get(name, 0.0) * amount for name, amount in amounts.items())


def instructions_of(plan: Plan) -> float:
    """Estimate the instructions of an inference."""
    macs = {node.name: node.op.macs(*(plan.graph.tensor(v).shape for v in node.inputs)) for node in plan.graph.nodes}
    return sum(
        instructions(
            step.params,
            macs[step.name],
            [plan.graph.tensor(value).shape for value in step.inputs],
            plan.graph.values[step.outputs[0]].shape,
        )
        for step in plan.steps
    )


def _amounts(params: Params) -> Mapping[str, float]:  # noqa: PLR0911 - one per kernel
    """Return what a kernel has to do beside reading its inputs and writing its outputs."""
    match params:
        case Conv2dMac16Params():
            return _tiled(params)
        case DepthwiseConv2dMac16Params():
            return _planes(params)
        case Conv2dPixelsMac16Params() as p:
            pixels, lines = p.output_h * p.output_w, p.output_h * p.output_w * p.filter_h
            return {"pixels": pixels, "lines": lines, "widened": lines * p.filter_w * p.input_c}
        case FullyConnectedPartsMac16Params():
            return _parts(params)
        case Conv2dLanesParams() as p:
            return direct_quantities(p, p.pairs)
        case Conv2d1x1LanesParams():
            return _pointwise(params)
        case DepthwiseConv2d3x3LanesParams() as p:
            outputs = p.output_h * p.output_w * p.channels
            lines, blocks = p.output_h * p.channels, p.blocks * p.channels
            return {"blocks": blocks, "lines": lines, "strided": (p.stride - 1) * outputs}
        case PadParams() as p:
            return {"pixels": prod(p.output_shape[:3])}
        case RowsParams() as p if p.kernel == RowsParams.kernel:
            return {"words": p.bytes // 4} if p.bytes % 4 == p.offset % 4 == 0 else {"bytes": p.bytes}
    return vector_work.amounts(params)


def _tiled(p: Conv2dMac16Params) -> Mapping[str, float]:
    """Return what the convolution on MAC16 does once per tile, and once per pixel."""
    across = -(-p.output_w // p.tile_pixels)
    tiles = -(-p.output_h // p.tile_rows) * across
    step = min(p.stride_w, p.filter_w)
    columns = (p.output_w - across) * step + across * p.filter_w
    return {
        "tiles": tiles,
        "widened": p.output_h * columns * p.column,
        "filters": tiles * p.output_c,
        "weights": tiles * p.output_c * p.taps,
        "products": p.output_h * p.output_w * p.output_c * p.taps,
    }


def _planes(p: DepthwiseConv2dMac16Params) -> Mapping[str, float]:
    """Return what the depthwise convolution on MAC16 does once per tile, and once per pixel."""
    across = -(-p.output_w // p.tile_pixels)
    taps = p.filter_h * p.filter_w * p.input_c
    return {
        "weights": -(-p.output_h // p.tile_rows) * across * taps,
        "products": p.output_h * p.output_w * taps,
        "lines": p.output_h * across * p.input_c,
    }


def _parts(p: FullyConnectedPartsMac16Params) -> Mapping[str, float]:
    """Return what the fully connected layer with little scratch does once per part of the inputs."""
    tiles, parts = p.batch * -(-p.output_c // p.tile_channels), -(-p.taps // p.tile_taps)
    return {"parts": tiles * parts, "widened": tiles * p.input_c, "sums": p.batch * parts * p.output_c}


def _pointwise(p: Conv2d1x1LanesParams) -> Mapping[str, float]:
    """Return what the 1x1 convolution in lanes does for four pixels, and for the last one, two or three."""
    fours, rest = p.pixels // 4, -(-(p.pixels % 4) // 2)
    return {
        "products": fours * p.input_c * p.output_c,
        "rest": rest * p.input_c * p.output_c,
        "odd": fours * p.input_c * (p.output_c % 4),
        "inputs": fours * p.input_c,
        "outputs": fours * p.output_c,
        "rest_outputs": rest * p.output_c,
    }
