"""Calibration data in every form, and what is said about data that does not fit."""

from dataclasses import replace

import numpy as np
import pytest
from float_nets import separable_net
from requirements import require_module

from mcuq.errors import UsageError
from mcuq.quantization.samples import batches

SHAPE = (6, 5, 3)


@pytest.fixture
def x(rng):
    return rng.normal(size=(10, *SHAPE)).astype(np.float32)


def collected(graph, data):
    parts = list(batches(graph, data))
    labels = None if parts[0].labels is None else np.concatenate([part.labels for part in parts])
    return np.concatenate([part.inputs["x"] for part in parts]), labels


FORMS = {
    "array": lambda x: x,
    "with batch dimension": lambda x: x[:, np.newaxis],
    "mapping": lambda x: {"x": x},
    "array and labels": lambda x: (x, np.arange(10)),
    "array and one-hot labels": lambda x: (x, np.eye(10)),
    "list of samples": list,
    "list of samples with a batch dimension": lambda x: [s[np.newaxis] for s in x],
    "generator of batches": lambda x: (x[i : i + 3] for i in range(0, 10, 3)),
    "batches with labels": lambda x: [(x[:4], np.arange(4)), (x[4:], np.arange(4, 10))],
    "batches with labels as lists": lambda x: [[x[:4], np.arange(4)], [x[4:], np.arange(4, 10)]],
    "mappings": lambda x: ({"x": s} for s in x),
    "single samples with labels": lambda x: zip(x, range(10), strict=True),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(x, form):
    found, labels = collected(separable_net(), FORMS[form](x))
    np.testing.assert_array_equal(found[:, 0], x)
    assert found.dtype == np.float32
    if "labels" in form:
        np.testing.assert_array_equal(labels, np.eye(10) if "one-hot" in form else np.arange(10))


@pytest.mark.parametrize("file", ["X.npy", "X.npz", "named.npz"])
def test_files(x, tmp_path, file):
    path = tmp_path / file
    if file == "X.npy":
        np.save(path, x)
    else:
        np.savez(path, **{"X" if file == "X.npz" else "x": x, "Y": np.arange(10)})
    found, labels = collected(separable_net(), str(path) if file == "X.npy" else path)
    np.testing.assert_array_equal(found[:, 0], x)
    assert file == "X.npy" or labels.tolist() == list(range(10))


def test_a_npy_file_is_not_held_in_memory(tmp_path):
    """A file of 4 GB, sparse on disk, in a quarter of a second and little memory: only what is asked for is read."""
    shape = (11_000_000, *SHAPE)
    array = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, shape)
    array[:64] = 1
    del array
    first = next(iter(batches(separable_net(), tmp_path / "X.npy")))
    assert len(first) == 64 and (first.inputs["x"] == 1).all()


def test_data_loader(x):
    torch = require_module("torch", 'pip install "mcuq[torch]"')
    data = torch.utils.data.TensorDataset(torch.tensor(x), torch.arange(10))
    found, labels = collected(separable_net(), torch.utils.data.DataLoader(data, batch_size=4))
    np.testing.assert_array_equal(found[:, 0], x)
    np.testing.assert_array_equal(labels, np.arange(10))
    graded = torch.tensor(x, requires_grad=True)
    np.testing.assert_array_equal(collected(separable_net(), graded)[0][:, 0], x)


def test_integers_are_real_values():
    found, _ = collected(separable_net(), np.full((2, *SHAPE), 200, np.uint8))
    assert (found == 200.0).all()


def test_layouts_are_applied(x):
    """A model trained in NCHW gets NCHW samples; the graph is NHWC."""
    graph = replace(separable_net(), layouts={"x": (0, 2, 3, 1)})
    found, _ = collected(graph, x.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(found[:, 0], x)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda x: x.transpose(0, 3, 1, 2), "looks like NCHW; the model was trained with NHWC"),
        (lambda x: x[:, :, :4], "samples of shape [10, 6, 4, 3], expected [N, 6, 5, 3]"),
        (lambda x: x[:0], "holds no samples"),
        (lambda x: [], "holds no samples"),
        (lambda x: iter(()), "holds no samples"),
        (lambda x: np.where(x > 2, np.nan, x), "x hold NaN"),
        (lambda x: np.where(x > 2, np.inf, x), "x hold NaN or infinite"),
        (lambda x: {"y": x}, "no array 'x'"),
        (lambda x: (x, np.arange(9)), "10 samples and 9 labels"),
        (lambda x: np.array(["a"]), "values of type"),
        (lambda x: 3, "of type int"),
        (lambda x: [x[0], x[1, :3]], "batch 1: x: samples of shape [3, 5, 3]"),
        (lambda x: "nowhere.npy", "no such file"),
    ],
)
def test_errors(x, data, message):
    with pytest.raises(UsageError) as error:
        list(batches(separable_net(), data(x)))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_nhwc_given_for_nchw_is_said(x):
    graph = replace(separable_net(), layouts={"x": (0, 2, 3, 1)})
    with pytest.raises(UsageError, match="looks like NHWC; the model was trained with NCHW"):
        list(batches(graph, x))


@pytest.mark.parametrize("content", [b"", b"not numpy", b"PK\x03\x04rubbish"])
@pytest.mark.parametrize("name", ["X.npy", "X.npz"])
def test_damaged_files(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"no plain array|not an \.npy or \.npz file"):
        list(batches(separable_net(), path))


def test_pickles_are_not_read(tmp_path):
    np.save(tmp_path / "X.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(UsageError, match="plain numbers"):
        list(batches(separable_net(), tmp_path / "X.npy"))
