"""Write ``mcuq/schemas/*.json``, JSON Schemas of what mcuq prints and pages hold: ``tools/schemas.py [--check]``."""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "mcuq/schemas"
S, I, N, B = ({"type": name} for name in ("string", "integer", "number", "boolean"))  # noqa: E741


def maybe(schema):
    """The same, or null: what there is none of."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def array(items):
    """A list of these."""
    return {"type": "array", "items": items}


def table(values):
    """An object whose keys are names: of layers, outputs, memory."""
    return {"type": "object", "additionalProperties": values}


def record(required, optional=()):
    """An object with these fields and no other."""
    properties = {**required, **dict(optional)}
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def ref(name):
    """What is defined once in a document."""
    return {"$ref": f"#/$defs/{name}"}


REGION = record({
    "region": S, "needed": I, "available": I, "free": I, "verdict": S, "basis": S, "breakdown": table(I),
    "sources": array(S),
})  # fmt: skip
STEP = record({"name": S, "layer": S, "kernel": S, "instructions": I, "cycles": I, "flash": I})
TIME = record({
    "model": S, "basis": S, "milliseconds": N, "low": N, "high": N, "error": maybe(N), "clock": I, "instructions": I,
    "layers": array(STEP), "sources": array(S), "problem": S, "rates": array(N), "text": S,
})  # fmt: skip
SPEED = record({"layers": array(S), "kept_back": array(S), "flash": I, "arena": I, "instructions": I})
CHAINS = record({"layers": array(S), "without": record({"total_bytes": I, "milliseconds": N, "is_slow": B})})
FIT = {
    "model": S, "board": S, "chip": S, "framework": S, "sdk": S, "partition": S, "arena": S, "arena_bytes": I,
    "total_bytes": I, "fits": B, "problem": S, "regions": array(REGION), "speed": maybe(SPEED), "chains": maybe(CHAINS),
    "smaller": array(record({"ram": I, "instructions": N})),
    "suggestions": array(record({"change": S, "free": I, "saves": I})), "remarks": array(S), "times": array(TIME),
}  # fmt: skip
FIGURE = record({"value": N, "standard_error": N})
CLASSES = record({
    "names": array(S), "confusion": array(array(I)), "recall": array(maybe(N)), "precision": array(maybe(N)),
})  # fmt: skip
METRICS = record({
    "answers": I, "accuracy": maybe(FIGURE), "auc": maybe(FIGURE),
    "best_threshold": maybe(record({"threshold": N, "accuracy": N})), "top": maybe(table(N)),
    "classes": maybe(CLASSES), "labels": maybe(array(N)), "rmse": maybe(FIGURE), "mae": maybe(N), "r2": maybe(N),
})  # fmt: skip
JUDGED = {"task": maybe(S), "judged_by": maybe(S), "correct": maybe(I), "accuracy": maybe(N), "rmse": maybe(N)}
FACTS = {"op": S, "shape": array(I), "bits": maybe(I), "parameters": I, "macs": I}
SPREAD = record({"minimum": I, "median": I, "maximum": I})
FIRST = record({"sample": I, "step": S, "kernel": S, "element": I, "expected": I, "got": I, "is_sequence": B})
VERIFIED = record({
    "model": S, "engine": S, "chip": S, "samples": I, "different": I, "first": maybe(FIRST), "self_test": maybe(B),
    "microseconds": maybe(SPREAD), "cycles": maybe(SPREAD), "instructions": maybe(SPREAD), "layers": table(I),
    "stack_used": I, "free_heap": I, "faults": I, "notes": array(S), "outputs": table(I), "firmware": S, "revision": S,
    "passed": B,
}, JUDGED)  # fmt: skip
INSPECTED = record(
    {"name": S, "op": S, "shape": array(I), "parameters": I, "macs": I},
    {"bits": I, "scale": N, "zero_point": I, "weights": S},
)
BORDER = record({"shape": array(I), "dtype": S}, {"scale": N, "zero_point": I, "kind": S, "bits": I})
NOISE = record({
    "name": S, "op": S, "weights_sqnr": maybe(N), "output_sqnr": maybe(N), "own_sqnr": maybe(N), "clipped": N,
    "mostly": S, "error_by": table(N), "tried": table(N), "wider_activations_gain": maybe(N), "hint": S,
})  # fmt: skip
ROW = record({
    "name": S, **FACTS, "kernels": array(S), "why": S, "how": S, "steps": I, "flash": I, "instructions": maybe(I),
    "estimated": maybe(I), "milliseconds": maybe(N),
})  # fmt: skip
TOTALS = record({
    "parameters": I, "macs": I, "flash": I, "instructions": maybe(I), "estimated": maybe(I), "milliseconds": maybe(N),
})  # fmt: skip
LIMIT = record({"limit": S, "board": S, "wanted": N, "found": N, "unit": S, "holds": B, "text": S, "name": S})
CHANGED = maybe(record({**FACTS, "instructions": maybe(I), "microseconds": maybe(N)}))
FOUND = record({
    "flash": I, "weights": I, "instructions": maybe(I), "accuracy": N, "lost": N, "lost_error": N, "layers": table(S),
    "taken": B,
})  # fmt: skip
BOARD = record({"id": S, "name": S, "chip": S, "frameworks": array(S), "platforms": table(array(S))})
TOOL = record({"name": S, "kind": S, "found": S, "serves": S, "install": S, "present": B})
FIT_DEFS = {"fit": record(FIT)}

DOCUMENTS = {
    "boards": ({"boards": array(BOARD)}, {}, {}),
    "build": (
        {
            "model": S, "directory": maybe(S), "fit": ref("fit"), "changed": array(S), "kept": array(S),
            "notes": array(S),
        },
        {"arduino_zip": S},
        FIT_DEFS,
    ),
    "check": (FIT, {}, {}),
    "check-boards": ({"boards": array(ref("fit"))}, {}, FIT_DEFS),
    "compare": (
        {
            "before": S, "after": S, "board": S,
            "figures": array(record(
                {"what": S, "unit": S, "before": maybe(N), "after": maybe(N), "difference": maybe(N)}
            )),
            "layers": array(record({"name": S, "before": CHANGED, "after": CHANGED})), "notes": array(S),
        }, {}, {},
    ),
    "doctor": ({"parts": array(TOOL)}, {}, {}),
    "evaluate": (
        {
            "model": S, "samples": I, "layers": array(NOISE), "float_accuracy": maybe(N), "integer_accuracy": maybe(N),
            "agreement": maybe(N), "task": maybe(S), "judged_by": maybe(S), "float_rmse": maybe(N),
            "integer_rmse": maybe(N), "difference": maybe(N), "float": maybe(ref("metrics")),
            "integers": maybe(ref("metrics")), "gain": maybe(FIGURE), "notes": array(S), "look_at_first": maybe(S),
        }, {}, {"metrics": METRICS},
    ),
    "figures": (
        {
            "model": S, "board": S, "framework": S, "figures": array(record({"what": S, "unit": S, "value": N})),
            "layers": array(record({"name": S, **FACTS, "instructions": maybe(I), "microseconds": maybe(N)})),
        }, {}, {},
    ),
    "gate": ({"model": S, "passed": B, "limits": array(LIMIT)}, {}, {}),
    "inspect": ({"model": S, "borders": table(BORDER), "layers": array(INSPECTED), "parameters": I, "macs": I}, {}, {}),
    "memory": (
        {
            "arena": I, "bound": I, "rows": array(record({"step": S, "bytes": I, "bar": S})), "peak": S,
            "largest": array(array({"type": ["string", "integer"]})),
        }, {}, {},
    ),
    "ops": (
        {"operators": array(record({"op": S, "formula": S, "formats": array(S), "constraints": array(S)}))}, {}, {},
    ),
    "quantize": ({"model": S, "output": S, "bytes": I, "layers": I, "notes": array(S)}, {}, {}),
    "report": (
        {
            "model": S, "output": S, "bytes": I, "fit": ref("fit"), "layers": array(ROW), "totals": TOTALS,
            "notes": array(S),
        }, {}, FIT_DEFS,
    ),
    "search": (
        {
            "model": S, "board": S, "samples": I, "notes": array(S), "float_accuracy": N, "int8_accuracy": N,
            "max_drop": N, "margin": N, "measured": I, "from_journal": I, "rows": array(FOUND), "output": S, "bytes": I,
        }, {}, {},
    ),
    "simulate": (
        {"model": S, "engine": S, "samples": I, "notes": array(S)}, {**JUDGED, "output": S, "outputs": array(S)}, {},
    ),
    "verify": ({"models": array(VERIFIED)}, {}, {}),
}  # fmt: skip


def text(kind):
    """Return the content of a schema's file."""
    from mcuq.page.figures import SCHEMA  # noqa: PLC0415
    from mcuq.report import VERSIONS  # noqa: PLC0415

    required, optional, defined = DOCUMENTS[kind]
    identity = SCHEMA if kind == "figures" else f"mcuq/{kind}/{VERSIONS[kind]}"
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identity,
    }
    schema |= {"title": f"What mcuq prints as {kind}; see docs/json.md"}
    schema |= record({"schema": {"const": schema["$id"]}, **required}, optional)
    return json.dumps(schema | ({"$defs": defined} if defined else {}), indent=1) + "\n"


def main(arguments):
    """Write what differs; with ``--check`` only say so."""
    wrong = [k for k in DOCUMENTS if not (p := FOLDER / f"{k}.json").exists() or p.read_text("utf-8") != text(k)]
    for kind in wrong if "--check" not in arguments else ():
        (FOLDER / f"{kind}.json").write_text(text(kind), "utf-8")
    print(f"{'differ' if '--check' in arguments else 'written'}: {', '.join(wrong) or 'none'}")
    return int(bool(wrong) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
