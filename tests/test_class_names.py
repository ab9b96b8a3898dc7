"""Names of classes go with a model: into its file, its header, and every report."""

import json
import subprocess

import numpy as np
import pytest
from float_nets import Builder, samples
from requirements import require

from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.emit.classes import literal, named
from mcuq.errors import McuqError, UsageError
from mcuq.float_run import run as run_float
from mcuq.loading import quantize_float
from mcuq.ops.reshape import Reshape
from mcuq.samples.classes import class_names

NET = Builder((1, 6)).dense(4).graph()
NAMES = ("red fox", "Red-Fox", 'caf\u00e9 "1"', "what??/")
HEADER = "lib/net/src/net.h"


@pytest.fixture
def files(tmp_path):
    """A float model's integers without names, and labelled samples with them."""
    x = samples(NET, 80)
    labels = run_float(NET, {"x": x})[NET.outputs[0]].reshape(80, 4).argmax(axis=1)
    np.savez(tmp_path / "d.npz", X=x, Y=labels, class_names=np.array(NAMES))
    (tmp_path / "net.mcuq").write_bytes(archive.dump(quantize_float(NET, x)))
    return tmp_path


def test_a_file_of_samples_names_the_classes_of_what_it_calibrates(files):
    assert quantize_float(NET, files / "d.npz").classes == NAMES
    kept = archive.dump(quantize_float(NET, files / "d.npz"))
    (files / "again.mcuq").write_bytes(kept)
    assert archive.read(files / "again.mcuq").classes == NAMES
    assert archive.read(files / "net.mcuq").classes == ()


def test_they_reach_the_header_and_c_says_them(run, files):
    require("gcc")
    (files / "names.txt").write_text("\n".join(NAMES), "utf-8")
    arguments = ("build", files / "net.mcuq", "--board", "esp32dev", "--out", files / "p", "--name", "net")
    assert run(*arguments, "--classes", files / "names.txt")[0] == 0
    header = (files / "p" / HEADER).read_text()
    assert "NET_CLASS_RED_FOX_0 = 0,\n    NET_CLASS_RED_FOX_1 = 1,\n    NET_CLASS_CAF_1 = 2,\n" in header
    main = '#include "net.h"\n#include <stdio.h>\nint main(void) { for (int i = 0; i < NET_CLASSES; i++)'
    main += " puts(net_class_names[i]); return NET_CLASS_WHAT; }\n"
    (files / "main.c").write_text(main)
    folders = [f"-I{files / 'p' / 'lib' / name / 'src'}" for name in ("mcuq", "net")]
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wtrigraphs", "-ffunction-sections"]
    sources = [files / "main.c", *(files / "p/lib/net/src").glob("net.c"), *(files / "p/lib/mcuq/src").glob("*_s8*.c")]
    command = ["gcc", *flags, *folders, *sources, "-Wl,--gc-sections", "-o", files / "main", "-lm"]
    subprocess.run(command, check=True)
    done = subprocess.run([files / "main"], capture_output=True, check=False)

    assert done.stdout.decode() == "".join(f"{name}\n" for name in NAMES)
    assert done.returncode == 3
    assert archive.read(files / "p/net.mcuq").classes == NAMES


def test_a_model_without_names_has_none_of_it(run, files):
    assert run("build", files / "net.mcuq", "--board", "esp32dev", "--out", files / "p")[0] == 0
    assert "class" not in (files / "p" / HEADER).read_text()


def test_reports_say_them(run, files):
    """Also for labels that are numbers; and a model's own names read labels that are text."""
    with np.load(files / "d.npz") as known:
        x, labels = known["X"], known["Y"]
    labels[:10] = (labels[:10] + 1) % 4
    np.savez(files / "numbers.npz", X=x, Y=labels)
    np.savez(files / "text.npz", X=x, Y=np.array(NAMES)[labels])
    (files / "named.mcuq").write_bytes(archive.dump(quantize_float(NET, files / "d.npz")))
    found = [
        json.loads(run("evaluate", files / "named.mcuq", "--data", files / name, "--json")[1])
        for name in ("numbers.npz", "text.npz")
    ]
    text = run("evaluate", files / "named.mcuq", "--data", files / "numbers.npz")[1]

    assert found[0]["float"]["classes"] == found[1]["float"]["classes"]
    assert found[0]["float"]["classes"]["names"] == list(NAMES)
    assert any(f"class {name}: recall" in text for name in NAMES)


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["a"], "names 1 classes"),
        (["a", "b", "a"], "'a' names two classes"),
        (["a", " "], "names no class"),
        (["a", "b\nc"], "names no class"),
        (["a", "\u202eb"], "names no class"),
        (["a", "x" * 61], "at most 60 characters"),
        (["a", 3], "names no class"),
    ],
)
def test_what_names_no_classes_is_refused(tmp_path, names, match):
    with pytest.raises(UsageError, match=match):
        class_names(names, "names.txt")
    graph = quantize_float(NET, samples(NET, 20)).graph
    (tmp_path / "m.mcuq").write_bytes(archive.dump(Archive(graph, classes=tuple(names))))
    with pytest.raises(McuqError, match=match):
        archive.read(tmp_path / "m.mcuq")


def test_as_many_as_the_model_tells_apart():
    graph = quantize_float(NET, samples(NET, 20)).graph
    with pytest.raises(UsageError, match="2 classes are named, the model tells 4 apart"):
        named(graph, ("a", "b"))
    assert len({c.constant for c in named(graph, ("a", "A", "a_0", "!"))}) == 4


def test_one_output_tells_two_apart():
    one = Builder((1, 6)).dense(1).graph()
    graph = quantize_float(one, samples(one, 20)).graph
    assert [c.literal for c in named(graph, ("no", "yes"))] == ['"no"', '"yes"']


def test_a_scalar_tells_two_apart(tmp_path):
    scalar = Builder((1, 6)).dense(1).add(Reshape(())).graph()
    graph = quantize_float(scalar, samples(scalar, 20)).graph
    written = pipeline.write_project(Archive(graph, classes=("no", "yes")), "esp32dev", tmp_path)

    assert written.plan.graph.values[graph.outputs[0]].shape == ()
    assert "below and from the threshold on" in next(tmp_path.glob("lib/*/src/net.h")).read_text()


def test_literals_cannot_be_left():
    assert literal('"); system("rm") //\\') == '"\\"); system(\\"rm\\") //\\\\"'
