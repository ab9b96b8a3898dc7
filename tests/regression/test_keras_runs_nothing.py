"""Nothing of a ``.keras`` or ``.h5`` file runs: only Keras' own layers are built, and nothing is compiled."""

import importlib
import json
import shutil
import zipfile

import pytest
from hostile import assert_harmless, rewritten
from requirements import require

require("tensorflow")

pytestmark = pytest.mark.xdist_group("tensorflow")
FORMATS = [".keras", ".h5"]


@pytest.fixture(scope="module")
def keras():
    return importlib.import_module("keras")


@pytest.fixture(scope="module")
def plain(keras, tmp_path_factory):
    """A model within a model, compiled: both formats."""
    folder = tmp_path_factory.mktemp("plain")
    inner = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="relu")])
    inner.compile("adam", "mse")
    x = keras.Input((6,), name="x")
    model = keras.Model(x, keras.layers.Dense(2)(inner(x)))
    model.compile("adam", "mse")
    for suffix in FORMATS:
        model.save(folder / f"net{suffix}")
    return folder


@pytest.fixture
def hostile(plain, tmp_path, run):
    """Change the description of either format's file, and try it."""

    def attempt(change, match, suffix=".keras"):
        path = tmp_path / f"net{suffix}"

        def edit(content):
            config = json.loads(content)
            change(config)
            return json.dumps(config).encode()

        if suffix == ".keras":
            rewritten(plain / "net.keras", path, {"config.json": edit})
        else:
            shutil.copy(plain / "net.h5", path)
            with importlib.import_module("h5py").File(path, "r+") as file:
                file.attrs["model_config"] = edit(file.attrs["model_config"])
        assert_harmless(run, path, match)

    return attempt


def layers(config):
    return config["config"]["layers"]


def described(kind, module="keras.layers", **config):
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """A module that would be imported; it leaves a file."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "evil.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')\ndef run(*args, **kwargs): pass\nEvil = run\n"
    )
    monkeypatch.syspath_prepend(folder)
    return "evil"


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_plain_file_is_read(plain, run, suffix):
    assert run("inspect", plain / f"net{suffix}")[0] == 0


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("depth", ["model", "inner"])
def test_what_compiles_a_model_is_not_built(plain, hostile, evil, tmp_path, run, suffix, depth):
    """Keras builds the ``compile_config`` of an object within an object, whatever ``compile`` says."""

    def change(config):
        target = config if depth == "model" else layers(config)[1]
        target["compile_config"] = {"optimizer": "sgd", "loss": described("run", evil), "metrics": [evil]}

    if suffix == ".h5":
        hostile(change, "holds a compile_config", suffix)
        return
    path = tmp_path / "net.keras"

    def edit(content):
        config = json.loads(content)
        change(config)
        return json.dumps(config).encode()

    rewritten(plain / "net.keras", path, {"config.json": edit})
    assert run("inspect", path)[0] == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("Evil", "evil"),
        ("TFSMLayer", "keras.layers"),
        ("JaxLayer", "keras.layers"),
        ("TorchModuleWrapper", "keras.layers"),
        ("StringLookup", "keras.layers"),
        ("TextVectorization", "keras.layers"),
        ("get_file", "keras.utils"),
        ("load_model", "keras.saving"),
        ("Scan", "keras.src.ops.core"),
        ("__builtins__", ""),
        ("deserialize", ""),
        ("TypeSpec", ""),
        ("__typespec__", "evil"),
        ("Dense", "evil"),
        ("Dense", "keras.src.evil"),
    ],
)
def test_other_classes_are_not_built(hostile, evil, suffix, kind, module):
    code = kind in ("TFSMLayer", "JaxLayer", "TorchModuleWrapper")
    layer = described(kind, module, name="layer", filepath="x", vocabulary="/etc/passwd")
    match = f"the layer 'layer' is a {kind}: that is code" if code else f"Keras has no {kind} (1)"
    hostile(lambda config: layers(config).append(layer), match, suffix)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ["__lambda__", "Lambda"])
def test_functions_of_a_file_are_not_called(hostile, suffix, name):
    value = described(name, "builtins", value=["code", None, None])
    hostile(lambda config: layers(config)[2]["config"].update(activation=value), "that is code", suffix)


@pytest.mark.parametrize(
    "function",
    [
        {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"},
        {"class_name": "function", "module": "builtins", "config": "exec", "registered_name": "exec"},
        {"class_name": "function", "module": "keras.saving", "config": "load_model", "registered_name": "load_model"},
        {"class_name": "function", "module": "builtins", "config": "relu", "registered_name": "evil>run"},
        {"class_name": "function", "module": ["os"], "config": "relu"},
        {"class_name": "function", "module": "builtins"},
        {"class_name": ["function"], "module": "os", "config": "system"},
    ],
)
def test_other_functions_are_not_called(hostile, function):
    """As deep as a layer's argument's argument."""

    def change(config):
        layers(config)[1]["config"]["layers"][1]["config"]["kernel_initializer"]["config"]["seed"] = function

    hostile(change, "net.keras: ")


def test_registered_names_are_not_looked_up(hostile):
    hostile(lambda config: layers(config)[2].update(registered_name="evil>Dense"), "Keras has no evil>Dense (1)")


def test_weights_are_in_the_file_itself(plain, tmp_path, run):
    h5py = importlib.import_module("h5py")
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(64))
    for kind in ("external data", "external link", "soft link", "virtual"):
        path = tmp_path / "net.h5"
        shutil.copy(plain / "net.h5", path)
        with h5py.File(path, "r+") as file:
            if kind == "external data":
                file.create_dataset("x", (16,), "f4", external=[(str(secret), 0, 64)])
            elif kind == "virtual":
                layout = h5py.VirtualLayout((4,), "f4")
                layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (4,))
                file.create_virtual_dataset("x", layout)
            else:
                file["x"] = h5py.SoftLink("/y") if kind == "soft link" else h5py.ExternalLink("other.h5", "/x")
        assert_harmless(run, path, "its x is a link" if "link" in kind else "its x takes data from other files")


def test_weights_that_unpack_to_much(plain, tmp_path, run):
    path = tmp_path / "net.h5"
    shutil.copy(plain / "net.h5", path)
    with importlib.import_module("h5py").File(path, "r+") as file:
        file.create_dataset("x", (1 << 34,), "f4", chunks=(1 << 16,), compression="gzip")
    assert_harmless(run, path, "at most 268435456 are read")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(plain, tmp_path, run):
    path = tmp_path / "net.keras"
    shutil.copy(plain / "net.keras", path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("config.json", b"{}")
    assert_harmless(run, path, "holds config.json twice")


def test_names_in_capitals_are_other_names(plain, tmp_path, run):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(plain / "net.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name.upper(), source.read(name))
    assert_harmless(run, path, "holds no config.json")


def test_an_archive_in_an_archive(plain, tmp_path, run):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net.keras", (plain / "net.keras").read_bytes())
    assert_harmless(run, path, "holds no config.json")


def test_a_lambda_of_keras(keras, tmp_path, run):
    mark = tmp_path / "ran"
    file = str(mark)
    trap = keras.layers.Lambda(lambda x: [open(file, "w").close(), x][1], output_shape=(6,), name="trap")  # noqa: PTH123
    for suffix in FORMATS:
        keras.Sequential([keras.Input((6,)), trap]).save(tmp_path / f"net{suffix}")
        mark.unlink(missing_ok=True)
        assert_harmless(run, tmp_path / f"net{suffix}", "the layer 'trap' is a Lambda: that is code")
