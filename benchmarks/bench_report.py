"""Results of bench.py as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CHIPS = {
    "rv32": "RV32IMC",
    "xtensa": "Xtensa (dc233c)",
    "s2": "ESP32-S2 (dc233c)",
    "s3": "ESP32-S3 (dc233c, vector unit emulated)",
}
MOST_PER_MAC = {
    "rv32": {"kws": 3.1, "ic": 3.0, "vww": 2.2, "ad": 3.4, "sww": 3.2},
    "s2": {"kws": 5.0, "ic": 4.3, "vww": 3.5},
    "s3": {"kws": 0.21, "ic": 0.16, "vww": 0.22, "ad": 0.15, "sww": 0.21},
}
QUOTED = {"s3": {"kws": 1.48, "ic": 1.11, "vww": 1.66, "ad": 4.9}}  # ESP-NN's assembly, its layers alone, per MAC
MOST_WITH_SPEED = {"rv32": {"ic": 2.2}}
LEAST_RATIO = {
    "rv32": {"kws": 3.9, "ic": 3.6, "vww": 4.4, "ad": 1.75, "sww": 2.8},
    "xtensa": {"kws": 6.0, "ic": 6.0, "vww": 7.0, "ad": 3.8, "sww": 5.0},
}
NOTES = """\
All sides: one compiler per chip, the same flags (-O2; the peers on RV32IMC at the better of -O2 and -O3), one run, one
input. Whole inference: all layers and all between them. MACs are those of the published model, also where mcuq leaves
channels out (`passes/fold_constant_channels`). The peers' models end before the last Softmax, which BakeNN does not
have; mcuq's counts include it. Code: what the model adds to a program that does nothing, library helpers included; of
a layer, its kernel's file without the cores that an ESP32's kernels share. On the dc233c core, which has no mulsh, an
output of theirs takes nine instructions more than on an ESP32, one of an ESP32-S2's kernels thirteen. Instructions are
not seconds. Written by `make bench`.

- portable: BakeNN 1.0.0's portable C.
- bakenn: what BakeNN chooses for an ESP32-C3. Its target knows no ESP-NN for that chip, so these are its own kernels
  ("ESP-NN, RV32IMC" in the project's earlier figures).
- esp_nn: ESP-NN's generic C as BakeNN calls it on an ESP32 (CONFIG_NN_OPTIMIZED), compiled for the chip in question.
- ESP-NN's assembly for the ESP32-S3: measured once on an emulated LX7, its layers alone; not run here."""


def markdown(content: Mapping[str, Any]) -> str:
    """Return the whole report."""
    parts = [f"# Instructions on the emulated chips, {content['date']}", NOTES, summary(content)]
    parts.append("\n".join(f"- {tool}: {version}" for tool, version in content["tools"].items()))
    for isa, models in content["chips"].items():
        for name, result in models.items():
            parts.append(f"## {name.upper()} on {CHIPS[isa]}")
            parts.append(_layers(result))
    return "\n\n".join(parts) + "\n"


def summary(content: Mapping[str, Any]) -> str:
    """Return one table per chip: models side by side."""
    parts = []
    for isa, models in content["chips"].items():
        rows = list(_summary_rows(isa, models))
        parts.append(_table([CHIPS[isa], *(f"> {name.upper()}" for name in models)], rows))
    return "\n\n".join(parts)


def _summary_rows(isa: str, models: Mapping[str, Any]) -> Iterator[list[str]]:
    def row(what: str, cells: Mapping[str, str]) -> list[str]:
        return [what, *(cells[name] for name in models)]

    yield row("MACs of the published model", {n: f"{r['macs']:,}" for n, r in models.items()})
    yield row("mcuq, instructions", {n: f"{r['mcuq']['instructions']:,}" for n, r in models.items()})
    yield row(
        "**mcuq, instructions/MAC**", {n: _goal(_per_mac(r), isa, n, MOST_PER_MAC, "<=") for n, r in models.items()}
    )
    if quoted := QUOTED.get(isa):
        cells = {n: f"{quoted[n]:.2f}" if n in quoted else "" for n in models}
        yield row("ESP-NN's assembly, instructions/MAC (quoted)", cells)
    for kind in next(iter(models.values()))["peers"]:
        yield row(f"{kind}, instructions", {n: f"{r['peers'][kind]['instructions']:,}" for n, r in models.items()})
    for peer in dict.fromkeys(kind.split()[0] for kind in next(iter(models.values()))["peers"]):
        best = {n: _best(r, peer) for n, r in models.items()}
        yield row(f"{peer}, instructions/MAC", {n: f"{best[n] / r['macs']:.2f}" for n, r in models.items()})
        ratios = {n: best[n] / r["mcuq"]["instructions"] for n, r in models.items()}
        goals = LEAST_RATIO if peer != "portable" else {}
        yield row(f"**{peer} / mcuq**", {n: _goal(ratio, isa, n, goals, ">=") for n, ratio in ratios.items()})
    for what in ("code", "constants", "arena"):
        yield row(f"mcuq, {what} bytes", {n: f"{r['mcuq'][what]:,}" for n, r in models.items()})
        if all("esp_nn -O2" in r["peers"] for r in models.values()):
            peer = {n: f"{r['peers']['esp_nn -O2'][what]:,}" for n, r in models.items()}
            yield row(f"esp_nn -O2, {what} bytes", peer)
    yield row("mcuq, scratch bytes (part of the arena)", {n: f"{r['mcuq']['scratch']:,}" for n, r in models.items()})
    if any(r["speed"] for r in models.values()):
        fast = {n: r["speed"] or r["mcuq"] for n, r in models.items()}
        yield row("mcuq --speed, instructions", {n: f"{r['instructions']:,}" for n, r in fast.items()})
        ratios = {n: r["instructions"] / models[n]["macs"] for n, r in fast.items()}
        goals = {n: _goal(ratio, isa, n, MOST_WITH_SPEED, "<=") for n, ratio in ratios.items()}
        yield row("**mcuq --speed, instructions/MAC**", goals)
        for what in ("code", "constants", "arena", "scratch"):
            yield row(f"mcuq --speed, {what} bytes", {n: f"{r[what]:,}" for n, r in fast.items()})
        yield row("mcuq --speed against TFLM", {n: _bytes(r) for n, r in fast.items()})
    yield row("mcuq against TFLM", {n: _bytes(r["mcuq"]) for n, r in models.items()})
    for kind in next(iter(models.values()))["peers"]:
        yield row(f"{kind} against TFLM", {n: _bytes(r["peers"][kind]) for n, r in models.items()})


def _per_mac(result: Mapping[str, Any]) -> float:
    return float(result["mcuq"]["instructions"] / result["macs"])


def _best(result: Mapping[str, Any], peer: str) -> int:
    """Return a peer's instructions at the better of its levels."""
    return min(int(r["instructions"]) for kind, r in result["peers"].items() if kind.startswith(peer))


def _goal(value: float, isa: str, name: str, goals: Mapping[str, Mapping[str, float]], sign: str) -> str:
    goal = goals.get(isa, {}).get(name)
    if goal is None:
        return f"{value:.2f}"
    met = value <= goal if sign == "<=" else value >= goal
    return f"{value:.2f} ({sign} {goal:g}: {'yes' if met else 'no'})"


def _bytes(result: Mapping[str, Any]) -> str:
    if not result["different_bytes"]:
        return "same bytes"
    return f"{result['different_bytes']} differ, by up to {result['largest_difference']}"


def _layers(result: Mapping[str, Any]) -> str:
    kinds = list(result["peers"])
    folded = result["macs"] != result["macs_left"]
    columns = ["layer", "output", "> MACs", *(["> of which left"] if folded else []), "kernel"]
    columns += ["> instructions", "> per MAC", "> kernel's code", "> scratch", *(f"> {kind}" for kind in kinds)]
    rows = []
    for layer in result["layers"]:
        left = [f"{layer['macs_left']:,}"] if folded else []
        rows.append(
            [
                layer["name"],
                "x".join(map(str, layer["shape"][1:])),
                f"{layer['macs']:,}",
                *left,
                layer["kernel"],
                f"{layer['instructions']:,}",
                f"{layer['instructions'] / layer['macs']:.2f}" if layer["macs"] else "",
                f"{layer['code']:,}",
                f"{layer['scratch']:,}",
                *("" if (steps := layer["peers"][kind]) is None else f"{steps:,}" for kind in kinds),
            ]
        )
    return _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; a leading ">" right-aligns."""
    rule = ["---:" if name.startswith(">") else "---" for name in columns]
    lines = [[name.removeprefix("> ") for name in columns], rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
