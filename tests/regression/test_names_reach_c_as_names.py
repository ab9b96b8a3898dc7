"""A name of a model's that reaches C is one: no text of a file becomes source, and none means something else there."""

import numpy as np
import pytest
from hostile import assert_harmless

from mcuq import archive, emit
from mcuq.archive import Archive
from mcuq.emit.c_names import c_name
from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.tensor import QConstant, QTensor

VERBS = (("build", "--board", "esp32dev", "--out", "p"), ("simulate", "--engine", "host", "--input", "x.npy"))


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
    refused(adding(constant=name), f"the constant '{name}' has a name that C or the generated code uses")
    if name not in ("mcuq_add", "__x"):
        refused(adding(layer=name), f"the layer '{name}' has a name that C or the generated code uses")


def test_two_things_of_one_name(refused):
    refused(adding(constant="add_0"), "two things would be called 'add_0' in C")


@pytest.mark.parametrize("name", ["a" * 201, "a b", "A", "x;", ""])
def test_other_names_are_no_model(tmp_path, run, name):
    path = tmp_path / "net.mcuq"
    path.write_bytes(archive.dump(Archive(adding(name=name))))
    assert_harmless(run, path, "is not a lower-case C identifier of at most 200 characters")


@pytest.mark.parametrize("name", ["arena", "exp", "size_t", "setup"])
def test_a_model_is_not_called_as_what_c_has(refused, run, name):
    refused(adding(name=name), f"the model '{name}' has a name that C or the generated code uses", VERBS[:1])
    assert run("build", "net.mcuq", "--board", "esp32dev", "--out", "p", "--name", f"{name}_net")[0] == 0


def test_names_that_are_fine():
    assert c_name("kws_v2_1", "model") == "kws_v2_1"
    assert emit.emit_library(*_built(adding(constant="weights", layer="arena_1")))


def _built(graph):
    from mcuq import pipeline

    plan = pipeline.compile(graph)
    return plan, Archive(graph, emit.self_test_inputs(plan))
