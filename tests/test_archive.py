"""The .mcuq file: lossless, deterministic, and nothing in it is trusted."""

import io
import json
import zipfile

import numpy as np
import pytest
from models import small_graph

from mcuq import archive
from mcuq.archive import Archive
from mcuq.errors import MalformedModelError
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.target.record import Record, record_path
from mcuq.target.setup import Setup


@pytest.fixture
def content(rng):
    graph = small_graph(rng)
    samples = {graph.inputs[0]: rng.integers(-128, 128, (2, *graph.values[graph.inputs[0]].shape)).astype(np.int8)}
    return Archive(graph, samples, "esp32dev", "arduino")


def rewritten(data: bytes, change) -> bytes:
    """Return the archive with ``change`` applied to its JSON."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "model.json":
                header = json.loads(content)
                change(header)
                content = json.dumps(header).encode()
            new.writestr(name, content)
    return target.getvalue()


def test_round_trip_keeps_everything(content, tmp_path):
    path = tmp_path / "m.mcuq"
    path.write_bytes(archive.dump(content))
    again = archive.read(path)

    assert archive.dump(again) == archive.dump(content)
    assert archive.digest(again.graph) == archive.digest(content.graph)
    x = content.samples
    a, b = (simulate(build_plan(g), x) for g in (content.graph, again.graph))
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_in_a_project_it_comes_with_what_was_decided_there(content, tmp_path):
    path = tmp_path / f"{content.graph.name}.mcuq"
    path.write_bytes(archive.dump(content))
    record = record_path(tmp_path, content.graph.name)
    record.parent.mkdir(parents=True)
    record.write_bytes(Record("esp32dev", "arduino", Setup(wifi=True)).dump())
    again = archive.read(path)
    assert (again.board, again.framework, again.setup) == ("esp32dev", "arduino", Setup(wifi=True))


def test_a_file_of_the_first_version_knows_its_project(content, tmp_path):
    path = tmp_path / "m.mcuq"
    project = {"board": "esp32dev", "framework": "arduino", "setup": {"wifi": True}}
    path.write_bytes(rewritten(archive.dump(content), lambda header: header.update(project=project)))
    again = archive.read(path)
    assert (again.board, again.framework, again.setup) == ("esp32dev", "arduino", Setup(wifi=True, slower=0))


def test_same_model_same_bytes(content):
    assert archive.dump(content) == archive.dump(content)


def test_digest_depends_on_weights_and_scales(rng, content):
    graph = content.graph
    other = small_graph(np.random.default_rng(1))

    assert archive.digest(graph) == archive.digest(small_graph(np.random.default_rng(0)))
    assert archive.digest(graph) != archive.digest(other)


BREAKAGES = {
    "format": lambda h: h.update(format=99),
    "no nodes key": lambda h: h.pop("nodes"),
    "unknown op": lambda h: h["nodes"][0].update(op="telepathy"),
    "op attribute of wrong type": lambda h: h["nodes"][0]["attributes"].update(stride="fast"),
    "op attribute unknown": lambda h: h["nodes"][0]["attributes"].update(colour=1),
    "cycle": lambda h: h["nodes"].reverse(),
    "missing value": lambda h: h["values"].pop(h["inputs"][0]),
    "dtype": lambda h: h["values"][h["inputs"][0]].update(dtype="float64"),
    "scale is text": lambda h: h["values"][h["inputs"][0]].update(scale="big"),
    "scale negative": lambda h: h["values"][h["inputs"][0]].update(scale=-1.0),
    "constant without scale": lambda h: next(iter(h["constants"].values())).update(scale=[]),
    "name that is C code": lambda h: h.update(name='x"; system("true'),
    "node name that is C code": lambda h: h["nodes"][0].update(name="x; abort()"),
    "shape of text": lambda h: h["values"][h["inputs"][0]].update(shape=["a"]),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_broken_json_is_refused(content, tmp_path, breakage):
    path = tmp_path / "m.mcuq"
    path.write_bytes(rewritten(archive.dump(content), BREAKAGES[breakage]))
    with pytest.raises(MalformedModelError) as error:
        archive.read(path)

    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a zip at all" * 100])
def test_not_an_archive(tmp_path, data):
    path = tmp_path / "m.mcuq"
    path.write_bytes(data)
    with pytest.raises(MalformedModelError):
        archive.read(path)


def test_pickle_is_never_read(content, tmp_path):
    """An .npy with an object array inside must not be unpickled."""
    target = io.BytesIO()
    evil = io.BytesIO()
    np.save(evil, np.array([{"a": 1}], object), allow_pickle=True)
    with zipfile.ZipFile(io.BytesIO(archive.dump(content))) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, evil.getvalue() if name.startswith("constants/") else old.read(name))
    path = tmp_path / "m.mcuq"
    path.write_bytes(target.getvalue())
    with pytest.raises(MalformedModelError):
        archive.read(path)


def test_every_truncation_is_refused(content, tmp_path):
    data = archive.dump(content)
    path = tmp_path / "m.mcuq"
    for length in range(0, len(data) - 1, max(1, len(data) // 60)):
        path.write_bytes(data[:length])
        with pytest.raises(MalformedModelError):
            archive.read(path)
