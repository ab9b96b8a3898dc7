"""Nothing of a SavedModel runs: no initializer, no restorer, no function but the one that serves, and that computes."""

import importlib
import shutil

import numpy as np
import pytest
from hostile import assert_harmless
from requirements import require

require("tensorflow")

pytestmark = pytest.mark.xdist_group("tensorflow")


@pytest.fixture(scope="module")
def tf():
    return importlib.import_module("tensorflow")


@pytest.fixture
def hostile(tf, tmp_path, run):
    """Save a module whose call and initializer are given, and try it."""

    def attempt(match, call, initialize=None, loads=True):
        class Resource(tf.saved_model.experimental.TrackableResource if initialize else object):
            def _create_resource(self):
                return tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.float32)

            def _initialize(self):
                initialize()

            def _destroy_resource(self):
                pass

        class Module(tf.Module):
            def __init__(self):
                super().__init__()
                self.weights = tf.Variable(np.ones((4, 2), np.float32))
                if initialize:
                    self.resource = Resource()
                    _ = self.resource.resource_handle

            @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, name="x")])
            def __call__(self, x):
                if initialize:
                    self.resource.resource_handle  # noqa: B018 - captured, so that it is saved
                return {"y": call(x) @ self.weights}

        path = tmp_path / "net"
        module = Module()
        tf.saved_model.save(module, str(path), signatures=module.__call__)
        mark = tmp_path / "ran"
        mark.unlink(missing_ok=True)
        if loads and initialize:
            tf.saved_model.load(str(path))  # TensorFlow itself runs it
            assert mark.exists()
            mark.unlink()
        assert_harmless(run, path, match)

    return attempt


def test_an_initializer_is_not_run(tf, hostile, tmp_path):
    mark = str(tmp_path / "ran")
    hostile("holds a WriteFile in its function __inference", tf.identity, lambda: tf.io.write_file(mark, "x"))


def test_an_initializer_of_prints(tf, hostile, tmp_path):
    mark = f"file://{tmp_path / 'ran'}"
    hostile("holds a PrintV2 in its function", tf.identity, lambda: tf.print("x", output_stream=mark))


def test_what_serves_writes_no_file(tf, hostile, tmp_path):
    def call(x):
        tf.io.write_file(str(tmp_path / "ran"), "x")
        return x

    hostile("holds a WriteFile in its function", call)


def test_what_serves_reads_no_file(tf, hostile):
    def call(x):
        return x + tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), tf.float32)

    hostile("holds a ", call)


def test_what_serves_calls_no_python(tf, hostile):
    def call(x):
        return tf.reshape(tf.numpy_function(lambda x: x, [x], tf.float32), (-1, 4))

    hostile("PyFunc in its function", call)


def test_what_serves_keeps_no_state(tf, hostile):
    def call(x):
        return x + tf.random.uniform((4,))

    hostile("holds a RandomUniform in its function", call)


def edited(source, target, tf, change):
    """Copy a SavedModel with its description changed."""
    saved_model_pb2 = importlib.import_module("tensorflow.core.protobuf.saved_model_pb2")
    shutil.copytree(source, target)
    description = saved_model_pb2.SavedModel.FromString((source / "saved_model.pb").read_bytes())
    change(description.meta_graphs[0])
    (target / "saved_model.pb").write_bytes(description.SerializeToString())
    return target


@pytest.fixture(scope="module")
def plain(tf, tmp_path_factory):
    keras = importlib.import_module("keras")
    path = tmp_path_factory.mktemp("plain") / "net"
    keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(2)]).export(path, verbose=False)
    return path


def test_a_plain_one_is_read(plain, run):
    assert run("inspect", plain)[0] == 0


@pytest.mark.parametrize("op", ["PyFuncStateless", "DebugIdentity", "Copy", "_Recv", "XlaLaunch", "Evil", "ReadFile"])
def test_operators_that_call_themselves_harmless(tf, plain, tmp_path, run, op):
    """Some reach out of TensorFlow although it says that they have no state."""

    def change(meta):
        for function in meta.graph_def.library.function:
            for node in function.node_def:
                if node.op == "MatMul":
                    node.op = op

    assert_harmless(run, edited(plain, tmp_path / "net", tf, change), f"holds a {op} in its function")


def test_variables_without_values(tf, plain, tmp_path, run):
    def change(meta):
        for function in meta.graph_def.library.function:
            for node in function.node_def:
                if node.op == "RestoreV2":
                    node.op = "NoOp"

    assert_harmless(run, edited(plain, tmp_path / "net", tf, change), "has no value in the file")


def test_a_damaged_checkpoint(plain, tmp_path, run):
    for name in ("variables.index", "variables.data-00000-of-00001"):
        path = tmp_path / name.partition(".")[2]
        shutil.copytree(plain, path)
        content = (path / "variables" / name).read_bytes()
        (path / "variables" / name).write_bytes(content[:10])
        assert_harmless(run, path, "its variables cannot be read")


def test_a_graph_that_is_cut(tf, plain, tmp_path, run):
    def change(meta):
        del meta.graph_def.node[:]

    assert_harmless(run, edited(plain, tmp_path / "net", tf, change), "its graph has no ")
