"""Buffer offsets by CP-SAT: a program of its own that reads a problem as JSON from stdin and writes offsets to stdout.

A problem holds ``items`` (bytes, alignment), ``apart`` (a, b, lo, hi: offset b - offset a is at most -lo or at least
hi), ``hint`` (offsets to start from), ``bound`` and ``end`` (between which the arena's size lies) and ``seconds``.
One worker, a fixed seed and a limit in CP-SAT's own deterministic time make the result repeatable.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any


def solve(problem: Mapping[str, Any]) -> list[int]:
    """Return the offsets of the smallest arena found; none if there is nothing better than the hint."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    end = model.new_int_var(problem["bound"], problem["end"], "arena")
    offsets = []
    for i, (size, alignment) in enumerate(problem["items"]):
        slot = model.new_int_var(0, (problem["end"] - size) // alignment, f"slot_{i}")
        model.add_hint(slot, problem["hint"][i] // alignment)
        offsets.append(slot * alignment)
        model.add(offsets[i] + size <= end)
    for a, b, lo, hi in problem["apart"]:
        ahead = model.new_bool_var(f"ahead_{a}_{b}")
        model.add(offsets[b] - offsets[a] <= -lo).only_enforce_if(ahead)
        model.add(offsets[b] - offsets[a] >= hi).only_enforce_if(~ahead)
    model.minimize(end)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = problem["seconds"]
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return []
    return [int(solver.value(offset)) for offset in offsets]


if __name__ == "__main__":
    json.dump(solve(json.load(sys.stdin)), sys.stdout)
