"""PlatformIO without its registry: its one required package, tool-scons, made from the SCons of this environment."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from requirements import require, require_module

TOOL_SCONS = "tool-scons"


@dataclass(frozen=True)
class PlatformIO:
    """The `pio` command with a core folder of its own, so that nothing is shared with the user's."""

    core: Path

    def run(self, *arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one command; the caller looks at its status. Standard output and error come as one text."""
        settings = {
            "PLATFORMIO_CORE_DIR": str(self.core),
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
            "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "100000",
            "PLATFORMIO_SETTING_CHECK_PRUNE_SYSTEM_THRESHOLD": "0",
            "PLATFORMIO_NO_ANSI": "true",
            # Nothing may be fetched: a request that is tried fails at once instead of waiting.
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"),
        }
        command = [sys.executable, "-m", "platformio", *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | settings | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def succeeds(self, *arguments: str | Path, cwd: Path, **environment: str) -> str:
        """Run one command that must succeed; return what it prints."""
        done = self.run(*arguments, cwd=cwd, **environment)
        assert done.returncode == 0, done.stdout
        return done.stdout


def offline_platformio(core: Path) -> PlatformIO:
    """Make a core folder with tool-scons in it."""
    require("platformio")
    scons = Path(require_module("SCons").__file__ or "").parent
    dependencies = require_module("platformio.dependencies").get_core_dependencies()
    major, minor, patch = version("scons").split(".")
    number = f"4.{major}{int(minor):02d}{int(patch):02d}.0"
    assert dependencies[TOOL_SCONS] == f"~{number}", "the SCons here is not the one that PlatformIO wants"
    package = core / "packages" / TOOL_SCONS
    package.mkdir(parents=True)
    shutil.copytree(scons, package / "SCons", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "scons.py").write_text("import SCons.Script\n\nSCons.Script.main()\n")
    spec = {"owner": "platformio", "id": None, "name": TOOL_SCONS, "requirements": None, "uri": None}
    (package / "package.json").write_text(json.dumps({"name": TOOL_SCONS, "version": number}))
    (package / ".piopm").write_text(json.dumps({"type": "tool", "name": TOOL_SCONS, "version": number, "spec": spec}))
    return PlatformIO(core)
