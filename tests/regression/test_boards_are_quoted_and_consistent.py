"""What a board's file says goes into other files as one word, and its sizes agree with each other."""

from pathlib import Path

import pytest

from mcuq.errors import UsageError
from mcuq.target import chip

MAIN = Path(__file__).parents[2]
PLAIN = (MAIN / "boards" / "esp32dev.toml").read_text()
OWN = 'arduino = {{ table = {table}, app = {{ bytes = {app}, source = "s" }}, '
OWN += 'flash = {{ bytes = {flash}, source = "s" }} }}'


@pytest.fixture
def built(tmp_path, run):
    """Build the digits for a changed board; return the line that is printed."""

    def attempt(old, new, name="mine.toml"):
        assert old in PLAIN
        path = tmp_path / name
        path.write_text(PLAIN.replace(old, new))
        status, out, err = run(
            "build", MAIN / "examples/digits/digits.tflite", "--board", path, "--out", tmp_path / "p"
        )
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert err[:-1].isprintable() and len(err) < 700
        assert not (tmp_path / "p").exists()
        return err

    return attempt


def test_the_plain_board_is_one(tmp_path, run):
    (tmp_path / "mine.toml").write_text(PLAIN)
    digits = MAIN / "examples/digits/digits.tflite"
    assert run("build", digits, "--board", tmp_path / "mine.toml", "--out", tmp_path / "p")[0] == 0


@pytest.mark.parametrize(
    "text",
    [r'"x.csv\nextra_scripts = pre:evil.py"', '"x.csv ; y"', '"${sysenv.HOME}"', '"%(x)s"', '"a b"', r'"\u202e"'],
)
def test_a_partition_table_is_a_word(built, text):
    own = OWN.format(table=text, app=1310720, flash=4194304)
    assert "partitions: arduino: table is " in built('arduino = "default.csv"', own)


@pytest.mark.parametrize("text", [r'"esp32\nextra_scripts = x"', '"espressif32 # x"', '"$(touch ran)"', '"a\\"b"'])
def test_a_platform_is_a_word(built, text):
    assert "platform is " in built('platforms = ["official", "pioarduino", "esp-idf"]', f"platform = {text}")


@pytest.mark.parametrize("name", ["a]b.toml", "a b.toml", "a$b.toml", "a%b.toml"])
def test_a_board_is_called_by_a_word(built, name):
    assert "the file of a board is named with letters" in built("dio", "dio", name)


@pytest.mark.parametrize("text", [r'"Board\u202e"', r'"Board\n* text"', r'"\u001b[2J"', f'"{"x" * 301}"'])
def test_a_name_is_a_line(built, text):
    assert "name is " in built('"Espressif ESP32 Dev Module"', text)


@pytest.mark.parametrize("flash", [1, 4194303, 5 << 20, 1 << 40, 1 << 80])
def test_there_are_no_such_chips(built, flash):
    built("bytes = 4194304", f"bytes = {flash}")


def test_a_table_is_not_larger_than_the_flash(built):
    assert "the board has 2097152" in built("bytes = 4194304", "bytes = 2097152")
    own = OWN.format(table='"my.csv"', app=1310720, flash=8388608)
    assert "needs 8388608 bytes of flash, the board has 4194304" in built('arduino = "default.csv"', own)


def test_an_application_is_not_larger_than_its_table(built):
    own = OWN.format(table='"my.csv"', app=4194304, flash=4194304)
    assert "an application of 4194304 bytes in 4194304 of flash" in built('arduino = "default.csv"', own)


@pytest.mark.parametrize(("app", "flash"), [(1310721, 4194304), (1310720, 4194000), (1, 4194304), (4096, 4096)])
def test_partitions_are_whole_sectors_that_hold_an_empty_application(built, app, flash):
    built('arduino = "default.csv"', OWN.format(table='"my.csv"', app=app, flash=flash))


def test_a_partition_that_holds_no_empty_application(built):
    own = OWN.format(table='"my.csv"', app=65536, flash=4194304)
    assert "an empty application of arduino takes 269376 bytes, here are 65536" in built('arduino = "default.csv"', own)


@pytest.mark.parametrize("psram", [1, 4194303, 1 << 41])
def test_there_is_no_such_psram(built, psram):
    line = f'psram = {{ bytes = {psram}, source = "s" }}\npsram_mode = "quad"\n'
    built("flash_mode", f"{line}flash_mode")


def test_psram_that_a_chip_cannot_have(tmp_path, run):
    plain = (MAIN / "boards" / "esp32-c3-devkitm-1.toml").read_text()
    own = plain.replace("flash_mode", 'psram = { bytes = 8388608, source = "s" }\npsram_mode = "quad"\nflash_mode')
    (tmp_path / "mine.toml").write_text(own)
    status, _, err = run("check", MAIN / "examples/digits/digits.tflite", "--board", tmp_path / "mine.toml")
    assert (status, err.count("\n")) == (2, 1) and "psram: ESP32-C3 cannot have any" in err


@pytest.mark.parametrize(("key", "value"), [("monitor_speed", 1), ("monitor_speed", 1 << 33), ("flash_frequency", 40)])
def test_speeds_that_no_board_has(built, key, value):
    old = {"monitor_speed": 115200, "flash_frequency": 40000000}[key]
    assert f"{key} is {value}, not between" in built(f"{key} = {old}", f"{key} = {value}")


RAM = {  # of the ESP32 with Arduino: what an empty application, its heap and a radio take
    "base_static = { bytes = 21344": "base_static = { bytes = 124580",
    "static_limit = { bytes = 124580": "static_limit = { bytes = 1",
    "startup = { bytes = 28608": "startup = { bytes = 999999",
    "static = { bytes = 26668": "static = { bytes = 999999",
    "ram = { bytes = 71680": "ram = { bytes = 999999",
}


@pytest.mark.parametrize("old", RAM)
def test_the_ram_of_a_chip_agrees_with_itself(tmp_path, monkeypatch, old):
    text = (MAIN / "boards/chips/esp32.toml").read_text()
    assert old in text
    (tmp_path / "chips").mkdir()
    (tmp_path / "chips/esp32.toml").write_text(text.replace(old, RAM[old]))
    monkeypatch.setattr(chip, "resource", lambda _: tmp_path)
    with pytest.raises(UsageError, match=r"sdk arduino 2\.0\.17: "):
        chip.load_chip.__wrapped__("esp32")
