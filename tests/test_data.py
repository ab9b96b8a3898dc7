"""Samples from files: layouts, types, and one clear line for anything else."""

import numpy as np
import pytest
from models import small_graph

from mcuq.data import read_samples, sample_shape, to_integers, write_outputs
from mcuq.errors import UsageError
from mcuq.tensor import QTensor

IMAGE = QTensor((1, 6, 5, 3), 0.05, -3)


@pytest.fixture
def graph(rng):
    return small_graph(rng)


def test_npy_with_and_without_batch_dimension(graph, tmp_path, rng):
    x = rng.integers(-128, 128, (4, 6, 5, 3)).astype(np.int8)
    np.save(tmp_path / "a.npy", x)
    np.save(tmp_path / "b.npy", x[:, np.newaxis])
    a, b = (read_samples(tmp_path / n, graph) for n in ("a.npy", "b.npy"))

    assert len(a) == 4
    np.testing.assert_array_equal(a.inputs["image"], b.inputs["image"])


def test_npz_with_labels(graph, tmp_path, rng):
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 6, 5, 3), np.int8), Y=np.array([[1], [2], [0]]))
    samples = read_samples(tmp_path / "a.npz", graph)

    np.testing.assert_array_equal(samples.labels, [1, 2, 0])


def test_npz_by_input_name(graph, tmp_path):
    np.savez(tmp_path / "a.npz", image=np.zeros((3, 6, 5, 3), np.int8))

    assert len(read_samples(tmp_path / "a.npz", graph)) == 3


@pytest.mark.parametrize(
    ("real", "q"), [(0.0, -3), (0.025, -2), (-0.025, -4), (0.075, -1), (1e9, 127), (-1e9, -128), (6.5, 127)]
)
def test_floats_are_quantized_half_away_from_zero(real, q):
    tensor = QTensor((1, 1), 0.05, -3)

    assert to_integers(np.array([[real]]), tensor, "x").ravel() == [q]


BAD = {
    "wrong shape": (np.zeros((2, 6, 5, 4), np.int8), "expected"),
    "NCHW": (np.zeros((2, 3, 6, 5), np.int8), "NCHW"),
    "scalar": (np.int8(3), "expected"),
    "NaN": (np.full((1, 6, 5, 3), np.nan), "NaN"),
    "text": (np.full((1, 6, 5, 3), "a"), "type"),
    "complex": (np.zeros((1, 6, 5, 3), complex), "type"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_samples(graph, tmp_path, case):
    array, message = BAD[case]
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(UsageError, match=message) as error:
        read_samples(tmp_path / "x.npy", graph)

    assert "x.npy" in str(error.value)
    assert "\n" not in str(error.value)


def test_stored_integers_must_be_the_models(graph, tmp_path):
    np.save(tmp_path / "x.npy", np.full((1, 6, 5, 3), 200))
    with pytest.raises(UsageError, match=r"200\.\.200 are not int8"):
        read_samples(tmp_path / "x.npy", graph, "stored")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"garbage" * 99, b"PK\x03\x04broken"])
def test_bad_files(graph, tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        read_samples(path, graph)


def test_missing_and_empty(graph, tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_samples(tmp_path / "nothing.npy", graph)
    np.save(tmp_path / "x.npy", np.zeros((0, 6, 5, 3), np.int8))
    with pytest.raises(UsageError, match="no samples"):
        read_samples(tmp_path / "x.npy", graph)
    np.savez(tmp_path / "y.npz", Z=np.zeros(3), other=np.zeros(3))
    with pytest.raises(UsageError, match="no array 'X' or 'image'; the file holds Z, other"):
        read_samples(tmp_path / "y.npz", graph)
    np.savez(tmp_path / "z.npz", X=np.zeros((2, 6, 5, 3), np.int8), Y=np.zeros(3))
    with pytest.raises(UsageError, match="different numbers"):
        read_samples(tmp_path / "z.npz", graph)


def test_pickled_arrays_are_not_read(graph, tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(UsageError):
        read_samples(tmp_path / "x.npy", graph)


def test_outputs_are_written_without_the_batch_dimension(graph, tmp_path):
    scores = np.zeros((2, 1, 6, 5, 4), np.int8)
    write_outputs(tmp_path / "y.npy", graph, {"scores": scores}, real=False)
    write_outputs(tmp_path / "r.npy", graph, {"scores": scores}, real=True)

    assert np.load(tmp_path / "y.npy").shape == (2, 6, 5, 4)
    assert np.load(tmp_path / "r.npy").dtype == np.float32
    assert np.all(np.load(tmp_path / "r.npy") == 0.5)
    with pytest.raises(UsageError, match=r"\.npy"):
        write_outputs(tmp_path / "y.txt", graph, {"scores": scores}, real=False)


def test_sample_shape_drops_only_a_batch_of_one():
    assert sample_shape((1, 4)) == (4,)
    assert sample_shape((3, 4)) == (3, 4)
    assert sample_shape((1,)) == (1,)
