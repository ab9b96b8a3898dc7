"""The fit check against numbers computed by hand."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from chips import families
from harness import INCLUDE
from requirements import absent, require, require_tool

import mcuq.ops  # noqa: F401 - defines every Params
from mcuq.errors import McuqError, UsageError
from mcuq.fit import compare, footprint
from mcuq.fit.check import check_fit
from mcuq.fit.footprint import struct_bytes
from mcuq.fit.regions import Extra
from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.ops.base import Member, Params, i8_table, i32, i32_table, i32x4
from mcuq.ops.conv2d import Conv2d
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.resources import resource
from mcuq.target.board import board_ids, load_board
from mcuq.target.setup import Setup
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
    return build_plan(Graph("net", ("x",), ("y",), nodes, values, constants).verify(), families("esp32"))


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
    compiler = require_tool("riscv64-unknown-elf-gcc")
    require("picolibc")
    params = list({p.kernel: p for p in descendants(Params) if p.__module__.startswith("mcuq.")}.values())
    lines = [f'#include "mcuq_{p.kernel}.h"' for p in params]
    lines += [
        f"_Static_assert(sizeof(mcuq_{p.kernel}_params) == {struct_bytes(p.members())}, {json.dumps(p.kernel)});"
        for p in params
    ]
    source = tmp_path / "sizes.c"
    source.write_text("\n".join(lines))
    flags = ["-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs", *INCLUDE]
    done = subprocess.run([compiler, *flags, "-c", source, "-o", tmp_path / "x.o"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert len(params) > 2


def test_constants_by_hand():
    plan = two_convolutions(height=4, channels=8, second_fill=2)
    # weights 8 and 8 (other values), bias 32 and 4 bytes, multipliers 4 each, shifts 1 each; quotients of scales are
    # equal, so multiplier and shift are tables shared by both steps; 25 members of 4 bytes per step
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
    plan = build_plan(graph.verify(), families("esp32"))
    assert dict(footprint.constants(plan)) == {"parameters": 92, "constant operands": 15, "alignment": 1}
    assert plan.arena_bytes == 0


def test_rows_by_hand():
    table = json.loads((resource("boards") / "kernels.json").read_text())["xtensa"]
    conv, application = table["kernels"]["conv2d_s8"], table["application"]
    extra = Extra(constants=1000, ram=50)
    report = check_fit(two_convolutions(4, 8), load_board("esp32dev"), "arduino", extra=extra)
    assert report.fits and report.shortfall == "" and report.suggestions == ()
    assert (report.framework, report.sdk, report.partition) == ("arduino", "2.0.17", "default.csv")

    ram = row(report, "static RAM")
    assert ram.breakdown == (("arena", 32), ("input and output", 50), ("empty arduino application", 21_344))
    assert (ram.needed, ram.available, ram.free) == (21_426, 124_580, 103_154)

    # 6 K, 137 K after Bluetooth's reserve, 14 K and 111 K of heap, and that reserve; four regions' administration
    run_time = row(report, "memory at run time")
    assert run_time.available == 6_432 + 140_452 + 15_072 + 113_840 + 56_156
    assert run_time.needed == 21_426 + (20_416 + 8_192) + 4 * 1_624
    assert abs(run_time.free - 279_836) < 8_192  # what such a board reports at boot, loopTask's stack aside

    code = conv["code"] + table["run"]["code"] + 2 * table["step"]["code"] + application["code"]
    texts = application["constants"] + conv["constants"]
    constants = 49 + 200 + 3 + 1000
    assert row(report, "app partition").needed == constants + code + texts + 269_376
    assert row(report, "app partition").available == 1_310_720
    assert row(report, "constant window").needed == constants + 269_376
    assert row(report, "constant window").available == 4_194_272

    stack = dict(row(report, "stack of loopTask").breakdown)
    chains = (application["request"] + application["traced_hook"], application["self_test"] + conv["stack"])
    assert sum(stack.values()) - stack["calls"] == max(chains)
    assert stack["calls"] in table["run"]["stack"]
    assert row(report, "stack").available == 8192


def test_code_counts_against_a_window_it_shares_with_constants():
    report = check_fit(two_convolutions(4, 8), load_board("esp32-c3-devkitm-1"))
    window = dict(row(report, "constant window").breakdown)
    assert window["kernels"] == dict(row(report, "app partition").breakdown)["kernels"] > 0


def test_suggestions_are_true_and_the_least_effort_comes_first():
    plan, board = two_convolutions(4, 8), load_board("esp32dev")
    setup = Setup(app_flash=1_400_000)
    report = check_fit(plan, board, "arduino", setup)
    assert not row(report, "app partition").fits and row(report, "static RAM").fits
    changes = [s.change for s in report.suggestions]
    assert changes[0] == "--partition min_spiffs.csv"
    assert changes[-3:] == ["--board arduino_nano_esp32", "--board esp32-s3-devkitc-1", "--board esp32-s3-devkitm-1"]
    larger = check_fit(plan, board, "arduino", replace(setup, partition="min_spiffs.csv"))
    assert larger.fits and row(larger, "app partition").free == report.suggestions[0].free
    assert not check_fit(plan, board, "espidf", setup).fits


def large_net() -> Graph:
    """Weights of 400 x 1000 and of 1000."""
    shapes = {"x": activation(1, 1, 400), "h": activation(1, 1, 1000), "y": activation(1, 1, 1)}
    nodes = (Node("a", Conv2d(), ("x", "wa"), ("h",)), Node("b", Conv2d(), ("h", "wb"), ("y",)))
    return Graph("net", ("x",), ("y",), nodes, shapes, {"wa": weights(1000, 400), "wb": weights(1, 1000)}).verify()


@pytest.mark.parametrize("board", ["esp32dev", "esp32-c3-devkitm-1"])
def test_fewer_bits_are_suggested_with_what_they_save(board):
    """The first layers that are enough, to the byte what such a model needs: its kernels are others, too."""
    board, graph = load_board(board), large_net()

    def room(layers: str) -> int:
        few = {f"w{n}": replace(c := graph.constants[f"w{n}"], values=c.values // 16, bits=4) for n in layers}
        plan = build_plan(replace(graph, constants={**graph.constants, **few}), board.chip.kernels)
        return row(check_fit(plan, board), "app partition").free

    plan, saved = build_plan(graph, board.chip.kernels), {layers: room(layers) - room("") for layers in ("a", "ab")}
    assert 190_000 < saved["a"] < 200_000
    for short in (100_000, saved["a"], saved["a"] + 1, saved["ab"], saved["ab"] + 1, 200_501):
        report = check_fit(plan, board, setup=Setup(app_flash=room("") + short))
        given = [s for s in report.suggestions if s.change.startswith("quantize")]
        enough = [layers for layers in saved if saved[layers] >= short][:1]
        assert [s.change for s in given] == ["quantize" + "".join(f" --layer-bits {n}=4" for n in x) for x in enough]
        assert [(s.saves, s.free) for s in given] == [(saved[x], saved[x] - short) for x in enough]
    assert max(saved.values()) < 200_501


def test_nothing_is_suggested_when_nothing_helps():
    report = check_fit(two_convolutions(4, 8), load_board("esp32dev"), "arduino", Setup(app_flash=40_000_000))
    assert not report.fits and report.suggestions == ()
    assert "app partition needs" in report.shortfall and "constant window needs" in report.shortfall


def test_compare_asks_every_board():
    reports = {r.board: r for r in compare(two_convolutions(105_000 // 8, 8).graph)}
    assert list(reports) == list(board_ids())
    assert not reports["esp32dev"].fits and reports["esp32-s3-devkitc-1"].fits
    assert all(r.suggestions == () for r in reports.values())
    reports = {r.board: r for r in compare(two_convolutions(4, 8).graph, Setup(wifi=True))}
    assert reports["esp32dev"].fits
    assert (reports["esp32-p4"].fits, reports["esp32-p4"].problem) == (False, "esp32-p4 has no Wi-Fi")
    reports = {r.board: r for r in compare(two_convolutions(4, 8).graph, framework="arduino")}
    assert reports["esp32-c61-devkitc1"].problem == "esp32-c61-devkitc1 has no framework arduino; it has espidf"


def test_report_is_json():
    report = check_fit(two_convolutions(105_000 // 8, 8), load_board("esp32dev"))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["fits"] is False and data["suggestions"][0]["change"] == "--arena heap"
    assert data["regions"][0]["breakdown"]["arena"] == 105_000
    assert [r["verdict"] for r in data["regions"]] == ["does not fit", *["fits"] * 4]
    assert {r["basis"] for r in data["regions"]} == {"estimated"}
    assert all(source for r in data["regions"] for source in r["sources"])


def test_bad_arguments():
    plan, board = two_convolutions(4, 8), load_board("esp32dev")
    with pytest.raises(UsageError, match="no framework zephyr"):
        check_fit(plan, board, "zephyr")
    with pytest.raises(UsageError, match="unknown partition table"):
        check_fit(plan, board, setup=Setup(partition="none.csv"))
    with pytest.raises(UsageError, match="esp32-p4 has no Bluetooth Low Energy"):
        check_fit(two_convolutions(4, 8), load_board("esp32-p4"), setup=Setup(ble=True))


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
        absent(f"{compiler.prefix}gcc", compiler.install)
    assert module.measure(compiler) == module.measure(compiler)
