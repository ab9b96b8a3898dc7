"""Weights of MAC16 kernels are loaded as words; GCC aligns tables of bytes to words with -O2, but not with -Os."""

import subprocess

import numpy as np
from elftools.elf.elffile import ELFFile
from requirements import require

from mcuq import pipeline
from mcuq.archive import Archive
from mcuq.graph import Graph, Node
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.resources import resource
from mcuq.tensor import QConstant, QTensor

LAYERS = [(Conv2d(), (4, 2, 2, 4), 0), (DepthwiseConv2d(), (1, 2, 2, 4), 3), (FullyConnected(), (3, 64), 0)]


def layers(rng) -> Graph:
    values, constants, nodes = {"x": QTensor((1, 6, 6, 4), 0.1, 0)}, {}, []
    for i, (op, shape, axis) in enumerate(LAYERS):
        name, source = f"layer_{i}", nodes[-1].outputs[0] if nodes else "x"
        weights = rng.integers(-128, 128, shape).astype(np.int8)
        constants[f"w_{i}"] = QConstant(weights, np.full(shape[axis], 0.01), axis=axis)
        values[name] = QTensor(op.infer_shape(values[source].shape, shape), 0.1, 0)
        nodes.append(Node(name, op, (source, f"w_{i}"), (name,)))
    return Graph("aligned", ("x",), (nodes[-1].outputs[0],), tuple(nodes), values, constants).verify()


def test_weights_lie_at_multiples_of_4(rng, tmp_path):
    require("xtensa-lx106-elf-gcc")
    written = pipeline.write_project(Archive(layers(rng)), "esp32dev", tmp_path)
    assert all(step.params.kernel.endswith("_mac16") for step in written.plan.steps)
    source, made = tmp_path / "lib/aligned/src/aligned.c", tmp_path / "aligned.o"
    include = [f"-I{tmp_path / 'lib' / name / 'src'}" for name in ("aligned", "mcuq")]
    include += ["-isystem", str(resource("firmware") / "emulator" / "xtensa" / "include")]
    command = ["xtensa-lx106-elf-gcc", "-Os", "-std=c99", "-fdata-sections", *include, "-c", source, "-o", made]
    subprocess.run(command, check=True)
    with made.open("rb") as file:
        sections = list(ELFFile(file).iter_sections())
    alignments = {s.name: s["sh_addralign"] for s in sections if s.name.endswith("_weights") and ".rela" not in s.name}

    assert len(alignments) == len(LAYERS), alignments
    assert min(alignments.values()) >= 4, alignments
