"""Boards and chips: every file of ours loads, every malformed one is refused in one line that says where."""

import tomllib
from pathlib import Path

import pytest

from mcuq.errors import UsageError
from mcuq.resources import resource
from mcuq.target.board import Amount, board_ids, known_partitions, load_board
from mcuq.target.chip import load_chip

BOARDS = resource("boards")
MINE = """
name = "Mine"
chip = "esp32"
platform = "espressif32@6.13.0"
frameworks = ["arduino"]
flash = { bytes = 4194304, source = "printed on the module" }
flash_mode = "dio"
flash_frequency = 40000000
monitor_speed = 115200

[partitions]
arduino = "default.csv"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("board_id", board_ids())
def test_every_board_loads_with_figures_for_every_framework(board_id):
    board = load_board(board_id)
    assert board.id == board_id
    for framework, platform in [(f, p.name) for f in board.frameworks for p in board.platforms[f]]:
        there = board.on(platform, framework)
        sdk, partition = there.sdk(framework), there.partition(framework)
        assert (sdk.framework, sdk.platform) == (framework, platform)
        assert sdk.base_static.bytes + sdk.iram_spill < sdk.static_limit.bytes
        assert sdk.base_image.bytes < partition.app.bytes <= board.flash.bytes
        assert partition.flash.bytes <= board.flash.bytes


@pytest.mark.parametrize("path", sorted(p for p in BOARDS.rglob("*.toml") if p.stem != "all"), ids=lambda p: p.stem)
def test_every_size_names_its_source(path):
    found = list(sizes(tomllib.loads(path.read_text())))
    assert found
    for size in found:
        assert len(size["source"]) > 20, size


def sizes(value):
    """Yield every ``{ bytes, source }`` or ``{ hertz, source }``; in another shape it would be above 1024."""
    if isinstance(value, dict) and ("bytes" in value or "hertz" in value):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            assert not isinstance(inner, int) or key in {"flash_frequency", "monitor_speed"} or inner < 1024, key
            yield from sizes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from sizes(inner)


@pytest.mark.parametrize(
    ("chip", "framework", "platform", "limit", "spill"),
    [
        ("esp32", "arduino", "official", 124_580, 0),
        ("esp32", "arduino", "pioarduino", 124_580, 0),
        ("esp32", "espidf", "official", 180_736, 0),
        ("esp32s2", "arduino", "official", 180_224, 87_532),
        ("esp32s2", "arduino", "pioarduino", 172_032, 87_532),
        ("esp32s2", "espidf", "official", 172_032, 45_255),
        ("esp32s3", "arduino", "official", 345_856, 87_532 - 16_384),
        ("esp32s3", "arduino", "pioarduino", 341_760, 87_532 - 16_384),
        ("esp32s3", "espidf", "official", 341_760, 42_606),
        ("esp32c3", "arduino", "official", 321_296, 67_072),
        ("esp32c3", "espidf", "esp-idf", 321_296, 43_008),
        ("esp32c5", "espidf", "pioarduino", 320_928, 44_896),
        ("esp32c6", "espidf", "official", 452_112, 44_896),
        ("esp32p4", "espidf", "pioarduino", 183_248, 49_616),
        ("esp32p4", "espidf", "esp-idf", 179_152, 49_616),
    ],
)
def test_static_limits_and_iram_in_shared_sram(chip, framework, platform, limit, spill):
    sdk = load_chip(chip).sdk(framework, platform)
    assert (sdk.static_limit.bytes, sdk.iram_spill) == (limit, spill)


@pytest.mark.parametrize(
    ("board_id", "flash_mode", "flash_frequency", "partition"),
    [
        ("esp32dev", "dio", 40_000_000, 1_310_720),
        ("esp32cam", "dio", 40_000_000, 3_145_728),
        ("esp32-s3-devkitc-1", "qio", 80_000_000, 3_342_336),
        ("esp32-c3-devkitm-1", "qio", 80_000_000, 1_310_720),
        ("esp32-c6-devkitc-1", "qio", 80_000_000, 1_048_576),
    ],
)
def test_flash_of_boards(board_id, flash_mode, flash_frequency, partition):
    board = load_board(board_id)
    assert (board.flash_mode, board.flash_frequency) == (flash_mode, flash_frequency)
    assert board.partition().app.bytes == partition
    assert board.platform().spec == "espressif32@6.13.0" and board.monitor_speed == 115_200


def test_default_framework_is_the_first_and_an_absent_one_is_refused():
    assert load_board("esp32dev").framework() == "arduino"
    assert load_board("esp32dev").framework("espidf") == "espidf"
    with pytest.raises(UsageError, match="esp32-c61-devkitc1 has no framework arduino; it has espidf"):
        load_board("esp32-c61-devkitc1").framework("arduino")


def test_arduino_on_c6_comes_from_the_fork_with_its_own_versions():
    board = load_board("esp32-c6-devkitc-1")
    assert (board.platform("espidf").spec, board.sdk("espidf").version) == ("espressif32@6.13.0", "5.5.3")
    assert board.platform("arduino").spec.startswith("https://github.com/pioarduino/platform-espressif32/releases/")
    assert (board.sdk("arduino").version, load_board("esp32-h2-devkitm-1").sdk().version) == ("3.3.11", "5.5.5")
    assert load_board("esp32-p4").chip.id != load_board("esp32-p4_r3").chip.id


def test_partition_by_name():
    board = load_board("esp32dev")
    assert board.partition("arduino", "huge_app.csv").app.bytes == 3_145_728
    with pytest.raises(UsageError, match=r"default_8MB\.csv needs 8388608 bytes of flash, esp32dev has 4194304"):
        board.partition("arduino", "default_8MB.csv")
    with pytest.raises(UsageError, match=r"unknown partition table 'huge\.csv'; closest: huge_app\.csv"):
        board.partition("arduino", "huge.csv")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("esp32-dve", "unknown board 'esp32-dve'; closest: esp32dev"),
        ("ESP32DVE", "unknown board 'ESP32DVE'; closest: esp32dev"),
        ("zzz", "unknown board 'zzz'; `mcuq boards` lists the "),
        ("../boards/esp32dev", "unknown board"),
        ("", "unknown board"),
    ],
)
def test_unknown_board_names_the_closest(name, message):
    with pytest.raises(UsageError) as error:
        load_board(name)
    assert str(error.value).startswith(message)


def test_a_board_of_the_users_own(tmp_path):
    path = write(tmp_path, MINE)
    for board in (load_board(path), load_board(str(path))):
        assert (board.id, board.name, board.chip.id) == ("mine", "Mine", "esp32")
        assert board.flash == Amount(4_194_304, "printed on the module")


def test_a_partition_table_of_the_users_own(tmp_path):
    own = (
        'arduino = { table = "own.csv", app = { bytes = 1966080, source = "own.csv" }, '
        'flash = { bytes = 4194304, source = "own.csv" } }'
    )
    board = load_board(write(tmp_path, MINE.replace('arduino = "default.csv"', own)))
    assert (board.partition().table, board.partition().app.bytes) == ("own.csv", 1_966_080)
    assert board.partition("arduino", "own.csv") == board.partition()
    assert board.partition("arduino", "huge_app.csv") == known_partitions("arduino")["huge_app.csv"]


FLASH = 'flash = { bytes = 4194304, source = "printed on the module" }'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (FLASH, "flash = 4194304", "flash: a size is written { bytes = …, source = "),
        (FLASH, "flash = { bytes = 4194304 }", "flash: a size is written { bytes = …, source = "),
        (FLASH, 'flash = { bytes = 4194304, source = "" }', "flash: source is ''"),
        (FLASH, 'flash = { bytes = "4 MB", source = "x" }', "flash: bytes is '4 MB', not a number"),
        (FLASH, 'flash = { bytes = -4, source = "x" }', "flash: bytes is -4, not a positive number"),
        (FLASH, 'flash = { bytes = true, source = "x" }', "flash: bytes is True"),
        (FLASH, 'flash = { bytes = 1, source = "x", from = "y" }', "flash: a size is written"),
        (FLASH, "", "flash is missing"),
        ('name = "Mine"', "name = 3", "name is 3, not a text"),
        ('name = "Mine"', 'name = "Mine"\ncolour = "red"', "unknown key colour"),
        ('chip = "esp32"', "", "chip is missing"),
        ('chip = "esp32"', 'chip = "esp23"', "unknown chip 'esp23'; closest: esp32"),
        ('"dio"', '"fast"', "flash_mode is 'fast', not qio or qout or dio or dout"),
        ('["arduino"]', '["zephyr"]', "frameworks is ['zephyr'], not a list of arduino or espidf"),
        ('["arduino"]', "[]", "frameworks is []"),
        ('["arduino"]', '["arduino", "espidf"]', "partitions: espidf is missing"),
        ("@6.13.0", "@5.0.0", "no figures for arduino of espressif32@5.0.0 on ESP32"),
        ("default.csv", "default", "partitions: unknown partition table 'default'; closest: default.csv"),
        ("arduino =", 'espidf = "partitions_singleapp.csv"\narduino =', "partitions: unknown key espidf"),
        ("[partitions]", "[partitions", "not a TOML file"),
        ("40000000", "0", "flash_frequency is 0, not a positive number"),
    ],
)
def test_malformed_boards(tmp_path, old, new, message):
    assert old in MINE
    with pytest.raises(UsageError) as error:
        load_board(write(tmp_path, MINE.replace(old, new)))
    text = str(error.value)
    assert message in text and "\n" not in text
    assert text.startswith(str(tmp_path / "mine.toml"))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.toml: no such file"):
        load_board(tmp_path / "absent.toml")
    with pytest.raises(UsageError, match="is a folder, not a file"):
        load_board(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"binary\.toml: damaged, or not a TOML file"):
        load_board(tmp_path / "binary.toml")
