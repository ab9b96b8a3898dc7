"""An operator's options are read late; damage there is a McuqError like any other (found by fuzzing)."""

import struct

import pytest
from oracle import read
from tflite_builder import ModelBuilder

from mcuq.errors import MalformedModelError
from mcuq.frontends.flatbuffer import parse


def folded():
    builder = ModelBuilder()
    x, y = builder.tensor((1, 6), scale=0.1), builder.tensor((1, 6), scale=0.1)
    one, packed = builder.tensor((), "int32", data=1), builder.tensor((1, 1), "int32")
    builder.op("PACK", [one], [packed], "PackOptions", axis=0)
    builder.op("RELU", [x], [y])
    return builder.finish([x], [y])


def converted():
    builder = ModelBuilder()
    x, y = builder.tensor((1, 6), scale=0.1), builder.tensor((1, 6), scale=0.1)
    builder.op("LEAKY_RELU", [x], [y], "LeakyReluOptions", alpha=0.5)
    return builder.finish([x], [y])


@pytest.mark.parametrize("model", [folded(), converted()], ids=["folded", "converted"])
@pytest.mark.parametrize("offset", [0x7FFFFFFF, -0x7FFFFFFF])
def test_offset_of_the_options_table(model, offset):
    """The table's offset to its vtable points outside the file."""
    position = parse(model).operators[0].options._tab.Pos
    with pytest.raises(MalformedModelError, match="operator 0"):
        read(model[:position] + struct.pack("<i", offset) + model[position + 4 :])
