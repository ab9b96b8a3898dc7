"""Text of a file of somebody's is quoted or refused where it would enter another format: no file says more for it."""

import configparser
import json
import re
from pathlib import Path

import numpy as np
import pytest
from models import small_graph

from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.emit.rendering import markdown
from mcuq.errors import McuqError, UsageError
from mcuq.report import Report, show
from mcuq.target import partition_csv
from mcuq.target.board import load_board
from mcuq.target.setup import Setup

PLAIN = (Path(__file__).parents[2] / "boards" / "esp32dev.toml").read_text()
OWN = '{ table = "own.csv", app = { bytes = 1310720, source = "s" }, flash = { bytes = 4194304, source = "s" } }'
MINE = PLAIN.replace('arduino = "default.csv"', f"arduino = {OWN}") + "\n"
MINE = MINE.replace('platforms = ["official", "pioarduino", "esp-idf"]', 'platform = "espressif32@6.13.0"')
MINE = MINE.replace("monitor_speed = 115200", 'monitor_speed = 115200\nboard = "esp32dev"')
CSV = "nvs,data,nvs,0x9000,0x5000\nbig,app,factory,0x10000,0x300000\n"
INJECTED = [
    *("a\nb", "a\r\nextra_scripts = x.py", 'a"b', "a'b", "a*/b", "a//b //", "a${X}b", "a$(touch x)b", "a`x`", "%(x)s"),
    *("a%b", "a\\b", "a\\", "a\0b", "a\x1b[2Jb", "a\x9bb", "a\u202eb", "a\u2066b", "a\u2028b", "a ; b", "a # b"),
    *("#ab", "<b>a</b>", "{{ 7 * 7 }}", "[a](x:y)", "- a: b", "&a *a", "a: b", "é", "a" * 301),
]
FIELDS = {
    "name": '"Espressif ESP32 Dev Module"',
    "platform": '"espressif32@6.13.0"',
    "board": '"esp32dev"',
    "table": '"own.csv"',
    "source": '"s"',
    "chip": '"esp32"',
    "frameworks": '["arduino", "espidf"]',
    "flash_mode": '"dio"',
}


def written(folder: Path, board: str = MINE, **options) -> dict[str, bytes]:
    """Write a project for a board of one's own; return its files."""
    (folder / "mine.toml").write_text(board)
    graph = small_graph(np.random.default_rng(0))
    pipeline.write_project(graph, load_board(folder / "mine.toml"), folder / "p", **options)
    return {p.relative_to(folder / "p").as_posix(): p.read_bytes() for p in (folder / "p").rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return written(tmp_path_factory.mktemp("plain"))


def assert_one_clean_line(error: BaseException) -> None:
    from mcuq.report.text import clean

    said = clean(str(error))
    assert "\n" not in said and said.isprintable() and len(said) < 700
    assert not re.search(r"a{301}", said)


REPORT = "lib/small/report.html"  # every text of it is escaped: tests/test_report.py


def assert_only_quoted(files: dict[str, bytes], plain: dict[str, bytes], *, but: set[str]) -> None:
    """All files are as they were, but those whose format quotes the text."""
    assert files.keys() == plain.keys()
    assert {name for name in files if files[name] != plain[name]} <= but


@pytest.mark.parametrize("text", INJECTED, ids=ascii)
@pytest.mark.parametrize("field", FIELDS)
def test_what_a_board_says(tmp_path, plain, field, text):
    quoted = json.dumps(text)  # which TOML reads too
    changed = MINE.replace(FIELDS[field], f"[{quoted}]" if field == "frameworks" else quoted)
    assert changed != MINE
    try:
        files = written(tmp_path, changed)
    except UsageError as error:
        assert_one_clean_line(error)
        assert not (tmp_path / "p").exists()
        return
    assert field in ("name", "source")  # which people read
    assert text.isprintable()
    assert_only_quoted(files, plain, but={"README.md", "lib/small/build.json", REPORT, "small.mcuq", "mine.toml"})
    assert json.loads(files["lib/small/build.json"]) == {
        **json.loads(plain["lib/small/build.json"]),
        "board_text": changed,
    }
    name = text if field == "name" else "Espressif ESP32 Dev Module"
    assert files["README.md"].decode() == plain["README.md"].decode().replace(
        "Espressif ESP32 Dev Module", markdown(name)
    )
    assert files["mine.toml"].decode() == changed
    assert archive.read(tmp_path / "p/small.mcuq").board_text == changed


@pytest.mark.parametrize("text", INJECTED, ids=ascii)
def test_names_of_models_boards_frameworks_and_tables(tmp_path, text):
    attempts = [
        {"name": text},
        {"framework": text},
        {"setup": Setup(partition=text)},
        {"setup": Setup(partition=f"{text}.csv", partition_text=CSV)},
        {"setup": Setup(partition="mine.csv", partition_text=CSV.replace("big", text))},
        {"setup": Setup(partition="mine.csv", partition_text=CSV.replace("factory", text))},
    ]
    for number, options in enumerate(attempts):
        if number >= 4 and re.fullmatch(partition_csv.PLAIN, text, re.ASCII):
            continue  # words of a CSV file, in a CSV file
        with pytest.raises(McuqError) as caught:
            written(tmp_path, **options)
        assert_one_clean_line(caught.value)
        assert not (tmp_path / "p").exists()
    with pytest.raises(McuqError) as caught:
        pipeline.compile_recorded(Archive(small_graph(np.random.default_rng(0)), board=text, board_text=MINE))
    assert_one_clean_line(caught.value)


@pytest.mark.parametrize("text", INJECTED, ids=ascii)
def test_the_record_is_json(tmp_path, plain, text):
    """The name of the model's file, and how it was quantized."""
    files = written(tmp_path, file=text, quantization={"kind": text})
    assert_only_quoted(files, plain, but={"lib/small/build.json", REPORT})
    said = json.loads(files["lib/small/build.json"])
    assert (said["file"], said["quantization"]) == (text, {"kind": text})
    assert files["lib/small/build.json"].isascii()


def test_a_table_of_the_users_own_is_the_one_that_is_checked(tmp_path):
    """Under the name of the board's, too: it is the file that PlatformIO takes."""
    with pytest.raises(UsageError, match="has no partition of type app"):
        written(tmp_path, setup=Setup(partition="own.csv", partition_text="nvs,data,nvs,0x9000,0x5000\n"))
    files = written(tmp_path, setup=Setup(partition="own.csv", partition_text=CSV))
    assert files["own.csv"].decode() == CSV


def test_what_other_programs_read(plain):
    """The INI, YAML, CMake and JSON files of a plain project hold the words, and nothing else."""
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";", "#"))
    parser.read_string(plain["platformio.ini"].decode())
    assert {*parser.sections()} == {"platformio", "env", "env:mine", "env:emulated", "env:native"}
    section = parser["env:mine"]
    assert (section["platform"], section["board"], section["framework"]) == (
        "espressif32@6.13.0",
        "esp32dev",
        "arduino",
    )
    assert section["board_build.partitions"] == "own.csv"
    yaml = pytest.importorskip("yaml", reason="pip install pyyaml")
    steps = yaml.safe_load(plain[".github/workflows/mcuq.yml"])["jobs"]["model"]["steps"]
    assert steps[1]["run"] == "make -C test"
    assert json.loads(plain["lib/small/library.json"])["name"] == "small"


@pytest.mark.parametrize("text", INJECTED, ids=ascii)
def test_json_and_tables_on_standard_output(capsys, text):
    report = Report("check", {"x": text}, title=text, columns=["a", ">b"], rows=[[text, "1"]], lines=[text])
    show(report, json=True)
    said = capsys.readouterr().out
    assert json.loads(said) == {"schema": "mcuq/check/1", "x": text} and said.isascii()
    show(report, json=False)
    said = capsys.readouterr().out
    assert all(line.isprintable() for line in said.split("\n"))
    assert "a" * 301 not in said
