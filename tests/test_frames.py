"""``--pixels``: from the command line to C that takes a camera's frames, and bad input in one line."""

import json

import numpy as np
import pytest
from requirements import require
from strip_graphs import Net

import mcuq
from mcuq import archive
from mcuq.archive import Archive
from mcuq.errors import UsageError
from mcuq.ops.mean import Mean
from mcuq.target.record import read_record, record_path
from mcuq.tensor import QTensor

BOARD = "esp32-c3-devkitm-1"
FRAMES = ("--pixels", "rgb565", "--resize", "50x60", "--crop", "0,5,2,7", "--mean", "127.5", "--std", "60,61,62")
ENGINES = {"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}


def picture_net(channels: int = 3):
    """A picture of 20 x 16 pixels through two convolutions, then a mean over all pixels."""
    net = Net(np.random.default_rng(8))
    net.b.values["x"] = QTensor((1, 20, 16, channels), 0.02, net.zero_point)
    y = net.conv(net.conv("x", 8, same=True), 8, same=True)
    return net.graph(net.add(Mean((1, 2)), y))


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "chain.mcuq"
    graph = picture_net()
    x = np.zeros((2, *graph.values["x"].shape), np.int8)
    path.write_bytes(archive.dump(Archive(graph, {"x": x}, classes=tuple("abcdefgh"))))
    return path


def frames_of(rng, path) -> np.ndarray:
    frames = rng.integers(0, 256, (3, 50, 60, 2)).astype(np.uint8)
    np.save(path, frames)
    return frames


def plain_pixels(frames: np.ndarray) -> np.ndarray:
    """What FRAMES says, in real numbers: words to colors, nearest pixels, mean and deviation."""
    words = frames.view(">u2")[..., 0].astype(int)
    colors = np.stack(
        [words >> 11 << 3 | words >> 13, words >> 3 & 0xFC | words >> 9 & 3, words << 3 & 0xF8 | words >> 2 & 7], -1
    )
    rows = [int((i + 0.5) * 48 / 20) for i in range(20)]
    columns = [5 + int((j + 0.5) * 48 / 16) for j in range(16)]
    return (colors[:, rows][:, :, columns] - 127.5) / np.array([60.0, 61.0, 62.0])


def test_frames_give_what_their_real_values_give(rng, tmp_path):
    graph = picture_net()
    frames = frames_of(rng, tmp_path / "frames.npy")
    options = {"crop": (0, 5, 2, 7), "mean": (127.5,), "std": (60, 61, 62)}
    taking = mcuq.take_frames(graph, "rgb565", (50, 60), **options)
    assert taking.inputs == ("frame",) and taking.values["frame"].bytes == 50 * 60 * 2
    expected = mcuq.simulate(mcuq.compile(graph), plain_pixels(frames))
    for plan in (mcuq.compile(taking), mcuq.compile(taking, BOARD, push_rows=True)):
        np.testing.assert_array_equal(mcuq.simulate(plan, frames), expected)
        np.testing.assert_array_equal(mcuq.simulate(plan, frames.astype(float)), expected)


def test_build_takes_frames_verifies_and_remembers_it(run, rng, model, tmp_path):
    project, data = tmp_path / "project", tmp_path / "frames.npy"
    frames = frames_of(rng, data)
    status, out, err = run("build", model, "--board", BOARD, "--out", project, *FRAMES, "--push-rows")
    assert (status, err) == (0, "")
    assert "takes frames of 50 x 60 pixels, rgb565, 6,000 bytes, of which 20 x 16 pixels are taken" in out
    assert "--pixels rgb565, --resize 50x60, --crop 0,5,2,7, --mean 127.5, --std 60,61,62" in out
    header = (project / "lib/chain/src/chain.h").read_text()
    assert "#define CHAIN_ROWS 50\n#define CHAIN_ROW_BYTES 120\n" in header
    assert "uint8_t *rows" in header
    built = archive.read(project / "chain.mcuq")
    assert built.classes == tuple("abcdefgh")
    status, out, _ = run("verify", project, "--data", data)
    assert status == 0 and f"{len(frames)} of {len(frames)} samples equal" in out
    assert "pixels" in run("inspect", project / "chain.mcuq")[1]
    assert run("check", project)[0] == 0
    record = read_record(record_path(project, "chain"))
    for again in (model, project / "chain.mcuq"):
        status, out, err = run("build", again, "--board", BOARD, "--out", project, "--json")
        assert (status, err) == (0, "")
        assert {*json.loads(out)["changed"]} <= {f"lib/chain/{name}" for name in ("build.json", "report.html")}
        assert read_record(record_path(project, "chain")).frames == record.frames
    status, out, _ = run("build", model, "--board", BOARD, "--out", project, "--pixels", "gray8")
    assert status == 0 and "takes frames of 20 x 16 pixels, gray8, 320 bytes\n" in out


@pytest.mark.parametrize("engine", ENGINES)
def test_pushed_frames_on_an_emulated_chip(run, rng, model, tmp_path, engine):
    require(*ENGINES[engine])
    board = {"rv32": BOARD, "xtensa": "esp32dev"}[engine]
    frames_of(rng, tmp_path / "frames.npy")
    assert run("build", model, "--board", board, "--out", tmp_path / "p", *FRAMES, "--push-rows")[0] == 0
    status, out, _ = run("verify", tmp_path / "p", "--engine", engine, "--data", tmp_path / "frames.npy")
    assert status == 0 and "3 of 3 samples equal" in out


def test_check_says_what_frames_take(run, model):
    status, out, _ = run("check", model, "--board", BOARD, *FRAMES)
    assert status == 0 and "takes frames of 50 x 60" in out


def test_values_beyond_the_range_are_said(run, model, tmp_path):
    status, out, _ = run("build", model, "--board", BOARD, "--out", tmp_path / "p", "--pixels", "rgb888")
    assert status == 0
    assert "--mean and --std (in bytes, 0 to 255) have them: 99 % of the values lie outside the input's range" in out


BAD = {
    "--resize 20x16": "--resize is for frames of a camera: say with --pixels what their bytes are",
    "--pixels rgb565 --crop 1,2,3": "argument --crop: invalid _four value: '1,2,3'",
    "--pixels rgb565 --resize 20x16 --crop 10,0,10,0": "frames of 20x16 without (10, 0, 10, 0) have no pixels",
    "--pixels rgb565 --resize 20x40000": "more than 32768 in a row",
    "--pixels yuv422 --resize 40x33": "a width of 33 is odd",
    "--pixels gray8 --mean 1,2": "2 numbers for mean: x has 3 channels; give 1 or 3",
    "--pixels gray8 --std 1,2,3,4": "4 numbers for std: x has 3 channels",
    "--pixels gray8 --std 0": "std is 0",
    "--pixels gray8 --std nan": "argument --std",
    "--pixels gray8 --stream 1": "not both",
    "--pixels jpeg": "invalid choice: 'jpeg'",
}


@pytest.mark.parametrize("options", BAD)
def test_bad_frames_are_one_line(run, model, tmp_path, options):
    status, out, err = run("build", model, "--board", BOARD, "--out", tmp_path / "p", *options.split())
    assert (status, out) == (2, "")
    assert BAD[options] in err.splitlines()[-1]
    assert not (tmp_path / "p/chain.mcuq").exists()


def test_models_that_take_no_frames():
    graph = picture_net()
    taking = mcuq.take_frames(graph, "gray8")
    with pytest.raises(UsageError, match="takes frames already"):
        mcuq.take_frames(taking, "gray8")
    with pytest.raises(UsageError, match="a model that takes frames has"):
        mcuq.take_frames(picture_net(4), "gray8")
    with pytest.raises(UsageError, match="known are gray8, rgb888, bgr888, rgb565, yuv422"):
        mcuq.take_frames(graph, "jpeg")
    with pytest.raises(UsageError, match="four numbers"):
        mcuq.take_frames(graph, "gray8", crop=(1, 2, 3))


def test_a_damaged_record_is_one_line(run, model, tmp_path):
    project = tmp_path / "p"
    assert run("build", model, "--board", BOARD, "--out", project, *FRAMES)[0] == 0
    path = record_path(project, "chain")
    plain = json.loads(path.read_text())
    for change in ([50], "50x60", [50, "x"], [50.5, 60]):
        plain["frames"]["resize"] = change
        path.write_text(json.dumps(plain))
        status, _, err = run("build", model, "--board", BOARD, "--out", project)
        assert status == 2 and "damaged (frames: resize" in err
