"""Write what a commit of mcuq 0.1.0 wrote (README.md beside it), with that commit's mcuq and tests on the path."""

import subprocess
import sys
import tarfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import models
import numpy as np

import mcuq
from mcuq import archive
from mcuq.archive import Archive
from mcuq.simulator import simulate

BOARD, FRAMEWORK = "esp32-c3-devkitm-1", "espidf"


def quantized() -> list[Archive]:
    """Return the models that the commit can make."""
    made = [Archive(models.small_graph(np.random.default_rng(0), "int8"))]
    made.append(Archive(models.multi_border_graph(np.random.default_rng(0), "multi")))
    if hasattr(models, "remembering_graph"):
        made.append(Archive(models.remembering_graph(np.random.default_rng(0), "states")))
    elif find_spec("float_nets"):
        from float_nets import separable_net
        from mcuq.opening import quantize_float

        net = separable_net(0)
        x = np.random.default_rng(2).normal(size=(50, *net.shapes["x"][1:])).astype(np.float32)
        made.append(quantize_float(replace(net, name="bits4"), x, {"bits": 4}))
        made.append(quantize_float(replace(net, name="codebook"), x, {"codebook": 16}))
    return made


def main(folder: Path) -> None:
    """Write archives, what their models compute, and a project of two of them."""
    folder.mkdir()
    for model in quantized():
        graph, rng = model.graph, np.random.default_rng(1)
        x = {n: rng.integers(*graph.values[n].limits, (6, *graph.values[n].shape), endpoint=True) for n in graph.inputs}
        x = {n: integers.astype(graph.values[n].dtype) for n, integers in x.items()}
        arrays = x | simulate(mcuq.compile(graph), x)
        (folder / f"{graph.name}.mcuq").write_bytes(archive.dump(model))
        np.savez_compressed(folder / f"{graph.name}.npz", **arrays)
    if hasattr(models, "remembering_graph"):
        return
    build = [sys.executable, "-m", "mcuq", "build", "--board", BOARD, "--framework", FRAMEWORK, "--out", "project"]
    for name in ("int8.mcuq", "multi.mcuq"):
        subprocess.run([*build, name], cwd=folder, check=True)
    with tarfile.open(folder / "project.tar.xz", "w:xz") as packed:
        packed.add(folder / "project", "project", filter=_kept)


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what no verb reads: most kernels' C. The first commit's project is whole."""
    name = Path(member.name)
    is_kernel = name.parent == Path("project/lib/mcuq/src") and ("_s8" in name.name or "lx6" in name.name)
    return None if is_kernel and find_spec("float_nets") else member


if __name__ == "__main__":
    main(Path(sys.argv[1]))
