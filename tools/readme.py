"""Write what is generated in the papers: the output of their sessions, and docs/operators.md.

Without arguments all of it, a search among the sessions; with names of files the sessions of these. ``--operators``
writes docs/operators.md alone and runs nothing. ``--check`` ends with 1 if docs/operators.md is stale; the sessions are
checked by tests/test_readme.py.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from mcuq import ops
from mcuq.frontends import tflite_recurrent, tflite_variables
from mcuq.frontends.tflite_ops import READERS
from mcuq.report import catalogue

ROOT = Path(__file__).parents[1]
PAPERS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OPERATORS = ROOT / "docs" / "operators.md"
INTRODUCTION = """\
# Operators

Written by `python tools/readme.py --operators` from the docstrings in `mcuq/ops`; `mcuq ops` prints the same.
Every constraint C1, C2, … has a test of that name.
"""
BORDERS = "QUANTIZE and DEQUANTIZE at float borders."
OTHERS = """\
ONNX operators are listed in `mcuq/frontends/onnx_ops.py` with their readers, and the quantized forms in
`mcuq/frontends/onnx_qdq.py`. PyTorch models are read as ONNX, Keras and TensorFlow models as TFLite.
"""
SESSION = re.compile(r"```console\n\$ (.*?)\n(.*?)```", re.DOTALL)


def operators() -> str:
    """Return docs/operators.md: of each operator name, meaning and constraints; and what the readers read."""
    rows = ["| operator | meaning | constraints |", "|---|---|---|"]
    for op in ops.ALL:
        formula = _cell(catalogue.formula(op))
        constraints = "<br>".join(_cell(constraint) for constraint in catalogue.constraints(op))
        rows.append(f"| {op.name} | {formula} | {constraints} |")
    codes = ", ".join(sorted({*READERS, *tflite_recurrent.READERS, *tflite_variables.OPERATORS}))
    return "\n".join([INTRODUCTION, *rows, "", f"TFLite operators read: {codes}; {BORDERS}", "", OTHERS])


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


def session(text: str) -> str:
    """Return a paper with the output of its ``$ mcuq ...`` lines, run in order in the repository's root."""
    shutil.rmtree(ROOT / "build/readme", ignore_errors=True)

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
