"""The MAC16 kernels' declared overlaps hold at their exact limits: portable C on the host, assembly in QEMU."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from harness import INCLUDE, SANITIZERS, STRICT, kernel_files
from overlap_layers import operands, overlapping_on, vectors_on
from test_overlap import program

from kernels.mac16.emulated import mac16_sources, run_emulated
from kernels.mac16.layers import CHIP, every_tiling, random_connected, random_conv, random_depthwise
from mcuq.kernels.mac16.add import AddMac16Params
from mcuq.kernels.mac16.add_tables import AddTablesMac16Params
from mcuq.kernels.mac16.channels import Tile, even_tiles, room, tile_overlap
from mcuq.kernels.mac16.conv2d import Conv2dMac16Params
from mcuq.kernels.mac16.conv2d_pixels import Conv2dPixelsMac16Params
from mcuq.kernels.mac16.depthwise_conv2d import DepthwiseConv2dMac16Params
from mcuq.kernels.mac16.fully_connected import FullyConnectedMac16Params
from mcuq.kernels.mac16.fully_connected_parts import FullyConnectedPartsMac16Params
from mcuq.ops.base import Overlap, Params

KINDS = {
    AddMac16Params,
    AddTablesMac16Params,
    Conv2dMac16Params,
    Conv2dPixelsMac16Params,
    DepthwiseConv2dMac16Params,
    FullyConnectedMac16Params,
    FullyConnectedPartsMac16Params,
}
Run = tuple[Params, list[np.ndarray], int]  # parameters, inputs, distance of the output from the first of them

# What `program` writes to is the serial line there.
STDIO = """#include "mcuq_port.h"
#define stdout 0
#define fwrite(data, size, count, file) mcuq_port_write((data), (size) * (count))
"""


def tilings(rng: np.random.Generator) -> list[Params]:
    """Kernels of an ESP32 with every size of tile, some of them random."""
    found = []
    for params in overlapping_on(CHIP, rng):
        if type(params) in KINDS:
            found += every_tiling(params)[::3] if hasattr(params, "tile_rows") else [params]
    found += [params.frugal(0) for params in overlapping_on(CHIP, rng) if params.kernel == "conv2d_s8_mac16"]
    found += [params.frugal(limit) for params in vectors_on(CHIP, rng) for limit in (0, 100)]
    for make in [random_conv, random_depthwise, random_connected] * 4:
        params = make(rng)(CHIP)
        if type(params) in KINDS:
            found += every_tiling(params)[:: int(rng.integers(2, 6))] if hasattr(params, "tile_rows") else [params]
    return found


def at_the_limit(rng: np.random.Generator) -> list[Run]:
    found = []
    for params in tilings(rng):
        inputs, overlap = operands(rng, params), params.overlap(0)
        step = params.distance
        found.append((params, inputs, -(-(-overlap.before // step) * step)))
        if overlap.after is not None:
            found.append((params.reversed(), inputs, -(-overlap.after // step) * step))
    return found


def on_the_host(runs: list[Run]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "overlap.c"), Path(folder, "overlap")
        source.write_text(program(runs))
        files = kernel_files({params.kernel for params, _, _ in runs})
        command = ["gcc", *STRICT, *SANITIZERS, *INCLUDE, str(source), *files, "-o", str(binary)]
        subprocess.run(command, check=True)
        return subprocess.run([str(binary)], capture_output=True, check=True).stdout


def in_qemu(runs: list[Run]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "overlap.c")
        source.write_text(program(runs))
        Path(folder, "stdio.h").write_text(STDIO)
        kernels = {params.kernel for params, _, _ in runs}
        return run_emulated([source, *mac16_sources(kernels)], [f"-I{folder}"])


def outputs(runs: list[Run], execute) -> list[np.ndarray]:
    sizes = [params.run(*inputs).size for params, inputs, _ in runs]
    return np.split(np.frombuffer(execute(runs), np.int8), np.cumsum(sizes)[:-1])


def assert_all_right(runs: list[Run], execute) -> None:
    for got, (params, inputs, distance) in zip(outputs(runs, execute), runs, strict=True):
        np.testing.assert_array_equal(got, params.run(*inputs).ravel(), f"{params} at {distance}")


@pytest.mark.parametrize("execute", [on_the_host, in_qemu])
def test_kernels_at_the_exact_limit(rng, execute):
    runs = at_the_limit(rng)
    assert {type(params) for params, _, _ in runs} == KINDS
    assert_all_right(runs, execute)


@pytest.mark.parametrize("execute", [on_the_host, in_qemu])
def test_a_depthwise_image_in_one_tile_may_lie_anywhere(rng, execute):
    """Any number of pixels away, in either direction, in either order."""
    runs = []
    while len(runs) < 60:
        params = random_depthwise(rng)(CHIP).with_scratch(1 << 20)
        if isinstance(params, DepthwiseConv2dMac16Params) and params.is_whole:
            assert params.overlap(0) == Overlap(0, 0) and params.distance == params.input_c
            most = min(params.input_h * params.input_w, 9)
            for pixels in range(-most, most + 1):
                turned = params.reversed() if pixels % 2 else params
                runs.append((turned, operands(rng, params), pixels * params.input_c))
    assert_all_right(runs, execute)


def test_nearer_than_the_limit_some_result_is_wrong(rng):
    """A kernel that reads rows of a tile again is wrong if the next tile's first row is overwritten."""
    runs = []
    for params, inputs, distance in at_the_limit(rng):
        if isinstance(params, Conv2dMac16Params) and params.filter_h > 1 and params.tile_rows < params.output_h:
            nearer = distance + params.output_w * params.output_c * (-1 if params.is_reversed else 1)
            runs.append((params, inputs, nearer))
    got = outputs(runs, on_the_host)
    wrong = [not np.array_equal(y, p.run(*x).ravel()) for y, (p, x, _) in zip(got, runs, strict=True)]

    assert np.mean(wrong) > 0.5


@pytest.mark.parametrize("reads_before_writing", [True, False])
def test_tile_overlap_is_exact(rng, reads_before_writing):
    """Against what the definition says, byte by byte; one byte nearer is wrong on each side."""
    for _ in range(300):
        tiles = random_tiles(rng)
        overlap = tile_overlap(iter(tiles), reads_before_writing)
        skip = int(reads_before_writing)
        for order, distance, step in ((1, -overlap.before, 1), (-1, overlap.after, -1)):
            assert is_right(tiles[::order], distance, skip)
            if distance != 0:
                assert not is_right(tiles[::order], distance + step, skip)


def random_tiles(rng: np.random.Generator) -> list[Tile]:
    first, out, tiles = 0, 0, []
    for _ in range(int(rng.integers(1, 6))):
        first = max(0, first + int(rng.integers(-3, 9)))
        size = int(rng.integers(1, 8))
        tiles.append(Tile((first, first + int(rng.integers(1, 12))), (out, out + size)))
        out += size
    return tiles


def is_right(tiles: list[Tile], distance: int, skip: int) -> bool:
    """Whether no tile writes what a later one, or without ``skip`` itself, still reads."""
    for i, tile in enumerate(tiles):
        written = set(range(tile.writes[0] + distance, tile.writes[1] + distance))
        if any(written & set(range(*later.reads)) for later in tiles[i + skip :]):
            return False
    return True


def test_even_tiles_cover_a_row(rng):
    for length in (1, 2, 7, 10, 49, 96):
        sizes = even_tiles(length)
        assert sizes[0] == length and sizes[-1] == 1
        for size in sizes:
            tiles = -(-length // size)
            assert tiles * size - length < tiles, "no tile is shorter than it needs to be"


def test_workspaces_count_what_keeps_the_output_away(rng):
    """``with_scratch``: the workspace and the distance from the input stay within the limit, if anything does."""
    for params in overlapping_on(CHIP, rng):
        if hasattr(params, "tile_rows"):
            (x,) = operands(rng, params)
            for limit in (0, 100, 300, 700, 1500, 4096):
                chosen = params.with_scratch(limit)
                taken = room(chosen, x.size, chosen.run(x).size)
                assert taken <= limit or (chosen.tile_rows, chosen.tile_pixels) == (1, 1)
                assert chosen.scratch_bytes >= params.with_scratch(0).scratch_bytes
