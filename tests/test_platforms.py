"""Where a framework comes from: ``--platform``, its figures, what is refused, what a project remembers of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from models import small_graph

from mcuq import archive, cli, fit
from mcuq.archive import Archive
from mcuq.errors import UsageError
from mcuq.target import chip
from mcuq.target.board import board_from, board_ids, load_board
from mcuq.target.platforms import known_platforms, platform_of
from mcuq.target.record import read_record, record_path
from mcuq.target.setup import Setup

CHIPS = {
    "esp32dev": "official pioarduino esp-idf",
    "esp32-s2-saola-1": "official pioarduino esp-idf",
    "esp32-s3-devkitc-1": "official pioarduino esp-idf",
    "esp32-c3-devkitm-1": "official pioarduino esp-idf",
    "esp32-c5-devkitc-1": "pioarduino esp-idf",
    "esp32-c6-devkitc-1": "official pioarduino esp-idf",
    "esp32-c61-devkitc1": "pioarduino esp-idf",
    "esp32-h2-devkitm-1": "pioarduino esp-idf",
    "esp32-p4": "pioarduino esp-idf",
    "esp32-p4_r3": "pioarduino esp-idf",
}


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "small.mcuq"
    path.write_bytes(archive.dump(Archive(small_graph(np.random.default_rng(0)))))
    return path


def test_there_is_a_board_with_every_chip():
    assert {load_board(name).chip.id for name in CHIPS} == {load_board(name).chip.id for name in board_ids()}
    assert len(board_ids()) >= 45


@pytest.mark.parametrize("board", CHIPS)
@pytest.mark.parametrize("platform", known_platforms())
def test_check_on_every_chip(board, platform, model, capsys):
    """A verdict where the platform has the chip, else one line and the platforms that have it."""
    status = cli.main(["check", str(model), "--board", board, "--platform", platform])
    out, error = capsys.readouterr()
    if platform in CHIPS[board].split():
        sdk = load_board(board).on(platform).sdk()
        assert status == 0 and f"fits {board} (" in out and f"{sdk.framework} {sdk.version}" in out
    else:
        assert (status, out) == (2, "")
        others = CHIPS[board].split()
        has = "have" if len(others) > 1 else "has"
        assert error == f"mcuq: error: {platform} has no {board}; {' and '.join(others)} {has} it\n"


def test_a_framework_that_only_another_platform_has():
    board = load_board("esp32-c6-devkitc-1")
    assert board.on("official").frameworks == ("espidf",)
    assert board.on("pioarduino", "espidf").sdk("espidf").version == "5.5.5"
    with pytest.raises(UsageError, match=r"official has no arduino for esp32-c6-devkitc-1; pioarduino has it"):
        board.on("official", "arduino")
    with pytest.raises(UsageError, match=r"unknown platform 'pioardiuno'; closest: pioarduino"):
        board.on("pioardiuno")


def test_arduino_3_has_other_limits_than_arduino_2():
    """The reason for it all: what fits with the one may not with the other."""
    board = load_board("esp32-s2-saola-1")
    old, new = (board.on(name).sdk("arduino") for name in ("official", "pioarduino"))
    assert (old.version, new.version) == ("2.0.17", "3.3.11")
    assert old.static_limit.bytes - new.static_limit.bytes == 8192
    graph = small_graph(np.random.default_rng(0))
    ram = old.static_limit.bytes - old.base_static.bytes - old.iram_spill - 4096
    setups = [Setup(app_ram=ram, platform=name) for name in ("official", "pioarduino")]
    assert [fit.compare(graph, setup, boards=[board])[0].fits for setup in setups] == [True, False]


def test_a_project_remembers_its_platform(model, tmp_path, capsys):
    project = tmp_path / "project"
    build = ["build", str(model), "--board", "esp32dev", "--out", str(project)]
    assert cli.main([*build, "--platform", "pioarduino"]) == 0
    assert f"platform = {known_platforms()['pioarduino'].spec}\n" in (project / "platformio.ini").read_text()
    assert cli.main(build) == 0  # again, without the option
    assert read_record(record_path(project, "small")).setup.platform == "pioarduino"
    capsys.readouterr()
    assert cli.main(["check", str(project), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sdk"] == "3.3.11"
    assert cli.main(["check", str(project), "--json", "--platform", "official"]) == 0
    assert json.loads(capsys.readouterr().out)["sdk"] == "2.0.17"


def test_a_new_project_with_esp_idf_6_is_refused_and_an_existing_one_gets_components(model, tmp_path, capsys):
    project = tmp_path / "mine"
    build = ["build", str(model), "--board", "esp32-c3-devkitm-1", "--out", str(project), "--platform", "esp-idf"]
    assert cli.main(build) == 2
    assert "no PlatformIO platform has espidf 6.0.2; build into an ESP-IDF project" in capsys.readouterr().err
    assert not project.exists()
    project.mkdir()
    (project / "CMakeLists.txt").write_text("include($ENV{IDF_PATH}/tools/cmake/project.cmake)\n")
    assert cli.main(build) == 0
    assert (project / "lib/small/CMakeLists.txt").exists() and not (project / "platformio.ini").exists()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("https://github.com/pioarduino/platform-espressif32/releases/download/stable/x.zip", "pioarduino"),
        ("espressif32 @ ^6.5.0", ""),
        ("https://github.com/tasmota/platform-espressif32.git", ""),
    ],
)
def test_the_platform_of_a_project_of_ones_own_is_compared(model, tmp_path, capsys, spec, said):
    project = tmp_path / "mine"
    project.mkdir()
    (project / "platformio.ini").write_text(f"[env:x]\nplatform = {spec}\nboard = esp32dev\nframework = arduino\n")
    assert cli.main(["build", str(model), "--board", "esp32dev", "--out", str(project)]) == 0
    line = f"has the platform {said}; the model was checked for official: --platform {said}"
    assert (line in " ".join(capsys.readouterr().out.split())) == bool(said)


def test_a_board_of_ones_own_names_platforms_or_its_one_platform():
    text = (Path(__file__).parents[1] / "boards/esp32dev.toml").read_text()
    listed = 'platforms = ["official", "pioarduino", "esp-idf"]'
    assert listed in text
    own = board_from(text.replace(listed, 'platform = "espressif32@6.13.0"'), "mine", "mine.toml")
    assert [p.name for p in own.platforms["arduino"]] == ["official"]
    with pytest.raises(UsageError, match=r"pioarduino has no mine; official has it"):
        own.on("pioarduino")
    with pytest.raises(UsageError, match=r"no figures for arduino of espressif32@6\.5\.0 on ESP32"):
        board_from(text.replace(listed, 'platform = "espressif32@6.5.0"'), "mine", "mine.toml")
    with pytest.raises(UsageError, match=r"platforms is .*, not a list of official or pioarduino or esp-idf"):
        board_from(text.replace(listed, 'platforms = ["arduino"]'), "mine", "mine.toml")
    assert platform_of("official") is known_platforms()["official"]
    assert platform_of("") is None


def test_an_sdk_like_another_takes_what_it_does_not_say(tmp_path, monkeypatch):
    old, new = (chip.load_chip("esp32h2").sdk(framework, "pioarduino") for framework in ("espidf", "arduino"))
    assert new.heap.main == old.heap.main and new.heap.startup.bytes == old.heap.startup.bytes + 8192
    assert new.ble == old.ble and (new.task, old.task) == ("loopTask", "main")
    text = (Path(__file__).parents[1] / "boards/chips/esp32h2.toml").read_text()
    (tmp_path / "chips").mkdir()
    (tmp_path / "chips/esp32h2.toml").write_text(text.replace('like = "espidf 5.5.5"', 'like = "espidf 5"'))
    monkeypatch.setattr(chip, "resource", lambda _: tmp_path)
    with pytest.raises(UsageError, match=r"like is 'espidf 5'; before it there are espidf 5\.5\.5"):
        chip.load_chip.__wrapped__("esp32h2")
