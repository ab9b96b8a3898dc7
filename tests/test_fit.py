"""The fit check against numbers computed by hand."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import mcuq.ops  # noqa: F401 - defines every Params
from mcuq import footprint
from mcuq.board import load_board
from mcuq.errors import McuqError, UsageError
from mcuq.fit import check_fit, compare
from mcuq.footprint import struct_bytes
from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.ops.base import Member, Params, i8_table, i32, i32_table, i32x4
from mcuq.ops.conv2d import Conv2d
from mcuq.plan import Plan, build_plan
from mcuq.resources import resource
from mcuq.tensor import QConstant, QTensor

ONE = np.ones(1)


def activation(*shape: int) -> QTensor:
    return QTensor((1, *shape), 0.5, 0)


def weights(outputs: int, inputs: int, fill: int = 1) -> QConstant:
    return QConstant(np.full((outputs, 1, 1, inputs), fill, np.int8), ONE)


def two_convolutions(height: int, channels: int, second_fill: int = 1) -> Plan:
    """Input (h, 1, 1) -> conv 1x1 -> (h, 1, c), the arena's one value -> conv 1x1 -> (h, 1, 1); no biases."""
    nodes = (Node("a", Conv2d(), ("x", "wa"), ("h",)), Node("b", Conv2d(), ("h", "wb"), ("y",)))
    values = {"x": activation(height, 1, 1), "h": activation(height, 1, channels), "y": activation(height, 1, 1)}
    constants = {"wa": weights(channels, 1), "wb": weights(1, channels, second_fill)}
    return build_plan(Graph("net", ("x",), ("y",), nodes, values, constants).verify(), "esp32")


def row(report, region):
    return next(r for r in report.rows if r.region.startswith(region))


@dataclass(frozen=True, eq=False)
class Ragged(Params):
    kernel = "ragged_s8"
    a: i8_table
    b: i32
    c: i32x4
    d: i32_table

    def run(self, *inputs):
        return inputs[0]


def descendants(cls):
    """Yield the classes below that name a kernel."""
    for child in cls.__subclasses__():
        yield from descendants(child)
        if hasattr(child, "kernel"):
            yield child


def test_struct_bytes():
    assert struct_bytes(Ragged.members()) == 4 + 4 + 16 + 4
    flag, word, half = Member("f", "int8_t", None), Member("w", "int32_t", None), Member("h", "int16_t", 3)
    assert struct_bytes([flag, word]) == 8
    assert struct_bytes([word, flag]) == 8
    assert struct_bytes([flag, half, flag]) == 10
    assert struct_bytes([]) == 0


def test_struct_bytes_equal_the_compiler(tmp_path):
    compiler = "riscv64-unknown-elf-gcc"
    params = list({p.kernel: p for p in descendants(Params) if p.__module__.startswith("mcuq.")}.values())
    lines = [f'#include "mcuq_{p.kernel}.h"' for p in params]
    lines += [
        f"_Static_assert(sizeof(mcuq_{p.kernel}_params) == {struct_bytes(p.members())}, {json.dumps(p.kernel)});"
        for p in params
    ]
    source = tmp_path / "sizes.c"
    source.write_text("\n".join(lines))
    flags = ["-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs", f"-I{resource('firmware') / 'kernels'}"]
    try:
        done = subprocess.run(
            [compiler, *flags, "-c", source, "-o", tmp_path / "x.o"], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf")
    assert done.returncode == 0, done.stderr.decode()
    assert len(params) > 2


def test_constants_by_hand():
    plan = two_convolutions(height=4, channels=8, second_fill=2)
    # weights 8 and 8 (other values), bias 32 and 4 bytes, multipliers 4 each, shifts 1 each; quotients of scales are
    # equal, so multiplier and shift are tables shared by both steps; 24 members of 4 bytes per step
    assert dict(footprint.constants(plan)) == {
        "weights and tables": 8 + 8 + 32 + 4 + 4 + 1,
        "parameters": 2 * 25 * 4,
        "alignment": 3,  # the one-byte shift
    }


def test_equal_tables_count_once():
    different = dict(footprint.constants(two_convolutions(4, 8, second_fill=2)))["weights and tables"]
    equal = dict(footprint.constants(two_convolutions(4, 8)))["weights and tables"]
    assert different - equal == 8


def test_constant_operands_lie_in_flash():
    graph = Graph(
        "sum",
        ("x",),
        ("y",),
        (Node("add", Add(), ("x", "c"), ("y",)),),
        {"x": activation(5, 1, 3), "y": activation(5, 1, 3)},
        {"c": QConstant(np.ones((1, 5, 1, 3), np.int8), ONE)},
    )
    plan = build_plan(graph.verify(), "esp32")
    assert dict(footprint.constants(plan)) == {"parameters": 92, "constant operands": 15, "alignment": 1}
    assert plan.arena_bytes == 0


def test_rows_by_hand():
    table = json.loads((resource("boards") / "kernels.json").read_text())["xtensa"]
    conv = table["kernels"]["conv2d_s8"]
    report = check_fit(two_convolutions(4, 8), load_board("esp32dev"), "arduino", 1000, extra_ram_bytes=50)
    assert report.fits and report.shortfall == "" and report.suggestions == ()
    assert (report.framework, report.sdk, report.partition) == ("arduino", "2.0.17", "default.csv")

    ram = row(report, "static RAM")
    assert ram.breakdown == (("arena", 32), ("input and output", 50), ("empty arduino application", 21_344))
    assert (ram.needed, ram.available, ram.free) == (21_426, 124_580, 103_154)

    code = conv["code"] + table["run"]["code"] + 2 * table["step"]["code"] + table["application"]["code"]
    constants = 49 + 200 + 3 + 1000
    assert row(report, "app partition").needed == constants + code + 269_376
    assert row(report, "app partition").available == 1_310_720
    assert row(report, "constant window").needed == constants + 269_376
    assert row(report, "constant window").available == 4_194_272

    frames = conv["stack"] + table["run"]["stack"] + table["application"]["stack"]
    assert (row(report, "stack of loopTask").needed, row(report, "stack").available) == (frames, 8192)


def test_code_counts_against_a_window_it_shares_with_constants():
    report = check_fit(two_convolutions(4, 8), load_board("esp32-c3-devkitm-1"))
    window = dict(row(report, "constant window").breakdown)
    assert window["kernels"] == dict(row(report, "app partition").breakdown)["kernels"] > 0


@pytest.mark.parametrize(
    ("board_id", "framework", "room"),
    [
        ("esp32dev", "arduino", 124_580 - 21_344),
        ("esp32dev", "espidf", 180_736 - 10_716),
        ("esp32-s3-devkitc-1", "arduino", 345_856 - 18_812 - (87_532 - 16_384)),
        ("esp32-c3-devkitm-1", "arduino", 321_296 - 13_884 - 67_072),
        ("esp32-c3-devkitm-1", "espidf", 321_296 - 8_080 - 43_008),
    ],
)
def test_static_ram_at_its_exact_limit(board_id, framework, room):
    board = load_board(board_id)
    plan = two_convolutions(room // 16, 16)
    spare = room - plan.arena_bytes
    assert 0 <= spare < 16
    assert row(check_fit(plan, board, framework, extra_ram_bytes=spare), "static RAM").free == 0
    over = row(check_fit(plan, board, framework, extra_ram_bytes=spare + 1), "static RAM")
    assert (over.free, over.verdict) == (-1, "does not fit")


def test_esp32_arduino_links_at_most_124580_bytes_of_static_data():
    report = check_fit(two_convolutions(105_000 // 8, 8), load_board("esp32dev"))
    ram = row(report, "static RAM")
    assert not report.fits
    assert (ram.available, ram.needed) == (124_580, 126_344)
    assert "memory.ld" in ram.sources[0]
    assert report.shortfall == (
        "static RAM needs 126344 bytes of 124580, 1764 missing; it fits with --framework espidf"
    )


def test_suggestions_are_true_and_the_least_effort_comes_first():
    plan, board = two_convolutions(4, 8), load_board("esp32dev")
    extra = 1_400_000
    report = check_fit(plan, board, "arduino", extra)
    assert not row(report, "app partition").fits and row(report, "static RAM").fits
    changes = [s.change for s in report.suggestions]
    assert changes[0] == "board_build.partitions = min_spiffs.csv in platformio.ini"
    assert "--board esp32cam" in changes
    larger = check_fit(plan, board, "arduino", extra, partition="min_spiffs.csv")
    assert larger.fits and row(larger, "app partition").free == report.suggestions[0].free
    assert not check_fit(plan, board, "espidf", extra).fits


def test_nothing_is_suggested_when_nothing_helps():
    report = check_fit(two_convolutions(4, 8), load_board("esp32dev"), "arduino", 40_000_000)
    assert not report.fits and report.suggestions == ()
    assert "app partition needs" in report.shortfall and "constant window needs" in report.shortfall


def test_compare_asks_every_board():
    reports = {r.board: r for r in compare(two_convolutions(105_000 // 8, 8).graph)}
    assert not reports["esp32dev"].fits and reports["esp32-s3-devkitc-1"].fits
    assert all(r.suggestions == () for r in reports.values())


def test_report_is_json():
    report = check_fit(two_convolutions(105_000 // 8, 8), load_board("esp32dev"))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["fits"] is False and data["suggestions"][0]["change"] == "--framework espidf"
    assert data["regions"][0]["breakdown"]["arena"] == 105_000
    assert [r["verdict"] for r in data["regions"]] == ["does not fit", "fits", "fits", "fits"]


def test_bad_arguments():
    plan, board = two_convolutions(4, 8), load_board("esp32dev")
    with pytest.raises(UsageError, match="no framework zephyr"):
        check_fit(plan, board, "zephyr")
    with pytest.raises(UsageError, match="unknown partition table"):
        check_fit(plan, board, partition="none.csv")


def test_a_kernel_that_was_not_measured_names_the_script():
    plan = two_convolutions(4, 8)
    step = replace(plan.steps[0], params=Ragged(*[np.zeros(1, np.int8), 0, (0, 0, 0, 0), np.zeros(1, np.int32)]))
    with pytest.raises(McuqError, match=r"kernel ragged_s8 has no entry .* run python benchmarks/measure_kernels\.py"):
        check_fit(replace(plan, steps=(step,)), load_board("esp32dev"))


def test_kernel_table_is_current():
    script = Path(__file__).parents[1] / "benchmarks" / "measure_kernels.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if "skipped" in done.stderr or "not compared" in done.stderr:
        pytest.skip(done.stderr.strip())


def test_measuring_is_deterministic():
    path = Path(__file__).parents[1] / "benchmarks" / "measure_kernels.py"
    spec = importlib.util.spec_from_file_location("measure_kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    compiler = module.COMPILERS["rv32imc"]
    if not compiler.is_installed:
        pytest.skip(compiler.install)
    assert module.measure(compiler) == module.measure(compiler)
