"""Write what is generated in the papers: the output of their sessions, and docs/operators.md.

Without arguments all of it, a search among the sessions; with names of files the sessions of these. ``--operators``
writes docs/operators.md alone and runs nothing. ``--check`` ends with 1 if docs/operators.md is stale; the sessions are
checked by tests/test_readme.py.
"""

import inspect
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from mcuq import ops
from mcuq.ops.base import Op
from mcuq.report import catalogue
from mcuq.report.formats import FORMATS, READ

ROOT = Path(__file__).parents[1]
PAPERS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OPERATORS = ROOT / "docs" / "operators.md"
CHIPS = ROOT / "boards" / "chips"
INTRODUCTION = """\
# Operators

Written by `python tools/readme.py --operators` from the docstrings in `mcuq/ops`; `mcuq ops` prints the same.
Every constraint C1, C2, … has a test of that name.
"""
FORMATS_READ = """\
## What each format calls them

Names that are read as the operator; each of them is in a model of `tests/frontends/test_operator_table.py`,
`test_onnx_nodes.py` or a test that `tests/operator_claims.py` names. PyTorch models are read as ONNX, Keras and
TensorFlow models as TFLite. Every operator has a kernel in portable C; the last column: chips with one of their own.
"""
OTHERS = """\
Variables of TFLite files are states; QUANTIZE and DEQUANTIZE at float borders are what their numbers mean. The
quantized forms of ONNX are in `mcuq/frontends/onnx_qdq.py`.

What makes a byte of a byte (requantize, relu, clip, neg, logistic, ...) is a table of 256 outputs: 10 instructions an
element with Xtensa's instructions. Where the table is a line, which is proven for every input, an ESP32-S3 takes 1.6,
or 3.4 in memory of the caller's; it does not load by what its lanes hold, so that curves stay tables.
"""
FAMILIES = ("lanes", "mac16", "r16", "s3")  # those that need something of a chip
SESSION = re.compile(r"```console\n\$ (.*?)\n(.*?)```", re.DOTALL)


def operators() -> str:
    """Return docs/operators.md: of each operator name, meaning and constraints; and what the readers read."""
    rows = ["| operator | meaning | constraints |", "|---|---|---|"]
    names = [f"| operator | {' | '.join(FORMATS)} | kernels of its own |", "|---|---|---|---|---|---|"]
    for op in ops.ALL:
        formula = _cell(catalogue.formula(op))
        constraints = "<br>".join(_cell(constraint) for constraint in catalogue.constraints(op))
        rows.append(f"| {op.name} | {formula} | {constraints} |")
        cells = [", ".join(_cell(f"`{name}`") for name in READ[op.name][i].split()) for i in range(len(FORMATS))]
        names.append(f"| {op.name} | {' | '.join(cells)} | {_chips(op)} |")
    return "\n".join([INTRODUCTION, *rows, "", FORMATS_READ, *names, "", OTHERS])


def _chips(op: type[Op]) -> str:
    """Return the chips that have kernels for an operator: families whose pages name its parameters."""
    source = inspect.getsource(inspect.getmodule(op))  # type: ignore[arg-type]
    served = {
        family
        for family in FAMILIES
        for params in re.findall(r"\b(\w+Params)\(", (ROOT / f"mcuq/kernels/{family}/__init__.py").read_text("utf-8"))
        if re.search(rf"\b{params}\(", source)
    }
    chips = {chip.stem: tomllib.loads(chip.read_text("utf-8"))["kernels"] for chip in sorted(CHIPS.glob("*.toml"))}
    return ", ".join(name for name, families in chips.items() if served & set(families))


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


def session(text: str) -> str:
    """Return a paper with the output of its ``$ mcuq ...`` lines, run in order in the repository's root."""
    shutil.rmtree(ROOT / "build/readme", ignore_errors=True)
    for journal in (ROOT / "build").glob("*.journal"):
        journal.unlink()  # of an earlier search, whose candidates would count as measured

    def output(block: re.Match[str]) -> str:
        command = [sys.executable, "-m", *shlex.split(block[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        return f"```console\n$ {block[1]}\n{done.stdout}```"

    return SESSION.sub(output, text)


def main(arguments: list[str]) -> int:
    """Write or check; return the exit status."""
    if arguments == ["--check"]:
        stale = OPERATORS.read_text("utf-8") != operators()
        if stale:
            print("docs/operators.md is stale: run python tools/readme.py --operators", file=sys.stderr)
        return int(stale)
    if not arguments or arguments == ["--operators"]:
        OPERATORS.write_text(operators(), "utf-8")
    papers = [Path(name) for name in arguments if name != "--operators"]
    for path in papers if arguments else PAPERS:
        path.write_text(session(path.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
