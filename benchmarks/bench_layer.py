"""One layer on an emulated chip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench_chip import Program, count

from mcuq.emit.c_source import struct_text, table_text
from mcuq.emit.library import kernel_folders, needed_files
from mcuq.engines.emulator import FLAGS
from mcuq.ops.base import Params
from mcuq.plan.tables import distinct_tables

ALIGNMENT = 16  # of tables, the most that a kernel wants
CALL = """#include <stdint.h>
#define MCUQ_CONST
#include "mcuq.h"
#include "mcuq_{kernel}.h"
{tables}
static uint32_t scratch[{words}] __attribute__((aligned(16)));
static void bench_run(const int8_t *input, int8_t *output) {{
    mcuq_{kernel}(&layer, {arguments}, scratch);
}}
"""


def instructions(params: Params, *inputs: np.ndarray, engine: str = "rv32") -> int:
    """Run one layer once on an emulated chip.

    Args:
        params: the layer.
        inputs: [1, elements] per operand.
        engine: the chip.
    """
    tables, names = [], {}
    for member, name, is_new in distinct_tables("layer", params, {}):
        names[member.name] = name
        if is_new:
            tables.append(table_text(member.ctype, name, getattr(params, member.name), alignment=ALIGNMENT))
    results = params.run_all(*inputs)
    call = CALL.format(
        kernel=params.kernel,
        tables="\n".join([*tables, struct_text("layer", params, names)]),
        words=params.scratch_bytes // 4 + 1,
        arguments=", ".join([*_places("input", "const ", inputs), *_places("output", "", results)]),
    )
    given, expected = (_joined(arrays) for arrays in (inputs, results))
    include = [f"-I{folder}" for folder in kernel_folders()]
    program = Program(sources_of(params.kernel), [*FLAGS, *include], call, has_mac16=engine == "xtensa")
    counted = count(engine, program, given, expected.shape[1])
    assert (counted.outputs == expected).all(), params
    return counted.instructions


def _places(pointer: str, qualifier: str, arrays: Sequence[np.ndarray]) -> list[str]:
    """Return arrays as C arguments, one behind the other from a pointer on."""
    ends = np.cumsum([array[0].nbytes for array in arrays]).tolist()
    starts = [f"{pointer} + {start}" for start in [0, *ends[:-1]]]
    return [f"({qualifier}{x.dtype}_t *)({at})" for x, at in zip(arrays, starts, strict=True)]


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return the bytes of arrays one behind the other, int8 [1, bytes]."""
    return np.concatenate([np.ascontiguousarray(x).view(np.int8).reshape(1, -1) for x in arrays], axis=1)


def sources_of(kernel: str) -> list[Path]:
    """Return a kernel's file, and those of kernels and cores that it calls."""
    return [path for path in needed_files(kernel_folders(), [f"mcuq_{kernel}.h"]) if path.suffix in (".c", ".S")]
