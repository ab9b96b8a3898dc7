"""`mcuq simulate` wrote outputs without the batch dimension, `mcuq.simulate` returned them with it."""

from pathlib import Path

import numpy as np
import pytest
from models import multi_border_graph, small_graph

import mcuq
from mcuq import archive


@pytest.mark.parametrize(("make", "suffix"), [(small_graph, ".npy"), (multi_border_graph, ".npz")])
def test_both_give_the_same_shape_and_bytes(run, rng, tmp_path: Path, make, suffix):
    graph = make(rng)
    model, given, written = tmp_path / "m.mcuq", tmp_path / "x.npz", tmp_path / f"y{suffix}"
    model.write_bytes(archive.dump(archive.Archive(graph)))
    x = {name: rng.normal(size=(5, *graph.values[name].shape[1:])).astype(np.float32) for name in graph.inputs}
    np.savez(given, **x)
    assert run("simulate", model, "--input", given, "--output", written)[0] == 0
    found = mcuq.simulate(mcuq.compile(graph), x)

    for name in graph.outputs:
        ours = found if len(graph.outputs) == 1 else found[name]
        theirs = np.load(written) if suffix == ".npy" else np.load(written)[name]
        assert ours.shape == theirs.shape == (5, *graph.values[name].shape[1:])
        np.testing.assert_array_equal(ours, theirs)
