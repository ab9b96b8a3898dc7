"""A name of a model's that reaches C is one: no text of a file becomes source, and none means something else there."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hostile import assert_harmless
from models import multi_border_graph, remembering_graph, small_graph

from mcuq import archive, emit, pipeline
from mcuq.archive import Archive
from mcuq.emit.names import c_name, meaning
from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.target.setup import Setup
from mcuq.tensor import QConstant, QTensor

BUILD = ("build", "--board", "esp32dev", "--out", "p")
CHECKS = (("check", "--board", "esp32dev"), ("check", "--compare"))  # a model that does not build does not fit
VERBS = (BUILD, ("simulate", "--engine", "host", "--input", "x.npy"), *CHECKS)


def adding(constant="c", layer="add_0", name="net") -> Graph:
    """A layer that adds a constant: both names reach C."""
    values = {n: QTensor((1, 6), 0.05, 0) for n in "xy"}
    constants = {constant: QConstant(np.arange(6, dtype=np.int8).reshape(1, 6), np.array([0.05]))}
    return Graph(name, ("x",), ("y",), (Node(layer, Add(), ("x", constant), ("y",)),), values, constants)


@pytest.fixture
def refused(tmp_path, monkeypatch, run):
    """Store a model without looking at it, and try to make C of it."""
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.zeros((1, 6), np.int8))

    def attempt(graph, match, verbs=VERBS):
        (tmp_path / "net.mcuq").write_bytes(archive.dump(Archive(graph)))
        before = sorted(tmp_path.rglob("*"))
        for verb, *options in verbs:
            status, out, err = run(verb, "net.mcuq", *options)
            assert (status, out, err.count("\n")) == (2, "", 1), err
            assert match in err and err[:-1].isprintable() and len(err) < 600
            assert sorted(tmp_path.rglob("*")) == before

    return attempt


@pytest.mark.parametrize(
    "name",
    [
        'c[6] = {0};\nstatic void __attribute__((constructor)) run(void) { system("touch ran"); }\nstatic int d',
        "c/*",
        "c d",
        "",
        "../c",
        "é",
        "C",
    ],
)
def test_a_constant_is_no_source(refused, name):
    refused(adding(constant=name), "is no lower-case C identifier; rename it")


@pytest.mark.parametrize("name", ["arena", "input", "output", "int8_t", "mcuq_add", "memcpy", "__x", "linux", "class"])
def test_names_that_c_or_the_generated_code_has(refused, name):
    refused(adding(constant=name), f"the constant '{name}' cannot be called so in C: it is a ")
    if name not in ("mcuq_add", "__x"):
        refused(adding(layer=name), f"the layer '{name}' cannot be called so in C: it is a ")


def test_two_things_of_one_name(refused):
    refused(adding(constant="add_0"), "two things would be called 'add_0' in C")


@pytest.mark.parametrize("name", ["net_model", "net_run", "net_run_in", "net_quantize_input", "net_state", "net_reset"])
def test_what_the_header_declares_is_no_constant(refused, name):
    refused(adding(constant=name), f"two things would be called '{name}' in C", VERBS[:1])


def test_a_parameter_hides_no_constant(refused):
    """Of a model with two inputs they are called so; the struct of a layer of that name would be out of sight."""
    graph = multi_border_graph(np.random.default_rng(0), "net")
    first, *others = graph.nodes
    for name in (f"input_{graph.inputs[0]}", f"output_{graph.outputs[-1]}"):
        changed = replace(graph, nodes=(replace(first, name=name), *others))
        refused(changed, f"two things would be called '{name}' in C", VERBS[:1])


@pytest.mark.parametrize("name", ["a" * 201, "a b", "A", "x;", ""])
def test_other_names_are_no_model(tmp_path, run, name):
    path = tmp_path / "net.mcuq"
    path.write_bytes(archive.dump(Archive(adding(name=name))))
    assert_harmless(run, path, "is not a lower-case C identifier of at most 200 characters")


@pytest.mark.parametrize("name", ["arena", "exp", "size_t", "setup"])
def test_a_model_is_not_called_as_what_c_has(refused, run, name):
    refused(adding(name=name), f"'{name}' cannot name a model: it is a", VERBS[:1])
    assert run("build", "net.mcuq", "--board", "esp32dev", "--out", "p", "--name", f"{name}_net")[0] == 0


def test_names_that_are_fine():
    assert c_name("kws_v2_1", "model") == "kws_v2_1"
    assert emit.emit_library(*_built(adding(constant="weights", layer="arena_1")))


def _built(graph):
    plan = pipeline.compile(graph)
    return plan, Archive(graph, emit.self_test_inputs(plan))


@pytest.mark.parametrize("options", [{}, {"io_in_arena": True}, {"arena": "heap"}, {"share_arena": False}])
@pytest.mark.parametrize("build", [small_graph, multi_border_graph, remembering_graph])
def test_no_name_of_the_generated_code_is_free(tmp_path, build, options):
    """Whatever the C around a model says that is not the model's own means something, so that no layer may have it."""
    graph = build(np.random.default_rng(0), "zz")
    pipeline.write_project(Archive(graph), "esp32dev", tmp_path, setup=Setup(**options))
    own = {node.name for node in graph.nodes} | {*graph.constants, *graph.values}
    names: set[str] = set()
    for path in (*tmp_path.glob("lib/zz/src/*"), *tmp_path.glob("lib/mcuq/src/*arena*")):
        code = re.sub(r'/\*.*?\*/|//[^\n]*|"[^"]*"|#[^\n]*', "", path.read_text(), flags=re.DOTALL)
        names |= set(re.findall(r"(?<![\w.>])[a-z_][a-z0-9_]*\b(?!\w)", code))
    made = {n for n in names if n.startswith("zz_") or any(re.match(rf"(\w+_)?{o}(_\w+)?$", n) for o in own)}
    made |= {
        n for n in names if re.fullmatch(r"(ram_)?(in|out)put(_\d+)?", n)
    }  # of zz_model.c, where no layer's name is
    free = {name for name in names - made if not meaning(name, "layer")}
    assert len(names - made) > 15
    assert free == set()
