"""Nothing of a ``.pt2`` file runs: no library, no expression, no source, no import, no pickle."""

import json
import re
import shutil
import subprocess
import zipfile

import pytest
from hostile import assert_harmless, rewritten
from requirements import require, require_module, require_tool

require("torch", "onnx", "onnxscript")
torch = require_module("torch")

ROOT = "net/"
PROGRAM, WEIGHTS = "models/model.json", "model_weights_config.json"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "net.pt2"
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
    torch.export.save(torch.export.export(net.eval(), (torch.rand(1, 4),)), path)
    return path


@pytest.fixture
def hostile(plain, tmp_path, run):
    """Write a copy of a file with these edits, and try it."""

    def attempt(edits, match):
        assert_harmless(run, rewritten(plain, tmp_path / "net.pt2", edits, root=ROOT), match)

    return attempt


def touch(tmp_path) -> str:
    return f"open({str(tmp_path / 'ran')!r}, 'w')"


def spelt(source: str) -> str:
    """The same source without quotes, dots and brackets."""
    return f"exec({'+'.join(f'chr({ord(c)})' for c in source)})"


def in_program(change):
    """Change the parsed description of the program."""

    def edit(content):
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()

    return edit


def with_size(expression):
    """Make the size of the first tensor an expression."""

    def change(document):
        values = document["graph_module"]["graph"]["tensor_values"]
        next(iter(values.values()))["sizes"][0] = {"as_expr": {"expr_str": expression, "hint": None}}

    return in_program(change)


def test_a_plain_file_is_read(plain, run):
    assert run("inspect", plain)[0] == 0


def test_a_library_is_not_loaded(plain, tmp_path, run):
    """torch itself loads it: that the constructor runs there shows that the library is a real one."""
    compiler = require_tool("gcc")
    mark, source, library = tmp_path / "ran", tmp_path / "e.c", tmp_path / "e.so"
    source.write_text(
        f'#include <stdio.h>\n__attribute__((constructor)) static void run(void) {{ fopen("{mark}", "w"); }}\n'
    )
    subprocess.run([compiler, "-shared", "-fPIC", source, "-o", library], check=True)
    folder = "data/aotinductor/model/e.wrapper"
    metadata = b'{"AOTI_DEVICE_KEY": "cpu"}'
    edits = {f"{folder}.so": library.read_bytes(), f"{folder}.cpp": b"", f"{folder}_metadata.json": metadata}
    path = rewritten(plain, tmp_path / "net.pt2", edits, root=ROOT)

    with pytest.raises(RuntimeError):
        torch.export.load(path)
    assert mark.exists()
    mark.unlink()
    assert_harmless(run, path, "holds machine code (AOTInductor)")


@pytest.mark.parametrize("field", ["sizes", "strides"])
def test_an_expression_is_not_evaluated(hostile, tmp_path, field):
    assert re.fullmatch(r"[A-Za-z0-9_ +*/()-]*", spelt(touch(tmp_path)))  # harmless to look at

    def change(document):
        values = document["graph_module"]["graph"]["tensor_values"]
        next(iter(values.values()))[field] = [{"as_expr": {"expr_str": spelt(touch(tmp_path)), "hint": None}}]

    hostile({PROGRAM: in_program(change)}, "holds the expression 'exec(chr(")


@pytest.mark.parametrize("expression", ["9**9**9**9", "factorial(10**9)", "9" * 19, "s0*s0", "Symbol('s0', x=exec)"])
def test_an_expression_is_a_number_a_symbol_or_a_comparison(hostile, expression):
    hostile({PROGRAM: with_size(expression)}, "holds the expression")


@pytest.mark.parametrize("name", ["models/other.json", "models/other", "models/deeper/model.json", "models/MODEL.JSON"])
def test_an_expression_in_another_program_is_not_evaluated(plain, hostile, tmp_path, name):
    """torch takes every member of the folder for a program, whatever it is called."""
    with zipfile.ZipFile(plain) as file:
        content = file.read(f"net/{PROGRAM}")
    hostile({name: with_size(spelt(touch(tmp_path)))(content)}, f"holds {name}, which torch.export.save does not write")


@pytest.mark.parametrize("where", ["WEIGHTS", "constants"])
def test_an_expression_in_the_description_of_weights(hostile, tmp_path, where):
    meta = {"dtype": 7, "sizes": [{"as_expr": {"expr_str": spelt(touch(tmp_path)), "hint": None}}]}
    config = {"config": {"w": {"path_name": "weight_0", "is_param": True, "use_pickle": False, "tensor_meta": meta}}}
    member = WEIGHTS if where == "WEIGHTS" else "model_constants_config.json"
    hostile({member: json.dumps(config).encode()}, "holds the expression 'exec(chr(")


def renamed(name):
    """Give the model's input a name that torch writes into Python source."""

    def edit(content):
        return content.replace(b'"input"', json.dumps(name).encode())

    return edit


def test_a_name_is_no_source(hostile, tmp_path):
    for name in (f"x=[{touch(tmp_path)}]", "x\n    raise SystemExit", "class", "x; import os", "a.b", "é"):
        hostile({PROGRAM: renamed(name)}, "its ")


@pytest.mark.parametrize("kind", ["collections.defaultdict", "collections.namedtuple", "enum"])
def test_a_tree_of_arguments_imports_nothing(hostile, tmp_path, monkeypatch, kind):
    (tmp_path / "evil.py").write_text(touch(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    context = json.dumps({"default_factory_module": "evil", "default_factory_name": "x", "__enum__": "evil:x"})
    known = kind.startswith("collections")
    leaf = {"type": None, "context": None, "children_spec": []}
    tree = {"type": kind if known else "builtins.dict", "context": context, "children_spec": [leaf]}

    def change(document):
        for entry in document["graph_module"]["module_call_graph"]:
            entry["signature"] = {"inputs": [], "outputs": [], "out_spec": json.dumps([1, leaf])}
            entry["signature"]["in_spec"] = json.dumps([1, tree])

    hostile({PROGRAM: in_program(change)}, f"its arguments are a {kind}" if known else "keys that are no names")


def test_guards_are_dropped(plain, tmp_path, run):
    """torch runs them as source; the model is read without."""

    def change(document):
        document["guards_code"] = [touch(tmp_path)]
        document["graph_module"]["graph"]["nodes"][0]["metadata"]["stack_trace"] = f"\n{touch(tmp_path)}"

    path = rewritten(plain, tmp_path / "net.pt2", {PROGRAM: in_program(change)})
    assert run("inspect", path)[0] == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("target", ["torch.ops.aten.from_file.default", "torch.ops.aten.save", "os.system", "math.exp"])
def test_operators_are_those_on_tensors(hostile, target):
    edit = lambda old: old.replace(b"torch.ops.aten.relu.default", target.encode())  # noqa: E731
    hostile({PROGRAM: edit}, f"calls '{target}', which is no operator")


def test_operators_as_arguments_and_graphs_within(hostile):
    for argument in (
        {"as_operator": "os.system"},
        {"as_graph": {"name": "x", "graph": {}}},
        {"as_custom_obj": {"a": 1}},
    ):

        def change(document, argument=argument):
            document["graph_module"]["graph"]["nodes"][0]["inputs"][0]["arg"] = argument

        hostile({PROGRAM: in_program(change)}, f"holds a {next(iter(argument))}")


@pytest.mark.parametrize(
    ("member", "match"),
    [
        ("data/constants/custom_obj_0", "pickled objects"),
        ("data/constants/opaque_obj_0", "pickled objects"),
        ("data/weights/model.pt", "pickled objects"),
        ("data/constants/model.pt", "pickled objects"),
        ("data/weights/../../x", "which torch.export.save does not write"),
        ("DATA/WEIGHTS/MODEL_WEIGHTS_CONFIG.JSON", "which torch.export.save does not write"),
        ("data/executorch/x", "which torch.export.save does not write"),
    ],
)
def test_other_members_are_refused(hostile, member, match):
    hostile({member: b"x"}, match)


def test_names_in_capitals_are_other_names(plain, tmp_path, run):
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name.upper(), source.read(name))
    assert_harmless(run, path, "holds no exported program")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(plain, tmp_path, run):
    path = tmp_path / "net.pt2"
    shutil.copy(plain, path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(next(n for n in file.namelist() if n.endswith(PROGRAM)), b"{}")
    assert_harmless(run, path, "models/model.json twice")


def test_an_archive_in_an_archive(plain, tmp_path, run):
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/net.pt2", plain.read_bytes())
    assert_harmless(run, path, "holds no exported program")


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".onnx", ".tflite", ".mcuq"])
def test_another_suffix(plain, tmp_path, run, suffix):
    path = tmp_path / f"net{suffix}"
    shutil.copy(plain, path)
    assert_harmless(run, path, "net")


def test_more_elements_than_bytes(hostile):
    edit = lambda old: re.sub(rb'"as_int": 3\b', b'"as_int": 3000000000000', old)  # noqa: E731
    hostile({WEIGHTS: edit}, "is described as 12000000000000 elements")


def test_nested_too_deeply(hostile):
    hostile({PROGRAM: b"[" * 100_000}, "description is damaged")
    hostile({PROGRAM: b'{"a":' * 60 + b"1" + b"}" * 60}, "nested too deeply")
