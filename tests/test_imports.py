"""Which way modules may look: no circles, and every room sees only those below it (docs/architecture.md)."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VOCABULARY = ("errors", "files", "resources", "tensor", "fixedpoint", "floors", "exponential", "processes")

# Rooms of mcuq: what may be imported there beside the room itself. "*" is everything that is not named in NEVER.
ALLOWED = {
    **dict.fromkeys(VOCABULARY, VOCABULARY),
    "ops": VOCABULARY,
    "kernels": ("ops", *VOCABULARY),
    "target": ("limits", "reading", *VOCABULARY),
}
NEVER = {
    "frontends": ("kernels", "plan", "fit"),
    "passes": ("kernels", "plan", "fit"),
    "quantization": ("kernels", "plan", "fit"),
    "qat": ("kernels", "plan", "fit"),
    "graph": ("kernels", "plan", "fit"),
    "float_graph": ("kernels", "plan", "fit"),
    "plan": ("fit", "target"),
}
FACES = {"report": {"cli"}, "cli": {"__main__"}}  # who may import them beside themselves


def modules(root: Path) -> dict[str, Path]:
    """Every module of a package by its dotted name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(source: str) -> Iterator[str]:
    """What a file names in an import, wherever it stands: a module, or a name and the module that holds it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def arrows(root: Path) -> dict[str, set[str]]:
    """Every module, and the other modules that it imports; the package itself is but the public face."""
    known = modules(root)
    return {
        name: {
            target
            for full in imported(path.read_text())
            for target in (full if full in known else full.rpartition(".")[0],)
            if target in known and target not in {name, root.name}
        }
        for name, path in known.items()
    }


def room(module: str) -> str:
    """The part of mcuq that a module lies in; "" is the package itself."""
    return [*module.split("."), ""][1]


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def wrong(graph: Mapping[str, set[str]]) -> list[str]:
    """Every arrow that no room may have."""
    found = []
    for module, targets in graph.items():
        here = room(module)
        for target in sorted(targets):
            there = room(target)
            refused = here in ALLOWED and there not in (here, *ALLOWED[here])
            refused |= there in NEVER.get(here, ())
            refused |= there in FACES and here != there and here not in FACES[there]
            if refused:
                found.append(f"{module} imports {target}")
    return found


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return arrows(ROOT / "mcuq")


def test_there_is_no_circle(graph):
    assert circle(graph) == []


def test_nobody_uses_the_public_face():
    """``mcuq.load`` and its kin are for users; what they are made of is imported from where it is."""
    known = modules(ROOT / "mcuq")
    names = {full for path in known.values() for full in imported(path.read_text()) if full.startswith("mcuq.")}

    assert {n for n in names if n not in known and n.count(".") == 1} == {"mcuq.__version__"}


def test_every_room_sees_only_those_below_it(graph):
    assert wrong(graph) == []


def test_only_plans_and_what_weighs_them_choose_kernels(graph):
    """Elsewhere a kernel is parameters like any other."""
    users = {module for module, targets in graph.items() if "mcuq.kernels" in targets}

    assert users == {"mcuq.plan.lowering", "mcuq.plan.builder", "mcuq.fit.speed", "mcuq.fit.cuts"}


def test_the_rooms_named_here_exist(graph):
    rooms = {room(module) for module in graph}
    named = {*ALLOWED, *NEVER, *FACES, *(n for names in (*ALLOWED.values(), *NEVER.values()) for n in names)}

    assert named <= rooms


def test_the_root_stays_small():
    assert len(list((ROOT / "mcuq").glob("*.py"))) <= 22


@pytest.mark.parametrize(
    ("module", "text", "problem"),
    [
        ("ops/add.py", "def f():\n    from mcuq.kernels import layer\n", "mcuq.ops.add imports mcuq.kernels.layer"),
        ("plan/__init__.py", "import mcuq.fit\n", "mcuq.plan imports mcuq.fit"),
        ("passes/fuse.py", "from mcuq import plan\n", "mcuq.passes.fuse imports mcuq.plan"),
        ("simulator.py", "from mcuq.report import Report\n", "mcuq.simulator imports mcuq.report"),
        ("ops/sub.py", "from mcuq.ops.add import AddParams\n", ""),
    ],
)
def test_a_wrong_arrow_is_found(tmp_path, module, text, problem):
    names = "ops/add ops/sub kernels/layer plan/__init__ fit/__init__ passes/fuse simulator report/__init__".split()
    for name in names:
        path = tmp_path / "mcuq" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if module == f"{name}.py" else "")

    assert wrong(arrows(tmp_path / "mcuq")) == ([problem] if problem else [])


def test_a_circle_is_found(tmp_path):
    """Also one that Python does not mind: imports within functions, or for type checkers alone."""
    (tmp_path / "mcuq").mkdir()
    (tmp_path / "mcuq/a.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mcuq import b\n")
    (tmp_path / "mcuq/b.py").write_text("def f():\n    from mcuq.a import g\n")

    assert {*circle(arrows(tmp_path / "mcuq"))} == {"mcuq.a", "mcuq.b"}
