"""Plan and board to the files of a PlatformIO project, as text; ``files`` writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq import __version__, archive
from mcuq.archive import Archive
from mcuq.emit import c_source, ownership
from mcuq.emit.border import Border, border_offsets, borders, run_call, signature
from mcuq.emit.calls import loops_of_calls, stages_of_calls
from mcuq.emit.classes import named
from mcuq.emit.library import Manifest, included, library, shared_library, targets
from mcuq.emit.names import MODEL, c_name, declared, distinct, names_within
from mcuq.emit.rendering import Files, render
from mcuq.graph import Graph
from mcuq.plan import Plan, states
from mcuq.plan.arrivals import is_arrival, progress_of
from mcuq.plan.tables import alignments, distinct_params, distinct_tables
from mcuq.simulator import simulate
from mcuq.target.board import Board
from mcuq.target.project_format import written_format
from mcuq.target.setup import PLAIN, Setup
from mcuq.tensor import Array

VECTOR_BYTES = 16 << 10  # of embedded self-test inputs; always at least one vector
MAX_VECTORS = 4
UNITS = {"_mac16": "MAC16's", "_s3": "the vector unit's, coprocessor 3"}  # whose registers an interrupt does not save
MAX_STEPS = 16  # of a sequence: with fewer a model that remembers hardly shows what it remembers


def vector_count(graph: Graph) -> int:
    """Return how many self-test vectors a project embeds; with states they are the steps of a sequence."""
    most = MAX_STEPS if graph.states else MAX_VECTORS
    return max(1, min(most, VECTOR_BYTES // sum(graph.values[name].bytes for name in graph.inputs)))


def application_bytes(plan: Plan, vectors: int) -> tuple[int, int]:
    """Return what the application in lib/mcuq costs beside the model: flash (vectors) and RAM (inputs, outputs)."""
    tensors = plan.graph.values
    sample = sum(tensors[name].bytes for name in (*plan.graph.inputs, *plan.graph.outputs))
    return vectors * sample, sample


def self_test_inputs(plan: Plan) -> dict[str, Array]:
    """Return reproducible vectors: bytes drawn from the model's hash, then all-minimum and all-maximum."""
    graph = plan.graph
    count = vector_count(graph)
    inputs: dict[str, Array] = {}
    for name in graph.inputs:
        tensor = graph.values[name]
        noise = hashlib.shake_128(f"{archive.digest(graph)} {name}".encode()).digest(count * tensor.bytes)
        x = np.frombuffer(noise, tensor.dtype).reshape(count, *tensor.shape).copy()
        for sample, value in zip(range(1, count), tensor.limits, strict=False):
            x[sample] = value
        inputs[name] = x
    return inputs


@dataclass(frozen=True, eq=False)
class Built:
    """A model of a project as it is built: lowered, with the archive to store, self-test inputs inside."""

    plan: Plan
    content: Archive

    @property
    def name(self) -> str:
        """The model's name in C."""
        return self.plan.graph.name

    @property
    def shares_arena(self) -> bool:
        """Whether its arena may serve other models in turn."""
        return self.content.setup.arena == "static" and self.content.setup.share_arena and self.plan.arena_bytes > 0


def emit_libraries(models: Sequence[Built]) -> Files:
    """Render what mcuq owns and regenerates of a project: ``lib/<model>`` and archives, ``lib/mcuq``."""
    sharing = sorted((model for model in models if model.shares_arena), key=lambda model: model.name)
    shared = sharing if len(sharing) > 1 else []
    files: Files = {}
    for model in models:
        files |= _model(model, shared=model in shared)
    headers = {header for path, text in files.items() if path.endswith((".c", ".h")) for header in included(text)}
    chips = targets(type(step.params) for model in models for step in model.plan.steps)
    return files | shared_library(headers, chips, {model.name: model.plan for model in shared})


def emit_library(plan: Plan, content: Archive) -> Files:
    """Render what mcuq owns and regenerates of a project with one model: see :func:`emit_libraries`."""
    return emit_libraries([Built(plan, content)])


def _model(model: Built, *, shared: bool) -> Files:
    """Render ``lib/<model>`` and the archive."""
    plan, content, name = model.plan, model.content, c_name(model.name, MODEL)
    context = _context(plan, content, simulate(plan, content.samples)) | {"shared": shared}
    folder = f"lib/{name}"
    about = Manifest(
        name,
        ownership.description(name),
        [f"{name}.c", f"{name}_model.c"],
        [f"{name}.h"],
        targets(type(step.params) for step in plan.steps),
        ["mcuq"],
    )
    sources = {
        f"{folder}/src/{name}.h": render("model.h.j2", context),
        f"{folder}/src/{name}.c": render("model.c.j2", context),
        f"{folder}/src/{name}_tables.h": render("model_tables.h.j2", context),
        f"{folder}/src/{name}_model.c": render("model_model.c.j2", context),
    }
    return {
        **sources,
        **library(about),
        f"{folder}/README.md": render("model_readme.md.j2", context),
        f"{name}.mcuq": archive.dump(content),
    }


def emit_project(graph: Graph, board: Board, framework: str, vectors: int, setup: Setup = PLAIN) -> Files:
    """Render what mcuq writes once and then leaves to the user: ``platformio.ini``, ``src/``, a README.

    Args:
        graph: the model.
        board: where it will run.
        framework: "arduino" or "espidf".
        vectors: number of embedded self-test vectors.
        setup: partition table and place of the arena.
    """
    name = c_name(graph.name, MODEL)
    context = {"version": __version__, "name": name, "board": board, "framework": framework, "vectors": vectors}
    context |= {"setup": setup, "board_name": f"{board.id}.toml" if board.text else board.id}
    context |= {"call": run_call(graph, setup.arena, bool(graph.states))}
    files = {
        "platformio.ini": "platformio.ini.j2",
        "README.md": "project_readme.md.j2",
        ".gitignore": "gitignore.j2",
        ".github/workflows/mcuq.yml": "workflow.yml.j2",
        "test/Makefile": "test_makefile.j2",
        "test/test_custom_runner.py": "test_custom_runner.py.j2",
        f"test/test_{name}/test_{name}.cpp": "test_model.cpp.j2",
    }
    if framework == "arduino":
        files["src/main.cpp"] = "main.cpp.j2"
    else:
        files["src/main.c"] = "main.c.j2"
        files["src/CMakeLists.txt"] = "src_cmakelists.txt.j2"
        files["CMakeLists.txt"] = "cmakelists.txt.j2"
        files["sdkconfig.defaults"] = "sdkconfig.defaults.j2"
    rendered = {path: render(template, context) for path, template in files.items()}
    rendered |= {setup.partition: setup.partition_text.encode()} if setup.partition_text else {}
    return rendered | ({f"{board.id}.toml": board.text.encode()} if board.text else {})


def _context(plan: Plan, content: Archive, outputs: Mapping[str, Array]) -> dict[str, Any]:
    inputs, results = borders(plan.graph)
    graph, kernels = plan.graph, sorted({step.params.kernel for step in plan.steps if not is_arrival(step)})
    tables, structs = _tables(plan, declared(graph.name, [border.argument for border in (*inputs, *results)]))
    count = len(next(iter(outputs.values())))
    return {
        "version": __version__,
        "version_number": _version_number(),
        "format": written_format(),
        "name": graph.name,
        "prefix": graph.name.upper(),
        "hash": archive.digest(content.graph),  # of the model as given, before any pass
        "plan": plan,
        "arena": content.setup.arena,
        "resets": states.resets(plan),
        "call": run_call(graph, content.setup.arena, bool(states.resets(plan))),
        "classes": named(graph, content.classes),
        "inputs": inputs,
        "outputs": results,
        "unread": _unread(plan, inputs),
        "offsets": border_offsets(plan, [*inputs, *results]),
        "signature": f"{', '.join(map(signature, inputs))} -> {', '.join(map(signature, results))}",
        "tables": tables,
        "structs": structs,
        "kernels": kernels,
        "units": [unit for suffix, unit in UNITS.items() if any(kernel.endswith(suffix) for kernel in kernels)],
        "loops": loops_of_calls(plan),
        **(_push(plan) if plan.rows_arrive else {}),
        "vectors": [
            {
                "inputs": [c_source.rows_text(content.samples[n][i]) for n in graph.inputs],
                "outputs": [c_source.rows_text(outputs[n][i]) for n in graph.outputs],
            }
            for i in range(count)
        ],
    }


def _unread(plan: Plan, inputs: Sequence[Border]) -> list[Border]:
    """Return the inputs that no step reads: in strips, those whose rows reach no output."""
    read = {plan.views[value].buffer if value in plan.views else value for step in plan.steps for value in step.inputs}
    return [border for border, name in zip(inputs, plan.graph.inputs, strict=True) if name not in read]


def _push(plan: Plan) -> dict[str, Any]:
    """Return what the template of a model needs whose input arrives in rows."""
    (name,) = plan.graph.inputs
    x, place = plan.graph.values[name], plan.buffers[progress_of(name)].offset
    mark = int(archive.digest(plan.graph)[:8], 16) | 1  # never 0, as memory often is
    rows = {"count": x.shape[1], "bytes": x.bytes // x.shape[1]}
    return {"stages": stages_of_calls(plan), "rows": rows, "push": {"mark": f"0x{mark:08x}u", "place": place}}


def _version_number() -> int:
    """Return the version as the C macro counts it: major * 10000 + minor * 100 + patch."""
    major, minor, patch = (int(part) for part in __version__.split("."))
    return major * 10000 + minor * 100 + patch


def _tables(plan: Plan, named: list[str]) -> tuple[list[str], list[str]]:
    """Return C text of all constant tables and parameter structs, equal ones once; ``named`` is there beside them."""
    distinct([*named, *names_within(plan)])
    tables: list[str] = []
    structs: list[str] = []
    known: dict[tuple[str, bytes], str] = {}
    aligned = alignments(plan)
    for name, buffer in plan.buffers.items():
        if buffer.region == "flash":
            values = plan.graph.constants[name].values
            tables.append(c_source.table_text(f"{values.dtype}_t", name, values, "constant operand", aligned[name]))
    for reset in states.resets(plan):
        if reset.value is None:
            tables.append(c_source.table_text("int8_t", reset.initial, reset.content, "state after a reset"))
    params = distinct_params(plan)
    called = {params[step.name] for step in plan.steps if not is_arrival(step)}
    for step in (step for step in plan.steps if step.name in called):
        names: dict[str, str] = {}
        for member, table, is_new in distinct_tables(step.name, step.params, known):
            names[member.name] = table
            if is_new:
                values = getattr(step.params, member.name)
                tables.append(c_source.table_text(member.ctype, table, values, alignment=aligned[table]))
        structs.append(c_source.struct_text(step.name, step.params, names))
    return tables, structs
