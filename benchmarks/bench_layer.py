"""One layer on an emulated chip."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from bench_chip import Program, count

from mcuq.c_source import distinct_tables, struct_text, table_text
from mcuq.engines.emulator import FLAGS
from mcuq.ops.base import Params
from mcuq.resources import resource

KERNELS = resource("firmware") / "kernels"
CALL = """#include <stdint.h>
#define MCUQ_CONST
#include "mcuq.h"
#include "mcuq_{kernel}.h"
{tables}
static uint32_t scratch[{words}];
static void bench_run(const int8_t *input, int8_t *output) {{
    mcuq_{kernel}(&layer, input, output, scratch);
}}
"""


def instructions(params: Params, x: np.ndarray, engine: str = "rv32") -> int:
    """Run one layer once on an emulated chip."""
    tables, names = [], {}
    for member, name, _ in distinct_tables("layer", params, {}):
        names[member.name] = name
        tables.append(table_text(member.ctype, name, getattr(params, member.name)))
    call = CALL.format(
        kernel=params.kernel,
        tables="\n".join([*tables, struct_text("layer", params, names)]),
        words=params.scratch_bytes // 4 + 1,
    )
    expected = params.run(x)
    program = Program(sources_of(params.kernel), [*FLAGS, f"-I{KERNELS}"], call, has_mac16=engine == "xtensa")
    counted = count(engine, program, x, expected.shape[1])
    assert (counted.outputs == expected).all(), params
    return counted.instructions


def sources_of(kernel: str) -> list[Path]:
    """Return a kernel's file, and those of kernels and cores that it calls."""
    own = KERNELS / f"mcuq_{kernel}.c"
    called = {KERNELS / f"{name}.c" for name in re.findall(r'#include "(mcuq_\w+)\.h"', own.read_text())}
    if kernel.endswith("_mac16"):
        called |= {*KERNELS.glob("mcuq_mac16_*.[cS]")}
    return [own, *sorted(path for path in called - {own} if path.exists())]
