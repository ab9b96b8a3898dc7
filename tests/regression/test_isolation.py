"""A file that hangs, crashes or fills memory costs one line, and a framework that opens one has no network."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hostile import assert_harmless
from requirements import require

from mcuq import archive
from mcuq.errors import MalformedModelError, UsageError
from mcuq.frontends.isolation import read_isolated
from mcuq.frontends.onnx import read_onnx
from mcuq.passes.prepare import prepare

MAIN = Path(__file__).parents[2]


@pytest.fixture
def framework(tmp_path, monkeypatch):
    """Let a package of that source pass for onnx, in the process that opens a file; return a file for it."""
    folder, temporary = tmp_path / "packages", tmp_path / "temporary"
    (folder / "onnx").mkdir(parents=True)
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    path = tmp_path / "model.onnx"
    path.write_bytes(b"anything")

    def of(source):
        (folder / "onnx" / "__init__.py").write_text(source)
        return path

    yield of
    assert not list(temporary.iterdir())


def gone(pid, seconds=10.0):
    """Whether a process ends within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_hang_ends(framework, tmp_path):
    mark = tmp_path / "pid"
    path = framework(f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")

    with pytest.raises(UsageError, match=r"model\.onnx: takes more than 3 s to open: .*--load-timeout"):
        read_isolated(path, 3)
    if mark.exists():  # the machine was not too busy to get there
        assert gone(mark.read_text())


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_crash_is_a_line(framework):
    path = framework("import os, tempfile\ntempfile.mkdtemp()\nos.abort()")

    with pytest.raises(MalformedModelError, match=r"model\.onnx: its reader crashed \(SIGABRT\)") as caught:
        read_isolated(path, 60)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
def test_a_bomb_is_a_line(framework):
    path = framework("import numpy\nnumpy.ones(3 << 30, numpy.uint8)")

    with pytest.raises(MalformedModelError, match="needs more memory than there is"):
        read_isolated(path, 60)


def test_what_is_printed_is_no_answer(framework):
    path = framework("import os\nos.write(1, b'M')\nprint('M')\nos._exit(0)")

    with pytest.raises(MalformedModelError, match="its reader crashed"):
        read_isolated(path, 60)


def test_whatever_is_raised_is_a_line(framework):
    path = framework("class Odd(Exception): pass\nraise Odd('one\\ntwo \\x1b[2J' + 'x' * 1000)")

    with pytest.raises(MalformedModelError, match=r"model\.onnx: damaged, or not .* \(one\)$"):
        read_isolated(path, 60)


UNSHARE = (
    "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x40000000) and ctypes.CDLL(None).unshare(0x50000000))"
)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not take the network away")
def test_there_is_no_network(framework):
    if subprocess.run([sys.executable, "-c", UNSHARE], check=False).returncode != 0:
        pytest.skip("this system does not let this user leave the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        port = server.getsockname()[1]
        path = framework(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 5)")
        with pytest.raises(UsageError, match="cannot read"):
            read_isolated(path, 60)
        with pytest.raises(TimeoutError):
            server.accept()


def test_the_folder_of_the_model_is_not_imported(tmp_path, monkeypatch, run):
    """Not even if it is the working directory, where ``python -m`` looks first."""
    require("onnx")
    for name in ("json", "onnx", "numpy", "mcuq"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (tmp_path / "model.onnx").write_bytes(b"anything")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *(entry for entry in sys.path if entry)])

    assert_harmless(run, tmp_path / "model.onnx", "not an ONNX model")


@pytest.fixture
def model(tmp_path):
    require("onnx")
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString())
    return path


def test_the_model_is_the_same(model):
    assert archive.float_digest(read_isolated(model, 60)) == archive.float_digest(prepare(read_onnx(model)))


def test_a_script_without_a_guard_runs_once(model, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"import mcuq\nprint(mcuq.load({str(model)!r}).name)\n")
    environment = {**os.environ, "PYTHONPATH": str(MAIN)}
    result = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)

    assert (result.stdout, result.stderr) == ("model\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_process_ends_with_its_parent(framework, tmp_path, number):
    mark = tmp_path / "pid"
    path = framework(f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    opening = "from pathlib import Path\nfrom mcuq.frontends.isolation import read_isolated\n"
    opening += "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in the background
    script = f"{opening}read_isolated(Path({str(path)!r}), 500)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path[:1], str(MAIN), *sys.path[1:]])}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.DEVNULL)
    for _ in range(600):
        if mark.exists() and mark.read_text():
            break
        time.sleep(0.1)
    parent.send_signal(number)
    parent.wait()

    assert gone(mark.read_text())
    for left in (tmp_path / "temporary").glob("mcuq-*"):  # of the parent that had no time to tidy up
        left.rmdir()


def test_the_time_is_an_option(framework, run):
    path = framework("import time\ntime.sleep(600)")

    assert_harmless(run, path, "takes more than 0.5 s to open", options=("--load-timeout", "0.5"))
    status, _, err = run("inspect", path, "--load-timeout", "soon")
    assert (status, err.count("\n")) == (2, 1) and "'soon' is no number of seconds" in err
