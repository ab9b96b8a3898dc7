"""locks/: the locks hold what pyproject.toml asks for, the lowest versions are its bounds."""

import json
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import lock as lock_tool  # noqa: E402
import sbom  # noqa: E402

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MACHINE = {"python_version": "3.11", "sys_platform": "linux", "platform_machine": "x86_64"}
EXTRAS = {"users.txt": ("search", "solver", "dask"), "lowest.txt": ("search", "solver"), "dev.txt": ()}
GROUPS = {"users.txt": (), "lowest.txt": ("test",), "dev.txt": ("dev",)}


def asked(name: str) -> list[Requirement]:
    """What pyproject.toml asks for in the lock of this name, on the machine it is for."""
    extras, groups = PYPROJECT["project"]["optional-dependencies"], PYPROJECT["dependency-groups"]
    lines = [*PYPROJECT["project"]["dependencies"]]
    lines += [line for extra in EXTRAS[name] for line in extras[extra]]
    for group in GROUPS[name]:
        included = [entry["include-group"] for entry in groups[group] if isinstance(entry, dict)]
        lines += [line for other in (group, *included) for line in groups[other] if isinstance(line, str)]
    found = [Requirement(line) for line in lines if not line.startswith("mcuq[")]
    return [r for r in found if r.marker is None or r.marker.evaluate(MACHINE)]


def locked(name: str) -> dict[str, sbom.Pin]:
    return sbom.pins((ROOT / "locks" / name).read_text("utf-8"))


def stale(requirements: list[Requirement], pins: dict[str, sbom.Pin]) -> list[str]:
    """What is asked for and not locked, and locked and not asked for."""
    names = {canonicalize_name(r.name): r for r in requirements}
    found = [str(r) for name, r in names.items() if name not in pins or pins[name].version not in r.specifier]
    direct = {name for name, pin in pins.items() if sbom.OURS in pin.via}
    return found + sorted(direct - names.keys()) + sorted(pins.keys() - sbom.closure(pins, direct))


@pytest.mark.parametrize("name", lock_tool.LOCKS)
def test_a_lock_holds_what_pyproject_asks_for(name):
    assert stale(asked(name), locked(name)) == [], "make lock"


def test_a_stale_lock_is_seen():
    pins = {"numpy": sbom.Pin("numpy", "1.26.0", ["0"], {"mcuq"}), "left": sbom.Pin("left", "1", ["0"], {"gone"})}
    assert stale([Requirement("numpy>=1.26")], {"numpy": pins["numpy"]}) == []
    assert stale([Requirement("numpy>=2")], {"numpy": pins["numpy"]}) == ["numpy>=2"]
    assert stale([Requirement("numpy>=1.26"), Requirement("rich>=13")], pins) == ["rich>=13", "left"]
    assert stale([], {"numpy": pins["numpy"]}) == ["numpy"]


def test_the_lowest_versions_are_the_bounds():
    """The first release that a bound takes: 9.10.4067 for 9.10."""
    pins = locked("lowest.txt")
    for requirement in asked("lowest.txt"):
        (bound,) = (Version(s.version).release for s in requirement.specifier if s.operator == ">=")
        release = Version(pins[canonicalize_name(requirement.name)].version).release
        assert release[: len(bound)] == bound, f"{requirement} is locked at {release}: make lock"


def test_everything_a_user_installs_has_a_lower_bound():
    project = PYPROJECT["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    requirements = [Requirement(line) for line in chain.from_iterable(lists)]
    assert len(requirements) > 15
    unbound = [str(r) for r in requirements if r.name != "mcuq" and ">=" not in {s.operator for s in r.specifier}]
    assert unbound == []


def test_tools_run_with_the_versions_users_get():
    users, dev = locked("users.txt"), locked("dev.txt")
    both = users.keys() & dev.keys()
    assert {"numpy", "rich", "joblib"} <= both
    assert {name: users[name].version for name in both} == {name: dev[name].version for name in both}


def test_the_bill_of_materials_is_current():
    assert sbom.SBOM.read_text("utf-8") == sbom.text(), "python tools/sbom.py"


def test_the_bill_of_materials_says_what_the_lock_says():
    bill, pins = json.loads(sbom.text()), locked("users.txt")
    assert [(c["name"], c["version"]) for c in bill["components"]] == sorted((p.name, p.version) for p in pins.values())
    scopes = {c["name"]: c["scope"] for c in bill["components"]}
    assert [scopes[name] for name in ("numpy", "markupsafe", "ortools", "pandas", "joblib")] == [
        *("required", "required", "optional", "optional", "optional")
    ]
    depends = {entry["ref"]: entry["dependsOn"] for entry in bill["dependencies"]}
    assert set(depends) == {"mcuq", *pins}
    assert {"numpy", "jinja2", "ortools"} <= set(depends["mcuq"])
    assert depends["jinja2"] == ["markupsafe"]
    assert not {"torch", "tensorflow", "onnx"} & set(depends)


LINES = """\
a==1 \\
    --hash=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    # via
    #   -c locks/users.txt
    #   mcuq (pyproject.toml:x)
"""


def test_what_a_lock_may_hold():
    assert sbom.pins("# made by\n" + LINES) == {"a": sbom.Pin("a", "1", ["0123456789abcdef" * 4], {"mcuq"})}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("==1", ">=1"), "not a line of a lock: 'a>=1"),
        (("sha256", "md5"), "not a line of a lock"),
        (("    --hash=sha256:" + "0123456789abcdef" * 4 + "\n", ""), "a has no hashes"),
        (("    #   mcuq (pyproject.toml:x)\n", ""), "a has no reason"),
    ],
)
def test_what_a_lock_may_not_hold(change, message):
    with pytest.raises(ValueError, match=message):
        sbom.pins(LINES.replace(*change))
