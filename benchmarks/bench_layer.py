"""One layer on an emulated chip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bench_chip import Program, count

from mcuq.emit.c_source import struct_text, table_text
from mcuq.emit.library import kernel_folders, needed_files
from mcuq.engines.emulator import FLAGS
from mcuq.ops.base import Params
from mcuq.plan.tables import distinct_tables

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
    include = [f"-I{folder}" for folder in kernel_folders()]
    program = Program(sources_of(params.kernel), [*FLAGS, *include], call, has_mac16=engine == "xtensa")
    counted = count(engine, program, x, expected.shape[1])
    assert (counted.outputs == expected).all(), params
    return counted.instructions


def sources_of(kernel: str) -> list[Path]:
    """Return a kernel's file, and those of kernels and cores that it calls."""
    return [path for path in needed_files(kernel_folders(), [f"mcuq_{kernel}.h"]) if path.suffix in (".c", ".S")]
