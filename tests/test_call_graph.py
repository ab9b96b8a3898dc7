"""The stack along a chain of calls, from small C files whose frames are known, and what is refused."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from requirements import require

FLAGS = ("-march=rv32imc", "-mabi=ilp32", "-O2", "-fcallgraph-info=su", "-ffreestanding")
USE = "void use(volatile char *bytes);\n"


@pytest.fixture(scope="module")
def call_graph():
    path = Path(__file__).parents[1] / "benchmarks" / "call_graph.py"
    spec = importlib.util.spec_from_file_location("call_graph", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["call_graph"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def graph_of(call_graph, tmp_path):
    require("riscv64-unknown-elf-gcc")

    def compiled(*texts: str):
        for index, text in enumerate(texts):
            source = tmp_path / f"{index}.c"
            source.write_text(USE + text)
            command = ["riscv64-unknown-elf-gcc", *FLAGS, "-c", source, "-o", tmp_path / f"{index}.o"]
            subprocess.run(command, check=True)
        return call_graph.read(sorted(tmp_path.glob("*.ci")))

    return compiled


def frame(name: str, bytes_: int, then: str = "", what: str = "") -> str:
    return f"{what} void {name}(void) {{ volatile char b[{bytes_}]; use(b); {then} use(b); }}\n"


def test_the_deepest_of_several_chains_counts(graph_of):
    """Across files and through static functions; what is not here has no frame."""
    inner = frame("inner", 1000, what="static __attribute__((noinline))")
    graph = graph_of(
        "void second(void);\n" + inner + frame("first", 100, "inner(); second();"),
        frame("second", 500),
    )
    assert graph.functions == ["first", "second"]
    assert 1_100 <= graph.depth("first") <= 1_160
    assert 500 <= graph.depth("second") <= 530
    assert "use" in graph.callees


def test_the_stack_at_an_indirect_call(graph_of):
    deep = frame("deep", 2000)
    graph = graph_of(deep + "extern void (*call)(void);\n" + frame("first", 100, "call(); deep();"))
    assert 100 <= graph.depth_at_indirect_call("first") <= 140
    assert graph.depth("first") > 2_100
    assert graph.depth_at_indirect_call("deep") == 0


def test_recursion_is_refused(graph_of):
    graph = graph_of(
        "void back(void);\n" + frame("go", 100, "back();"), "void go(void);\n" + frame("back", 100, "go();")
    )
    with pytest.raises(SystemExit, match="calls itself"):
        graph.depth("go")


def test_a_frame_without_a_fixed_size_is_refused(graph_of):
    with pytest.raises(SystemExit, match="no fixed size"):
        graph_of("void a(int n) { volatile char b[n]; use(b); }\n")


def test_frames_of_assembly(call_graph):
    listing = (
        "00000000 <one>:\n   0:\taddi\ta1, a1, -96\n   3:\tret\n\n"
        "00000008 <two>:\n   8:\tentry\ta1, 48\n\n"
        "00000010 <three>:\n  10:\tmovi\ta2, 1\n  12:\taddi\ta1, a1, -16\n\n"
        "00000020 <four>:\n  20:\taddi\tsp,sp,-32\n"
    )
    assert call_graph.read([], [listing]).frames == {"one": 96, "two": 48, "three": 0, "four": 32}
