"""Vectors times packed weights, in lanes: fully connected layers, and convolutions that amount to them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcuq.kernels.channels import Channels, Rounding, Served, any_channels, outputs, products_of
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.products import Products
from mcuq.ops.window import Window, row_overlap
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class VectorsParams(Params):
    """Some output channels at a time: what the kernels have in common, whatever their weights."""

    batch: i32  # vectors
    input_c: i32
    output_c: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    general: i32  # 1: scales that mcuq_requantize_fast does not cover
    reverse: i32  # 1: last vector first, so that the output may lie behind the input
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return row_overlap(self.batch, self.input_c, self.batch, self.output_c, Window(1))

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return outputs(inputs[0].reshape(-1, self.input_c), self._products).reshape(len(inputs[0]), -1)

    @cached_property
    def _products(self) -> Products:
        return products_of(self, self.unpacked())

    @abstractmethod
    def unpacked(self) -> Array:
        """Return the weights, int8 [output channels, inputs]."""


def served(p: Conv2dParams, keep_weights: bool = False) -> Served | None:
    """Return the channels of a layer that these kernels can take, or None: windows that are not whole vectors."""
    if p.groups != 1 or not _is_of_vectors(p):
        return None
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = Channels(p.weights.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift)
    return any_channels(channels, rounding, keep_weights)


def members(p: Conv2dParams, layer: Served) -> dict[str, Any]:
    """Return what all kernels have but their weights."""
    channels, general = layer
    return {
        "batch": p.output_h * p.output_w,
        "input_c": channels.weights.shape[1],
        "output_c": p.output_c,
        "output_zero_point": p.output_zero_point,
        "activation_min": p.activation_min,
        "activation_max": p.activation_max,
        "per_channel": int(channels.multiplier.size > 1),
        "reverse": 0,
        "general": general,
        "bias": channels.bias,
        "multiplier": channels.multiplier,
        "shift": channels.shift,
    }


def _is_of_vectors(p: Conv2dParams) -> bool:
    """Whether windows lie in memory one behind the other, as vectors do."""
    window = (p.filter_h, p.filter_w, p.dilation_h, p.dilation_w, p.pad_top, p.pad_left)
    whole = (p.output_h, p.output_w) == (1, 1) and window == (p.input_h, p.input_w, 1, 1, 0, 0)
    pixels = window == (1, 1, 1, 1, 0, 0) and (p.output_h, p.output_w) == (p.input_h, p.input_w)
    return whole or pixels
