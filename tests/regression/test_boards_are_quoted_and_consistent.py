"""What a board's file says goes into other files as one word, and its sizes agree with each other."""

from pathlib import Path

import pytest

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
    assert "platform is " in built('platform = "espressif32@6.13.0"', f"platform = {text}")


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
