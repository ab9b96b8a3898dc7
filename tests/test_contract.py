"""Every operator has all its pieces, and C structs are what ``Params`` says."""

import ast
import inspect
import re
from pathlib import Path

import pytest
from harness import kernel_file

from mcuq import ops
from mcuq.emit.library import kernel_folders
from mcuq.graph import identifier
from mcuq.ops import groups
from mcuq.ops.base import Op, Params
from mcuq.report import catalogue

ROOT = Path(__file__).parents[1]


def all_params() -> list[type[Params]]:
    found, queue = [], [Params]
    while queue:
        children = queue.pop().__subclasses__()
        queue += children
        found += [c for c in children if "kernel" in vars(c) and c.__module__.startswith("mcuq.")]
    return sorted(found, key=lambda c: c.kernel)


def missing_pieces(op, root: Path) -> list[str]:
    """Return what an operator lacks."""
    name = op.name
    missing = []
    if op.__module__ != f"mcuq.ops.{name}":
        missing.append(f"its file mcuq/ops/{name}.py")
    if not (root / f"tests/ops/test_{name}.py").is_file():
        missing.append(f"its test tests/ops/test_{name}.py")
    else:
        tests = (root / f"tests/ops/test_{name}.py").read_text()
        for constraint in catalogue.constraints(op):
            label = constraint.split(":")[0].lower()
            if not re.search(rf"def test_{label}_", tests):
                missing.append(f"a test named test_{label}_… for constraint {label.upper()}")
        missing += [f"a {what} test" for what in ("n2", oracle(op)) if not re.search(rf"def test_{what}_", tests)]
    for method in ("forward", "infer_shape", "lower"):
        if getattr(getattr(op, method), "__isabstractmethod__", False):
            missing.append(f"the method {method}")
    if not catalogue.formula(op).startswith("``"):
        missing.append("a docstring that opens with its formula")
    return missing + unanswered(op)


def unanswered(op) -> list[str]:
    """Return what mcuq/ops/groups.py does not say about an operator."""
    kinds = sum(issubclass(op, kind) for kind in groups.KINDS)
    missing = [] if kinds == 1 else [f"one kind in mcuq/ops/groups.py, not {kinds}"]
    return missing + [
        f"an answer in mcuq/ops/groups.py: {ability}, or NEITHER"
        for ability, others in groups.NEITHER.items()
        if not issubclass(op, (*getattr(groups, ability), *others))
    ]


def oracle(op) -> str:
    """Return the kind of test that judges an op's integers: N5, or its table's formula where it says it has no twin."""
    said = " ".join((inspect.getdoc(op) or "").split())
    return "table" if "TensorFlow Lite Micro has no int8" in said else "n5"


@pytest.mark.parametrize("op", ops.ALL, ids=lambda op: op.name)
def test_operator_is_complete(op):
    assert missing_pieces(op, ROOT) == []


def test_groups_say_each_thing_once():
    """No operator is both in a group and not; every group is a kind or has its others; every name is an operator's."""
    named = {name: value for name, value in vars(groups).items() if name.isupper() and isinstance(value, tuple)}
    abilities = {n: group for n, group in named.items() if not any(group is kind for kind in groups.KINDS)}
    del abilities["KINDS"]
    assert abilities.keys() == groups.NEITHER.keys()
    for name, group in abilities.items():
        members = (*group, *groups.NEITHER[name])
        assert len(members) == len(set(members)), name
        assert [m for m in members if not any(issubclass(op, m) for op in ops.ALL)] == [], name


@pytest.mark.parametrize(
    ("group", "has"),
    [
        (groups.WEIGHTED, lambda op: op.weights_axis is not None),
        (groups.FUSING, lambda op: hasattr(op, "activation")),
    ],
)
def test_groups_are_what_operators_have(group, has):
    """A group that stands for an attribute holds all operators that have it."""
    assert [op.name for op in ops.ALL if issubclass(op, group)] == [op.name for op in ops.ALL if has(op)]


def test_the_check_can_fail(tmp_path):
    """An operator without file, test or docstring is reported, piece by piece."""

    class Nameless(ops.ALL[0]):
        """Does something."""

        name = "nameless"

    missing = " ".join(missing_pieces(Nameless, tmp_path))
    assert "mcuq/ops/nameless.py" in missing
    assert "test_nameless.py" in missing
    assert "formula" in missing


def test_a_new_operator_answers_every_group():
    """A base class answers for its operators; an operator of a new kind has all questions before it."""

    class Apart(Op):
        """``y = x``."""

        name = "apart"

    class Among(ops.ALL[0]):
        """``y = x``."""

        name = "among"

    missing = " ".join(unanswered(Apart))
    assert "one kind in mcuq/ops/groups.py, not 0" in missing
    assert [ability for ability in groups.NEITHER if f" {ability}," not in missing] == []
    assert unanswered(Among) == []


def test_without_a_twin_the_docstring_says_so(tmp_path):
    """An op is spared the N5 test for a table's by these words alone."""

    class Alone(ops.ALL[0]):
        """``y = x``. TensorFlow Lite
        Micro has no int8 alone."""

        name = "alone"

    class Paired(Alone):
        """``y = x``."""

        name = "paired"

    folder = tmp_path / "tests/ops"
    folder.mkdir(parents=True)
    for name in ("alone", "paired"):
        (folder / f"test_{name}.py").write_text("def test_n2_kernel(): ...\ndef test_table_is_the_formula(): ...\n")
    assert not any(" test" in piece for piece in missing_pieces(Alone, tmp_path))
    assert "a n5 test" in missing_pieces(Paired, tmp_path)


def test_every_op_file_is_listed():
    """An op defined in mcuq/ops but not in ops.ALL would be silently missing."""
    defined = set()
    for path in (ROOT / "mcuq/ops").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and any("name: ClassVar[str] = " in ast.unparse(s) for s in node.body):
                defined.add(node.name)
    assert defined == {op.__name__ for op in ops.ALL}


def test_ops_are_sorted_and_named_for_c():
    names = [op.name for op in ops.ALL]

    assert names == sorted(names)
    assert [identifier(name) for name in names] == names


@pytest.mark.parametrize("params", all_params(), ids=lambda p: p.kernel)
def test_params_are_the_c_struct(params):
    """Same members, same order, same types, in mcuq_<kernel>.h."""
    header = kernel_file(f"mcuq_{params.kernel}.h").read_text()
    body = re.search(rf"typedef struct \{{(.*?)\}} mcuq_{params.kernel}_params;", header, re.DOTALL)
    assert body, "no such struct"
    code = re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL)
    actual = [" ".join(line.split()) for line in code.split(";") if line.strip()]
    assert actual == [_declaration(m) for m in params.members()]


def _declaration(member) -> str:
    if member.extent == "table":
        return f"const {member.ctype} *{member.name}"
    return f"{member.ctype} {member.name}" + (f"[{member.extent}]" if member.extent else "")


@pytest.mark.parametrize("params", all_params(), ids=lambda p: p.kernel)
def test_kernel_file_holds_its_function(params):
    """One function per file, of the file's name, declared in its header."""
    source = kernel_file(f"mcuq_{params.kernel}.c").read_text()
    header = kernel_file(f"mcuq_{params.kernel}.h").read_text()
    declared = re.findall(rf"^void mcuq_{params.kernel}\(", header, re.MULTILINE)
    defined = re.findall(r"^([a-z][\w ]*?[ *])(\w+)\([^;{}]*\) \{$", source, re.MULTILINE)
    exported = [name for kind, name in defined if not kind.startswith("static ")]

    assert len(declared) == 1
    assert exported == [f"mcuq_{params.kernel}"]


def test_kernels_are_plain_c():
    """No heap, no stdio, no floating point, no recursion-prone includes in the kernels.

    The header of a chip's instruction set may ask the toolchain what the chip has, where it can tell.
    """
    for path in sorted(path for folder in kernel_folders() for path in folder.iterdir()):
        code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"\b(malloc|free|printf|float|double|alloca)\b", code), path.name
        allowed = {"stdint.h", "stddef.h", "string.h"}
        if path.name.endswith("_isa.h"):
            allowed |= set(re.findall(r"__has_include\(<(.*?)>\)", code))
        assert set(re.findall(r"#include <(.*?)>", code)) <= allowed, path.name


def test_assembly_has_a_twin_in_c():
    """One object file per name, as PlatformIO has it; what assembly defines, C defines for chips without it."""
    for path in sorted(path for folder in kernel_folders() for path in folder.glob("*.S")):
        twin = path.with_name(path.name.removesuffix("_asm.S") + ".c")
        defined = set(re.findall(r"^ +function (\w+),", path.read_text(), re.MULTILINE))
        assert defined and defined == set(re.findall(r"^void (\w+)\(", twin.read_text(), re.MULTILINE)), path.name


def test_docstrings_give_shapes():
    for op in ops.ALL:
        assert inspect.getdoc(op.infer_shape), op.name
