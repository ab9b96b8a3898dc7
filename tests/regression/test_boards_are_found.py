"""`ESP32-DevKitC`, `esp32-s3`, `xiao` found nothing; a board of one's own gave a project that PlatformIO refuses,
listed its missing keys one per run, and did not verify in another folder; a partition table could not be a file."""

import configparser
import json
import shutil

import pytest
from models import small_graph

from mcuq import archive
from mcuq.errors import UsageError
from mcuq.pipeline import board_for, write_project
from mcuq.target.board import board_ids, load_board
from mcuq.target.partition_csv import read_partitions
from mcuq.verification import verify_project

MINE = """
name = "Mine"
chip = "esp32s3"
platform = "espressif32@6.13.0"
frameworks = ["arduino", "espidf"]
flash = { bytes = 16777216, source = "printed on the module" }
flash_mode = "qio"
flash_frequency = 80000000
monitor_speed = 115200

[partitions]
arduino = "default.csv"
espidf = "partitions_singleapp.csv"
"""
TABLE = """# Name, Type, SubType, Offset, Size, Flags
nvs,      data, nvs,     0x9000,  20K,
otadata,  data, ota,     ,        0x2000
app0,     app,  ota_0,   ,        3M,
spiffs,   data, spiffs,  ,        512K,
"""


@pytest.fixture
def model(rng, tmp_path):
    path = tmp_path / "small.mcuq"
    path.write_bytes(archive.dump(archive.Archive(small_graph(rng))))
    return path


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "my-board.toml"
    path.write_text(MINE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("called", "meant"),
    [
        ("ESP32-DevKitC", "esp32dev"),
        ("esp32 devkitc", "esp32dev"),
        ("ESP32DEV", "esp32dev"),
        ("Espressif ESP32 Dev Module", "esp32dev"),
        ("esp32_s3_devkitc_1", "esp32-s3-devkitc-1"),
        ("Seeed Studio XIAO ESP32C3", "seeed_xiao_esp32c3"),
    ],
)
def test_the_one_that_is_meant_is_found(called, meant):
    assert load_board(called).id == meant


@pytest.mark.parametrize(
    ("called", "meant"),
    [
        ("xiao", ["seeed_xiao_esp32c3", "seeed_xiao_esp32c6", "seeed_xiao_esp32s3"]),
        ("esp32-s3", ["esp32-s3-devkitc-1", "freenove_esp32_s3_wroom", "seeed_xiao_esp32s3"]),
        ("esp32-s3-devkitc-1-n16r8", ["esp32-s3-devkitc-1"]),
        ("core2", ["m5stack-core2"]),
    ],
)
def test_those_that_could_be_meant_are_named(called, meant):
    with pytest.raises(UsageError, match="it could be") as error:
        load_board(called)

    assert all(f"{board} (" in str(error.value) for board in meant)
    assert "\n" not in str(error.value)


def test_what_is_no_board_is_refused():
    with pytest.raises(UsageError, match=r"unknown board 'toaster'; `mcuq boards` lists the \d+ that there are"):
        load_board("toaster")
    with pytest.raises(UsageError, match="unknown board ''"):
        load_board("")


def test_every_id_is_itself():
    assert all(load_board(board).platformio == board for board in board_ids())


def test_missing_keys_are_listed_at_once(mine):
    lines = [line for line in MINE.splitlines() if not line.startswith(("flash_mode", "monitor_speed", "name"))]
    mine.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UsageError, match="name, flash_mode, monitor_speed are missing"):
        load_board(mine)


def environment(project, name="env:my-board"):
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
    parser.read_string((project / "platformio.ini").read_text("utf-8"))
    return parser[name]


def test_a_board_of_ones_own_is_built_as_one_that_platformio_knows(run, model, mine, tmp_path):
    assert run("build", model, "--board", mine, "--out", tmp_path / "p")[0] == 0
    written = environment(tmp_path / "p")

    assert written["board"] == "esp32-s3-devkitc-1"
    assert (written["board_upload.flash_size"], written["board_upload.maximum_size"]) == ("16MB", "16777216")
    mine.write_text(MINE.replace('name = "Mine"', 'name = "Mine"\nboard = "lolin_s3"'), encoding="utf-8")
    assert run("build", model, "--board", mine, "--out", tmp_path / "q")[0] == 0
    assert environment(tmp_path / "q")["board"] == "lolin_s3"


def test_what_is_needed_of_the_board_travels_in_the_project(run, model, mine, tmp_path, monkeypatch):
    project, moved = tmp_path / "p", tmp_path / "elsewhere" / "p"
    assert run("build", model, "--board", mine, "--out", project)[0] == 0
    mine.unlink()
    moved.parent.mkdir()
    shutil.move(project, moved)
    before = {p: p.read_bytes() for p in moved.rglob("*") if p.is_file()}
    monkeypatch.chdir(tmp_path / "elsewhere")
    (verified,) = verify_project(moved)
    checked = json.loads(run("check", moved / "small.mcuq", "--board", "my-board", "--json")[1])
    content = archive.read(moved / "small.mcuq")

    assert verified.passed
    assert (checked["board"], checked["fits"], checked["remarks"]) == ("my-board", True, [])
    assert run("simulate", moved / "small.mcuq", "--input", moved / "none.npy")[2].endswith("no such file\n")
    assert run("build", moved / "small.mcuq", "--board", "my-board", "--out", moved)[0] == 0
    assert set(write_project(content, content.board, moved).changed) <= {"lib/small/build.json"}  # without the file
    assert run("build", moved / "small.mcuq", "--board", moved / "my-board.toml", "--out", moved)[0] == 0
    assert {p: p.read_bytes() for p in moved.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("name", ["../evil", "a b", "a\nb", ".hidden", "x" * 99])
def test_a_board_in_an_archive_names_no_path(rng, name):
    content = archive.Archive(small_graph(rng), board=name, board_text=MINE)
    with pytest.raises(UsageError):
        board_for(content, name)


def test_a_partition_table_may_be_a_file(run, model, tmp_path):
    table, project = tmp_path / "mine.csv", tmp_path / "p"
    table.write_text(TABLE, encoding="utf-8")
    status, out, _ = run("build", model, "--board", "esp32dev", "--partition", table, "--out", project)
    table.unlink()
    again = json.loads(run("check", project / "small.mcuq", "--board", "esp32dev", "--json")[1])
    app = next(row for row in again["regions"] if row["region"].startswith("app"))

    assert status == 0
    assert "mine.csv" in out
    assert (again["partition"], app["available"]) == ("mine.csv", 3 << 20)
    assert (project / "mine.csv").read_text("utf-8") == TABLE
    assert environment(project, "env:esp32dev")["board_build.partitions"] == "mine.csv"
    other = run("check", project / "small.mcuq", "--board", "esp32dev", "--partition", "huge_app.csv", "--json")[1]
    assert json.loads(other)["partition"] == "huge_app.csv"


def test_offsets_and_sizes_are_read_as_esp_idf_reads_them():
    """0x9000 + 20 K, 8 K of otadata behind it, the application at the next 64 K, 512 K of data behind that."""
    assert read_partitions(TABLE, "t.csv") == (3 << 20, 0x10000 + (3 << 20) + (512 << 10))
    factory = "ota_0, app, ota_0, 0x10000, 1M\nfactory, app, factory, , 2M\n"
    assert read_partitions(factory, "t.csv") == (2 << 20, 0x10000 + (3 << 20))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nvs, data, nvs, 0x9000, 0x6000\n", "has no partition of type app"),
        ("a, app, factory\n", "line 1: name, type, subtype, offset and size are wanted"),
        ("# t\na, app, factory, 0x10000, lots\n", "line 2: '0x10000' and 'lots' are no offset and size"),
        (
            "n, data, nvs, 0x9000, 64K\na, app, ota_0, 0x10000, 1M\n",
            "line 2: a begins at 0x10000, before 0x19000",
        ),
    ],
)
def test_a_table_that_is_none_is_refused(run, model, tmp_path, text, what):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    command = ("build", model, "--board", "esp32dev", "--partition", tmp_path / "t.csv", "--out", tmp_path / "p")
    status, _, error = run(*command)

    assert (status, error.count("\n")) == (2, 1)
    assert what in error
    assert not (tmp_path / "p").exists()


def test_a_table_larger_than_the_flash_is_refused(run, model, tmp_path):
    (tmp_path / "t.csv").write_text("a, app, factory, 0x10000, 4M\n", encoding="utf-8")
    status, _, error = run("check", model, "--board", "esp32dev", "--partition", tmp_path / "t.csv")

    assert status == 2
    assert "t.csv needs 4259840 bytes of flash, esp32dev has 4194304" in error
    assert run("check", model, "--board", "esp32dev", "--partition", tmp_path / "none.csv")[0] == 2
