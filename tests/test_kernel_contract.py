"""Every kernel has all its pieces: tests, measured bytes, layers for the overlap test; chips name their families."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from overlap_layers import overlapping
from test_contract import all_params

from mcuq import kernels
from mcuq.ops.base import Params
from mcuq.resources import resource
from mcuq.target.chip import Chip, load_chip

ROOT = Path(__file__).parents[1]
CHIPS = sorted(path.stem for path in (resource("boards") / "chips").glob("*.toml"))


def of_a_family(params: type[Params]) -> bool:
    return params.__module__.startswith("mcuq.kernels.")


def missing_tests(params: type[Params], root: Path) -> list[str]:
    """What the test of a kernel's module lacks; those of operators are judged with their operator."""
    *_, family, module = params.__module__.split(".")
    path = root / "tests" / "kernels" / family / f"test_{module}.py"
    if not path.is_file():
        return [f"its test {path.relative_to(root)}"]
    text = path.read_text()
    wanted = {
        "a test named test_n2_…": r"^def test_n2_",
        "a test named test_equals_portable…": r"^def test_equals_portable",
        f"{params.kernel} in {path.name}": rf"\"{params.kernel}\"",
    }
    return [what for what, pattern in wanted.items() if not re.search(pattern, text, re.MULTILINE)]


def missing_pieces(params: type[Params], root: Path) -> list[str]:
    missing = missing_tests(params, root) if of_a_family(params) else []
    measured = json.loads((root / "boards" / "kernels.json").read_text())
    missing += [
        f"its entry for {isa} in kernels.json" for isa in measured if params.kernel not in measured[isa]["kernels"]
    ]
    return missing


@pytest.mark.parametrize("params", all_params(), ids=lambda p: p.kernel)
def test_kernel_is_complete(params):
    assert missing_pieces(params, ROOT) == []


def test_the_check_can_fail(tmp_path):
    class Untested(Params):
        kernel = "untested_s8"

    Untested.__module__ = "mcuq.kernels.lanes.untested"
    table = tmp_path / "boards" / "kernels.json"
    table.parent.mkdir()
    table.write_text('{"xtensa": {"kernels": {}}}')
    assert missing_pieces(Untested, tmp_path) == [
        "its test tests/kernels/lanes/test_untested.py",
        "its entry for xtensa in kernels.json",
    ]
    test = tmp_path / "tests" / "kernels" / "lanes" / "test_untested.py"
    test.parent.mkdir(parents=True)
    test.write_text('KERNEL = "untested_s8"\n\n\ndef test_n2_kernel_equals_run(): ...\n')
    assert missing_tests(Untested, tmp_path) == ["a test named test_equals_portable…"]


def test_every_overlapping_kernel_is_tested(rng):
    """A kernel that declares an overlap and has no layer among those of the overlap tests would be untested."""
    tested = {type(params).__name__ for params in overlapping(rng)}
    declared = {cls.__name__ for cls in all_params() if cls.overlap is not Params.overlap}
    assert declared == tested


def test_modules_of_families_are_tested_where_they_lie():
    """The other way round: no test of a kernel that is gone."""
    for path in sorted((ROOT / "tests/kernels").glob("*/test_*.py")):
        module = ROOT / "mcuq/kernels" / path.parent.name / f"{path.stem.removeprefix('test_')}.py"
        shared = {
            "assembly",
            "channels",
            "emulation",
            "encodings",
            "golden",
            "overlap",
            "requantize",
        }  # of a family's cores
        assert module.is_file() or module.stem in shared, path.name


def unexplained(chips: Sequence[Chip]) -> list[str]:
    """Families that a chip lacks and another of its instruction set has, without a reason; and false reasons."""
    found = []
    for chip in chips:
        others = {family for other in chips if other.isa == chip.isa for family in other.kernels}
        lacking = others - set(chip.kernels)
        found += [f"{chip.id} lacks {family}" for family in sorted(lacking - set(chip.without))]
        found += [f"{chip.id} says why it lacks {family}" for family in sorted(set(chip.without) - lacking)]
    return found


def test_every_chip_has_what_its_instruction_set_offers_or_says_why():
    assert unexplained([load_chip(name) for name in CHIPS]) == []


def test_a_chip_left_out_is_found():
    """As the ESP32-P4 of revision 3 was, which got portable kernels in silence."""
    chips = [load_chip(name) for name in ("esp32p4", "esp32p4_r3")]
    forgotten = with_kernels(chips[1], ("tuned", "packed"), {})

    assert unexplained([chips[0], forgotten]) == ["esp32p4_r3 lacks lanes"]
    assert unexplained([chips[0], with_kernels(chips[1], ("tuned", "packed"), {"lanes": "too slow"})]) == []
    assert unexplained([chips[0], with_kernels(chips[1], chips[1].kernels, {"lanes": "too slow"})]) == [
        "esp32p4_r3 says why it lacks lanes"
    ]


def with_kernels(chip: Chip, families: tuple[str, ...], without: Mapping[str, str]) -> Chip:
    return replace(chip, kernels=families, without=without)


@pytest.mark.parametrize("name", CHIPS)
def test_families_of_chips_exist(name):
    chip = load_chip(name)

    assert set(chip.kernels) <= set(kernels.FAMILIES)
    assert len(set(chip.kernels)) == len(chip.kernels)
    assert chip.kernels[-len(kernels.GENERIC) :] == kernels.GENERIC  # what any chip has comes last


def test_every_family_is_some_chips():
    assert {family for name in CHIPS for family in load_chip(name).kernels} == set(kernels.FAMILIES)
