"""PlatformIO extra script: write lib/<model> again during `pio run` when the model's file has changed.

    [env:esp32dev]
    extra_scripts = pre:lib/mcuq/mcuq_generate.py
    custom_mcuq_model = model.tflite

Optional, for the same section:

    custom_mcuq_name = wake_word            the model's name in C; default: the file's
    custom_mcuq_calibration = samples.npz   as in `mcuq build --calibration`
    custom_mcuq_board = esp32dev            default: the environment's board
    custom_mcuq_command = .venv/bin/mcuq    default: mcuq in PlatformIO's Python, else on the PATH

Several models: one file a line, without a name of their own. Of the project only lib/ and the models' .mcuq files are
written. The first time, `mcuq build model.tflite --board B --out .` brings this script into lib/mcuq.
"""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

from SCons.Script import DefaultEnvironment

env = DefaultEnvironment()
project = Path(env.subst("$PROJECT_DIR"))
stamps = Path(env.subst("$PROJECT_WORKSPACE_DIR")) / "mcuq"


def fail(message):
    """End the build with one line."""
    sys.stderr.write(f"Error: {message}\n")
    env.Exit(1)


def option(name):
    """Return a custom_mcuq_ option of this environment, or an empty text."""
    return (env.GetProjectOption(f"custom_mcuq_{name}", "") or "").strip()


def command():
    """Return how to call mcuq: it may live in another Python than PlatformIO."""
    if option("command"):
        return [str(project / option("command")) if "/" in option("command") else option("command")]
    if importlib.util.find_spec("mcuq"):
        return [sys.executable, "-m", "mcuq"]
    if path := shutil.which("mcuq"):
        return [path]
    fail("mcuq is not found: pip install mcuq, or name it in custom_mcuq_command")
    return []


def mcuq(*arguments):
    """Run mcuq; return what it prints."""
    try:
        done = subprocess.run([*command(), *arguments], cwd=project, capture_output=True, text=True, check=False)
    except OSError as error:
        fail(f"{option('command') or 'mcuq'}: {error.strerror}")
    if done.returncode != 0:
        fail("; ".join(line.strip() for line in done.stderr.splitlines() if line.strip()) or "mcuq failed")
    return done.stdout


def arguments_of(model):
    """Return the arguments of `mcuq build` for a model's file."""
    board = option("board") or env.GetProjectOption("board", "")
    if not board:
        fail(f"env:{env['PIOENV']} has no board: set custom_mcuq_board, so that mcuq knows what the model must fit")
    arguments = ["build", model, "--board", board, "--out", ".", "--json"]
    frameworks = [name for name in env.GetProjectOption("framework", []) if name in ("arduino", "espidf")]
    for name, value in (
        ("framework", frameworks[0] if frameworks else ""),
        ("name", option("name")),
        ("calibration", option("calibration")),
    ):
        if value:
            arguments += [f"--{name}", value]
    return arguments


def fingerprint(arguments, files):
    """Return what a library depends on: mcuq, its arguments and the files it reads."""
    digest = hashlib.sha256("\n".join([mcuq("--version"), *arguments]).encode())
    for name in files:
        if not (project / name).is_file():
            fail(f"{name}: no such file in {project}")
        digest.update((project / name).read_bytes())
    return digest.hexdigest()


def remembered(stamp):
    """Return what was noted when a library was generated; nothing if that is missing or damaged."""
    try:
        known = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def generate(model):
    """Write a model's library unless it is there and nothing it depends on has changed."""
    arguments = arguments_of(model)
    wanted = fingerprint(arguments, [name for name in (model, option("calibration")) if name])
    stamp = stamps / f"{Path(model).name}.json"
    known = remembered(stamp)
    name = known.get("name", "")
    interrupted = (project / ".mcuq-partial" / "journal").exists()  # by a crash; mcuq finishes it
    written = [project / f"{name}.mcuq", *(project / "lib" / part / "library.json" for part in ("mcuq", name))]
    if not interrupted and known.get("fingerprint") == wanted and all(path.is_file() for path in written):
        return
    print(f"mcuq: generating the library of {model}")
    name = json.loads(mcuq(*arguments))["model"]
    stamp.parent.mkdir(parents=True, exist_ok=True)
    beside = stamp.with_suffix(".partial")
    beside.write_text(json.dumps({"name": name, "fingerprint": wanted}))
    beside.replace(stamp)


if not env.IsCleanTarget():
    models = option("model").splitlines()
    if not models:
        fail(f"env:{env['PIOENV']} has no custom_mcuq_model")
    for line in models:
        if line.strip():
            generate(line.strip())
